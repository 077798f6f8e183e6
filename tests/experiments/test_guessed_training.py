"""Guessed gradients: the true one against autograd, guesses against what they are on the mean."""

from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

from implicitbias.experiments.guessed_training import RATES, TRUE, gradient, guessed_training
from implicitbias.experiments.guessing import GUESSES
from implicitbias.networks import network_of
from implicitbias.networks.backward import passed
from implicitbias.networks.stacked import Gradient
from implicitbias.tasks.build import build


def network() -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
    """Weights of two networks, points and classes."""
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(2, *shape, generator=generator) / 2 for shape in ((5, 4), (5, 5), (3, 5))]
    return weights, torch.randn(6, 4, generator=generator), torch.tensor([0, 1, 2, 0, 1, 2])


def by_layers() -> list[Gradient]:
    """Of the summed cross-entropy."""
    weights, x, y = network()
    layers = network_of({"activation": "plain_relu", "depth": 3, "width": 5}, 4, outputs=3)
    outputs, backward = passed(layers, weights, x.expand(2, -1, -1))
    return backward(torch.softmax(outputs, -1) - one_hot(y, 3))


def true_gradient() -> list[torch.Tensor]:
    weights, x, y = network()
    leaves = [weight.clone().requires_grad_(True) for weight in weights]
    h = x.expand(2, -1, -1)
    for weight in leaves[:-1]:
        h = torch.relu(h @ weight.mT)
    outputs = h @ leaves[-1].mT
    loss = sum(cross_entropy(each, y) for each in outputs)
    return list(torch.autograd.grad(loss, leaves))


def test_the_true_gradient_is_autograds() -> None:
    found = gradient(TRUE, network()[0], by_layers(), torch.Generator())
    for one, other in zip(found, true_gradient(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("kind", GUESSES)
def test_guesses_point_to_the_gradient_on_the_mean(kind: str) -> None:
    """Those in weights and outputs are the gradient on the mean; those through the next layer lie within 90 degrees."""
    generator, layers = torch.Generator().manual_seed(1), by_layers()
    guesses = [gradient(kind, network()[0], layers, generator) for _ in range(3000)]
    flat = torch.stack([torch.cat([each[0].flatten() for each in guess]) for guess in guesses])
    true = torch.cat([each[0].flatten() for each in true_gradient()])
    mean, noise = flat.mean(0), flat.std(0) / len(guesses) ** 0.5
    if kind == "through the next layer":
        assert float(mean @ true) > 0
    else:
        assert float(((mean - true).abs() > 4.5 * noise + 1e-7).sum()) == 0
    assert float(noise.max()) > 0


def test_networks_learn_by_the_true_gradient_and_less_by_directions_in_the_weights() -> None:
    task = build(source="digits", labels="digit", train_size=200, test_size=200, seed=[0], raw_dir=Path())
    found = guessed_training(task.isel(seed=0), width=32, epochs=10)
    accuracy = found["test_accuracy"]
    assert float(accuracy.sel(guess=TRUE)) > 0.8
    assert float(accuracy.sel(guess="weights")) < float(accuracy.sel(guess=TRUE)) - 0.2
    assert set(found["chosen_rate"].values) <= set(RATES)
