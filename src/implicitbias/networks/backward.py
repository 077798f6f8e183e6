"""Forward and backward pass of dense networks without autograd's graph, which costs narrow ones as much as the passes.

Every operation, and its order, is autograd's, so that gradients are the same to the last bit.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

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


@torch.no_grad()
def passed(network: Network, weights: Weights, x: Float[Tensor, "member batch d"]) -> Passed:
    """The outputs of every member of a dense network, and its backward pass.

    Args:
        network: whose weights these are; it has no convolutions.
        weights: tensors `(member, out, in)`.
        x: inputs `(member, batch, d)`, or `(batch, d)` shared by all members.
    """
    gradients: list[Gradient] = []
    members = len(weights[0])
    h, tape = _forward(network.layers, entering(network, x, members), iter(weights), members, gradients, inner=False)

    def backward(delta: Outputs) -> list[Gradient]:
        with torch.no_grad():
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
    for layer in layers:
        if isinstance(layer, Linear):
            h, back = _linear(layer, h, next(weights), gradients, inner)
            inner = True
        elif isinstance(layer, Residual):
            block, way = _forward(layer.layers, h, weights, members, gradients, inner=inner)
            h, back, inner = block + h, _residual(way), True
        elif not inner:
            h, back = without_weights(layer, h, members), _to_nowhere
        elif isinstance(layer, Activation) and layer.name in _RELUS:
            h, back = _RELUS[layer.name](h, **dict(layer.parameters))
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

    def back(delta: Float[Tensor, "member batch out"]) -> Float[Tensor, "member batch _in"] | None:
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


def _relu(z: Float[Tensor, "*shape"], factor: float = math.sqrt(2)) -> tuple[Float[Tensor, "*shape"], Back]:
    positive = torch.relu(z)
    return positive.mul(factor), lambda delta: torch.ops.aten.threshold_backward(delta * factor, positive, 0)


def _plain_relu(z: Float[Tensor, "*shape"]) -> tuple[Float[Tensor, "*shape"], Back]:
    positive = torch.relu(z)
    return positive, lambda delta: torch.ops.aten.threshold_backward(delta, positive, 0)


_RELUS: dict[str, Callable[..., tuple[Tensor, Back]]] = {"relu": _relu, "plain_relu": _plain_relu}
"""Activations of which most networks are, with their slopes (see `networks.activations`)."""
