"""Stacked ensembles of finite networks: how their weights are drawn, and what they compute.

The weights of an ensemble are a list of tensors `(member, out, in)`, one a weight matrix, so that one batched matrix
product a layer serves all members. A bias is a column more, which multiplies a constant 1. A convolution is a product
with the patches around all pixels, whose numbers stand in the order channel, row, column.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, unfold

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
from implicitbias.shapes.tensors import Inputs, Outputs, WeightList, Weights

_TINY = 1e-12  # added to variances that are divided by


def initialise(
    network: Network,
    seeds: Sequence[int],
    init_scale: float | Sequence[float] = 1.0,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    *,
    rule: Rule = fan_in,
    projected: bool = True,
) -> WeightList:
    """Random weights in the class of the network's rows, one member per seed.

    Every member draws from a CPU generator of its own, so neither the other members nor the device change its weights.

    Args:
        network: what is built.
        seeds: one seed a member.
        init_scale: factor on all drawn weights, one for all or one a member.
        dtype: of the weights; float32 and float64 draw different numbers.
        device: where the weights go.
        rule: draws the weights at scale 1 (see `networks.initialisation`).
        projected: whether rows are brought under their constraint; an optimizer that keeps it does that itself.

    Returns:
        A tensor `(member, out, in)` for each weight matrix.
    """
    shapes = [(weight.rows, weight.inputs, weight.pixels) for weight in network.weights]
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
    for layer in weights[network.trained] if projected else ():
        project(layer, network.rows)
    return weights


def _signs(drawn: Float[Tensor, "out in"], source: torch.Generator) -> Float[Tensor, "out in"]:
    signs: Tensor = (2.0 * torch.randint(2, drawn.shape, generator=source) - 1) / drawn.shape[1] ** 0.5
    return signs


def _halves(drawn: Float[Tensor, "out in"], source: torch.Generator) -> Float[Tensor, "1 in"]:
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
        pixels: of a patch, if it is a convolution without biases: rows hold so many numbers a channel; else 1.
    """

    delta: Float[Tensor, "member batch out"]
    h: Float[Tensor, "member batch in"]
    whole: Float[Tensor, "member out in"] | None = None
    pixels: int = 1

    def matrix(self) -> Float[Tensor, "member out in"]:
        """The gradient, multiplied out."""
        return product(self.delta.mT, self.h) if self.whole is None else self.whole


def joined(gradients: Sequence[Gradient]) -> Gradient:
    """One layer's gradients of several groups of members, as that of all."""
    delta, h = (torch.cat([getattr(each, name) for each in gradients]) for name in ("delta", "h"))
    whole = [each.whole for each in gradients if each.whole is not None]
    return Gradient(delta, h, torch.cat(whole) if whole else None, gradients[0].pixels)


def forward(
    network: Network,
    weights: Weights,
    x: Inputs,
    gradients: list[Gradient] | None = None,
    *,
    factored: bool = False,
    together: bool = False,
) -> Outputs:
    """The outputs f(x) of every member.

    Those of networks with one output do not depend, to the last bit, on how many members there are. Where there are
    several outputs, and no `gradients` are asked for, all members are computed together, which is faster.

    Args:
        network: whose weights these are.
        weights: tensors `(member, out, in)`.
        x: inputs `(member, batch, d)`, or `(batch, d)` shared by all members.
        gradients: if given, a list that the backward pass from the outputs extends by every layer's gradient,
            last layer first. The weights must require a gradient; their `.grad` stays None.
        factored: whether the gradients of all convolutions are to be factors too, one a point and pixel.
        together: whether networks with one output too are computed together, where last bits do not matter.

    Returns:
        `(member, batch)`, or `(member, batch, outputs)` if the network has several outputs.
    """
    together = (together or network.outputs > 1) and gradients is None
    shared = together and x.ndim == 2 and not any(isinstance(layer, Residual) for layer in network.layers)
    members = 1 if shared else len(weights[0])
    linear = _together if together else partial(_apart, gradients=gradients, factored=factored)
    h = _through(network.layers, entering(network, x, members), members, iter(weights), linear)
    return h.squeeze(-1) if network.outputs == 1 else h


def from_first_weights(
    network: Network, *inputs: Float[Tensor, "_batch d"]
) -> tuple[Network, list[Float[Tensor, "_batch features"]]]:
    """The network without the layers before its first weights, and what these make of inputs `(batch, d)`.

    Where many members, or many steps, see the same points, this spares them what weights do not change.
    """
    first = next(number for number, layer in enumerate(network.layers) if isinstance(layer, Linear | Residual))
    before, shape = network.layers[:first], network.input_shape
    for layer in before:
        shape = layer.output(shape)
    seen = [_through(before, entering(network, x, 1), 1, iter(()), _together).reshape(len(x), -1) for x in inputs]
    return Network(network.layers[first:], shape, network.rows), seen


def entering(network: Network, x: Inputs, members: int) -> Tensor:
    """Inputs `(member, batch, d)` or `(batch, d)` as the first layer takes them (see `_through`)."""
    h = x.expand(members, *x.shape[-2:])
    if len(network.input_shape) == 3 and not isinstance(network.layers[0], Flatten):
        channels, rows, columns = network.input_shape
        h = h.transpose(0, 1).reshape(-1, members * channels, rows, columns)
    return h


def _through(
    layers: Sequence[Layer], h: Tensor, members: int, weights: Iterator[Tensor], linear: Callable[..., Tensor]
) -> Tensor:
    """Behind the layers: vectors `(member, batch, features)`, images `(batch, member channels, rows, columns)`.

    `linear` computes layers with weights; what all members share counts as that of one member.
    """
    for layer in layers:
        if isinstance(layer, Residual):
            h = _through(layer.layers, h, members, weights, linear) + h
        elif isinstance(layer, Linear):
            weight = next(weights)
            h = linear(layer, h, weight, members)
            members = len(weight)
        else:
            h = without_weights(layer, h, members)
    return h


def without_weights(layer: Layer, h: Tensor, members: int) -> Tensor:
    """Behind one layer that has no weights; the shapes are those of `_through`."""
    if isinstance(layer, Activation):
        return activation_of(layer)(h)
    if isinstance(layer, Pool):
        return (max_pool2d if layer.kind == "max" else avg_pool2d)(h, layer.side)
    if isinstance(layer, GlobalAverage):
        return h.mean((2, 3)).reshape(len(h), members, -1).transpose(0, 1).contiguous()
    if isinstance(layer, Flatten):
        return h.reshape(len(h), members, -1).transpose(0, 1).contiguous() if h.ndim == 4 else h
    if isinstance(layer, Normalisation):
        each = h.reshape(len(h), members, -1, *h.shape[2:]) if h.ndim == 4 else h
        centred = each - each.mean(2, keepdim=True)
        return (centred * (centred.square().mean(2, keepdim=True) + _TINY).rsqrt()).reshape(h.shape)
    assert isinstance(layer, Scale)
    return h * layer.factor


def _apart(
    layer: Linear, h: Tensor, weight: Tensor, members: int, gradients: list[Gradient] | None, factored: bool
) -> Tensor:
    """One product, or one convolution, for every member."""
    if isinstance(layer, Convolution) and worth_it(layer) and not factored:
        return convolve(h, weight, layer, None if gradients is None else lambda m: gradients.append(known(layer, m)))
    rows = _patches(h, layer, members) if isinstance(layer, Convolution) else h
    rows = with_ones(rows, -1) if layer.bias else rows
    if gradients is None:
        z = product(rows, weight.mT)
    else:
        z = _Linear.apply(rows, weight, gradients, _pixels_of(layer))  # type: ignore[no-untyped-call]
    return _pixels(z, layer.output((1, *h.shape[2:]))) if isinstance(layer, Convolution) else z


def _together(layer: Linear, h: Tensor, weight: Tensor, members: int) -> Tensor:
    """One product for all members if they share h, and one convolution in groups if they do not."""
    if isinstance(layer, Convolution):
        return _grouped(layer, h, weight, members)
    h = with_ones(h, -1) if layer.bias else h
    if members == len(weight):
        return torch.bmm(h, weight.mT)
    return (h[0] @ weight.flatten(0, 1).mT).reshape(-1, *weight.shape[:2]).transpose(0, 1)


def _grouped(layer: Convolution, h: Tensor, weight: Tensor, members: int) -> Tensor:
    """Images that all members share are one product with patches, which is faster than a convolution."""
    padding = layer.side // 2 if layer.padding else 0
    flat = weight.flatten(0, 1)
    if members == 1:
        patches = unfold(h, layer.side, padding=padding)
        patches = with_ones(patches, 1) if layer.bias else patches
        z = torch.bmm(flat.expand(len(h), -1, -1), patches)
        return z.reshape(len(h), -1, *layer.output((1, *h.shape[2:]))[1:])
    kernels, biases = (flat[:, :-1], flat[:, -1]) if layer.bias else (flat, None)
    return conv2d(h, kernels.reshape(len(flat), -1, layer.side, layer.side), biases, 1, padding, 1, members)


def with_ones(h: Tensor, dim: int) -> Tensor:
    """One more row or column, which biases multiply."""
    shape = list(h.shape)
    shape[dim] = 1
    return torch.cat([h, h.new_ones(shape)], dim=dim)


def known(layer: Linear, matrix: Float[Tensor, "member out in"]) -> Gradient:
    """A layer's gradient that is known as a matrix."""
    nothing = matrix.new_empty(len(matrix), 0, 0)
    return Gradient(nothing, nothing, matrix, _pixels_of(layer))


def _pixels_of(layer: Linear) -> int:
    return layer.side**2 if isinstance(layer, Convolution) and not layer.bias else 1


def _patches(
    h: Float[Tensor, "batch _member_channels rows columns"], layer: Convolution, members: int
) -> Float[Tensor, "{members} _batch_pixels in"]:
    """The patch around every pixel."""
    patches = unfold(h, layer.side, padding=layer.side // 2 if layer.padding else 0)
    each = patches.reshape(len(h), members, -1, patches.shape[2])
    return each.permute(1, 0, 3, 2).reshape(members, -1, each.shape[2])


def _pixels(
    h: Float[Tensor, "member _batch_pixels out"], size: Shape
) -> Float[Tensor, "batch member*out rows columns"]:
    """Images again."""
    each = h.reshape(len(h), -1, size[1], size[2], h.shape[2])
    return each.permute(1, 0, 4, 2, 3).reshape(each.shape[1], -1, size[1], size[2])


class _Linear(torch.autograd.Function):
    """h W^T, whose backward pass hands over the factors of W's gradient instead of multiplying them."""

    @staticmethod
    def forward(
        ctx: Any,
        h: Float[Tensor, "member batch in"],
        weight: Float[Tensor, "member out in"],
        gradients: list[Gradient],
        pixels: int,
    ) -> Float[Tensor, "member batch out"]:
        ctx.save_for_backward(h, weight)
        ctx.gradients, ctx.pixels = gradients, pixels
        return product(h, weight.mT)

    @staticmethod
    def backward(ctx: Any, *received: Tensor) -> tuple[Tensor | None, None, None, None]:
        h, weight = ctx.saved_tensors
        (delta,) = received
        # h itself would keep the graph alive: a cycle
        ctx.gradients.append(Gradient(delta, h.detach(), pixels=ctx.pixels))
        return product(delta, weight) if ctx.needs_input_grad[0] else None, None, None, None


def product(
    a: Float[Tensor, "member out inner"], b: Float[Tensor, "member inner in"]
) -> Float[Tensor, "member out in"]:
    """Batched matrix product whose members do not depend, to the last bit, on how many there are.

    torch hands a batch of one with a single row or column to a matrix-vector routine, which rounds differently
    from the batched product; a batch of two avoids it.
    """
    if a.shape[0] != 1 or min(a.shape[1], b.shape[2]) > 1:
        return torch.bmm(a, b)
    return torch.bmm(a.expand(2, -1, -1), b.expand(2, -1, -1))[:1]
