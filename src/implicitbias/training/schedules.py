"""Learning-rate schedules of an ensemble.

A schedule is made from (members, trained weights, whole loss, degree of homogeneity).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from implicitbias.powers import power
from implicitbias.shapes.tensors import PerMember, Weights


class Rates(Protocol):
    """What of the members a schedule looks at."""

    @property
    def learning_rate(self) -> PerMember: ...
    @property
    def decay(self) -> PerMember: ...
    @property
    def step_exponent(self) -> PerMember: ...


class Schedule(NamedTuple):
    """Three functions that the training loop calls.

    Attributes:
        begin: (epoch), before every epoch; epochs count from 0.
        rate: (losses, step) -> `(member,)`, the learning rates of a step; steps count from 1.
        end: (), after the last step of every epoch.
        state: what they keep from one epoch to the next, changed in place.
    """

    begin: Callable[[int], None]
    rate: Callable[[PerMember, int], PerMember]
    end: Callable[[], None] = lambda: None
    state: Sequence[Tensor] = ()


WholeLoss = Callable[[], Tensor]
Builder = Callable[[Rates, Sequence[Tensor], WholeLoss, int], Schedule]


def decaying(members: Rates, weights: Weights, whole_loss: WholeLoss, degree: int = 1) -> Schedule:
    """lr decay^epoch step^-step_exponent (Bernstein & Yue 2021, section 4, with exponent 0)."""
    now = members.learning_rate.clone()
    by_step = bool((members.step_exponent != 0).any())

    def begin(epoch: int) -> None:
        now.copy_(members.learning_rate * power(members.decay, epoch))

    def rate(losses: PerMember, step: int) -> PerMember:
        return now * power(step, -members.step_exponent) if by_step else now

    return Schedule(begin, rate)


def plain(members: Rates, weights: Weights, whole_loss: WholeLoss, degree: int = 1) -> Schedule:
    """As `decaying` times the batch's loss, for a loss that is differentiated as its logarithm: steps on the loss."""
    begin, of_step, *_ = decaying(members, weights, whole_loss)
    return Schedule(begin, lambda losses, step: of_step(losses, step) * losses.exp())


def _square(weights: Weights) -> PerMember:
    """|theta|^2."""
    return torch.stack([weight.square().sum((1, 2)) for weight in weights]).sum(0)


def scale_free(members: Rates, weights: Weights, whole_loss: WholeLoss, degree: int) -> Schedule:
    """As `decaying`, times max(1, |theta|/sqrt(m))^(2 - M): relative steps do not fade as the weights grow.

    The gradient of a log-domain loss grows as |theta|^(M - 1), m is the width. For M = 1 this is Chizat & Bach's (2020,
    section 5) factor for the output layer alone, for M = 2, both layers, it is 1, as it is there.
    """
    begin, of_step, *_ = decaying(members, weights, whole_loss)

    def rate(losses: PerMember, step: int) -> PerMember:
        size = (_square(weights) / weights[-1].shape[2]).sqrt()
        return of_step(losses, step) * power(size.clamp(min=1), 2 - degree)

    return Schedule(begin, rate)


def steady(members: Rates, weights: Weights, whole_loss: WholeLoss, degree: int) -> Schedule:
    """As `decaying`, times (|theta|/|theta_0|)^(2 - 2M): as large as curvature allows while the weights grow.

    The gradients of margins grow as |theta|^(M - 1), and the curvature of a log-domain loss as their square. A constant
    rate can be large from the first step on.
    """
    begin, of_step, *_ = decaying(members, weights, whole_loss)
    if degree == 1:
        return Schedule(begin, of_step)

    start = _square(weights)
    return Schedule(
        begin, lambda losses, step: of_step(losses, step) * power(_square(weights) / start, 1 - degree), state=[start]
    )


def loss_based(members: Rates, weights: Weights, whole_loss: WholeLoss, degree: int = 1) -> Schedule:
    """Steps of a/L with L the mean loss over the training set, for plain gradient descent on log L.

    An epoch that has lowered L multiplies a by 2^(1/5); after any other the weights of its beginning are put back and
    a is divided by 2^(1/10). The gradient of a batch's loss is that of its logarithm times the batch's loss, so that
    only differences of logarithms are exponentiated: L may be far below the smallest float.

    Source: Lyu & Li 2020, appendix on the experiments.
    """
    a = members.learning_rate.clone()
    kept = [weight.clone() for weight in weights]
    best = whole_loss()

    def rate(losses: PerMember, step: int) -> PerMember:
        return a * (losses - best).exp()

    def end() -> None:
        now = whole_loss()
        fell = now < best
        best.copy_(torch.where(fell, now, best))
        a.mul_(torch.where(fell, 2**0.2, 2**-0.1))
        for weight, old in zip(weights, kept, strict=True):
            weight.copy_(torch.where(fell[:, None, None], weight, old))
            old.copy_(weight)

    return Schedule(lambda epoch: None, rate, end, [a, best, *kept])
