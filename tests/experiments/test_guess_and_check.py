"""Guess and check: the stacked networks are torch's own, and what is kept fits."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from implicitbias.errors import ConfigError
from implicitbias.experiments import guess_and_check
from implicitbias.networks import Network, network_of
from implicitbias.networks.layers import Convolution
from implicitbias.networks.stacked import forward
from implicitbias.tasks.build import build


def classifier(architecture: str, depth: int, factor: float, side: int) -> Network:
    parameters = {"architecture": architecture, "depth": depth, "factor": factor, "activation": "plain_relu"}
    return network_of(parameters, (1, side, side), outputs=2)


def module(architecture: str, network: Network, weights: Sequence[Tensor], member: int) -> nn.Sequential:
    """A member, of torch's own layers, for images with one channel."""
    convolutions = [weight for weight in network.weights if isinstance(weight.layer, Convolution)]
    parts: list[nn.Module] = [nn.MaxPool2d(2)] if architecture == "pooled_mlp" else []
    for weight in convolutions:
        parts += [nn.Conv2d(weight.inputs // 25, weight.rows, 5), nn.ReLU(), nn.MaxPool2d(2)]
    if len(convolutions) == 1:
        parts.append(nn.MaxPool2d(2))
    parts.append(nn.Flatten())
    for weight in network.weights[len(convolutions) :]:
        parts += [nn.Linear(weight.inputs, weight.rows), nn.ReLU()]
    net = nn.Sequential(*parts[:-1])
    with torch.no_grad():
        own = [part for each in weights for part in (each[member, :, :-1], each[member, :, -1])]
        for parameter, value in zip(net.parameters(), own, strict=True):
            parameter.copy_(value.reshape(parameter.shape))
    return net


CASES = [("pooled_mlp", depth, 8) for depth in (5, 4, 3, 2, 1)] + [("lenet", depth, 28) for depth in (5, 4, 3, 2)]


@pytest.mark.parametrize(("architecture", "depth", "side"), CASES)
def test_forward_is_torchs_own(architecture: str, depth: int, side: int) -> None:
    network = classifier(architecture, depth, 0.5, side)
    generator = torch.Generator().manual_seed(1)
    weights = guess_and_check.draw(network, 3, generator)
    for weight in weights:
        weight[..., -1] = torch.randn(weight.shape[:2], generator=generator)
    images = torch.randn(3, 4, side**2, generator=generator)
    shared, own = forward(network, weights, images[0]), forward(network, weights, images)
    for member in range(3):
        net = module(architecture, network, weights, member)
        for found, points in ((shared, images[0]), (own, images[member])):
            expected = net(points.reshape(-1, 1, side, side))
            assert torch.allclose(found[member], expected, rtol=1e-4, atol=1e-4 * found.abs().max())


def test_shapes_of_the_published_networks() -> None:
    """With a column of biases each."""
    assert classifier("lenet", 5, 1.0, 28).shapes == [(6, 26), (16, 151), (120, 257), (84, 121), (2, 85)]
    assert classifier("pooled_mlp", 5, 1 / 6, 28).shapes == [(20, 197), (10, 21), (5, 11), (2, 6), (2, 3)]
    assert classifier("pooled_mlp", 3, 1.0, 28).shapes == [(30, 197), (12, 31), (2, 13)]


def test_a_factor_of_five_digits_is_the_fraction_that_it_stands_for() -> None:
    """The widths of Peleg & Hein's w = 2/6, 4/6; rounding 120 * .33333 down would leave 39 neurons."""
    assert classifier("pooled_mlp", 5, 0.33333, 28).shapes == [(40, 197), (20, 41), (10, 21), (4, 11), (2, 5)]
    assert classifier("lenet", 5, 0.33333, 28).shapes[:3] == [(2, 26), (5, 51), (40, 81)]
    assert classifier("lenet", 5, 0.66667, 28).shapes[:3] == [(4, 26), (10, 101), (80, 161)]
    assert classifier("lenet", 5, 0.16667, 28).shapes == classifier("lenet", 5, 1 / 6, 28).shapes


@pytest.mark.parametrize(
    ("architecture", "depth", "factor", "side", "fragments"),
    [
        ("pooled_mlp", 5, 0.05, 8, "factor = 0.05 leaves no neurons .* 6, 3, 1, 0; allowed: at least 1/12"),
        ("lenet", 5, 0.1, 28, "factor = 0.1 leaves no neurons .* 0, 1; allowed: at least 1/6"),
        ("lenet", 5, 1.0, 8, r"'lenet' on inputs of shape \(1, 8, 8\): images of 2 x 2 pixels are too small"),
        ("lenet", 2, 1.0, 7, "1 x 1 pixels are too small for pooling 2 x 2; allowed: larger images, or fewer layers"),
        ("pooled_mlp", 5, 1.0, 1, "1 x 1 pixels are too small for pooling 2 x 2"),
    ],
)
def test_networks_that_cannot_be_are_refused(
    architecture: str, depth: int, factor: float, side: int, fragments: str
) -> None:
    with pytest.raises(ConfigError, match=fragments):
        classifier(architecture, depth, factor, side)


@pytest.mark.parametrize(("depth", "side"), [(5, 16), (4, 16), (3, 16), (2, 8)])
def test_the_smallest_images_of_a_lenet(depth: int, side: int) -> None:
    assert classifier("lenet", depth, 1.0, side).depth == depth
    with pytest.raises(ConfigError, match="too small"):
        classifier("lenet", depth, 1.0, side - 1)


def test_weights_are_drawn_a_layer_at_a_time_without_biases() -> None:
    """The numbers do not depend on where biases stand."""
    network = classifier("lenet", 2, 1.0, 8)
    drawn = guess_and_check.draw(network, 3, torch.Generator().manual_seed(1))
    source = torch.Generator().manual_seed(1)
    for weight, found in zip(network.weights, drawn, strict=True):
        expected = torch.empty(3, weight.rows, weight.inputs).uniform_(-1, 1, generator=source)
        assert torch.equal(found[..., :-1], expected)
        assert not found[..., -1].any()
    for weight, found, started in zip(
        network.weights, drawn, guess_and_check.start(network, 3, torch.Generator().manual_seed(1)), strict=True
    ):
        assert torch.allclose(started, found * (6 / weight.inputs) ** 0.5)


@pytest.mark.parametrize(
    ("architecture", "depth", "factor", "side"), [("pooled_mlp", 5, 0.3, 8), ("lenet", 2, 1.0, 12)]
)
def test_guesses_fit_and_are_counted(architecture: str, depth: int, factor: float, side: int) -> None:
    """Of one point nearly half of all networks get the class; accepted ones fit all points, beyond the fourth."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(6, side**2, generator=generator)
    network = classifier(architecture, depth, factor, side)
    kept, tried = guess_and_check.guess(network, x[:1], torch.tensor([1]), 10**9, 20_000, generator)
    assert tried == 20_000
    share = len(kept[0]) / tried  # where the last relus are off, outputs are equal: no class
    assert 0.3 < share < 0.55
    y = torch.tensor([0, 1, 0, 1, 1, 0])
    kept, tried = guess_and_check.guess(network, x, y, 3, 10**6, generator)
    assert len(kept[0]) == 3
    assert (forward(network, kept, x).argmax(-1) == y).all()
    none, tried = guess_and_check.guess(network, x[[0, 0]], torch.tensor([0, 1]), 3, 5000, generator)
    assert (len(none[0]), tried) == (0, 5000)


@pytest.mark.parametrize(("architecture", "depth"), [("pooled_mlp", 4), ("lenet", 2)])
def test_full_batch_descent_is_torchs_own(architecture: str, depth: int) -> None:
    network = classifier(architecture, depth, 0.3, 8)
    generator = torch.Generator().manual_seed(2)
    weights = guess_and_check.start(network, 2, generator)
    x, y = torch.randn(6, 64, generator=generator), torch.arange(6) % 2
    images, expected = x.reshape(-1, 1, 8, 8), []
    for member in range(2):
        net = module(architecture, network, weights, member)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(images), y).backward()
            optimizer.step()
        expected.append(net(images))
    guess_and_check.descend(network, weights, x, y, 0.1, 6, 20, generator)
    assert torch.allclose(forward(network, weights, x), torch.stack(expected), rtol=1e-3, atol=1e-4)


def small_task(**changes: object) -> xr.Dataset:
    settings = {"source": "digits", "labels": "0v7", "balanced": True, "train_size": 4, "seed": [0]} | changes
    return build(**settings, raw_dir=Path()).sel(seed=0)


def test_the_experiment_by_its_parts() -> None:
    found = guess_and_check.guess_and_check(small_task(), factor=0.5, networks=20, draws=200_000)
    accuracy = found["test_accuracy"]
    assert ((accuracy > 0.5) & (accuracy <= 1)).all()
    assert int(found["fitting"].sel(found_by="guess")) == 20
    assert 1e-4 < float(found["guess_acceptance"]) < 0.2
    assert ((found["normalized_loss"] > 0) & (found["normalized_loss"] < np.log(2) + 0.05)).all()


def test_inputs_that_are_no_images_are_refused() -> None:
    points = build(source="gaussian", features=10, train_size=4, seed=[0], raw_dir=Path()).sel(seed=0)
    with pytest.raises(ConfigError, match=r"takes images; allowed: .*, not a vector"):
        guess_and_check.guess_and_check(points)
    with pytest.raises(ConfigError, match="too small for a convolution of 5 x 5"):
        guess_and_check.guess_and_check(small_task(), architecture="lenet")


def test_three_classes(tmp_path: Path) -> None:
    """Random and trained networks for three classes: those that are kept fit, and those that are tried count."""
    task = build(source="digits", labels="digit", classes=3, train_size=3, seed=[0], test_size=150, balanced=True,
                 raw_dir=tmp_path).isel(seed=0)  # fmt: skip
    found = guess_and_check.guess_and_check(task, factor=1.0, layers=2, networks=20, draws=20_000, epochs=200)
    assert (found.fitting > 5).all()
    assert (found.test_accuracy > 0.4).all()
    assert 1e-3 < found.guess_acceptance < 1e-2
    x, y = torch.tensor(task.train_input.values).float(), torch.tensor(task.train_label.values).long()
    network = network_of({"architecture": "pooled_mlp", "depth": 2, "activation": "plain_relu"}, (1, 8, 8), outputs=3)
    kept, tried = guess_and_check.guess(network, x, y, 7, 10**5, torch.Generator().manual_seed(0))
    outputs = forward(network, kept, x)
    assert len(outputs) == 7 <= tried
    assert (outputs.argmax(2) == y).all()
