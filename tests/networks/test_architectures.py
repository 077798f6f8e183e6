"""Over the whole table of architectures: finite and infinite networks agree, and what follows from one definition."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from families import FAMILY, built, named, of_width
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from implicitbias.catalogue import ACTIVATIONS, ARCHITECTURES
from implicitbias.errors import ConfigError
from implicitbias.networks import Network, network_of
from implicitbias.networks.kernels import nngp_variance
from implicitbias.networks.layers import ROWS
from implicitbias.networks.stacked import Gradient, forward

WIDTH = 64


def points(n: int, network: Network, seed: int = 0) -> Tensor:
    """Inputs with a mean of their own, which centred rows do not see."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, network.features, generator=generator, dtype=torch.float64) + 0.3


def empirical(network: Network, x: Tensor, members: int) -> tuple[Tensor, Tensor]:
    """The covariance of outputs over random networks, and its standard error."""
    blocks = [
        network.forward(network.initialise(range(start, start + 250)), x.float()).double()
        for start in range(0, members, 250)
    ]
    f = torch.cat(blocks)
    products = f[:, :, None] * f[:, None, :]
    return products.mean(0), products.std(0) / math.sqrt(members)


def agrees(network: Network, members: int = 1500, allowance: float = 0.5) -> None:
    """Within 4 standard errors; what finite width changes is of the order of 1/width.

    Rows of mean 0 and norm 1 with d entries have variances of 1/(d - 1), which the kernel of vectors takes for 1/d.
    """
    allowance /= WIDTH
    if network.rows == "mean_free_unit" and len(network.input_shape) == 1:
        allowance += 1 / (network.features - 1)
    x = points(3, network)
    kernel = network.nngp(x)
    found, stderr = empirical(network, x, members)
    scale = kernel.diagonal().max()
    assert ((found - kernel).abs() < 4 * stderr + allowance * scale).all(), (found, kernel, stderr)
    assert (stderr < 0.06 * scale).all()  # the test sees an error of a fifth


KERNELS = [parameters for parameters in FAMILY if not built(of_width(parameters, WIDTH)).without_nngp]


@pytest.mark.parametrize("rows", ["free", "mean_free_unit"])
@pytest.mark.parametrize("parameters", KERNELS, ids=named)
def test_kernel_is_the_covariance_of_random_networks(parameters: dict[str, Any], rows: str) -> None:
    """Those that Nero would start from, too: their rows have mean 0 and norm 1."""
    if parameters.get("bias_variance") and rows != "free":
        pytest.skip("biases with a variance of their own go with free rows")
    if {"normalisation", "block"} & set(parameters) or parameters["architecture"] != "resnet" or rows == "free":
        agrees(built(of_width(parameters, WIDTH), rows=rows))
    else:  # a first layer's short rows in a residual stream: see the limits in the docstring of the kernels
        agrees(network_of(of_width(parameters, WIDTH), (16, 4, 4), rows=rows))


@pytest.mark.parametrize("rows", ["unit", "mean_free"])
@pytest.mark.parametrize("architecture", [parameters["architecture"] for parameters in KERNELS if len(parameters) == 1])
def test_kernels_of_half_the_constraint(architecture: str, rows: str) -> None:
    agrees(built(of_width({"architecture": architecture}, WIDTH), rows=rows))


@pytest.mark.parametrize("activation", [name for name, entry in ACTIVATIONS.items() if entry.dual])
@pytest.mark.parametrize("rows", ["free", "mean_free_unit"])
def test_kernels_of_every_activation(activation: str, rows: str) -> None:
    agrees(network_of({"activation": activation, "depth": 2, "width": 2 * WIDTH}, 40, rows=rows))


@pytest.mark.parametrize("activation", ["relu", "squared_relu", "leaky_relu"])
@pytest.mark.parametrize("readout", ["flatten", "global_average"])
def test_rows_of_nine_pixels_are_not_normal_and_count_exactly(activation: str, readout: str) -> None:
    """A kernel that takes them for normal is off by 7 % with the global average, 9 standard errors of 3000 networks."""
    parameters = {"architecture": "cnn", "activation": activation, "width": WIDTH, "readout": readout}
    agrees(network_of(parameters, (1, 5, 4), rows="mean_free_unit"), members=3000)


def test_networks_projected_as_nero_does_have_the_centred_kernel() -> None:
    """A prior variance of (1 - 1/pi)^6 = .10 at depth 7, and of 1 where rows are free; by 250 networks."""
    x = torch.randn(4, 784, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = (x - x.mean(1, keepdim=True)) * (28 / (x - x.mean(1, keepdim=True)).norm(dim=1, keepdim=True))
    centred, plain = (network_of({"depth": 7, "width": 256}, 784, rows=rows) for rows in ("mean_free_unit", "free"))
    assert centred.nngp(x).diagonal().tolist() == pytest.approx([(1 - 1 / math.pi) ** 6] * 4, rel=1e-12)
    assert plain.nngp(x).diagonal().tolist() == pytest.approx([1.0] * 4, rel=1e-12)
    found, stderr = empirical(centred, x, 250)
    assert ((found - centred.nngp(x)).abs() < 4 * stderr + 0.02 / 10).all()
    assert ((found - plain.nngp(x)).abs() > 4 * stderr).all()


def test_centred_recursion_as_published() -> None:
    """K <- sqrt(q q') (h(t) - 1/pi), q <- q (1 - 1/pi), from the inputs less their own means."""
    network = network_of({"depth": 5}, 20, rows="mean_free_unit")
    x = points(6, network)
    c = x - x.mean(1, keepdim=True)
    kernel, q = c @ c.T / 20, c.square().mean(1)
    for _ in range(4):
        scale = (q[:, None] * q).sqrt()
        t = (kernel / scale).clamp(-1, 1)
        kernel = scale * (((1 - t**2).sqrt() + t * (math.pi - t.arccos())) / math.pi - 1 / math.pi)
        q = q * (1 - 1 / math.pi)
    assert torch.allclose(network.nngp(x), kernel, rtol=1e-9, atol=1e-12)
    assert torch.allclose(nngp_variance(network, x), q, rtol=1e-12)


# ------------------------------------------------------------------- what must hold for every network there can be
def parameters_of(draw: st.DrawFn) -> dict[str, Any]:
    """Any values of any architecture's parameters: mostly allowed ones."""
    name = draw(st.sampled_from(sorted(ARCHITECTURES)))
    chosen: dict[str, Any] = {"architecture": name, "activation": draw(st.sampled_from(sorted(ACTIVATIONS)))}
    for key, parameter in {**ARCHITECTURES[name].parameters, **ACTIVATIONS[chosen["activation"]].parameters}.items():
        if draw(st.booleans()):
            continue
        if parameter.choices:
            chosen[key] = draw(st.sampled_from(parameter.choices))
        elif isinstance(parameter.default, bool):
            chosen[key] = draw(st.booleans())
        elif isinstance(parameter.default, float):
            chosen[key] = draw(st.sampled_from([0.0, 0.2, 0.5, 1.0, -1.0]))
        elif key == "depth":  # squares of squares leave the range of floats soon
            chosen[key] = draw(st.integers(0, 4 if chosen["activation"] == "squared_relu" else 8))
        else:
            chosen[key] = draw(st.integers(0, 8) | st.sampled_from([32, 64]))
    return chosen


SOME_SHAPES = st.one_of(
    st.tuples(st.integers(1, 6)), st.tuples(st.integers(1, 2), st.integers(1, 9), st.integers(1, 9)),
    st.just((1, 16, 16)),
)  # fmt: skip


@st.composite
def networks(draw: st.DrawFn) -> tuple[dict[str, Any], tuple[int, ...], str]:
    return parameters_of(draw), draw(SOME_SHAPES), draw(st.sampled_from(ROWS))


RANDOM = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def network_or_none(parameters: dict[str, Any], shape: tuple[int, ...], rows: str) -> Network | None:
    """None where the parameters are refused, which has to be in one way only."""
    try:
        network = network_of(parameters, shape, rows=rows)
    except ConfigError as error:
        if "allowed" not in str(error):
            raise
        return None
    return network if network.numbers < 200_000 else None


@RANDOM
@given(networks())
def test_a_network_is_refused_or_computes(case: tuple[dict[str, Any], tuple[int, ...], str]) -> None:
    """Finite outputs of the shape that it says, members that do not depend on each other, rows as promised."""
    network = network_or_none(*case)
    if network is None:
        return
    weights, x = network.initialise([3, 4, 5], dtype=torch.float64), points(4, network)
    assert [tuple(weight.shape[1:]) for weight in weights] == network.shapes
    outputs = network.forward(weights, x)
    assert outputs.shape == (3, 4)
    assert torch.isfinite(outputs).all()
    alone = network.forward([weight[1:2] for weight in weights], x)
    assert torch.allclose(alone, outputs[1:2], rtol=1e-12, atol=1e-14)
    for weight in weights[network.trained]:
        if "mean_free" in network.rows:
            assert float(weight.mean(-1).abs().max()) < 1e-12
        if "unit" in network.rows:
            assert torch.allclose(weight.norm(dim=-1), torch.ones(weight.shape[:2], dtype=torch.float64), atol=1e-12)


@RANDOM
@given(networks())
def test_gradients_are_autograds_and_degrees_are_true(case: tuple[dict[str, Any], tuple[int, ...], str]) -> None:
    """Factored gradients multiply out to autograd's; a degree of homogeneity holds exactly, and none means none."""
    network = network_or_none(*case)
    if network is None:
        return
    weights = [w + 0.1 for w in network.initialise([1, 2], dtype=torch.float64)]
    weights = [weight.requires_grad_(True) for weight in weights]
    x = points(3, network)
    expected = torch.autograd.grad(forward(network, weights, x).square().sum(), weights, allow_unused=True)
    kept: list[Gradient] = []
    forward(network, weights, x, kept).square().sum().backward()
    for gradient, value in zip(kept[::-1], expected, strict=True):
        assert torch.allclose(gradient.matrix(), value, rtol=1e-9, atol=1e-11)

    def at(scale: float) -> Tensor:
        scaled = [weight.detach() for weight in weights]
        scaled[network.trained] = [scale * weight for weight in scaled[network.trained]]
        return forward(network, scaled, x)

    if network.degree is not None:
        assert torch.allclose(at(1.7), 1.7**network.degree * at(1.0), rtol=1e-7, atol=1e-10)
        assert network.degree == network.leading_degree


@RANDOM
@given(networks())
def test_kernels_are_covariances(case: tuple[dict[str, Any], tuple[int, ...], str]) -> None:
    """Symmetric to the last bit, no negative eigenvalue, the diagonal as told alone, and the same in any blocks."""
    network = network_or_none(*case)
    if network is None:
        return
    x = points(5, network)
    if network.without_nngp:
        with pytest.raises(ConfigError, match="allowed"):
            network.nngp(x)
        return
    kernel = network.nngp(x)
    scale = float(kernel.diagonal().max())
    assert torch.equal(kernel, kernel.T)
    assert float(torch.linalg.eigvalsh(kernel)[0]) >= -1e-9 * scale - 1e-300
    assert torch.allclose(nngp_variance(network, x), kernel.diagonal(), rtol=1e-9, atol=1e-12 * scale)
    assert torch.allclose(network.nngp(x[:2], x[2:]), kernel[:2, 2:], rtol=1e-7, atol=1e-9 * scale)
    if not network.without_ntk:
        tangent = network.ntk(x)
        assert torch.equal(tangent, tangent.T)
        assert float(torch.linalg.eigvalsh(tangent)[0]) >= -1e-9 * float(tangent.diagonal().max()) - 1e-300
        assert (tangent.diagonal() >= kernel.diagonal() * (1 - 1e-9)).all()


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("parameters", KERNELS, ids=named)
def test_blank_and_constant_images_have_finite_kernels(parameters: dict[str, Any], rows: str) -> None:
    """Patches of one value have no variance where rows have mean 0; what rounding leaves of it is not negative."""
    if parameters.get("bias_variance") and rows != "free":
        pytest.skip("biases with a variance of their own go with free rows")
    network = built(of_width(parameters, WIDTH), rows=rows)
    x = torch.stack([torch.full((network.features,), value, dtype=torch.float64) for value in (0.0, -0.65, 0.1, 1 / 3)])
    x = torch.cat([x, points(2, network)])
    x[-1, : network.features // 2] = -0.4242
    for kernel in (network.nngp(x), network.nngp(x[:3], x[3:]), *([] if network.without_ntk else [network.ntk(x)])):
        assert torch.isfinite(kernel).all()
    assert (nngp_variance(network, x) >= 0).all()


def test_widths_do_not_matter_to_kernels() -> None:
    for parameters in KERNELS:
        narrow, wide = (built(of_width(parameters, width)) for width in (8, 300))
        x = points(3, narrow)
        assert torch.equal(narrow.nngp(x), wide.nngp(x))


# ----------------------------------------------------------------------------------- what is refused, and with what
IMAGE = (1, 8, 8)


@pytest.mark.parametrize(
    ("parameters", "shape", "fragments"),
    [
        ({"architecture": "cnn"}, (64,), ["'cnn'", "(64,)", "takes images"]),
        ({"architecture": "lenet"}, (1, 8, 8), ["'lenet'", "too small", "allowed"]),
        ({"architecture": "cnn", "pooling": "max", "depth": 6}, IMAGE, ["1 x 1 pixels are too small for pooling"]),
        ({"architecture": "resnet", "depth": 5}, IMAGE, ["depth = 5", "multiple of 2"]),
        ({"architecture": "cnn", "side": 2}, IMAGE, ["side = 2", "1, 3, 5"]),
        ({"architecture": "cnn", "residual": True}, IMAGE, ["no parameter 'residual'", "readout"]),
        ({"architecture": "cnnn"}, IMAGE, ["did you mean 'cnn'"]),
        ({"activation": "rleu"}, (3,), ["did you mean 'relu'"]),
        ({"depth": 0}, (3,), ["depth = 0; allowed: at least 1"]),
        ({"depth": 1, "output": "signs"}, (3,), ["output 'signs' does not go with depth = 1", "at least 2"]),
        ({"width": 1, "output": "halves"}, (3,), ["width = 1", "at least 2"]),
        ({"rows": "centred"}, (3,), ["rows = 'centred'", "mean_free_unit"]),
        ({"rows": "mean_free_unit"}, (1,), ["mean 0", "at least 2 features"]),
        ({"rows": "unit", "bias": "all", "bias_variance": 0.1}, (3,), ["bias_variance = 0.1", "allowed: 0"]),
        ({"architecture": "lenet", "factor": 0.01}, (1, 28, 28), ["factor = 0.01", "no neurons"]),
        ({"architecture": "lyu_li", "width": 40}, (1, 28, 28), ["width = 40", "multiple of 32"]),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_refused_in_words(
    parameters: dict[str, Any], shape: tuple[int, ...], fragments: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        network_of(parameters, shape)
    assert all(fragment in str(caught.value) for fragment in fragments), caught.value


@pytest.mark.parametrize(
    ("parameters", "kernel", "reason"),
    [
        ({"architecture": "cnn", "pooling": "max"}, "nngp", "max pooling has no kernel"),
        ({"architecture": "lenet"}, "nngp", "max pooling has no kernel"),
        ({"activation": "gelu"}, "nngp", "'gelu' has no kernel in closed form; allowed: relu"),
        ({"output": "halves"}, "nngp", "no random outputs"),
        ({"output": "mean_field"}, "nngp", "vanishes"),
        ({"output": "signs"}, "ntk", "all trained"),
    ],
)
def test_what_has_no_kernel_says_why(parameters: dict[str, Any], kernel: str, reason: str) -> None:
    network = network_of(parameters, (1, 28, 28))
    x = torch.zeros(2, 784, dtype=torch.float64)
    with pytest.raises(ConfigError, match=reason):
        getattr(network, kernel)(x)


@pytest.mark.parametrize("x", [torch.zeros(2, 5), torch.zeros(3), torch.zeros(2, 3, dtype=torch.complex64)])
def test_inputs_of_another_shape_are_refused(x: Tensor) -> None:
    with pytest.raises(ConfigError, match=r"allowed: real numbers \(n, 3\)"):
        network_of({}, 3).nngp(x)


def test_the_signed_last_layer_has_the_kernel_of_a_drawn_one() -> None:
    drawn, signed = (network_of({"depth": 3, "output": output}, 4) for output in ("trained", "signs"))
    x = points(3, drawn)
    assert torch.equal(drawn.nngp(x), signed.nngp(x))


def test_several_outputs_are_independent_draws_of_one_kernel() -> None:
    network = network_of({"width": WIDTH}, 6, outputs=3)
    x = points(2, network)
    f = network.forward(network.initialise(range(2000)), x.float()).double()
    assert f.shape == (2000, 2, 3)
    products = f[:, :, None, :, None] * f[:, None, :, None, :]  # of two points and two outputs
    stderr = products.std(0) / math.sqrt(2000)
    expected = network.nngp(x)[:, :, None, None] * torch.eye(3, dtype=torch.float64)
    assert ((products.mean(0) - expected).abs() < 4.5 * stderr + 0.5 / WIDTH).all()


# ---------------------------------------------------------------------------------------- against another library
def stax_of(stax: Any, parameters: dict[str, Any]) -> Any:
    """The same network of neural-tangents; its images have their channels last."""
    deviation = math.sqrt(parameters.get("bias_variance", 0.0)) or None
    relu = stax.ABRelu(0.0, math.sqrt(2))
    depth, readout = parameters.get("depth", 4), parameters.get("readout", "flatten")

    def linear(kind: str) -> Any:
        return stax.Dense(1, 1.0, deviation) if kind == "dense" else stax.Conv(1, (3, 3), None, "SAME", 1.0, deviation)

    end = [stax.Flatten() if readout == "flatten" else stax.GlobalAvgPool(), linear("dense")]
    if parameters["architecture"] == "cnn":
        pool = [stax.AvgPool((2, 2), (2, 2))] if parameters.get("pooling") == "average" else []
        return stax.serial(*[part for _ in range(depth - 1) for part in (linear("convolution"), relu, *pool)], *end)
    if parameters["architecture"] == "mlp":
        hidden = [part for _ in range(depth - 1) for part in (linear("dense"), relu)]
        return stax.serial(stax.Flatten(), *hidden, linear("dense"))
    kind = parameters.get("block", "convolution")
    norm = [stax.LayerNorm()] if parameters.get("normalisation") == "layer" else []
    block = stax.serial(*norm, relu, linear(kind), *norm, relu, linear(kind))
    blocks = [
        stax.serial(stax.FanOut(2), stax.parallel(block, stax.Identity()), stax.FanInSum())
        for _ in range(depth // 2 - 1)
    ]
    start = [stax.Flatten()] if kind == "dense" else []
    return stax.serial(*start, linear(kind), *blocks, *norm, relu, *([linear("dense")] if start else end))


@pytest.mark.parametrize("kernel", ["nngp", "ntk"])
@pytest.mark.parametrize(
    "parameters",
    [
        {"architecture": architecture, **more}
        for architecture, more in (
            ("mlp", {"depth": 3}),
            ("mlp", {"depth": 3, "bias": "all", "bias_variance": 0.2}),
            ("cnn", {"depth": 3}),
            ("cnn", {"depth": 4, "bias": "all", "bias_variance": 0.2}),
            ("cnn", {"depth": 3, "readout": "global_average"}),
            ("cnn", {"depth": 3, "pooling": "average"}),
            ("cnn", {"depth": 3, "pooling": "average", "readout": "global_average"}),
            ("resnet", {"depth": 6}),
            ("resnet", {"depth": 4, "readout": "global_average"}),
            ("resnet", {"depth": 6, "block": "dense"}),
            ("resnet", {"depth": 6, "normalisation": "layer"}),
            ("resnet", {"depth": 4, "bias": "all", "bias_variance": 0.2}),
        )
    ],
    ids=named,
)
def test_kernels_agree_with_neural_tangents(parameters: dict[str, Any], kernel: str) -> None:
    """To 1e-9: convolutions, pooling, readouts, residual blocks, normalisation, biases."""
    jax = pytest.importorskip("jax", reason="neural-tangents is not installed: pip install '.[neural-tangents]'")
    jax.config.update("jax_enable_x64", True)
    stax = pytest.importorskip("neural_tangents.stax", exc_type=ImportError)
    network = network_of(parameters, (2, 6, 6))
    x, z = points(3, network, 1), points(2, network, 2)
    theirs = [np.moveaxis(each.numpy().reshape(-1, 2, 6, 6), 1, 3) for each in (x, z)]
    expected = np.array(stax_of(stax, parameters)[2](*theirs, kernel))
    assert np.allclose(getattr(network, kernel)(x, z), expected, rtol=1e-9, atol=1e-12)
