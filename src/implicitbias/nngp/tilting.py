"""Botev's minimax exponential tilting for an orthant, and the variable order that goes with it."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.linalg import vecdot

from implicitbias.linalg import among, factors, less_product, times
from implicitbias.nngp.gaussian import hazard, log_ndtr

_BLOCK = 64  # points that are ordered before the covariance of those still to come is brought up to date
_SIZES = 31  # of a step: 1, 1/2, 1/4, ..., 1e-9
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def gge_order(a: Float[Tensor, "*k n n"], mean: Float[Tensor, "*k n"]) -> Int[Tensor, "*k n"]:
    """The order that takes the least likely conditions first (Gibson, Glasbey & Elston 1994).

    Args:
        a: `(n, n)` correlation matrix, or a stack of them.
        mean: `(n,)` mean of g in g > 0.

    Returns:
        `(n,)` permutation.

    """
    left = a  # covariance of the points still to come, given those of the blocks before
    place = torch.arange(a.shape[-1], device=a.device).expand(mean.shape)  # of these points
    variance, centre = a.diagonal(dim1=-2, dim2=-1).clone(), mean.clone()
    order = []
    while place.shape[-1]:
        factor = torch.zeros_like(left[..., :_BLOCK])  # columns of the Cholesky factor
        chosen = []
        for i in range(factor.shape[-1]):
            deviation = variance.clamp(min=1e-14).sqrt_()
            one = torch.argmin(centre / deviation, -1, keepdim=True)
            pivot = deviation.gather(-1, one)
            known = times(factor[..., :i], _row(factor, one)[..., :i])
            column = (_row(left, one) - known).div_(pivot)
            factor[..., i] = column
            centre += column * hazard(-centre.gather(-1, one) / pivot)
            variance -= column**2
            centre.scatter_(-1, one, torch.inf)  # it has had its turn
            chosen.append(one)
        taken = torch.cat(chosen, -1)
        order.append(place.gather(-1, taken))
        mask = torch.zeros_like(place).scatter_(-1, taken, 1)
        others = torch.argsort(mask, dim=-1, stable=True)[..., : -taken.shape[-1]]
        place, variance, centre = (each.gather(-1, others) for each in (place, variance, centre))
        factor = factor.take_along_dim(others[..., None], -2)
        left = less_product(among(left, others), factor, factor.mT)
    return torch.cat(order, -1)


def _row(matrices: Float[Tensor, "*k n m"], position: Int[Tensor, "*k 1"]) -> Float[Tensor, "*k m"]:
    return matrices.take_along_dim(position[..., None], -2)[..., 0, :]


class Tilting(NamedTuple):
    """The saddle point, or those of a stack: tilts, and the deterministic bound that comes with them.

    Attributes:
        factor: `(n, n)` Cholesky factor L of A in the order of sampling.
        mean: `(n,)` mean of g, in the same order.
        tilt: `(n,)` mu.
        upper_bound: psi >= ln P, or 0 where the saddle point was not reached.

    """

    factor: Float[Tensor, "*k n n"]
    mean: Float[Tensor, "*k n"]
    tilt: Float[Tensor, "*k n"]
    upper_bound: Float[Tensor, "*k"]


def minimax_tilting(
    a: Float[Tensor, "*k n n"],
    mean: Float[Tensor, "*k n"],
    expected: Float[Tensor, "*k n"] | None = None,
    cap: int = 50,
) -> Tilting:
    """The saddle point t + D^-1 m + (L~L~^T - I) h(t) = 0 with L~ = D^-1 L, the only one that an orthant has.

    In the hazards h it is the minimum of the strictly convex
    |L~^T h|^2/2 + sum_i [(t + m/D) h + ln Phi(-t) - h^2/2], whose value there is psi; found by Newton's method in t
    with Armijo's rule.

    Args:
        a: `(n, n)` correlation matrix, already in the order of sampling, or a stack of them; not singular.
        mean: `(n,)` mean m of g.
        expected: `(n,)` about the mean of g where it is positive, to begin from. At the saddle point it is
            m + L L~^T h, so that h = D A^-1 (expected - m), and t = h - D^-1 expected.
        cap: number of Newton steps at the most; short of the saddle point the tilt is still usable, but psi is no
            bound, and 0 is given in its place.

    Source: Botev 2017, section 3; the convex form is this project's.

    """
    factor = factors(a)
    diagonal = factor.diagonal(dim1=-2, dim2=-1)
    scaled = factor / diagonal[..., :, None]
    gram = (a / diagonal[..., :, None]).div_(diagonal[..., None, :])  # L~ L~^T
    shift = mean / diagonal

    def objective(t: Float[Tensor, "*k n"]) -> Float[Tensor, "*k"]:
        h = hazard(t)
        x = times(scaled.mT, h)
        value: Tensor = vecdot(0.5 * x, x) + vecdot(shift, h) + hazard_terms(t, h).sum(-1)
        return value

    def newton(t: Float[Tensor, "*k n"]) -> tuple[Float[Tensor, "*k n"], Float[Tensor, "*k"]]:
        h = hazard(t)
        slope = (h * (h - t)).clamp(1e-300, 1)  # h'(t)
        root = slope.sqrt()
        right = root * (t + shift - h + times(gram, h))  # root times the gradient
        hessian = (root[..., :, None] * gram).mul_(root[..., None, :])
        hessian.diagonal(dim1=-2, dim2=-1).add_(1 - slope)
        step = -torch.cholesky_solve(right[..., None], factors(hessian))[..., 0]
        return step / root, -vecdot(right, step)

    starts = [-shift]
    if expected is not None:
        pull = torch.cholesky_solve((expected - mean)[..., None], factor)[..., 0]
        nearer = diagonal * pull - expected / diagonal
        better = objective(nearer) < objective(-shift)
        if bool(better.any()):
            starts.insert(0, nearer.where(better[..., None], -shift))
    reached = torch.zeros_like(mean[..., 0], dtype=torch.bool)
    t = starts[0]
    for start in starts:  # the other one is for a nearly singular A, from which the steps may find no way
        t, value, reached = minimised(objective, newton, t.where(reached[..., None], start), cap)
        if bool(reached.all()):
            break
    h = hazard(t)
    return Tilting(factor, mean, tilt=times(scaled.mT, h) - h, upper_bound=value.where(reached, 0.0))


def minimised(
    objective: Callable[[Tensor], Tensor],
    newton: Callable[[Tensor], tuple[Tensor, Tensor]],
    t: Float[Tensor, "*k n"],
    cap: int,
) -> tuple[Float[Tensor, "*k n"], Float[Tensor, "*k"], Bool[Tensor, "*k"]]:
    """Minima by Newton's method with Armijo's rule: where, their values, and whether they were reached.

    Those of a stack are searched together; one that is reached is left no more.

    Args:
        objective: convex, of `(n,)`.
        newton: the step at t, and the decrease that it promises to first order.
        t: `(n,)` where to start.
        cap: number of steps at the most.
    """
    value = objective(t)
    reached = torch.zeros_like(value, dtype=torch.bool)
    for _ in range(cap):
        step, decrease = newton(t)
        rounding = 1e-12 * (1 + value.abs())
        reached = reached | (decrease < rounding)
        if bool(reached.all()):
            break
        size = (~reached).to(value.dtype)
        for _ in range(_SIZES):
            further = t + size[..., None] * step
            new = objective(further)
            uphill = new > value - 1e-4 * size * decrease + rounding
            if not bool(uphill.any()):
                break
            size = torch.where(uphill, size / 2, size)
        t, value = further, new
    return t, value, reached


def hazard_terms(t: Float[Tensor, "*shape"], h: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """t h + ln Phi(-t) - h^2/2 with h the hazard of t; for t > 0 without the cancellation of t^2."""
    return torch.where(t > 0, -0.5 * (h - t) ** 2 - _HALF_LOG_2PI - h.log(), t * h + log_ndtr(-t) - 0.5 * h * h)
