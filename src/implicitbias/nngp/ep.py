"""Expectation propagation on an orthant (Minka 2001; Cunningham, Hennig & Lacoste-Julien 2011).

P[g > 0] for g ~ N(0, A): each factor 1[g_i > 0] gets a Gaussian site exp(-tau g^2/2 + nu g).
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.errors import NumericalError
from implicitbias.linalg import cholesky
from implicitbias.nngp.estimate import OrthantEstimate
from implicitbias.nngp.gaussian import excess, log_truncated_density
from implicitbias.nngp.standardise import standardised
from implicitbias.shapes.tensors import Kernel, Labels, PerPoint

_DAMPING = 0.9  # share of the new sites in an update
FAR = 1e5  # site precision (A has 1) beyond which differences lose the digits of what the site leaves


@dataclass(frozen=True)
class Sites:
    """The Gaussian that EP finds, N(m, V) with V = (A^-1 + T)^-1 and m = V (A^-1 prior mean + nu).

    Attributes:
        tau: `(n,)` site precisions, T = diag(tau).
        nu: `(n,)` site shifts.
        mean: `(n,)` m.
        covariance: `(n, n)` V.
        log_probability: EP's own estimate of ln P (no error bar).
    """

    tau: PerPoint
    nu: PerPoint
    mean: PerPoint
    covariance: Kernel
    log_probability: float


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

    mean: PerPoint
    variance: PerPoint
    precision: PerPoint
    shift: PerPoint
    pull: PerPoint
    factor: Kernel
    whitened: Kernel


def expectation_propagation(a: Kernel, prior_mean: PerPoint, tolerance: float = 1e-4, cap: int = 60) -> Sites:
    """Sites by parallel damped updates.

    Args:
        a: `(n, n)` correlation matrix A, float64.
        prior_mean: `(n,)` mean of g before any condition.
        tolerance: relative change of the sites at which it stops.
        cap: number of updates at the most; importance sampling on top needs no convergence.

    Raises:
        NumericalError: if sites so far out are found that B has no Cholesky factor.
    """
    n = len(a)
    tau, nu = a.new_zeros(n), a.new_zeros(n)
    variance, one = a.diagonal(), torch.eye(n, dtype=a.dtype, device=a.device)
    found = _Marginals(prior_mean, variance, 1 / variance, prior_mean / variance, 0 * nu, one, 0 * one)
    for _ in range(cap):
        step_tau, step_nu = damped_step(found.precision, found.shift, tau, nu)
        tau, nu = tau + step_tau, nu + step_nu
        found = _marginals(a, prior_mean, tau, nu)
        change = torch.maximum(step_tau.abs().max() / tau.abs().max(), step_nu.abs().max() / nu.abs().max())
        if float(change) < tolerance:
            break
    return Sites(tau, nu, found.mean, _covariance(a, tau, found), _log_probability(prior_mean, found))


def damped_step(
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


def _marginals(a: Kernel, prior_mean: PerPoint, tau: PerPoint, nu: PerPoint) -> _Marginals:
    """By V = A - W^T W; where a site leaves next to nothing of A, by the diagonal b of B^-1, which keeps its digits.

    There V_ii = (1 - b)/tau, the cavity's precision is tau b/(1 - b), and its shift (nu b - pull)/(1 - b).
    """
    root = tau.sqrt()
    scaled = root[:, None] * a
    b = scaled * root[None, :]
    b.diagonal().add_(1)
    factor = cholesky(b, "I + T^1/2 A T^1/2")
    w = torch.linalg.solve_triangular(factor, scaled, upper=False)
    variance = a.diagonal() - (w * w).sum(0)
    push = nu - tau * prior_mean
    known = w @ push
    pull = push - root * torch.linalg.solve_triangular(factor.T, known[:, None], upper=True)[:, 0]
    mean = prior_mean + a @ push - w.T @ known
    precision, shift = 1 / variance - tau, mean / variance - nu
    far = tau > FAR
    if bool(far.any()):
        inverse = torch.linalg.solve_triangular(factor, torch.eye(len(a), dtype=a.dtype, device=a.device), upper=False)
        left = inverse.square().sum(0)[far]  # b
        pull[far] = root[far] * (inverse.T @ (inverse @ (push / root).where(tau > 0, 0.0)))[far]
        kept = tau[far], nu[far]
        variance[far], mean[far] = (1 - left) / kept[0], (kept[1] - pull[far]) / kept[0]
        precision[far], shift[far] = kept[0] * left / (1 - left), (kept[1] * left - pull[far]) / (1 - left)
    return _Marginals(mean, variance, precision, shift, pull, factor, w)


def _covariance(a: Kernel, tau: PerPoint, found: _Marginals) -> Kernel:
    """V; its rows far out by T^-1/2 B^-1 T^1/2 A, which is the same."""
    covariance = torch.addmm(a, found.whitened.T, found.whitened, alpha=-1)
    far = tau > FAR
    if bool(far.any()):
        solved = torch.linalg.solve_triangular(found.factor.T, found.whitened, upper=True)[far]
        covariance[far] = solved / tau[far].sqrt()[:, None]
        covariance[:, far] = covariance[far].T
        covariance.diagonal().copy_(found.variance)
    return covariance


def _log_probability(prior_mean: PerPoint, found: _Marginals) -> float:
    """EP's estimate of ln P: N(m; prior mean, A)/N(m; m, V) times the factors' part of every coordinate.

    The sites' values at m are left out, where they occur twice: far out they are of the size of their squares.
    """
    root = found.precision.sqrt()
    factors = log_truncated_density(root * found.mean, found.shift / root)
    factors += 0.5 * torch.log(found.precision * found.variance)
    distance = 0.5 * (found.mean - prior_mean) @ found.pull
    return -float(factors.sum() + distance + found.factor.diagonal().log().sum())


def ep(kernel: Kernel, labels: Labels, *, mean: PerPoint | None = None) -> OrthantEstimate:
    """EP's own estimate of ln P[sign f = labels]: deterministic, some tenths of a nat off, without an error bar.

    Args:
        kernel: `(n, n)` covariance of f.
        labels: `(n,)` of +-1.
        mean: `(n,)` mean of f, None for 0.
    """
    orthant = standardised(kernel, labels, mean)
    log_probability = expectation_propagation(orthant.correlation, orthant.mean).log_probability
    if not math.isfinite(log_probability):
        raise NumericalError("ep: a site is lost to rounding, so there is no estimate; use the estimator mixture")
    return OrthantEstimate(log_probability, stderr=math.nan, effective_sample_size=math.nan)
