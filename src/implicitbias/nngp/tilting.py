"""Botev's minimax exponential tilting for an orthant, and the variable order that goes with it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from implicitbias.linalg import cholesky
from implicitbias.nngp.gaussian import hazard, log_ndtr
from implicitbias.shapes.tensors import Kernel, PerPoint

_BLOCK = 64  # points that are ordered before the covariance of those still to come is brought up to date
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def gge_order(a: Kernel, mean: PerPoint) -> Int[Tensor, " n"]:
    """The order that takes the least likely conditions first (Gibson, Glasbey & Elston 1994).

    Args:
        a: `(n, n)` correlation matrix.
        mean: `(n,)` mean of g in g > 0.

    Returns:
        `(n,)` permutation.

    """
    n = len(a)
    order = torch.arange(n, device=a.device)
    left = a  # covariance of the points still to come, given those of the blocks before
    variance = a.diagonal().clone()
    centre = mean.clone()
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        place = torch.arange(n - start, device=a.device)  # of those points in `left`
        factor = a.new_zeros(n - start, stop - start)  # their columns of the Cholesky factor
        for here, i in enumerate(range(start, stop)):
            deviation = variance[i:].clamp(min=1e-14).sqrt_()
            further = int(torch.argmin(centre[i:] / deviation))
            if further:
                for rows, first in ((order, i), (variance, i), (centre, i), (place, here), (factor, here)):
                    one, other = rows[first], rows[first + further]
                    kept = one.clone()
                    one.copy_(other)
                    other.copy_(kept)
            pivot = deviation[further]
            known = factor[here + 1 :, :here] @ factor[here, :here]
            column = left[place[here]].index_select(0, place[here + 1 :]).sub_(known).div_(pivot)
            factor[here + 1 :, here] = column
            centre[i + 1 :] += column * hazard(-centre[i] / pivot)
            variance[i + 1 :] -= column**2
        place, factor = place[stop - start :], factor[stop - start :]
        left = left.index_select(0, place).index_select(1, place).addmm_(factor, factor.T, alpha=-1)
    return order


@dataclass(frozen=True)
class Tilting:
    """The saddle point: tilts, and the deterministic bound that comes with them.

    Attributes:
        factor: `(n, n)` Cholesky factor L of A in the order of sampling.
        mean: `(n,)` mean of g, in the same order.
        tilt: `(n,)` mu.
        upper_bound: psi >= ln P, or 0 where the saddle point was not reached.

    """

    factor: Float[Tensor, "*k n n"]
    mean: Float[Tensor, "*k n"]
    tilt: Float[Tensor, "*k n"]
    upper_bound: float


def minimax_tilting(a: Kernel, mean: PerPoint, expected: PerPoint | None = None, cap: int = 50) -> Tilting:
    """The saddle point t + D^-1 m + (L~L~^T - I) h(t) = 0 with L~ = D^-1 L, the only one that an orthant has.

    In the hazards h it is the minimum of the strictly convex
    |L~^T h|^2/2 + sum_i [(t + m/D) h + ln Phi(-t) - h^2/2], whose value there is psi; found by Newton's method in t
    with Armijo's rule.

    Args:
        a: `(n, n)` correlation matrix, already in the order of sampling.
        mean: `(n,)` mean m of g.
        expected: `(n,)` about the mean of g where it is positive, to begin from. At the saddle point it is
            m + L L~^T h, so that h = D A^-1 (expected - m), and t = h - D^-1 expected.
        cap: number of Newton steps at the most; short of the saddle point the tilt is still usable, but psi is no
            bound, and 0 is given in its place.

    Raises:
        NumericalError: if A is singular.

    Source: Botev 2017, section 3; the convex form is this project's.

    """
    factor = cholesky(a)
    scaled = factor / factor.diagonal()[:, None]
    gram = (a / factor.diagonal()[:, None]).div_(factor.diagonal())  # L~ L~^T
    shift = mean / factor.diagonal()

    def newton(t: PerPoint) -> tuple[PerPoint, float]:
        h = hazard(t)
        slope = (h * (h - t)).clamp(1e-300, 1)  # h'(t)
        root = slope.sqrt()
        gradient = t + shift - h + gram @ h
        hessian = (root[:, None] * gram).mul_(root)
        hessian.diagonal().add_(1 - slope)
        factor_h = cholesky(hessian, "the Hessian of the tilting")
        step = -torch.cholesky_solve((root * gradient)[:, None], factor_h)[:, 0]
        return step / root, -float((root * gradient) @ step)

    starts = [-shift]
    if expected is not None:
        pull = torch.cholesky_solve((expected - mean)[:, None], factor)[:, 0]
        nearer = factor.diagonal() * pull - expected / factor.diagonal()
        if _objective(scaled, shift, nearer) < _objective(scaled, shift, -shift):
            starts.insert(0, nearer)
    for start in starts:  # the other one is for a nearly singular A, from which the steps may find no way
        t, value, converged = minimised(lambda t: _objective(scaled, shift, t), newton, start, cap)
        if converged:
            break
    h = hazard(t)
    return Tilting(factor, mean, tilt=scaled.T @ h - h, upper_bound=value if converged else 0.0)


def minimised(
    objective: Callable[[Tensor], float], newton: Callable[[Tensor], tuple[Tensor, float]], t: PerPoint, cap: int
) -> tuple[PerPoint, float, bool]:
    """A minimum by Newton's method with Armijo's rule: where, its value, and whether it was reached.

    Args:
        objective: convex, of `(n,)`.
        newton: the step at t, and the decrease that it promises to first order.
        t: `(n,)` where to start.
        cap: number of steps at the most.
    """
    value = objective(t)
    for _ in range(cap):
        step, decrease = newton(t)
        rounding = 1e-12 * (1 + abs(value))
        if decrease < rounding:
            return t, value, True
        size, new = 1.0, objective(t + step)
        while new > value - 1e-4 * size * decrease + rounding and size > 1e-9:
            size /= 2
            new = objective(t + size * step)
        t, value = t + size * step, new
    return t, value, False


def hazard_terms(t: Float[Tensor, "*shape"], h: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """t h + ln Phi(-t) - h^2/2 with h the hazard of t; for t > 0 without the cancellation of t^2."""
    return torch.where(t > 0, -0.5 * (h - t) ** 2 - _HALF_LOG_2PI - h.log(), t * h + log_ndtr(-t) - 0.5 * h * h)


def _objective(scaled: Kernel, shift: PerPoint, t: PerPoint) -> float:
    h = hazard(t)
    x = scaled.T @ h
    return float(0.5 * x @ x + shift @ h + hazard_terms(t, h).sum())
