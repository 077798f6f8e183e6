"""Expectation propagation on an orthant (Minka 2001; Cunningham, Hennig & Lacoste-Julien 2011), or a stack of them.

P[g > 0] for g ~ N(0, A): each factor 1[g_i > 0] gets a Gaussian site exp(-tau g^2/2 + nu g).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.linalg import solve_triangular, vecdot

from implicitbias.errors import NumericalError
from implicitbias.linalg import factors, less_product, times
from implicitbias.nngp.estimate import OrthantEstimate
from implicitbias.nngp.gaussian import excess, log_truncated_density
from implicitbias.nngp.standardise import standardised
from implicitbias.shapes.tensors import Kernel, Labels, PerPoint

_DAMPING = 0.9  # part of the way that an update goes
FAR = 1e5  # site precision (A has 1) beyond which differences lose the digits of what the site leaves


class Sites(NamedTuple):
    """The Gaussian that EP finds, N(m, V) with V = (A^-1 + T)^-1 and m = V (A^-1 prior mean + nu).

    Attributes:
        tau: `(n,)` site precisions, T = diag(tau).
        nu: `(n,)` site shifts.
        mean: `(n,)` m.
        covariance: `(n, n)` V.
        log_probability: EP's own estimate of ln P (no error bar).
    """

    tau: Float[Tensor, "*k n"]
    nu: Float[Tensor, "*k n"]
    mean: Float[Tensor, "*k n"]
    covariance: Float[Tensor, "*k n n"]
    log_probability: Float[Tensor, "*k"]


@runtime_checkable
class Cavities(Protocol):
    """Something that knows the cavities that the sites leave: every coordinate's Gaussian without its own site."""

    @property
    def precision(self) -> Tensor: ...

    @property
    def shift(self) -> Tensor:
        """Precision times mean."""


_Found = TypeVar("_Found", bound=Cavities)


@dataclass(frozen=True)
class _Marginals:
    """What the sites make of every coordinate alone, and its cavity: the same without its own site; all `(n,)`.

    Attributes:
        mean: m.
        variance: the diagonal of V.
        precision: 1/V_ii - tau.
        shift: precision times the mean of the cavity, m/V_ii - nu.
        pull: A^-1 (m - prior mean).
        factor: `(n, n)` Cholesky factor of B = I + T^1/2 A T^1/2.
        whitened: `(n, n)` W = factor^-1 T^1/2 A, so that V = A - W^T W.
    """

    mean: Float[Tensor, "*k n"]
    variance: Float[Tensor, "*k n"]
    precision: Float[Tensor, "*k n"]
    shift: Float[Tensor, "*k n"]
    pull: Float[Tensor, "*k n"]
    factor: Float[Tensor, "*k n n"]
    whitened: Float[Tensor, "*k n n"]


def expectation_propagation(
    a: Float[Tensor, "*k n n"], prior_mean: Float[Tensor, "*k n"], tolerance: float = 1e-4, cap: int = 60
) -> Sites:
    """Sites by parallel damped updates.

    Args:
        a: `(n, n)` correlation matrix A, float64, or a stack of them.
        prior_mean: `(n,)` mean of g before any condition.
        tolerance: relative change of the sites at which it stops.
        cap: number of updates at the most; importance sampling on top needs no convergence.

    Returns:
        The sites; all but tau and nu is NaN if sites so far out are found that B has no Cholesky factor.
    """
    variance = a.diagonal(dim1=-2, dim2=-1)
    tau, nu, found = propagated(
        lambda tau, nu: _marginals(a, prior_mean, tau, nu), 1 / variance, prior_mean / variance, tolerance, cap
    )
    return Sites(tau, nu, found.mean, _covariance(a, tau, found), _log_probability(prior_mean, found))


def propagated(
    gaussian: Callable[[Tensor, Tensor], _Found],
    precision: Float[Tensor, "*k n"],
    shift: Float[Tensor, "*k n"],
    tolerance: float,
    cap: int,
) -> tuple[Float[Tensor, "*k n"], Float[Tensor, "*k n"], _Found]:
    """Updates from no sites until they change no more: tau, nu and the Gaussian that they make.

    Those of a stack are updated together; one that has arrived stays.

    Args:
        gaussian: from tau and nu.
        precision: `(n,)` of every coordinate before any site.
        shift: `(n,)` precision times mean.
        tolerance: change of the sites, in units of the largest, at which it stops.
        cap: number of updates at the most, one or more.
    """
    tau = nu = torch.zeros_like(shift)
    moving = torch.ones_like(shift[..., 0], dtype=torch.bool)
    for _ in range(cap):
        step_tau, step_nu = (step * moving[..., None] for step in _damped_step(precision, shift, tau, nu))
        tau, nu = tau + step_tau, nu + step_nu
        found = gaussian(tau, nu)
        precision, shift = found.precision, found.shift
        change = torch.maximum(_relative(step_tau, tau), _relative(step_nu, nu))
        moving = moving & ~(change < tolerance)
        if not bool(moving.any()):
            break
    return tau, nu, found


def _relative(step: Float[Tensor, "*k n"], sites: Float[Tensor, "*k n"]) -> Float[Tensor, "*k"]:
    return step.abs().amax(-1) / sites.abs().amax(-1)


def _damped_step(
    precision: Float[Tensor, "*shape"],
    shift: Float[Tensor, "*shape"],
    tau: Float[Tensor, "*shape"],
    nu: Float[Tensor, "*shape"],
) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
    """Part of the way to the sites that match the moments of g > 0 under their cavities.

    Args:
        precision: of the cavities.
        shift: precision times the mean of the cavities.
        tau: precisions of the sites.
        nu: shifts of the sites.
    """
    root = precision.sqrt()
    z = shift / root
    mean, variance = excess(-z)
    tilted_variance = (variance / precision).clamp(min=1e-300)
    tilted_mean = mean / root
    step_tau = ((1 / tilted_variance - precision).clamp(min=0) - tau) * _DAMPING
    step_nu = (tilted_mean / tilted_variance - shift - nu) * _DAMPING
    good = torch.isfinite(step_tau) & torch.isfinite(step_nu)  # a cavity lost to rounding: wait there
    return step_tau.where(good, 0.0), step_nu.where(good, 0.0)


def _marginals(
    a: Float[Tensor, "*k n n"], prior_mean: Float[Tensor, "*k n"], tau: Float[Tensor, "*k n"], nu: Float[Tensor, "*k n"]
) -> _Marginals:
    """By V = A - W^T W; where a site leaves next to nothing of A, by the diagonal b of B^-1, which keeps its digits.

    There V_ii = (1 - b)/tau, the cavity's precision is tau b/(1 - b), and its shift (nu b - pull)/(1 - b).
    """
    root = tau.sqrt()
    scaled = root[..., :, None] * a
    b = scaled * root[..., None, :]
    b.diagonal(dim1=-2, dim2=-1).add_(1)
    factor = factors(b)
    w = solve_triangular(factor, scaled, upper=False)
    variance = a.diagonal(dim1=-2, dim2=-1) - w.square().sum(-2)
    push = nu - tau * prior_mean
    known = times(w, push)
    pull = push - root * solve_triangular(factor.mT, known[..., None], upper=True)[..., 0]
    mean = prior_mean + times(a, push) - times(w.mT, known)
    precision, shift = 1 / variance - tau, mean / variance - nu
    far = tau > FAR
    if bool(far.any()):
        inverse = solve_triangular(factor, torch.eye(a.shape[-1], dtype=a.dtype, device=a.device), upper=False)
        left = inverse.square().sum(-2)  # b
        pushed = (push / root).where(tau > 0, 0.0)
        pull = torch.where(far, root * times(inverse.mT, times(inverse, pushed)), pull)
        variance = torch.where(far, (1 - left) / tau, variance)
        mean = torch.where(far, (nu - pull) / tau, mean)
        precision = torch.where(far, tau * left / (1 - left), precision)
        shift = torch.where(far, (nu * left - pull) / (1 - left), shift)
    return _Marginals(mean, variance, precision, shift, pull, factor, w)


def _covariance(a: Float[Tensor, "*k n n"], tau: Float[Tensor, "*k n"], found: _Marginals) -> Float[Tensor, "*k n n"]:
    """V; its rows far out by T^-1/2 B^-1 T^1/2 A, which is the same."""
    covariance = less_product(a.clone(), found.whitened.mT, found.whitened)
    far = tau > FAR
    if bool(far.any()):
        solved = solve_triangular(found.factor.mT, found.whitened, upper=True) / tau.sqrt()[..., :, None]
        covariance = torch.where(far[..., :, None], solved, covariance)
        covariance = torch.where(far[..., None, :], solved.mT, covariance)
        covariance.diagonal(dim1=-2, dim2=-1).copy_(found.variance)
    return covariance


def _log_probability(prior_mean: Float[Tensor, "*k n"], found: _Marginals) -> Float[Tensor, "*k"]:
    """EP's estimate of ln P: N(m; prior mean, A)/N(m; m, V) times the factors' part of every coordinate.

    The sites' values at m are left out, where they occur twice: far out they are of the size of their squares.
    """
    root = found.precision.sqrt()
    each = log_truncated_density(root * found.mean, found.shift / root)
    each += 0.5 * torch.log(found.precision * found.variance)
    distance = vecdot(0.5 * (found.mean - prior_mean), found.pull)
    log_probability: Tensor = -(each.sum(-1) + distance + found.factor.diagonal(dim1=-2, dim2=-1).log().sum(-1))
    return log_probability


def ep(kernel: Kernel, labels: Labels, *, mean: PerPoint | None = None) -> OrthantEstimate:
    """EP's own estimate of ln P[sign f = labels]: deterministic, some tenths of a nat off, without an error bar.

    Args:
        kernel: `(n, n)` covariance of f.
        labels: `(n,)` of +-1.
        mean: `(n,)` mean of f, None for 0.
    """
    orthant = standardised(kernel, labels, mean)
    log_probability = float(expectation_propagation(orthant.correlation, orthant.mean).log_probability)
    if not math.isfinite(log_probability):
        raise NumericalError("ep: a site is lost to rounding, so there is no estimate; use the estimator mixture")
    return OrthantEstimate(log_probability, stderr=math.nan, effective_sample_size=math.nan)
