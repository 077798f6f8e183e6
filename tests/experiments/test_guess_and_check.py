"""Guess and check: the stacked networks are torch's own, and what is kept fits."""

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from implicitbias.shapes import image_layer_shapes
from torch import nn

from implicitbias.errors import ConfigError
from implicitbias.experiments import guess_and_check, image_networks
from implicitbias.tasks.build import build


def module(architecture: str, shapes: list[tuple[int, ...]]) -> nn.Sequential:
    """The same network of torch's own layers, for images with one channel."""
    convolutions = [shape for shape in shapes if len(shape) == 4]
    parts: list[nn.Module] = [nn.MaxPool2d(2)] if architecture == "mlp" else []
    for rows, columns, *_ in convolutions:
        parts += [nn.Conv2d(columns, rows, 5), nn.ReLU(), nn.MaxPool2d(2)]
    if len(convolutions) == 1:
        parts.append(nn.MaxPool2d(2))
    parts.append(nn.Flatten())
    for shape in shapes[len(convolutions) :]:
        parts += [nn.Linear(shape[1], shape[0]), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


CASES = [("mlp", 5, 8), ("mlp", 2, 8), ("lenet", 5, 28), ("lenet", 4, 28), ("lenet", 3, 28), ("lenet", 2, 28)]


@pytest.mark.parametrize(("architecture", "depth", "side"), CASES)
def test_forward_is_torchs_own(architecture: str, depth: int, side: int) -> None:
    shapes = image_layer_shapes(architecture, depth, 0.5, side**2)
    assert len(shapes) == depth
    generator = torch.Generator().manual_seed(1)
    layers = image_networks.draw(shapes, 3, generator)
    layers = [layer._replace(bias=torch.randn(layer.bias.shape, generator=generator)) for layer in layers]
    images = torch.randn(3, 4, side, side, generator=generator)
    shared = image_networks.image_forward(layers, image_networks.prepare(architecture, images[0]))
    own = image_networks.image_forward(layers, image_networks.prepare(architecture, images))
    for member in range(3):
        net = module(architecture, shapes)
        with torch.no_grad():
            for parameter, value in zip(net.parameters(), (part for layer in layers for part in layer), strict=True):
                parameter.copy_(value[member])
        for found, points in ((shared, images[0]), (own, images[member])):
            assert torch.allclose(found[member], net(points[:, None]), rtol=1e-4, atol=1e-4 * found.abs().max())


def test_shapes_of_the_published_networks() -> None:
    lenet = image_layer_shapes("lenet", 5, 1.0, 28 * 28)
    assert lenet == [(6, 1, 5, 5), (16, 6, 5, 5), (120, 256), (84, 120), (2, 84)]
    assert image_layer_shapes("mlp", 5, 1 / 6, 28 * 28) == [(20, 196), (10, 20), (5, 10), (2, 5), (2, 2)]
    assert image_layer_shapes("mlp", 3, 1.0, 28 * 28) == [(30, 196), (12, 30), (2, 12)]


def test_a_factor_of_five_digits_is_the_fraction_that_it_stands_for() -> None:
    """The widths of Peleg & Hein's w = 2/6, 4/6; rounding 120 * .33333 down would leave 39 neurons."""
    assert image_layer_shapes("mlp", 5, 0.33333, 784) == [(40, 196), (20, 40), (10, 20), (4, 10), (2, 4)]
    assert image_layer_shapes("lenet", 5, 0.33333, 784)[:3] == [(2, 1, 5, 5), (5, 2, 5, 5), (40, 80)]
    assert image_layer_shapes("lenet", 5, 0.66667, 784)[:3] == [(4, 1, 5, 5), (10, 4, 5, 5), (80, 160)]
    assert image_layer_shapes("lenet", 5, 0.16667, 784) == image_layer_shapes("lenet", 5, 1 / 6, 784)


@pytest.mark.parametrize(
    ("architecture", "depth", "factor", "pixels", "fragments"),
    [
        ("mlp", 5, 0.05, 64, "factor: 0.05 leaves no neurons .* 6, 3, 1, 0; allowed: at least 1/12"),
        ("lenet", 5, 0.1, 784, "factor: 0.1 leaves no neurons .* 0, 1, 12, 8; allowed: at least 1/6"),
        ("lenet", 5, 1.0, 64, "8 x 8 pixels are too small for a lenet of 5 layers; allowed: at least 16 x 16"),
        ("lenet", 2, 1.0, 49, "allowed: at least 8 x 8"),
        ("mlp", 5, 1.0, 10, "square images, not for 10 features"),
    ],
)
def test_networks_that_cannot_be_are_refused(
    architecture: str, depth: int, factor: float, pixels: int, fragments: str
) -> None:
    with pytest.raises(ConfigError, match=fragments):
        image_layer_shapes(architecture, depth, factor, pixels)


@pytest.mark.parametrize(("depth", "side"), [(5, 16), (4, 16), (3, 16), (2, 8)])
def test_the_smallest_images_of_a_lenet(depth: int, side: int) -> None:
    assert len(image_layer_shapes("lenet", depth, 1.0, side**2)) == depth
    with pytest.raises(ConfigError, match="too small"):
        image_layer_shapes("lenet", depth, 1.0, (side - 1) ** 2)


def test_guesses_fit_and_are_counted() -> None:
    """Of one point nearly half of all networks get the class; accepted ones fit all points, beyond the fourth."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(6, 16, generator=generator)
    shapes = image_layer_shapes("mlp", 5, 0.3, 64)
    kept, tried = guess_and_check.guess(shapes, x[:1], torch.tensor([1]), 10**9, 20_000, generator)
    assert tried == 20_000
    share = len(kept[0].weight) / tried  # where the last relus are off, outputs are equal: no class
    assert 0.3 < share < 0.5
    y = torch.tensor([0, 1, 0, 1, 1, 0])
    kept, tried = guess_and_check.guess(shapes, x, y, 3, 10**6, generator)
    assert len(kept[0].weight) == 3
    assert (image_networks.image_forward(kept, x).argmax(-1) == y).all()
    none, tried = guess_and_check.guess(shapes, x[[0, 0]], torch.tensor([0, 1]), 3, 5000, generator)
    assert (len(none[0].weight), tried) == (0, 5000)


def test_full_batch_descent_is_torchs_own() -> None:
    shapes = image_layer_shapes("mlp", 4, 0.3, 64)
    generator = torch.Generator().manual_seed(2)
    layers, x, y = (
        image_networks.image_initialise(shapes, 2, generator),
        torch.randn(6, 8, 8, generator=generator),
        torch.arange(6) % 2,
    )
    nets = []
    for member in range(2):
        net = module("mlp", shapes)
        with torch.no_grad():
            for parameter, value in zip(net.parameters(), (part for layer in layers for part in layer), strict=True):
                parameter.copy_(value[member])
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[:, None]), y).backward()
            optimizer.step()
        nets.append(net(x[:, None]))
    guess_and_check.image_descend(layers, image_networks.prepare("mlp", x), y, 0.1, 6, 20, generator)
    found = image_networks.image_forward(layers, image_networks.prepare("mlp", x))
    assert torch.allclose(found, torch.stack(nets), rtol=1e-3, atol=1e-4)


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
    with pytest.raises(ConfigError, match="square images, not for 10 features"):
        guess_and_check.guess_and_check(points)
    with pytest.raises(ConfigError, match="16 x 16"):
        guess_and_check.guess_and_check(small_task(), architecture="lenet")
