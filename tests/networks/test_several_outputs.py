"""Networks with several outputs, whose members are computed together, are those of members computed apart."""

import pytest
import torch
from torch import Tensor

from implicitbias.networks import Network, network_of
from implicitbias.networks.layers import Dense, Flatten, Residual, Scale
from implicitbias.networks.stacked import forward, from_first_weights, initialise

IMAGE = (1, 8, 8)
NETWORKS = [
    network_of({"depth": 3, "width": 6, "bias": "first"}, 5, outputs=3),
    network_of({"depth": 4, "width": 6, "residual": True}, 5, outputs=3),
    network_of({"architecture": "cnn", "width": 4, "bias": "all", "pooling": "average"}, IMAGE, outputs=3),
    network_of({"architecture": "cnn", "width": 4, "side": 5, "readout": "global_average"}, IMAGE, outputs=3),
    network_of({"architecture": "cnn", "width": 4}, (3, 4, 6), outputs=3),
    network_of({"architecture": "resnet", "width": 4, "normalisation": "layer"}, IMAGE, outputs=3),
    network_of({"architecture": "lenet", "depth": 3}, (1, 16, 16), outputs=3),
    network_of({"architecture": "lyu_li", "width": 64}, IMAGE, outputs=3),
    network_of({"architecture": "pooled_mlp", "factor": 0.5}, IMAGE, outputs=3),
    Network((Scale(0.5), Residual((Dense(5, bias=True),)), Dense(3)), (5,)),
]


@pytest.fixture(params=NETWORKS, ids=range(len(NETWORKS)))
def network(request: pytest.FixtureRequest) -> Network:
    return request.param


def weights_of(network: Network, members: int) -> list[Tensor]:
    weights = initialise(network, range(members), dtype=torch.float64)
    return [weight + 0.1 for weight in weights]  # biases start at 0


def points(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("members", [1, 4])
@pytest.mark.parametrize("shared", [True, False])
def test_together_is_apart(network: Network, members: int, shared: bool) -> None:
    """In float64, values and gradients; a list for gradients brings the products of every member by itself."""
    x = points(7, network.features) if shared else points(members, 7, network.features)
    weights = [weight.requires_grad_(True) for weight in weights_of(network, members)]
    together, apart = forward(network, weights, x), forward(network, weights, x, factors := [])
    assert together.shape == (members, 7, 3)
    assert torch.allclose(together, apart, rtol=1e-11, atol=1e-12)
    found = torch.autograd.grad(together.square().sum(), weights)
    apart.square().sum().backward()
    for value, factor in zip(found, factors[::-1], strict=True):
        expected = factor.matrix()
        assert torch.allclose(value, expected, rtol=1e-9, atol=1e-11 * float(expected.abs().max()))


def test_layers_before_the_first_weights_can_be_left_out(network: Network) -> None:
    weights, x = weights_of(network, 3), points(7, network.features)
    rest, (seen, few) = from_first_weights(network, x, x[:2])
    assert rest.shapes == network.shapes
    assert seen.shape == (7, rest.features)
    assert torch.equal(forward(rest, weights, seen), forward(network, weights, x))
    assert torch.equal(few, seen[:2])


def test_pooling_before_the_first_weights_is_done_once() -> None:
    rest, (seen,) = from_first_weights(NETWORKS[-2], points(7, 64))
    assert (rest.layers[0], rest.input_shape, seen.shape) == (Dense(60, True), (16,), (7, 16))
    assert not any(isinstance(layer, Flatten) for layer in rest.layers)
