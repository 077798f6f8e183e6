"""One step of training, and a row of them on given batches."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.networks import Network
from implicitbias.networks.backward import passed
from implicitbias.networks.stacked import Gradient, forward, joined, known
from implicitbias.optimizers.base import Optimizer
from implicitbias.shapes.tensors import Inputs, Outputs, PerMember, WeightList, Weights
from implicitbias.training.pull import Loss, pull

_CACHED = 2**19  # numbers in the images behind a layer, of members that go through all layers before others do


class Slopes(NamedTuple):
    """What a batch says.

    Attributes:
        outputs: of all members.
        losses: of all members.
        gradients: of every layer, first layer first.
    """

    outputs: Outputs
    losses: PerMember
    gradients: list[Gradient]


def descent(
    network: Network,
    weights: WeightList,
    batches: Iterable[tuple[Inputs, Outputs]],
    learning_rates: Iterable[float],
    *,
    loss: Loss,
    optimizer: Optimizer,
) -> Iterator[Slopes]:
    """Train all members in place, a step a batch, and pause after each; targets are taken at label scale 1.

    Convolutions of all members are computed together, which is faster, so that last bits depend on how many there are.

    Args:
        network: whose weights these are, all of them trained.
        weights: tensors `(member, out, in)`.
        batches: inputs `(member, batch, d)`, or `(batch, d)` for all members, and targets `(member, batch)`, or
            `(member, batch, outputs)`.
        learning_rates: of every step, for all members.
        loss: of outputs and targets.
        optimizer: the update rule.

    Yields:
        What the batch said before the step.
    """
    state, one = optimizer.init(weights), weights[0].new_ones(len(weights[0]))
    slopes_of = slopes if network.is_dense else _together
    for step, ((x, y), rate) in enumerate(zip(batches, learning_rates, strict=False), start=1):
        found = slopes_of(network, weights, x, y, one, loss)
        with torch.no_grad():
            optimizer.update(found.gradients, state, weights, rate * one, step)
        yield found


def slopes(
    network: Network,
    weights: Weights,
    x: Float[Tensor, "member batch d"],
    y: Outputs,
    label_scale: PerMember,
    loss: Loss,
) -> Slopes:
    """Outputs, losses and gradients of all members on batches of their own.

    Of networks with convolutions, some members go through all layers before others do, so that their images stay in the
    processor's cache.

    Args:
        network: whose weights these are.
        weights: tensors `(member, out, in)`.
        x: `(member, batch, d)`.
        y: `(member, batch)` targets, or `(member, batch, outputs)`.
        label_scale: `(member,)`.
        loss: of outputs, targets and label scales.
    """
    if network.is_dense:
        with torch.no_grad():
            outputs, backward = passed(network, weights, x)
            delta, losses = pull(loss, outputs, y, label_scale)
            return Slopes(outputs, losses, backward(delta))
    chunk = len(x)
    if x.device.type == "cpu":
        chunk = max(1, _CACHED // (x.shape[1] * max(weight.positions * weight.rows for weight in network.weights)))
    parts = []
    for start in range(0, len(x), chunk):
        here = slice(start, start + chunk)
        gradients: list[Gradient] = []
        moving = [weight[here].detach().requires_grad_() for weight in weights]
        outputs = forward(network, moving, x[here], gradients)
        delta, losses = pull(loss, outputs, y[here], label_scale[here])
        outputs.backward(delta)  # type: ignore[no-untyped-call]
        parts.append(Slopes(outputs.detach(), losses, gradients[::-1]))
    if len(parts) == 1:
        return parts[0]
    outputs, losses = (torch.cat(each) for each in list(zip(*parts, strict=True))[:2])
    return Slopes(outputs, losses, [joined(layer) for layer in zip(*(part.gradients for part in parts), strict=True)])


def _together(network: Network, weights: Weights, x: Inputs, y: Outputs, label_scale: PerMember, loss: Loss) -> Slopes:
    """As `slopes`, also of inputs `(batch, d)` that all members share, by convolutions of all members at once."""
    moving = [weight.detach().requires_grad_() for weight in weights]
    outputs = forward(network, moving, x, together=True)
    delta, losses = pull(loss, outputs, y, label_scale)
    matrices = torch.autograd.grad(outputs, moving, delta)
    gradients = [known(weight.layer, each) for weight, each in zip(network.weights, matrices, strict=True)]
    return Slopes(outputs.detach(), losses, gradients)
