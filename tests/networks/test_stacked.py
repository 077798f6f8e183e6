import math

import pytest
import torch
from torch import Tensor, nn

import complete
from implicitbias.catalogue import ACTIVATIONS, INITIALISATIONS, resolve
from implicitbias.networks import homogeneity
from implicitbias.networks.activations import activation_of, linear, relu
from implicitbias.networks.outputs import outputs
from implicitbias.networks.stacked import Form, Gradient, form_of, forward, initialise, product
from implicitbias.shapes import layer_shapes

RELU = Form(relu)


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
    assert torch.allclose(forward(weights, x, Form(activation)), expected, rtol=1e-12)
    shared = torch.stack([dense(weights, k, module)(x[0]).squeeze(1) for k in range(5)])
    assert torch.allclose(forward(weights, x[0], Form(activation)), shared, rtol=1e-12)


@pytest.mark.parametrize("depth", [2, 5])
def test_gradients_are_autograds(depth: int) -> None:
    weights = [weight.requires_grad_(True) for weight in initialise(depth, 6, 3, range(5), dtype=torch.float64)]
    x = points(5, 8, 3)
    expected = torch.autograd.grad(forward(weights, x, RELU).square().sum(), weights)
    kept: list[Gradient] = []
    forward(weights, x, RELU, kept).square().sum().backward()
    assert all(weight.grad is None for weight in weights)
    for gradient, value in zip(kept[::-1], expected, strict=True):
        assert torch.allclose(gradient.matrix(), value, rtol=1e-12, atol=1e-14)


CNN = complete.network(architecture="cnn", depth=4, width=64, activation="plain_relu")


@pytest.mark.parametrize("bias", ["none", "first", "all"])
def test_a_cnn_is_torchs_own(bias: str) -> None:
    """Convolutions, pools and layers of torch, a member at a time; two channels, then four, 8 x 8 images."""
    assert layer_shapes(4, 64, 64, bias, "cnn")[0] == (2, 25 + (bias != "none"))
    assert [shape[0] for shape in layer_shapes(4, 1024, 784, architecture="cnn")] == [32, 64, 1024, 1]
    weights = initialise(4, 64, 64, range(3), dtype=torch.float64, bias=bias, architecture="cnn")
    for weight in weights:
        weight += 0.1  # biases start at 0
    x, form = points(3, 5, 64), form_of(CNN | {"bias": bias})
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
        assert torch.allclose(forward(weights, x, form)[member], h[:, 0], rtol=1e-12)
        alone = forward([weight[member : member + 1] for weight in weights], x[member : member + 1], form)
        assert torch.equal(forward(weights, x, form)[member], alone[0])


def test_gradients_of_a_cnn_are_autograds() -> None:
    weights = initialise(4, 32, 16, range(3), dtype=torch.float64, bias="all", architecture="cnn")
    weights = [weight.requires_grad_(True) for weight in weights]
    x, form = points(3, 5, 16), form_of(CNN | {"width": 32, "bias": "all"})
    expected = torch.autograd.grad(forward(weights, x, form).square().sum(), weights)
    kept: list[Gradient] = []
    forward(weights, x, form, kept).square().sum().backward()
    for gradient, value in zip(kept[::-1], expected, strict=True):
        assert torch.allclose(gradient.matrix(), value, rtol=1e-12, atol=1e-14)


def test_gradients_do_not_keep_the_graph_alive() -> None:
    weights = [weight.requires_grad_(True) for weight in initialise(3, 6, 3, range(2))]
    kept: list[Gradient] = []
    forward(weights, points(2, 4, 3).float(), RELU, kept).sum().backward()
    assert all(part.grad_fn is None for gradient in kept for part in gradient)


@pytest.mark.parametrize("depth", [1, 2, 7])
def test_homogeneous_of_degree_depth(depth: int) -> None:
    """Euler: f(r theta) = r^L f(theta), and <theta, df/dtheta> = L f."""
    weights = [weight.requires_grad_(True) for weight in initialise(depth, 9, 4, range(3), dtype=torch.float64)]
    x = points(3, 5, 4)
    value = forward(weights, x, RELU)
    assert torch.allclose(forward([1.3 * weight for weight in weights], x, RELU), 1.3**depth * value, rtol=1e-12)
    gradients = torch.autograd.grad(value.sum(), weights)
    inner = sum((weight * gradient).sum() for weight, gradient in zip(weights, gradients, strict=True))
    assert torch.allclose(inner, depth * value.sum(), rtol=1e-12)


NETWORKS = [
    complete.network(depth=depth, width=6, activation=name, bias=bias, residual=residual, output=output)
    for depth in (1, 2, 4)
    for name in ("plain_relu", "squared_relu", "gelu", "linear")
    for bias in ("none", "first", "all")
    for residual in (False, True)
    for output in ("trained", "signs", "halves", "mean_field", "random_features")
    if depth == 2 or output == "trained"
]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: "-".join(map(str, network.values())))
def test_degree_of_homogeneity(network: dict) -> None:
    """f(r theta) = r^M f(theta) for trained theta where the network is homogeneous; else for large theta only."""
    form, m = form_of(network), homogeneity.degree(network)
    weights = [w + 0.3 for w in initialise(network["depth"], 6, 3, [1, 2], dtype=torch.float64, bias=network["bias"])]
    x = points(2, 5, 3)

    def at(scale: float) -> Tensor:
        scaled = list(weights)
        scaled[form.trained] = [scale * weight for weight in scaled[form.trained]]
        return forward(scaled, x, form) / scale**m

    assert torch.allclose(at(2e8), at(4e8), rtol=1e-6)
    smooth = not ACTIVATIONS[network["activation"]].homogeneous
    skips = network["residual"] and network["depth"] > 2
    linear = network["output"] == "random_features" or network["depth"] == 1
    exactly = linear or not (smooth or skips or network["bias"] == "all")
    assert torch.allclose(at(0.5), at(1.0), rtol=1e-10) == exactly


def test_random_features_start_at_zero_and_train_the_output_alone() -> None:
    weights = initialise(2, 6, 4, range(2), output="random_features")
    form = form_of(complete.network(activation="plain_relu", width=6, output="random_features"))
    assert not weights[1].any()
    assert weights[0].all()
    assert [weight is weights[1] for weight in weights[form.trained]] == [True]
    ones = [weights[0], torch.ones(2, 1, 6)]
    x = points(2, 5, 4).float()
    assert torch.allclose(forward(ones, x, form), torch.relu(x @ weights[0].mT).mean(2), rtol=1e-5)


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
    assert torch.allclose(outputs(weights, x, RELU, task), forward(weights, x[task], RELU), rtol=1e-12)
    assert torch.allclose(outputs(weights, x[1], RELU), forward(weights, x[1], RELU), rtol=1e-12)
    assert outputs([weight[:0] for weight in weights], x[1], RELU).shape == (0, 11)


def test_wide_random_networks_have_the_arc_cosine_covariance() -> None:
    """Cov f(X) -> K (Cho & Saul 2009), within 4 standard errors of the Monte Carlo average."""
    members, width, depth = 4000, 100, 3
    angles = torch.tensor([0.0, 0.5, 1.5, 3.0], dtype=torch.float64)
    x = math.sqrt(2) * torch.stack([angles.cos(), angles.sin()], dim=1)
    kernel = torch.cos(angles[:, None] - angles)
    for _ in range(depth - 1):
        t = kernel.clamp(-1, 1)
        kernel = ((1 - t**2).sqrt() + t * (math.pi - t.arccos())) / math.pi
    f = forward(initialise(depth, width, 2, range(members), dtype=torch.float64), x, RELU)
    products = f[:, :, None] * f[:, None, :]
    stderr = products.std(0) / members**0.5
    # below the last hidden layer the kernel fluctuates, which shifts the covariance by O(1/width)
    assert ((products.mean(0) - kernel).abs() < 4 * stderr + 1 / width).all()


def test_biases_are_a_column_that_starts_at_zero() -> None:
    x = points(3, 5, 4)
    for bias, biased in (("first", [0]), ("all", [0, 1, 2])):
        weights = initialise(3, 6, 4, range(3), dtype=torch.float64, bias=bias)
        assert [w.shape[1:] for w in weights] == [torch.Size(shape) for shape in layer_shapes(3, 6, 4, bias)]
        plain = initialise(3, 6, 4, range(3), dtype=torch.float64)
        assert torch.allclose(forward(weights, x, Form(relu, bias)), forward(plain, x, RELU), rtol=1e-13)
        for layer in biased:
            weights[layer][..., -1] = torch.randn(weights[layer].shape[:2], dtype=torch.float64)
        h = x
        for layer, weight in enumerate(weights):
            h = relu(h) if layer else h
            z = h @ weight[..., : h.shape[-1]].mT
            h = z + weight[:, None, :, -1] if layer in biased else z
        assert torch.allclose(forward(weights, x, Form(relu, bias)), h.squeeze(-1), rtol=1e-12)


def test_residual_layers_add_their_input() -> None:
    weights, x = initialise(4, 6, 3, range(2), dtype=torch.float64), points(2, 5, 3)
    h = relu(x @ weights[0].mT)
    for weight in weights[1:-1]:
        h = relu(h @ weight.mT) + h
    expected = (h @ weights[-1].mT).squeeze(-1)
    assert torch.allclose(forward(weights, x, Form(relu, residual=True)), expected, rtol=1e-12)
    assert torch.allclose(forward(weights, x, Form(relu, residual=True, factor=0.5)), expected / 2, rtol=1e-12)


@pytest.mark.parametrize("name", ["glorot", "normal", "uniform", "fan_in_uniform", "balanced"])
def test_initialisation_rules(name: str) -> None:
    rule = resolve(INITIALISATIONS[name])
    first, last = initialise(2, 400, 300, range(3), init_scale=0.5, dtype=torch.float64, rule=rule)
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
    phi, z = activation_of(complete.network(activation=name)), torch.linspace(-2, 2, 41, dtype=torch.float64)
    assert torch.allclose(phi(3 * z), 3 ** ACTIVATIONS[name].degree * phi(z), rtol=1e-12)


@pytest.mark.parametrize("name", [name for name, entry in ACTIVATIONS.items() if not entry.homogeneous])
def test_the_other_activations_are_not(name: str) -> None:
    phi, z = activation_of(complete.network(activation=name)), torch.linspace(-2, 2, 41, dtype=torch.float64)
    assert not any(torch.allclose(phi(3 * z), 3**degree * phi(z), rtol=1e-3) for degree in (1, 2))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_euler_defects_of_activations_are_bounded(name: str) -> None:
    """|z phi'(z) - degree phi(z)| (Cai et al. 2025): the catalogue's bound holds and is tight (at slope 0)."""
    z = torch.linspace(-30, 30, 20001, dtype=torch.float64, requires_grad=True)
    phi = activation_of({"activation": name, "slope": 0.0})(z)
    (slope,) = torch.autograd.grad(phi.sum(), z)
    defect = float((z * slope - ACTIVATIONS[name].degree * phi).detach().abs().max())
    assert defect == pytest.approx(ACTIVATIONS[name].defect, abs=2e-4)


def test_orthogonal_weights_have_equal_singular_values() -> None:
    """All singular values are sqrt(out/in); members differ."""
    weights = initialise(3, 20, 30, range(2), dtype=torch.float64, rule=resolve(INITIALISATIONS["orthogonal"]))
    for weight in weights:
        values = torch.linalg.svdvals(weight)
        assert torch.allclose(values, torch.full_like(values, (weight.shape[1] / weight.shape[2]) ** 0.5))
        assert not torch.allclose(weight[0], weight[1])
