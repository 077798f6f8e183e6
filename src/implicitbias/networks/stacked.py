"""Stacked ensembles of finite networks: how their weights are drawn, and what they compute.

The weights of an ensemble are a list of tensors `(member, out, in)`, one a weight matrix, so that one batched matrix
product a layer serves all members. A bias is a column more, which multiplies a constant 1. A convolution is a product
with the patches around all pixels, whose numbers stand in the order channel, row, column.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d, unfold

from implicitbias.networks.activations import activation_of
from implicitbias.networks.convolve import convolve, worth_it
from implicitbias.networks.initialisation import Rule, fan_in
from implicitbias.networks.layers import (
    Activation,
    Convolution,
    Flatten,
    GlobalAverage,
    Layer,
    Linear,
    Normalisation,
    Pool,
    Residual,
    Scale,
    Shape,
)
from implicitbias.networks.network import Network
from implicitbias.networks.rows import project

_TINY = 1e-12  # added to variances that are divided by


def initialise(
    network: Network,
    seeds: Sequence[int],
    init_scale: float | Sequence[float] = 1.0,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    *,
    rule: Rule = fan_in,
) -> list[Tensor]:
    """Random weights in the class of the network's rows, one member per seed.

    Every member draws from a CPU generator of its own, so neither the other members nor the device change its weights.

    Args:
        network: what is built.
        seeds: one seed a member.
        init_scale: factor on all drawn weights, one for all or one a member.
        dtype: of the weights; float32 and float64 draw different numbers.
        device: where the weights go.
        rule: draws the weights at scale 1 (see `networks.initialisation`).

    Returns:
        A tensor `(member, out, in)` for each weight matrix.
    """
    weights = draw(network, seeds, init_scale, dtype, device, rule=rule)
    for weight in weights[network.trained]:
        project(weight, network.rows)
    return weights


def draw(
    network: Network,
    seeds: Sequence[int],
    init_scale: float | Sequence[float] = 1.0,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    *,
    rule: Rule = fan_in,
) -> list[Tensor]:
    """As `initialise`, before rows are projected: what is handed to an optimizer that projects them itself."""
    shapes = [(weight.rows, weight.inputs) for weight in network.weights]
    weights = [torch.zeros(len(seeds), *shape, dtype=dtype, device=device) for shape in network.shapes]
    scales = torch.as_tensor(init_scale, dtype=torch.float64).expand(len(seeds)).tolist()
    for member, (seed, scale) in enumerate(zip(seeds, scales, strict=True)):
        source = torch.Generator().manual_seed(seed)
        drawn = [layer.mul_(scale) for layer in rule(shapes, source, dtype)]
        for weight, layer, values in zip(network.weights, weights, drawn, strict=True):
            start, bias = weight.layer.start, weight.layer.bias_variance
            layer[member, :, : weight.inputs] = values if start == "drawn" else _START[start](values, source)
            if weight.bias and bias:
                layer[member, :, -1] = torch.randn(weight.rows, dtype=dtype, generator=source) * bias**0.5
    return weights


def _signs(drawn: Tensor, source: torch.Generator) -> Tensor:
    signs: Tensor = (2.0 * torch.randint(2, drawn.shape, generator=source) - 1) / drawn.shape[1] ** 0.5
    return signs


def _halves(drawn: Tensor, source: torch.Generator) -> Tensor:
    half = drawn.shape[1] // 2
    row: Tensor = torch.where(torch.arange(drawn.shape[1]) < half, 1.0, -1.0)[None] / half
    return row


_START: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "signs": _signs, "halves": _halves, "zeros": lambda drawn, source: torch.zeros_like(drawn),
}  # fmt: skip
"""Weights of layers that start otherwise than drawn (see `layers.Linear`)."""


class Gradient(NamedTuple):
    """A loss's gradient with respect to a layer's weights W in z = h W^T: the product delta^T h, kept as its factors.

    For wide layers and small batches the factors are a small part of the matrix.

    Attributes:
        delta: gradient with respect to z, `(member, batch, out)`.
        h: the layer's input, `(member, batch, in)`. Of a convolution, every pixel of every point is one of the batch.
        whole: the matrix itself, `(member, out, in)`, of a convolution that is not a product with patches; the factors
            are empty then.
    """

    delta: Tensor
    h: Tensor
    whole: Tensor | None = None

    def matrix(self) -> Tensor:
        """`(member, out, in)`."""
        return product(self.delta.mT, self.h) if self.whole is None else self.whole


def joined(gradients: Sequence[Gradient]) -> Gradient:
    """One layer's gradients of several groups of members, as that of all."""
    delta, h = (torch.cat([getattr(each, name) for each in gradients]) for name in ("delta", "h"))
    whole = [each.whole for each in gradients if each.whole is not None]
    return Gradient(delta, h, torch.cat(whole) if whole else None)


def forward(
    network: Network,
    weights: Sequence[Tensor],
    x: Tensor,
    gradients: list[Gradient] | None = None,
    *,
    factored: bool = False,
) -> Tensor:
    """The outputs f(x) of every member.

    Args:
        network: whose weights these are.
        weights: tensors `(member, out, in)`.
        x: inputs `(member, batch, d)`, or `(batch, d)` shared by all members.
        gradients: if given, a list that the backward pass from the outputs extends by every layer's gradient,
            last layer first. The weights must require a gradient; their `.grad` stays None.
        factored: whether the gradients of all convolutions are to be factors too, one a point and pixel.

    Returns:
        `(member, batch)`, or `(member, batch, outputs)` if the network has several outputs.
    """
    members = weights[0].shape[0]
    h = x.expand(members, *x.shape[-2:])
    if len(network.input_shape) == 3 and not isinstance(network.layers[0], Flatten):
        channels, rows, columns = network.input_shape
        h = h.transpose(0, 1).reshape(-1, members * channels, rows, columns)
    h = _through(network.layers, h, members, iter(weights), gradients, factored)
    return h.squeeze(-1) if network.outputs == 1 else h


def _through(
    layers: Sequence[Layer], h: Tensor, members: int, weights: Iterator[Tensor], gradients: list[Gradient] | None,
    factored: bool,
) -> Tensor:  # fmt: skip
    """Behind the layers: vectors `(member, batch, features)`, images `(batch, member channels, rows, columns)`."""
    for layer in layers:
        if isinstance(layer, Residual):
            h = _through(layer.layers, h, members, weights, gradients, factored) + h
        elif isinstance(layer, Convolution) and worth_it(layer) and not factored:
            receive = None if gradients is None else partial(_keep, gradients)
            h = convolve(h, next(weights), layer, receive)
        elif isinstance(layer, Convolution):
            size = layer.output((1, *h.shape[2:]))
            h = _pixels(_linear(_patches(h, layer, members), next(weights), layer, gradients), size)
        elif isinstance(layer, Linear):
            h = _linear(h, next(weights), layer, gradients)
        elif isinstance(layer, Activation):
            h = activation_of(layer)(h)
        elif isinstance(layer, Pool):
            h = (max_pool2d if layer.kind == "max" else avg_pool2d)(h, layer.side)
        elif isinstance(layer, GlobalAverage):
            h = h.mean((2, 3)).reshape(len(h), members, -1).transpose(0, 1).contiguous()
        elif isinstance(layer, Flatten):
            h = h.reshape(len(h), members, -1).transpose(0, 1).contiguous() if h.ndim == 4 else h
        elif isinstance(layer, Normalisation):
            each = h.reshape(len(h), members, -1, *h.shape[2:]) if h.ndim == 4 else h
            centred = each - each.mean(2, keepdim=True)
            h = (centred * (centred.square().mean(2, keepdim=True) + _TINY).rsqrt()).reshape(h.shape)
        else:
            assert isinstance(layer, Scale)
            h = h * layer.factor
    return h


def _linear(h: Tensor, weight: Tensor, layer: Linear, gradients: list[Gradient] | None) -> Tensor:
    """`(member, batch, in) -> (member, batch, out)`."""
    if layer.bias:
        h = torch.cat([h, h.new_ones(*h.shape[:-1], 1)], dim=-1)
    if gradients is None:
        return product(h, weight.mT)
    outputs: Tensor = _Linear.apply(h, weight, gradients)  # type: ignore[no-untyped-call]
    return outputs


def _keep(gradients: list[Gradient], whole: Tensor) -> None:
    nothing = whole.new_empty(len(whole), 0, 0)
    gradients.append(Gradient(nothing, nothing, whole))


def _patches(h: Tensor, layer: Convolution, members: int) -> Tensor:
    """The patch around every pixel: `(batch, member channels, rows, columns) -> (member, batch pixels, in)`."""
    patches = unfold(h, layer.side, padding=layer.side // 2 if layer.padding else 0)
    each = patches.reshape(len(h), members, -1, patches.shape[2])
    return each.permute(1, 0, 3, 2).reshape(members, -1, each.shape[2])


def _pixels(h: Tensor, size: Shape) -> Tensor:
    """Images again: `(member, batch pixels, out) -> (batch, member out, rows, columns)`."""
    each = h.reshape(len(h), -1, size[1], size[2], h.shape[2])
    return each.permute(1, 0, 4, 2, 3).reshape(each.shape[1], -1, size[1], size[2])


class _Linear(torch.autograd.Function):
    """h W^T, whose backward pass hands over the factors of W's gradient instead of multiplying them."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, weight: Tensor, gradients: list[Gradient]) -> Tensor:
        ctx.save_for_backward(h, weight)
        ctx.gradients = gradients
        return product(h, weight.mT)

    @staticmethod
    def backward(ctx: Any, *received: Tensor) -> tuple[Tensor | None, None, None]:
        h, weight = ctx.saved_tensors
        (delta,) = received
        ctx.gradients.append(Gradient(delta, h.detach()))  # h itself would keep the graph alive: a cycle
        return product(delta, weight) if ctx.needs_input_grad[0] else None, None, None


def product(a: Tensor, b: Tensor) -> Tensor:
    """Batched matrix product whose members do not depend, to the last bit, on how many there are.

    torch hands a batch of one with a single row or column to a matrix-vector routine, which rounds differently
    from the batched product; a batch of two avoids it.
    """
    if len(a) != 1 or min(a.shape[1], b.shape[2]) > 1:
        return torch.bmm(a, b)
    return torch.bmm(a.expand(2, -1, -1), b.expand(2, -1, -1))[:1]
