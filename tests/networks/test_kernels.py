import itertools
import math

import numpy as np
import pytest
import torch

from implicitbias.catalogue import ACTIVATIONS
from implicitbias.errors import ConfigError
from implicitbias.networks import kernels, layers, network_of
from implicitbias.networks.activations import activation_of

DUALS = [name for name, entry in ACTIVATIONS.items() if entry.dual]
PHI = {
    "relu": lambda z: math.sqrt(2) * torch.relu(z),
    "leaky_relu": lambda z: math.sqrt(2 / (1 + 0.3**2)) * torch.maximum(0.3 * z, z),
    "plain_relu": torch.relu,
    "plain_leaky_relu": lambda z: torch.maximum(0.3 * z, z),
    "squared_relu": lambda z: torch.relu(z) ** 2,
    "erf": torch.erf,
    "linear": lambda z: z,
}


def perceptron(features, **parameters):
    """Of the slope .3 if its activation has one, and with biases if these have a variance."""
    entry = ACTIVATIONS.get(parameters.get("activation", "relu"))
    if entry and "slope" in entry.parameters:
        parameters = {"slope": 0.3, **parameters}
    if parameters.get("bias_variance"):
        parameters["bias"] = "all"
    return network_of(parameters, features)


def nngp_kernel(x, z=None, **parameters):
    return kernels.nngp_kernel(perceptron(x.shape[1], **parameters), x, z)


def ntk_kernel(x, z=None, **parameters):
    return kernels.ntk_kernel(perceptron(x.shape[1], **parameters), x, z)


def nngp_variance(x, **parameters):
    return kernels.nngp_variance(perceptron(x.shape[1], **parameters), x)


@pytest.mark.parametrize("activation", DUALS)
def test_finite_networks_use_the_activation_of_the_kernel(activation):
    z = torch.linspace(-3, 3, 50)
    slope = (("slope", 0.3),) if ACTIVATIONS[activation].parameters else ()
    assert torch.allclose(activation_of(layers.Activation(activation, slope))(z), PHI[activation](z))


def inputs(n=4, d=5, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pair(correlation):
    """Two inputs of norm sqrt(2) at the given correlation."""
    angle = math.acos(correlation)
    return math.sqrt(2) * torch.tensor([[1.0, 0.0], [math.cos(angle), math.sin(angle)]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("correlation", "expected"),
    [
        (0.0, 1 / math.pi),
        (0.4, (math.sqrt(1 - 0.16) + 0.4 * (math.pi - math.acos(0.4))) / math.pi),
        (1.0, 1.0),
        (-1.0, 0.0),
    ],
)
def test_arc_cosine_map_at_known_points(correlation, expected):
    kernel = nngp_kernel(pair(correlation), depth=2)
    assert float(kernel[0, 1]) == pytest.approx(expected, abs=1e-12)
    assert kernel.diagonal().tolist() == pytest.approx([1, 1], abs=1e-14)
    assert expected == pytest.approx({0.4: 0.5441}.get(correlation, expected), abs=5e-5)


def test_depth_composes_the_map():
    t = 0.2
    for _ in range(6):
        t = (math.sqrt(1 - t * t) + t * (math.pi - math.acos(t))) / math.pi
    assert float(nngp_kernel(pair(0.2), depth=7)[0, 1]) == pytest.approx(t, abs=1e-12)


def test_depth_one_is_the_linear_kernel():
    x = inputs()
    assert torch.allclose(nngp_kernel(x, depth=1), x @ x.T / 5, atol=1e-15)
    assert torch.allclose(ntk_kernel(x, depth=1), x @ x.T / 5, atol=1e-15)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "linear"])
def test_homogeneous_activations_scale_with_the_norms(activation):
    x, z = inputs(), inputs(3, seed=1)
    scaled = nngp_kernel(3 * x, 0.5 * z, depth=4, activation=activation)
    assert torch.allclose(scaled, 1.5 * nngp_kernel(x, z, depth=4, activation=activation), atol=1e-12)


@pytest.mark.parametrize("activation", DUALS)
@pytest.mark.parametrize("kernel", [nngp_kernel, ntk_kernel])
def test_blocks_agree_with_the_whole(activation, kernel):
    """More points than a block, symmetric and not, and the diagonal alone."""
    x = inputs(700, 3)
    settings = {"depth": 3, "activation": activation, "bias_variance": 0.2}
    whole = kernel(x, **settings)
    assert torch.equal(whole, whole.T)
    assert torch.allclose(kernel(x[600:], x[:30], **settings), whole[600:, :30], rtol=1e-7)
    if kernel is nngp_kernel:
        assert torch.allclose(nngp_variance(x, **settings), whole.diagonal(), rtol=1e-14)


def test_slope_one_is_linear_and_slope_zero_is_relu():
    x = inputs()
    assert torch.allclose(
        nngp_kernel(x, depth=3, activation="leaky_relu", slope=1.0), nngp_kernel(x, depth=1), atol=1e-14
    )
    assert torch.allclose(
        nngp_kernel(x, depth=3, activation="leaky_relu", slope=0.0), nngp_kernel(x, depth=3), atol=1e-14
    )


def random_hidden(x, activation, depth, width, networks, bias_variance, generator):
    """Last hidden layers (networks, n, width) of random networks of the given depth."""
    h = x.expand(networks, *x.shape)
    for _ in range(depth - 1):
        w = torch.randn(networks, h.shape[2], width, generator=generator, dtype=x.dtype)
        b = torch.randn(networks, 1, width, generator=generator, dtype=x.dtype)
        pre = h @ w * math.sqrt(1 / h.shape[2]) + b * math.sqrt(bias_variance)
        h = PHI[activation](pre)
    return h


@pytest.mark.parametrize("activation", DUALS)
@pytest.mark.parametrize("bias_variance", [0.0, 0.3])
@pytest.mark.parametrize("depth", [2, 3])
def test_kernel_is_the_covariance_of_wide_random_networks(activation, bias_variance, depth):
    """The output's covariance given the last hidden layer, averaged over networks (bias of depth 3: 1/width)."""
    x, width, networks = inputs(), 512, 60
    generator = torch.Generator().manual_seed(depth)
    h = random_hidden(x, activation, depth, width, networks, bias_variance, generator)
    each = h @ h.mT / width + bias_variance
    stderr = each.std(0) / math.sqrt(networks)
    kernel = nngp_kernel(x, depth=depth, activation=activation, bias_variance=bias_variance)
    assert ((each.mean(0) - kernel).abs() < 4.5 * stderr + 4 / width * kernel.abs()).all()
    heavy = 3 if activation == "squared_relu" else 1  # its fourth moments are large
    assert (stderr < heavy * 0.03 * kernel.diagonal().max()).all()  # the test can see an error of a few per cent


@pytest.mark.parametrize("activation", DUALS)
def test_tangent_kernel_is_that_of_autograd(activation):
    x, width, depth, networks, bias_variance = inputs(3, 4), 512, 3, 24, 0.1
    generator = torch.Generator().manual_seed(0)
    widths = [4, width, width, 1]

    def forward(weights, biases, point):
        h = point
        for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
            pre = w @ h / math.sqrt(len(h)) + math.sqrt(bias_variance) * b
            h = PHI[activation](pre) if k < depth - 1 else pre
        return h[0]

    found = []
    for _ in range(networks):
        weights = [torch.randn(b, a, generator=generator, dtype=x.dtype) for a, b in itertools.pairwise(widths)]
        biases = [torch.randn(b, generator=generator, dtype=x.dtype) for b in widths[1:]]
        parameters = [p.requires_grad_() for p in (*weights, *biases)]
        rows = [
            torch.cat([g.flatten() for g in torch.autograd.grad(forward(weights, biases, point), parameters)])
            for point in x
        ]
        jacobian = torch.stack(rows)
        found.append(jacobian @ jacobian.T)
    found = torch.stack(found)
    stderr = found.std(0) / math.sqrt(networks)
    kernel = ntk_kernel(x, depth=depth, activation=activation, bias_variance=bias_variance)
    assert ((found.mean(0) - kernel).abs() < 4.5 * stderr + 8 / width * kernel.diagonal().max()).all()
    heavy = 3 if activation == "squared_relu" else 1
    assert (stderr < heavy * 0.05 * kernel.diagonal().max()).all()


def test_tangent_kernel_of_a_linear_network_counts_its_layers():
    x = inputs()
    assert torch.allclose(ntk_kernel(x, depth=5, activation="linear"), 5 * x @ x.T / 5, atol=1e-13)


def test_an_input_of_norm_zero_has_covariance_zero():
    kernel = nngp_kernel(torch.zeros(2, 3, dtype=torch.float64), depth=3)
    assert torch.equal(kernel, torch.zeros_like(kernel))


def test_duplicates_keep_correlation_one_to_rounding():
    x = inputs(1, 784).repeat(2, 1)
    kernel = nngp_kernel(x, depth=7)
    assert abs(float(kernel[0, 1] / kernel[0, 0]) - 1) < 1e-12


def test_kernel_is_positive_definite_on_distinct_points():
    kernel = nngp_kernel(inputs(100, 10), depth=7)
    assert np.linalg.eigvalsh(kernel.numpy())[0] > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"activation": "rleu", "depth": 2}, "did you mean 'relu'"), ({"depth": 0}, "depth = 0; allowed: at least 1")],
)
def test_what_has_no_kernel_is_refused(settings, message):
    for kernel in (nngp_kernel, nngp_variance):
        with pytest.raises(ConfigError, match=message):
            kernel(inputs(), **settings)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "erf"])
@pytest.mark.parametrize("bias_variance", [0.0, 0.3])
@pytest.mark.parametrize("kernel", [nngp_kernel, ntk_kernel])
def test_kernels_agree_with_neural_tangents(activation, bias_variance, kernel):
    jax = pytest.importorskip("jax", reason="neural-tangents is not installed: pip install '.[neural-tangents]'")
    jax.config.update("jax_enable_x64", True)
    stax = pytest.importorskip("neural_tangents.stax", exc_type=ImportError)
    norm = math.sqrt(2 / (1 + 0.3**2))
    phi = {
        "relu": stax.ABRelu(0.0, math.sqrt(2)),
        "leaky_relu": stax.ABRelu(0.3 * norm, norm),
        "erf": stax.Erf(),
    }[activation]

    def dense():
        return stax.Dense(1, 1.0, math.sqrt(bias_variance) if bias_variance else None)

    kernel_fn = stax.serial(*[layer for _ in range(4) for layer in (dense(), phi)], dense())[2]
    x, z = inputs(6, 5, seed=3), inputs(4, 5, seed=4)
    theirs = np.array(kernel_fn(x.numpy(), z.numpy(), "nngp" if kernel is nngp_kernel else "ntk"))
    ours = kernel(x, z, depth=5, activation=activation, bias_variance=bias_variance)
    assert np.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kernel", [kernels.nngp_kernel, kernels.ntk_kernel])
def test_arrays_whole_numbers_and_images_are_taken(kernel):
    network = network_of({"depth": 3}, 4)
    x = torch.arange(12).reshape(3, 4)
    expected = kernel(network, x.double())
    for given in (x, x.numpy(), x.tolist(), x.numpy().astype(np.int16)):
        assert torch.equal(kernel(network, given), expected)
    images = network_of({"depth": 3}, (1, 2, 2))
    assert torch.equal(kernel(images, x.double().reshape(3, 1, 2, 2)), kernel(images, x.double()))


@pytest.mark.parametrize("kernel", [kernels.nngp_kernel, kernels.ntk_kernel, kernels.nngp_variance])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.ones(4), r"shape \(4,\)"),
        (torch.ones(0, 4), r"n >= 1"),
        (torch.ones(3, 1, 2, 2), r"shape \(3, 1, 2, 2\).*allowed: real numbers \(n, 4\)"),
        (torch.ones(3, 4) * 1j, "complex"),
        ("points", "cannot be read as numbers"),
        (torch.ones(3, 4, requires_grad=True), "cannot be differentiated"),
    ],
)
def test_inputs_that_are_none_are_refused_in_words(kernel, x, message):
    with pytest.raises(ConfigError, match=message):
        kernel(network_of({"depth": 2}, 4), x)


@pytest.mark.parametrize("value", [-5.0, math.nan, math.inf])
def test_layers_refuse_parameters_that_are_none(value):
    with pytest.raises(ConfigError, match="bias_variance"):
        layers.Dense(3, bias=True, bias_variance=value)
    with pytest.raises(ConfigError, match="slope"):
        layers.Activation("leaky_relu", (("slope", value),))
