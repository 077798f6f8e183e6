"""Small networks with biases that learn real targets by Adam, looked at every few steps."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import torch
from torch import Generator, Tensor

from implicitbias.networks import Network
from implicitbias.networks.stacked import Gradient, forward
from implicitbias.optimizers.adam import adam
from implicitbias.progress import Progress

Record = TypeVar("Record")


def uniform_layers(network: Network, members: int, generator: Generator) -> list[Tensor]:
    """Weights and biases U[-1, 1]/sqrt(fan_in), as torch's own layers have them: `(member, out, in)` each.

    Args:
        network: whose layers all have biases.
        members: how many.
        generator: of all members together.
    """
    return [
        (2 * torch.rand(members, rows, columns, generator=generator) - 1) / (columns - 1) ** 0.5
        for rows, columns in network.shapes
    ]


def descend_recorded(
    network: Network, weights: Sequence[Tensor], inputs: Tensor, targets: Tensor, *, learning_rate: float, steps: int,
    every: int, record: Callable[[], Record], description: str,
) -> list[Record]:  # fmt: skip
    """Train by full-batch Adam on the mean square loss, in place; what `record` says before and every so many steps.

    Args:
        network: whose weights these are.
        weights: `(member, out, in)` each.
        inputs: `(member, n, d)`.
        targets: `(member, n)`.
        learning_rate: of Adam.
        steps: how many.
        every: steps between records.
        record: called without gradients.
        description: of the lines in the log.
    """
    optimizer, rate = adam(), torch.full((len(targets),), learning_rate)
    state = optimizer.init(weights)
    for weight in weights:
        weight.requires_grad_(True)
    with torch.no_grad():
        records = [record()]
    with Progress(steps, description, "step") as progress:
        for step in range(1, steps + 1):
            gradients: list[Gradient] = []
            losses = (forward(network, weights, inputs, gradients) - targets).square().mean(-1)
            losses.sum().backward()  # type: ignore[no-untyped-call]
            with torch.no_grad():
                optimizer.update(gradients[::-1], state, weights, rate, step)
                if step % every == 0:
                    records.append(record())
                    progress.update(every, partial(_figures, losses))
    return records


def _figures(losses: Tensor) -> str:
    return f"loss {losses.mean():.3g}"
