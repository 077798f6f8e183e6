import math

import pytest
import torch
from torch import Tensor, nn

from implicitbias.networks.activations import linear, relu
from implicitbias.networks.mlp import Gradient, forward, initialise, layer_shapes, product
from implicitbias.networks.outputs import outputs


def dense(weights: list[Tensor], member: int, activation: nn.Module) -> nn.Sequential:
    """The same member, built from torch's own layers."""
    layers: list[nn.Module] = []
    for weight in weights:
        layer = nn.Linear(weight.shape[2], weight.shape[1], bias=False, dtype=weight.dtype)
        layer.weight.data.copy_(weight[member])
        layers += [layer, activation]
    return nn.Sequential(*layers[:-1])


class ScaledRelu(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        return math.sqrt(2) * torch.relu(z)


def points(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_layer_shapes() -> None:
    assert layer_shapes(3, 5, 7) == [(5, 7), (5, 5), (1, 5)]
    assert layer_shapes(1, 5, 7) == [(1, 7)]


@pytest.mark.parametrize(("activation", "module"), [(relu, ScaledRelu()), (linear, nn.Identity())])
def test_forward_is_torchs_own(activation, module) -> None:
    weights = initialise(4, 6, 3, range(5), dtype=torch.float64)
    x = points(5, 8, 3)
    expected = torch.stack([dense(weights, k, module)(x[k]).squeeze(1) for k in range(5)])
    assert torch.allclose(forward(weights, x, activation), expected, rtol=1e-12)
    shared = torch.stack([dense(weights, k, module)(x[0]).squeeze(1) for k in range(5)])
    assert torch.allclose(forward(weights, x[0], activation), shared, rtol=1e-12)


@pytest.mark.parametrize("depth", [2, 5])
def test_gradients_are_autograds(depth: int) -> None:
    weights = [weight.requires_grad_(True) for weight in initialise(depth, 6, 3, range(5), dtype=torch.float64)]
    x = points(5, 8, 3)
    expected = torch.autograd.grad(forward(weights, x, relu).square().sum(), weights)
    kept: list[Gradient] = []
    forward(weights, x, relu, kept).square().sum().backward()
    assert all(weight.grad is None for weight in weights)
    for gradient, value in zip(kept[::-1], expected, strict=True):
        assert torch.allclose(gradient.matrix(), value, rtol=1e-12, atol=1e-14)


def test_gradients_do_not_keep_the_graph_alive() -> None:
    weights = [weight.requires_grad_(True) for weight in initialise(3, 6, 3, range(2))]
    kept: list[Gradient] = []
    forward(weights, points(2, 4, 3).float(), relu, kept).sum().backward()
    assert all(part.grad_fn is None for gradient in kept for part in gradient)


@pytest.mark.parametrize("depth", [1, 2, 7])
def test_homogeneous_of_degree_depth(depth: int) -> None:
    """Euler: f(r theta) = r^L f(theta), and <theta, df/dtheta> = L f."""
    weights = [weight.requires_grad_(True) for weight in initialise(depth, 9, 4, range(3), dtype=torch.float64)]
    x = points(3, 5, 4)
    value = forward(weights, x, relu)
    assert torch.allclose(forward([1.3 * weight for weight in weights], x, relu), 1.3**depth * value, rtol=1e-12)
    gradients = torch.autograd.grad(value.sum(), weights)
    inner = sum((weight * gradient).sum() for weight, gradient in zip(weights, gradients, strict=True))
    assert torch.allclose(inner, depth * value.sum(), rtol=1e-12)


def test_initialisation_has_variance_one_over_fan_in() -> None:
    weights = initialise(3, 200, 50, range(10), init_scale=0.5, dtype=torch.float64)
    for weight in weights:
        standard = weight * weight.shape[2] ** 0.5 / 0.5
        assert abs(standard.mean()) < 4 * standard.numel() ** -0.5
        assert abs(standard.var() - 1) < 4 * (2 / standard.numel()) ** 0.5


def test_initial_weights_depend_on_the_members_own_seed_alone() -> None:
    together = initialise(3, 6, 4, [5, 6, 7], init_scale=[1.0, 2.0, 3.0])
    alone = initialise(3, 6, 4, [6])
    for many, one in zip(together, alone, strict=True):
        assert torch.equal(many[1], 2 * one[0])
        assert not torch.equal(many[0], one[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("rows", "inner", "columns"), [(50, 64, 64), (50, 64, 1), (1, 64, 50), (50, 784, 33)])
def test_product_does_not_depend_on_the_number_of_members(rows, inner, columns, dtype) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    a, b = points(7, rows, inner).to(dtype), points(7, columns, inner).to(dtype)
    whole = product(a, b.mT)
    for start, stop in ((0, 1), (2, 3), (1, 4), (6, 7)):
        assert torch.equal(product(a[start:stop].clone(), b[start:stop].clone().mT), whole[start:stop])
    torch.set_num_threads(threads)


def test_outputs_in_blocks(monkeypatch) -> None:
    weights = initialise(2, 8, 3, range(4), dtype=torch.float64)
    task = torch.tensor([0, 0, 1, 1])
    x = points(2, 11, 3)
    monkeypatch.setattr("implicitbias.networks.outputs._ACTIVATIONS", 40)
    assert torch.allclose(outputs(weights, x, relu, task), forward(weights, x[task], relu), rtol=1e-12)
    assert torch.allclose(outputs(weights, x[1], relu), forward(weights, x[1], relu), rtol=1e-12)
    assert outputs([weight[:0] for weight in weights], x[1], relu).shape == (0, 11)


def test_wide_random_networks_have_the_arc_cosine_covariance() -> None:
    """Cov f(X) -> K (Cho & Saul 2009), within 4 standard errors of the Monte Carlo average."""
    members, width, depth = 4000, 100, 3
    angles = torch.tensor([0.0, 0.5, 1.5, 3.0], dtype=torch.float64)
    x = math.sqrt(2) * torch.stack([angles.cos(), angles.sin()], dim=1)
    kernel = torch.cos(angles[:, None] - angles)
    for _ in range(depth - 1):
        t = kernel.clamp(-1, 1)
        kernel = ((1 - t**2).sqrt() + t * (math.pi - t.arccos())) / math.pi
    f = forward(initialise(depth, width, 2, range(members), dtype=torch.float64), x, relu)
    products = f[:, :, None] * f[:, None, :]
    stderr = products.std(0) / members**0.5
    # below the last hidden layer the kernel fluctuates, which shifts the covariance by O(1/width)
    assert ((products.mean(0) - kernel).abs() < 4 * stderr + 1 / width).all()
