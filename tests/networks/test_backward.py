"""The backward pass of dense networks without autograd's graph gives autograd's gradients, to the last bit."""

import pytest
import torch
from families import FAMILY, built, named, of_width

from implicitbias.catalogue import ACTIVATIONS
from implicitbias.networks import Network
from implicitbias.networks.backward import passed
from implicitbias.networks.stacked import Gradient, forward, initialise

DENSE = [parameters for parameters in FAMILY if built(of_width(parameters, 32)).is_dense] + [
    {"architecture": "mlp", "depth": 3, "activation": name} for name in ACTIVATIONS
]


def by_autograd(network: Network, weights: list[torch.Tensor], x: torch.Tensor, pull: torch.Tensor) -> list[Gradient]:
    gradients: list[Gradient] = []
    for weight in weights:
        weight.requires_grad_(True)
    (forward(network, weights, x, gradients) * pull).sum().backward()
    return gradients[::-1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("parameters", DENSE, ids=named)
def test_gradients_are_those_of_autograd(parameters: dict, outputs: int, dtype: torch.dtype) -> None:
    try:
        network = built(of_width(parameters, 32), outputs=outputs)
    except Exception as error:  # a family of networks with one output
        pytest.skip(str(error))
    source = torch.Generator().manual_seed(1)
    weights = initialise(network, range(4), dtype=dtype)
    x = torch.randn(4, 5, network.features, dtype=dtype, generator=source)
    found = passed(network, weights, x)
    with torch.no_grad():
        same = forward(network, weights, x, [])
    assert torch.equal(found.outputs, same)
    pull = torch.randn(same.shape, dtype=dtype, generator=source)
    gradients = found.backward(pull)
    expected = by_autograd(network, weights, x, pull)
    assert len(gradients) == len(expected) == len(weights)
    for ours, theirs in zip(gradients, expected, strict=True):
        assert torch.equal(ours.matrix(), theirs.matrix())
        assert ours.matrix().abs().sum() > 0 or theirs.matrix().abs().sum() == 0
    assert any(gradient.matrix().abs().sum() > 0 for gradient in gradients)
