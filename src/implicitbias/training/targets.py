"""What networks are trained to: a target for every member and training point, times the member's label scale."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

Targets = Callable[[Tensor, Tensor, Tensor, Sequence[int], Mapping[str, Any]], Tensor]
"""A rule: arguments and result as of `labels`."""


def labels(inputs: Tensor, labels: Tensor, task: Tensor, seeds: Sequence[int], network: Mapping[str, Any]) -> Tensor:
    """The labels themselves, +-1.

    Args:
        inputs: `(task, n, d)` training inputs.
        labels: `(task, n)` training labels +-1.
        task: `(member,)` index of each member's task.
        seeds: one a member, for rules that draw.
        network: the networks' parameters, for rules that know their infinite-width kernel.

    Returns:
        `(member, n)`.
    """
    return labels[task]
