"""Learning-rate schedules of an ensemble.

A schedule is made from (members, trained weights, whole loss) and gives two functions: `begin(epoch)`, called before
every epoch, and `rate(losses, step) -> (member,)`, the learning rates of a step, whose number counts from 1.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor


class Rates(Protocol):
    """What of the members a schedule looks at, `(member,)` each."""

    @property
    def learning_rate(self) -> Tensor: ...
    @property
    def decay(self) -> Tensor: ...
    @property
    def step_exponent(self) -> Tensor: ...


Begin = Callable[[int], None]
Rate = Callable[[Tensor, int], Tensor]
Builder = Callable[[Rates, Sequence[Tensor], Callable[[], Tensor]], tuple[Begin, Rate]]


def decaying(members: Rates, weights: Sequence[Tensor], whole_loss: Callable[[], Tensor]) -> tuple[Begin, Rate]:
    """lr decay^epoch step^-step_exponent; epochs count from 0 (Bernstein & Yue 2021, section 4)."""
    now = members.learning_rate.clone()
    by_step = bool((members.step_exponent != 0).any())

    def begin(epoch: int) -> None:
        now.copy_(members.learning_rate * members.decay**epoch)

    def rate(losses: Tensor, step: int) -> Tensor:
        return now * step**-members.step_exponent if by_step else now

    return begin, rate


def loss_based(members: Rates, weights: Sequence[Tensor], whole_loss: Callable[[], Tensor]) -> tuple[Begin, Rate]:
    """Steps of a/L with L the mean loss over the training set, for plain gradient descent on log L.

    An epoch that has lowered L multiplies a by 2^(1/5); after any other the weights of its beginning are put back and
    a is divided by 2^(1/10). The gradient of a batch's loss is that of its logarithm times the batch's loss, so that
    only differences of logarithms are exponentiated: L may be far below the smallest float.

    Source: Lyu & Li 2020, appendix on the experiments.
    """
    a = members.learning_rate.clone()
    kept = [weight.detach().clone() for weight in weights]
    best = whole_loss()

    @torch.no_grad()
    def begin(epoch: int) -> None:
        if epoch == 0:
            return
        now = whole_loss()
        fell = now < best
        best.copy_(torch.where(fell, now, best))
        a.mul_(torch.where(fell, 2**0.2, 2**-0.1))
        for weight, old in zip(weights, kept, strict=True):
            weight.copy_(torch.where(fell[:, None, None], weight, old))
            old.copy_(weight)

    def rate(losses: Tensor, step: int) -> Tensor:
        return a * (losses.detach() - best).exp()

    return begin, rate
