"""What networks are trained to: a target for every member and training point, times the member's label scale."""

from collections.abc import Callable, Sequence

from torch import Tensor

from implicitbias.networks import Network

Targets = Callable[[Tensor, Tensor, Tensor, Sequence[int], Network], Tensor]
"""A rule: arguments and result as of `labels`."""


def labels(inputs: Tensor, labels: Tensor, task: Tensor, seeds: Sequence[int], network: Network) -> Tensor:
    """The labels themselves, +-1.

    Args:
        inputs: `(task, n, d)` training inputs.
        labels: `(task, n)` training labels +-1.
        task: `(member,)` index of each member's task.
        seeds: one a member, for rules that draw.
        network: what is trained, for rules that need its infinite-width kernel.

    Returns:
        `(member, n)`.
    """
    return labels[task]
