"""Expectation propagation on an orthant (Minka 2001; Cunningham, Hennig & Lacoste-Julien 2011).

P[g > 0] for g ~ N(0, A): each factor 1[g_i > 0] gets a Gaussian site exp(-tau g^2/2 + nu g).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from implicitbias.linalg import cholesky
from implicitbias.nngp.estimate import OrthantEstimate
from implicitbias.nngp.gaussian import hazard, log_ndtr
from implicitbias.nngp.standardise import standardised

_DAMPING = 0.9  # share of the new sites in an update


@dataclass(frozen=True)
class Sites:
    """The Gaussian that EP finds, N(m, V) with V = (A^-1 + T)^-1 and m = V (A^-1 prior mean + nu).

    Attributes:
        tau: `(n,)` site precisions, T = diag(tau).
        nu: `(n,)` site shifts.
        mean: `(n,)` m.
        covariance: `(n, n)` V.
        log_normaliser: ln of the integral of the prior N(g; prior mean, A) times all sites.
        log_probability: EP's own estimate of ln P (no error bar).
    """

    tau: Tensor
    nu: Tensor
    mean: Tensor
    covariance: Tensor
    log_normaliser: float
    log_probability: float


def expectation_propagation(a: Tensor, prior_mean: Tensor, tolerance: float = 1e-4, cap: int = 60) -> Sites:
    """Sites by parallel damped updates.

    Args:
        a: `(n, n)` correlation matrix A, float64.
        prior_mean: `(n,)` mean of g before any condition.
        tolerance: relative change of the sites at which it stops.
        cap: number of updates at the most; importance sampling on top needs no convergence.
    """
    n = len(a)
    tau, nu = a.new_zeros(n), a.new_zeros(n)
    mean, variance = prior_mean, a.diagonal()
    for _ in range(cap):
        precision, shift = 1 / variance - tau, mean / variance - nu  # the cavity
        root = precision.sqrt()
        z = shift / root
        ratio = hazard(-z)
        tilted_variance = ((1 - z * ratio - ratio * ratio) / precision).clamp(min=1e-300)
        tilted_mean = (z + ratio) / root
        step_tau = ((1 / tilted_variance - precision).clamp(min=0) - tau) * _DAMPING
        step_nu = (tilted_mean / tilted_variance - shift - nu) * _DAMPING
        good = torch.isfinite(step_tau) & torch.isfinite(step_nu)  # far in a tail the variance cancels; wait there
        step_tau, step_nu = step_tau.where(good, 0.0), step_nu.where(good, 0.0)
        tau, nu = tau + step_tau, nu + step_nu
        _, w = _whitened(a, tau)
        variance = a.diagonal() - (w * w).sum(0)
        pull = nu - tau * prior_mean
        mean = prior_mean + a @ pull - w.T @ (w @ pull)
        change = torch.maximum(step_tau.abs().max() / tau.abs().max(), step_nu.abs().max() / nu.abs().max())
        if float(change) < tolerance:
            break
    factor, w = _whitened(a, tau)
    covariance = torch.addmm(a, w.T, w, alpha=-1)
    pull = nu - tau * prior_mean
    moved, variance = covariance @ pull, covariance.diagonal()
    mean = prior_mean + moved
    precision, shift = 1 / variance - tau, mean / variance - nu
    at_prior_mean = nu @ prior_mean - 0.5 * tau @ prior_mean**2
    log_normaliser = float(at_prior_mean + 0.5 * pull @ moved - factor.diagonal().log().sum())
    factors = log_ndtr(shift / precision.sqrt()) - _log_site_integral(tau, nu, precision, shift)
    return Sites(tau, nu, mean, covariance, log_normaliser, log_normaliser + float(factors.sum()))


def _whitened(a: Tensor, tau: Tensor) -> tuple[Tensor, Tensor]:
    """L_B, the factor of B = I + T^1/2 A T^1/2, and W = L_B^-1 T^1/2 A, so that V = A - W^T W."""
    scaled = tau.sqrt()[:, None] * a
    b = scaled * tau.sqrt()[None, :]
    b.diagonal().add_(1)
    factor = cholesky(b, "I + T^1/2 A T^1/2")
    return factor, torch.linalg.solve_triangular(factor, scaled, upper=False)


def _log_site_integral(tau: Tensor, nu: Tensor, precision: Tensor, shift: Tensor) -> Tensor:
    """Logarithm of E[site] under the Gaussian of the given precision lambda and shift eta (lambda times its mean)."""
    total = precision + tau
    return -0.5 * torch.log1p(tau / precision) + 0.5 * ((shift + nu) ** 2 / total - shift**2 / precision)


def ep(kernel: Tensor, labels: Tensor, *, mean: Tensor | None = None) -> OrthantEstimate:
    """EP's own estimate of ln P[sign f = labels]: deterministic, some tenths of a nat off, without an error bar.

    Args:
        kernel: `(n, n)` covariance of f.
        labels: `(n,)` of +-1.
        mean: `(n,)` mean of f, None for 0.
    """
    orthant = standardised(kernel, labels, mean)
    log_probability = expectation_propagation(orthant.correlation, orthant.mean).log_probability
    return OrthantEstimate(log_probability, stderr=math.nan, effective_sample_size=math.nan)
