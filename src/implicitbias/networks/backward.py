"""Forward and backward pass of dense networks without autograd's graph, which costs narrow ones as much as the passes.

Every operation, and its order, is autograd's, so that gradients are the same to the last bit.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.networks.activations import Rectifier, rectifier_of
from implicitbias.networks.layers import Activation, Layer, Linear, Residual
from implicitbias.networks.network import Network
from implicitbias.networks.stacked import Gradient, entering, product, with_ones, without_weights
from implicitbias.shapes.tensors import Outputs, Weights

Back = Callable[[Tensor], Tensor | None]
"""Gradient with respect to what a layer makes -> with respect to what it takes; None where no weights come before."""


class Passed(NamedTuple):
    """What a forward pass leaves.

    Attributes:
        outputs: `(member, batch)`, or `(member, batch, outputs)` of several.
        backward: the loss's gradient with respect to `outputs` -> every layer's gradient, first layer first. It can be
            called once.
    """

    outputs: Outputs
    backward: Callable[[Outputs], list[Gradient]]


def passed(network: Network, weights: Weights, x: Float[Tensor, "member batch d"]) -> Passed:
    """The outputs of every member of a dense network, and its backward pass.

    Autograd follows neither if they are run in `torch.no_grad`, or if nothing that is given requires a gradient.

    Args:
        network: whose weights these are; it has no convolutions.
        weights: tensors `(member, out, in)`.
        x: inputs `(member, batch, d)`, or `(batch, d)` shared by all members.
    """
    gradients: list[Gradient] = []
    members = len(weights[0])
    h, tape = _forward(network.layers, entering(network, x, members), iter(weights), members, gradients, inner=False)

    def backward(delta: Outputs) -> list[Gradient]:
        _unwind(tape, delta[..., None] if network.outputs == 1 else delta)
        return gradients[::-1]

    return Passed(h.squeeze(-1) if network.outputs == 1 else h, backward)


def _forward(
    layers: Sequence[Layer],
    h: Tensor,
    weights: Iterator[Tensor],
    members: int,
    gradients: list[Gradient],
    *,
    inner: bool,
) -> tuple[Tensor, list[Back]]:
    """Behind the layers, and how to get back; `inner` if weights come before them."""
    tape: list[Back] = []
    for before, layer, after in zip((None, *layers), layers, (*layers[1:], None), strict=False):
        if isinstance(layer, Linear):
            h, back = _linear(layer, h, next(weights), gradients, inner)
            inner = True
        elif isinstance(layer, Residual):
            block, way = _forward(layer.layers, h, weights, members, gradients, inner=inner)
            h, back, inner = block + h, _residual(way), True
        elif not inner:
            h, back = without_weights(layer, h, members), _to_nowhere
        elif isinstance(layer, Activation) and (rectifier := rectifier_of(layer)):
            alone = isinstance(before, Linear | Residual)  # nobody else holds their results
            h, back = _rectified(h if alone else h.clone(), rectifier, isinstance(after, Linear))
        else:
            h, back = _by_autograd(layer, h, members)
        tape.append(back)
    return h, tape


def _unwind(tape: list[Back], delta: Tensor) -> Tensor | None:
    """Back through all steps, each of which is forgotten at once, with what it holds."""
    here: Tensor | None = delta
    while tape and here is not None:
        here = tape.pop()(here)
    return here


def _linear(
    layer: Linear,
    h: Float[Tensor, "member batch _in"],
    weight: Float[Tensor, "member out in"],
    gradients: list[Gradient],
    inner: bool,
) -> tuple[Float[Tensor, "member batch out"], Back]:
    rows = with_ones(h, -1) if layer.bias else h

    def back(delta: Tensor) -> Tensor | None:  # `(member, batch, out)`: jaxtyping would take longer than the product
        gradients.append(Gradient(delta, rows))
        if not inner:
            return None
        before = product(delta, weight)
        return before[..., :-1] if layer.bias else before

    return product(rows, weight.mT), back


def _residual(way: list[Back]) -> Back:
    def back(delta: Tensor) -> Tensor | None:
        through = _unwind(way, delta)
        return None if through is None else delta + through

    return back


def _to_nowhere(delta: Tensor) -> None:
    return None


def _by_autograd(layer: Layer, h: Tensor, members: int) -> tuple[Tensor, Back]:
    with torch.enable_grad():
        start = h.detach().requires_grad_()
        end = without_weights(layer, start, members)
    return end.detach(), lambda delta: torch.autograd.grad(end, start, delta)[0]


def _rectified(z: Float[Tensor, "*shape"], rectifier: Rectifier, alone: bool) -> tuple[Float[Tensor, "*shape"], Back]:
    """In place, since a pass over memory costs more than the arithmetic; backwards too if `alone` holds the gradient.

    The result has the sign of z, which is all that the way back asks for.
    """
    slope, factor = rectifier
    h = torch.nn.functional.leaky_relu_(z, slope) if slope else torch.relu_(z)
    h = h if factor == 1 else h.mul_(factor)

    def back(delta: Tensor) -> Tensor:
        delta = delta if alone else delta.clone()
        delta = delta if factor == 1 else delta.mul_(factor)
        if slope:
            torch.ops.aten.leaky_relu_backward.grad_input(delta, h, slope, False, grad_input=delta)
        else:
            torch.ops.aten.threshold_backward.grad_input(delta, h, 0, grad_input=delta)
        return delta

    return h, back
