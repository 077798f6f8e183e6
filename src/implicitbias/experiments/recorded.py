"""Small networks with biases that learn real targets by Adam, looked at every few steps."""

from collections.abc import Callable
from functools import partial
from itertools import repeat
from typing import TypeVar

import torch
from torch import Generator, Tensor

from implicitbias.devices import without_denormals
from implicitbias.losses import square
from implicitbias.networks import Network
from implicitbias.optimizers.adam import adam
from implicitbias.progress import Progress
from implicitbias.training.steps import descent

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
    network: Network, weights: list[Tensor], inputs: Tensor, targets: Tensor, *, learning_rate: float, steps: int,
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
    trained = descent(
        network, weights, repeat((inputs, targets), steps), repeat(learning_rate), loss=square, optimizer=adam()
    )  # fmt: skip
    with torch.no_grad():
        records = [record()]
    with without_denormals(), Progress(steps, description, "step") as progress:
        for step, (_, losses, _) in enumerate(trained, start=1):
            if step % every == 0:
                with torch.no_grad():
                    records.append(record())
                progress.update(every, partial(_figures, losses))
    return records


def _figures(losses: Tensor) -> str:
    return f"loss {losses.mean():.3g}"
