"""Convolutions of stacked networks by torch's own, where these are faster than products with patches.

Of an ensemble, a convolution is one with as many groups as there are members, or, of larger images, one a member. Which
of the two depends on the layer alone: members must not depend, to the last bit, on how many there are.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d

from implicitbias.networks.layers import Convolution

_CHANNELS = 16  # of the outputs, from which on torch's convolutions are faster
_PIXELS = 256  # up to which one convolution in groups is faster than one a member
_GROUPS = 3  # with fewer groups torch may round otherwise


def worth_it(layer: Convolution) -> bool:
    """Whether a layer is better convolved than multiplied with patches."""
    return layer.features >= _CHANNELS


def convolve(
    h: Float[Tensor, "batch _member_channels rows columns"],
    weight: Float[Tensor, "member out in"],
    layer: Convolution,
    receive: Callable[[Tensor], None] | None = None,
) -> Float[Tensor, "batch member*out _rows _columns"]:
    """The convolution of every member's images with its own weights.

    Args:
        h: `(batch, member channels, rows, columns)`.
        weight: `(member, out, in)`, with a column of biases if the layer has these.
        layer: its side and padding.
        receive: if given, what the backward pass calls with the gradient of `weight`, whose `.grad` stays None.

    Returns:
        `(batch, member out, rows, columns)`.
    """
    if receive is None:
        return _joined([_forward(images, own, layer) for images, own in _chunks(h, weight)])
    outputs: Tensor = _Convolve.apply(h, weight, layer, receive)  # type: ignore[no-untyped-call]
    return outputs


class _Convolve(torch.autograd.Function):
    """Its backward pass hands over the gradient of the weights, and passes on that of the images."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, weight: Tensor, layer: Convolution, receive: Callable[[Tensor], None]) -> Tensor:
        ctx.save_for_backward(h, weight)
        ctx.layer, ctx.receive = layer, receive
        return _joined([_forward(images, own, layer) for images, own in _chunks(h, weight)])

    @staticmethod
    def backward(ctx: Any, *received: Tensor) -> tuple[Tensor | None, None, None, None]:
        chunks, (delta,), further = _chunks(*ctx.saved_tensors), received, ctx.needs_input_grad[0]
        deltas = torch.chunk(delta, len(chunks), dim=1)
        found = [_backward(part, *chunk, ctx.layer, further) for part, chunk in zip(deltas, chunks, strict=True)]
        ctx.receive(torch.cat([gradient for _, gradient in found]))
        return _joined([images for images, _ in found if images is not None]) if further else None, None, None, None


def _chunks(
    h: Float[Tensor, "batch _member_channels rows columns"], weight: Float[Tensor, "member out in"]
) -> list[tuple[Float[Tensor, "batch _member_channels rows columns"], Float[Tensor, "_member out in"]]]:
    """Images and weights of the members that are convolved together: all, or each alone."""
    if h.shape[2] * h.shape[3] <= _PIXELS:
        return [(h, weight)]
    return list(zip(torch.chunk(h, len(weight), dim=1), torch.split(weight, 1), strict=True))


def _joined(
    parts: list[Float[Tensor, "batch _member_channels rows columns"]],
) -> Float[Tensor, "batch _member_channels rows columns"]:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def _copies(h: Tensor, members: int) -> int:
    """How often members stand in a convolution in groups, if they are too few for it."""
    return -(-_GROUPS // members) if h.shape[2] * h.shape[3] <= _PIXELS else 1


def _more(h: Tensor, copies: int) -> Tensor:
    return h if copies == 1 else h.repeat(1, copies, 1, 1)


def _kernels(
    weight: Float[Tensor, "member out in"], layer: Convolution, copies: int
) -> tuple[Float[Tensor, "_member_out channels side side"], Float[Tensor, " _member_out"] | None]:
    """Of all members, one behind the other, as torch wants them: `(member out, channels, side, side)`, and biases."""
    flat = (weight if copies == 1 else weight.repeat(copies, 1, 1)).flatten(0, 1)
    matrix, biases = (flat[:, :-1], flat[:, -1]) if layer.bias else (flat, None)
    return matrix.reshape(len(flat), -1, layer.side, layer.side), biases


def _padding(layer: Convolution) -> int:
    return layer.side // 2 if layer.padding else 0


def _forward(
    h: Float[Tensor, "batch _member_channels rows columns"], weight: Float[Tensor, "member out in"], layer: Convolution
) -> Float[Tensor, "batch member*out _rows _columns"]:
    copies = _copies(h, len(weight))
    kernels, biases = _kernels(weight, layer, copies)
    outputs = conv2d(_more(h, copies), kernels, biases, 1, _padding(layer), 1, len(weight) * copies)
    return outputs[:, : outputs.shape[1] // copies]


def _backward(
    delta: Float[Tensor, "batch _member_out _rows _columns"],
    h: Float[Tensor, "batch member_channels rows columns"],
    weight: Float[Tensor, "member out in"],
    layer: Convolution,
    further: bool,
) -> tuple[Float[Tensor, "batch member_channels rows columns"] | None, Float[Tensor, "member out in"]]:
    """The gradients of images, if it is to go `further`, and of weights, given that of the outputs."""
    copies = _copies(h, len(weight))
    kernels, biases = _kernels(weight, layer, copies)
    images, matrix, bias = torch.ops.aten.convolution_backward(
        _more(delta, copies), _more(h, copies), kernels, None if biases is None else [len(biases)], [1, 1],
        [_padding(layer)] * 2, [1, 1], False, [0, 0], len(weight) * copies, [further, True, layer.bias],
    )  # fmt: skip
    gradient = torch.cat([matrix.flatten(1), bias[:, None]], dim=1) if layer.bias else matrix.flatten(1)
    return images[:, : h.shape[1]] if further else None, gradient.reshape(-1, *weight.shape[1:])[: len(weight)]
