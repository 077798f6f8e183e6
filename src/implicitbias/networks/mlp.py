"""Ensembles of bias-free multilayer perceptrons d -> m -> ... -> m -> 1 (Bernstein & Yue 2021, section 4).

The weights of an ensemble are a list of `depth` tensors `(member, out, in)`, so that one batched matrix
product per layer serves all members.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from implicitbias.networks.activations import Activation


def layer_shapes(depth: int, width: int, inputs: int) -> list[tuple[int, int]]:
    """The shape (out, in) of each of the `depth` weight matrices."""
    sizes = [inputs, *[width] * (depth - 1), 1]
    return [(rows, columns) for columns, rows in pairwise(sizes)]


def initialise(
    depth: int,
    width: int,
    inputs: int,
    seeds: Sequence[int],
    init_scale: float | Sequence[float] = 1.0,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> list[Tensor]:
    """Random weights N(0, 1/fan_in) times `init_scale`, one member per seed.

    Every member draws from a CPU generator of its own, so neither the other members nor the device
    change its weights.

    Args:
        depth: number of weight matrices.
        width: neurons of a hidden layer.
        inputs: number of input features d.
        seeds: one seed a member.
        init_scale: factor on the standard deviation, one for all or one a member.
        dtype: of the weights; float32 and float64 draw different numbers.
        device: where the weights go.

    Returns:
        `depth` tensors `(member, out, in)`.

    """
    shapes = layer_shapes(depth, width, inputs)
    weights = [torch.empty(len(seeds), *shape, dtype=dtype, device=device) for shape in shapes]
    scales = torch.as_tensor(init_scale, dtype=torch.float64).expand(len(seeds)).tolist()
    for member, (seed, scale) in enumerate(zip(seeds, scales, strict=True)):
        source = torch.Generator().manual_seed(seed)
        for weight, (rows, columns) in zip(weights, shapes, strict=True):
            drawn = torch.randn(rows, columns, dtype=dtype, generator=source)
            weight[member] = drawn.mul_(scale * columns**-0.5)
    return weights


class Gradient(NamedTuple):
    """A loss's gradient with respect to a layer's weights W in z = h W^T: the product delta^T h, kept as its factors.

    For wide layers and small batches the factors are a small part of the matrix.

    Attributes:
        delta: gradient with respect to z, `(member, batch, out)`.
        h: the layer's input, `(member, batch, in)`.
    """

    delta: Tensor
    h: Tensor

    def matrix(self) -> Tensor:
        """`(member, out, in)`."""
        return product(self.delta.mT, self.h)


def forward(
    weights: Sequence[Tensor], x: Tensor, activation: Activation, gradients: list[Gradient] | None = None
) -> Tensor:
    """The outputs f(x) of every member.

    Args:
        weights: tensors `(member, out, in)`.
        x: inputs `(member, batch, d)`, or `(batch, d)` shared by all members.
        activation: applied after every layer but the last.
        gradients: if given, a list that the backward pass from the outputs extends by every layer's gradient,
            last layer first. The weights must require a gradient; their `.grad` stays None.

    Returns:
        `(member, batch)`.
    """
    h = x.expand(weights[0].shape[0], *x.shape[-2:])
    for layer, weight in enumerate(weights):
        h = activation(h) if layer else h
        if gradients is None:
            h = product(h, weight.mT)
        else:
            h = _Linear.apply(h, weight, gradients)  # type: ignore[no-untyped-call]
    return h.squeeze(-1)


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
