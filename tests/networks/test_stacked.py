import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from implicitbias.catalogue import ACTIVATIONS, INITIALISATIONS, resolve
from implicitbias.networks import Network, layers, network_of
from implicitbias.networks.activations import Activation, activation_of, relu
from implicitbias.networks.outputs import outputs
from implicitbias.networks.stacked import Gradient, forward, initialise, joined, product


def mlp(depth: int, width: int, inputs: int, **more: Any) -> Network:
    return network_of({"depth": depth, "width": width, **more}, inputs)


def function(name: str) -> Activation:
    return activation_of(layers.Activation(name, (("slope", 0.0),) if ACTIVATIONS[name].parameters else ()))


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
    assert mlp(3, 5, 7).shapes == [(5, 7), (5, 5), (1, 5)]
    assert mlp(1, 5, 7).shapes == [(1, 7)]


@pytest.mark.parametrize(("activation", "module"), [("relu", ScaledRelu()), ("linear", nn.Identity())])
def test_forward_is_torchs_own(activation, module) -> None:
    network = mlp(4, 6, 3, activation=activation)
    weights = initialise(network, range(5), dtype=torch.float64)
    x = points(5, 8, 3)
    expected = torch.stack([dense(weights, k, module)(x[k]).squeeze(1) for k in range(5)])
    assert torch.allclose(forward(network, weights, x), expected, rtol=1e-12)
    shared = torch.stack([dense(weights, k, module)(x[0]).squeeze(1) for k in range(5)])
    assert torch.allclose(forward(network, weights, x[0]), shared, rtol=1e-12)


@pytest.mark.parametrize("depth", [2, 5])
def test_gradients_are_autograds(depth: int) -> None:
    network = mlp(depth, 6, 3)
    weights = [weight.requires_grad_(True) for weight in initialise(network, range(5), dtype=torch.float64)]
    x = points(5, 8, 3)
    expected = torch.autograd.grad(forward(network, weights, x).square().sum(), weights)
    kept: list[Gradient] = []
    forward(network, weights, x, kept).square().sum().backward()
    assert all(weight.grad is None for weight in weights)
    for gradient, value in zip(kept[::-1], expected, strict=True):
        assert torch.allclose(gradient.matrix(), value, rtol=1e-12, atol=1e-14)


def lyu_li(width: int, side: int, bias: str) -> Network:
    parameters = {"architecture": "lyu_li", "width": width, "activation": "plain_relu", "bias": bias}
    return network_of(parameters, (1, side, side))


@pytest.mark.parametrize("bias", ["none", "first", "all"])
def test_the_network_of_lyu_and_li_is_torchs_own(bias: str) -> None:
    """Convolutions, pools and layers of torch, a member at a time; two channels, then four, 8 x 8 images."""
    network = lyu_li(64, 8, bias)
    assert network.shapes[0] == (2, 25 + (bias != "none"))
    assert [shape[0] for shape in lyu_li(1024, 28, bias).shapes] == [32, 64, 1024, 1]
    weights = initialise(network, range(3), dtype=torch.float64)
    for weight in weights:
        weight += 0.1  # biases start at 0
    x = points(3, 5, 64)
    for member in range(3):
        h = x[member].reshape(5, 1, 8, 8)
        for layer, weight in enumerate(weights):
            has_bias = layer < {"none": 0, "first": 1, "all": 4}[bias]
            w, b = (weight[member, :, :-1], weight[member, :, -1]) if has_bias else (weight[member], None)
            if layer < 2:
                side = (5, 3)[layer]
                h = nn.functional.conv2d(h, w.reshape(len(w), -1, side, side), b, padding=side // 2)
                h = nn.functional.max_pool2d(torch.relu(h), 2)
            else:
                h = nn.functional.linear(torch.relu(h.flatten(1)) if layer == 3 else h.flatten(1), w, b)
        assert torch.allclose(forward(network, weights, x)[member], h[:, 0], rtol=1e-12)
        alone = forward(network, [weight[member : member + 1] for weight in weights], x[member : member + 1])
        assert torch.equal(forward(network, weights, x)[member], alone[0])


def test_gradients_of_convolutions_are_autograds() -> None:
    network = lyu_li(32, 4, "all")
    weights = initialise(network, range(3), dtype=torch.float64)
    weights = [weight.requires_grad_(True) for weight in weights]
    x = points(3, 5, 16)
    expected = torch.autograd.grad(forward(network, weights, x).square().sum(), weights)
    kept: list[Gradient] = []
    forward(network, weights, x, kept).square().sum().backward()
    for gradient, value in zip(kept[::-1], expected, strict=True):
        assert torch.allclose(gradient.matrix(), value, rtol=1e-12, atol=1e-14)


def test_gradients_do_not_keep_the_graph_alive() -> None:
    network = mlp(3, 6, 3)
    weights = [weight.requires_grad_(True) for weight in initialise(network, range(2))]
    kept: list[Gradient] = []
    forward(network, weights, points(2, 4, 3).float(), kept).sum().backward()
    assert len(kept) == 3
    assert all(part.grad_fn is None for gradient in kept for part in (gradient.delta, gradient.h))


@pytest.mark.parametrize("depth", [1, 2, 7])
def test_homogeneous_of_degree_depth(depth: int) -> None:
    """Euler: f(r theta) = r^L f(theta), and <theta, df/dtheta> = L f."""
    network = mlp(depth, 9, 4)
    weights = [weight.requires_grad_(True) for weight in initialise(network, range(3), dtype=torch.float64)]
    x = points(3, 5, 4)
    value = forward(network, weights, x)
    assert torch.allclose(forward(network, [1.3 * weight for weight in weights], x), 1.3**depth * value, rtol=1e-12)
    assert network.degree == depth
    gradients = torch.autograd.grad(value.sum(), weights)
    inner = sum((weight * gradient).sum() for weight, gradient in zip(weights, gradients, strict=True))
    assert torch.allclose(inner, depth * value.sum(), rtol=1e-12)


NETWORKS = [
    {"depth": depth, "width": 6, "activation": name, "bias": bias, "residual": residual, "output": output}
    for depth in (1, 2, 4)
    for name in ("plain_relu", "squared_relu", "gelu", "linear")
    for bias in ("none", "first", "all")
    for residual in (False, True)
    for output in ("trained", "signs", "halves", "mean_field", "random_features")
    if depth == 2 or output == "trained"
]


@pytest.mark.parametrize("parameters", NETWORKS, ids=lambda each: "-".join(map(str, each.values())))
def test_degree_of_homogeneity(parameters: dict[str, Any]) -> None:
    """f(r theta) = r^M f(theta) for trained theta where the network is homogeneous; else for large theta only."""
    network = network_of(parameters, 3)
    m = network.leading_degree
    drawn = network_of({**parameters, "output": "trained"}, 3)
    weights = [w + 0.3 for w in initialise(drawn, [1, 2], dtype=torch.float64)]
    x = points(2, 5, 3)

    def at(scale: float) -> Tensor:
        scaled = list(weights)
        scaled[network.trained] = [scale * weight for weight in scaled[network.trained]]
        return forward(network, scaled, x) / scale**m

    assert torch.allclose(at(2e8), at(4e8), rtol=1e-6)
    smooth = not ACTIVATIONS[parameters["activation"]].homogeneous
    skips = parameters["residual"] and parameters["depth"] > 2
    linear = parameters["output"] == "random_features" or parameters["depth"] == 1
    exactly = linear or not (smooth or skips or parameters["bias"] == "all")
    assert torch.allclose(at(0.5), at(1.0), rtol=1e-10) == exactly
    assert network.degree == (m if exactly else None)


def test_random_features_start_at_zero_and_train_the_output_alone() -> None:
    network = mlp(2, 6, 4, activation="plain_relu", output="random_features")
    weights = initialise(network, range(2))
    assert not weights[1].any()
    assert weights[0].all()
    assert [weight is weights[1] for weight in weights[network.trained]] == [True]
    ones = [weights[0], torch.ones(2, 1, 6)]
    x = points(2, 5, 4).float()
    assert torch.allclose(forward(network, ones, x), torch.relu(x @ weights[0].mT).mean(2), rtol=1e-5)


def test_initialisation_has_variance_one_over_fan_in() -> None:
    weights = initialise(mlp(3, 200, 50), range(10), init_scale=0.5, dtype=torch.float64)
    for weight in weights:
        standard = weight * weight.shape[2] ** 0.5 / 0.5
        assert abs(standard.mean()) < 4 * standard.numel() ** -0.5
        assert abs(standard.var() - 1) < 4 * (2 / standard.numel()) ** 0.5


def test_initial_weights_depend_on_the_members_own_seed_alone() -> None:
    together = initialise(mlp(3, 6, 4), [5, 6, 7], init_scale=[1.0, 2.0, 3.0])
    alone = initialise(mlp(3, 6, 4), [6])
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
    network = mlp(2, 8, 3)
    weights = initialise(network, range(4), dtype=torch.float64)
    task = torch.tensor([0, 0, 1, 1])
    x = points(2, 11, 3)
    monkeypatch.setattr("implicitbias.networks.outputs._ACTIVATIONS", 40)
    assert torch.allclose(outputs(network, weights, x, task), forward(network, weights, x[task]), rtol=1e-12)
    assert torch.allclose(outputs(network, weights, x[1]), forward(network, weights, x[1]), rtol=1e-12)
    assert outputs(network, [weight[:0] for weight in weights], x[1]).shape == (0, 11)


def test_wide_random_networks_have_the_arc_cosine_covariance() -> None:
    """Cov f(X) -> K (Cho & Saul 2009), within 4 standard errors of the Monte Carlo average."""
    members, width, depth = 4000, 100, 3
    angles = torch.tensor([0.0, 0.5, 1.5, 3.0], dtype=torch.float64)
    x = math.sqrt(2) * torch.stack([angles.cos(), angles.sin()], dim=1)
    kernel = torch.cos(angles[:, None] - angles)
    for _ in range(depth - 1):
        t = kernel.clamp(-1, 1)
        kernel = ((1 - t**2).sqrt() + t * (math.pi - t.arccos())) / math.pi
    network = mlp(depth, width, 2)
    f = forward(network, initialise(network, range(members), dtype=torch.float64), x)
    products = f[:, :, None] * f[:, None, :]
    stderr = products.std(0) / members**0.5
    # below the last hidden layer the kernel fluctuates, which shifts the covariance by O(1/width)
    assert ((products.mean(0) - kernel).abs() < 4 * stderr + 1 / width).all()


def test_biases_are_a_column_that_starts_at_zero() -> None:
    x, without = points(3, 5, 4), mlp(3, 6, 4)
    for bias, biased in (("first", [0]), ("all", [0, 1, 2])):
        network = mlp(3, 6, 4, bias=bias)
        weights = initialise(network, range(3), dtype=torch.float64)
        assert [w.shape[1:] for w in weights] == [torch.Size(shape) for shape in network.shapes]
        plain = initialise(without, range(3), dtype=torch.float64)
        assert torch.allclose(forward(network, weights, x), forward(without, plain, x), rtol=1e-13)
        for layer in biased:
            weights[layer][..., -1] = torch.randn(weights[layer].shape[:2], dtype=torch.float64)
        h = x
        for layer, weight in enumerate(weights):
            h = relu(h) if layer else h
            z = h @ weight[..., : h.shape[-1]].mT
            h = z + weight[:, None, :, -1] if layer in biased else z
        assert torch.allclose(forward(network, weights, x), h.squeeze(-1), rtol=1e-12)


def test_biases_have_their_variance_and_leave_the_other_weights_alone() -> None:
    network = mlp(2, 400, 4, bias="all", bias_variance=0.25)
    first, _ = initialise(network, range(3), dtype=torch.float64)
    assert abs(float(first[..., -1].var()) - 0.25) < 4 * 0.25 * (2 / 1200) ** 0.5
    assert torch.equal(first[..., :-1], initialise(mlp(2, 400, 4), range(3), dtype=torch.float64)[0])


def test_residual_layers_add_their_input() -> None:
    network, x = mlp(4, 6, 3, residual=True), points(2, 5, 3)
    weights = initialise(network, range(2), dtype=torch.float64)
    h = relu(x @ weights[0].mT)
    for weight in weights[1:-1]:
        h = relu(h @ weight.mT) + h
    expected = (h @ weights[-1].mT).squeeze(-1)
    assert torch.allclose(forward(network, weights, x), expected, rtol=1e-12)
    divided = mlp(4, 6, 3, residual=True, output="mean_field")
    assert torch.allclose(forward(divided, weights, x), expected / 6, rtol=1e-12)


@pytest.mark.parametrize("name", ["glorot", "normal", "uniform", "fan_in_uniform", "balanced"])
def test_initialisation_rules(name: str) -> None:
    rule = resolve(INITIALISATIONS[name])
    first, last = initialise(mlp(2, 400, 300), range(3), init_scale=0.5, dtype=torch.float64, rule=rule)
    if name in ("uniform", "fan_in_uniform"):
        for weight in (first, last):
            bound = 0.5 / weight.shape[2] ** (1 if name == "uniform" else 0.5)
            assert bound * 0.9 < float(weight.abs().max()) <= bound
            assert float(weight.var()) == pytest.approx(bound**2 / 3, rel=0.1)
    else:
        variance = {"glorot": 2 / 700, "normal": 1.0, "balanced": 1 / 300}[name]
        assert float(first.var()) == pytest.approx(variance / 4, rel=0.02)
    if name == "balanced":
        assert torch.allclose(last[:, 0].abs(), torch.linalg.vector_norm(first, dim=2))
        assert abs(float(last.sign().mean())) < 4 / math.sqrt(1200)


@pytest.mark.parametrize("name", [name for name, entry in ACTIVATIONS.items() if entry.homogeneous])
def test_homogeneous_activations_are(name: str) -> None:
    phi, z = function(name), torch.linspace(-2, 2, 41, dtype=torch.float64)
    assert torch.allclose(phi(3 * z), 3 ** ACTIVATIONS[name].degree * phi(z), rtol=1e-12)


@pytest.mark.parametrize("name", [name for name, entry in ACTIVATIONS.items() if not entry.homogeneous])
def test_the_other_activations_are_not(name: str) -> None:
    phi, z = function(name), torch.linspace(-2, 2, 41, dtype=torch.float64)
    assert not any(torch.allclose(phi(3 * z), 3**degree * phi(z), rtol=1e-3) for degree in (1, 2))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_euler_defects_of_activations_are_bounded(name: str) -> None:
    """|z phi'(z) - degree phi(z)| (Cai et al. 2025): the catalogue's bound holds and is tight (at slope 0)."""
    z = torch.linspace(-30, 30, 20001, dtype=torch.float64, requires_grad=True)
    phi = function(name)(z)
    (slope,) = torch.autograd.grad(phi.sum(), z)
    defect = float((z * slope - ACTIVATIONS[name].degree * phi).detach().abs().max())
    assert defect == pytest.approx(ACTIVATIONS[name].defect, abs=2e-4)


def test_orthogonal_weights_have_equal_singular_values() -> None:
    """All singular values are sqrt(out/in); members differ."""
    weights = initialise(mlp(3, 20, 30), range(2), dtype=torch.float64, rule=resolve(INITIALISATIONS["orthogonal"]))
    for weight in weights:
        values = torch.linalg.svdvals(weight)
        assert torch.allclose(values, torch.full_like(values, (weight.shape[1] / weight.shape[2]) ** 0.5))
        assert not torch.allclose(weight[0], weight[1])


@pytest.mark.parametrize("width", [4, 20])  # with fewer channels than torch's own convolutions are worth, and with more
def test_convolutions_tell_optimizers_of_their_pixels(width: int) -> None:
    """At every pixel of a patch the matrix between channels has the singular values sqrt(out/in)/3; gradients know."""
    network = network_of({"architecture": "cnn", "depth": 3, "width": width}, (2, 6, 6))
    weights = initialise(network, range(2), dtype=torch.float64, rule=resolve(INITIALISATIONS["orthogonal"]))
    for weight, rows, channels in zip(weights[:2], (width, width), (2, width), strict=True):
        values = torch.linalg.svdvals(weight.unflatten(2, (channels, 9)).movedim(3, 1))
        assert torch.allclose(values, torch.full_like(values, (rows / channels) ** 0.5 / 3))
    gradients: list[Gradient] = []
    for weight in weights:
        weight.requires_grad_(True)
    forward(network, weights, torch.randn(5, 72, dtype=torch.float64), gradients).sum().backward()
    assert [gradient.pixels for gradient in gradients[::-1]] == [9, 9, 1]
    assert [joined([gradient, gradient]).pixels for gradient in gradients] == [1, 9, 9]
