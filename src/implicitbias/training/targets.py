"""What networks are trained to: a target for every member and training point, times the member's label scale."""

from collections.abc import Callable, Sequence

from jaxtyping import Float, Int
from torch import Tensor

from implicitbias.networks import Network

Targets = Callable[[Tensor, Tensor, Tensor, Sequence[int], Network], Tensor]
"""A rule: arguments and result as of `labels`."""


def labels(
    inputs: Float[Tensor, "task n d"],
    labels: Float[Tensor, "task n *classes"],
    task: Int[Tensor, " member"],
    seeds: Sequence[int],
    network: Network,
) -> Float[Tensor, "member n *classes"]:
    """The labels themselves: +-1, or of C classes the one-hot vector of the class less 1/C.

    Args:
        inputs: `(task, n, d)` training inputs.
        labels: `(task, n)` of +-1, or `(task, n, C)` one-hot vectors less 1/C.
        task: `(member,)` index of each member's task.
        seeds: one a member, for rules that draw.
        network: what is trained, for rules that need its infinite-width kernel.

    Returns:
        `(member, n)`, or `(member, n, C)`.
    """
    return labels[task]


def one_hot(
    inputs: Float[Tensor, "task n d"],
    labels: Float[Tensor, "task n *classes"],
    task: Int[Tensor, " member"],
    seeds: Sequence[int],
    network: Network,
) -> Float[Tensor, "member n *classes"]:
    """The one-hot vectors of classes; arguments and result as those of `labels`.

    The mean over the classes is not taken from them, so that outputs have to learn what all of them share as well.
    """
    return labels[task] + 1 / labels.shape[2]
