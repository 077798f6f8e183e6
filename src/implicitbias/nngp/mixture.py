"""Orthant probabilities by sequential importance sampling on scrambled Sobol points.

The default is a defensive mixture (Owen & Zhou 2000): half of the points come from the EP-guided sampler, which
is nearly exact in the bulk, half from the minimax-tilted one, whose weights are bounded; weighted by the density
of the mixture, the weights are bounded too, so the error bar can be trusted.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from implicitbias.errors import ConfigError, NumericalError
from implicitbias.linalg import cholesky
from implicitbias.nngp.balance import SCRAMBLES, Weighted, balanced, doubled
from implicitbias.nngp.ep import expectation_propagation
from implicitbias.nngp.estimate import OrthantEstimate, at_least_one, log_mean, warn_if_few
from implicitbias.nngp.proposals import Proposal, drawn, ep_guided, tilted
from implicitbias.nngp.standardise import blurred, standardised
from implicitbias.nngp.tilting import Tilting, gge_order, minimax_tilting
from implicitbias.shapes.tensors import Kernel, Labels, PerPoint

Prepare = Callable[[Tensor, Tensor], tuple[list[Proposal], Tilting]]
"""(correlations, mean), both in the order of sampling -> the components, and the tilting, whose prior they share."""


def mixture(
    kernel: Kernel,
    labels: Labels,
    *,
    mean: PerPoint | None = None,
    samples: int = 4096,
    seed: int = 0,
    target_stderr: float | None = None,
    cap: int = 2**17,
    keep_samples: bool = False,
) -> OrthantEstimate:
    """Logarithm of P[sign f = labels], f ~ N(mean, K), by a mixture of EP-guided and minimax-tilted sampling.

    Args:
        kernel: `(n, n)` covariance K, any positive diagonal.
        labels: `(n,)` of +-1.
        mean: `(n,)` mean of f, None for 0.
        samples: number of samples N; at least 2 a scramble and component are taken.
        seed: of the scrambles.
        target_stderr: double N until the standard error is at most this, in nats.
        cap: largest N that this may reach.
        keep_samples: also return the weighted samples of f.

    Raises:
        ConfigError: for a number of samples, a cap or a target that is none.
        NumericalError: if the kernel is no covariance or the probability is 0 (see `standardised`).

    Warns:
        ConvergenceWarning: if `target_stderr` is not reached with `cap` samples, or if so few samples are effective
            that the standard error says nothing.

    The standard error holds what rounding of the kernel can do. A kernel that is singular to rounding is solved with a
    jitter, and once more with four times as much; the difference, which is no less than what the jitter itself does as
    long as that grows at least as its root, is part of the standard error.
    """
    return _estimate(kernel, labels, mean, "mixture", _mixed, samples, seed, target_stderr, cap, keep_samples)


def tilting(
    kernel: Kernel,
    labels: Labels,
    *,
    mean: PerPoint | None = None,
    samples: int = 4096,
    seed: int = 0,
    target_stderr: float | None = None,
    cap: int = 2**17,
    keep_samples: bool = False,
) -> OrthantEstimate:
    """Minimax exponential tilting alone (Botev 2017); arguments, result and errors are those of `mixture`."""
    return _estimate(kernel, labels, mean, "tilting", _tilted, samples, seed, target_stderr, cap, keep_samples)


def genz(
    kernel: Kernel,
    labels: Labels,
    *,
    mean: PerPoint | None = None,
    samples: int = 4096,
    seed: int = 0,
    target_stderr: float | None = None,
    cap: int = 2**17,
    keep_samples: bool = False,
) -> OrthantEstimate:
    """The untilted sequential sampler (Genz 1992; GHK); arguments, result and errors are those of `mixture`."""
    return _estimate(kernel, labels, mean, "genz", _untilted, samples, seed, target_stderr, cap, keep_samples)


def _mixed(a: Kernel, mean: PerPoint) -> tuple[list[Proposal], Tilting]:
    try:
        sites = expectation_propagation(a, mean, tolerance=1e-2)  # rough sites guide as well as converged ones
    except NumericalError:  # the sites of the thinnest events are beyond doubles; tilting's are not
        return _tilted(a, mean)
    saddle = minimax_tilting(a, mean, expected=sites.mean)
    try:
        factor = cholesky(sites.covariance, "the covariance of EP")
        return [ep_guided(sites.tau, sites.nu, sites.mean, factor, saddle.factor), tilted(saddle)], saddle
    except NumericalError:
        return [tilted(saddle)], saddle


def _tilted(a: Kernel, mean: PerPoint) -> tuple[list[Proposal], Tilting]:
    saddle = minimax_tilting(a, mean)
    return [tilted(saddle)], saddle


def _untilted(a: Kernel, mean: PerPoint) -> tuple[list[Proposal], Tilting]:
    none = Tilting(cholesky(a), mean, tilt=torch.zeros_like(mean), upper_bound=0.0)
    return [tilted(none)], none


class _Ordered:
    """The problem in the order of sampling, and its components: `(k, k)` correlations, `(k,)` mean of g."""

    def __init__(self, correlation: Kernel, mean: PerPoint, prepare: Prepare) -> None:
        self.correlation, self.mean = correlation, mean
        self.components, self.saddle = prepare(correlation, mean)


def _estimate(
    kernel: Kernel,
    labels: Labels,
    mean: PerPoint | None,
    name: str,
    prepare: Prepare,
    samples: int,
    seed: int,
    target_stderr: float | None,
    cap: int,
    keep_samples: bool,
) -> OrthantEstimate:
    """Sample every component equally and weight all samples by the mixture of their densities (balance heuristic)."""
    samples, cap = at_least_one("samples", samples), at_least_one("cap", cap)
    if target_stderr is not None and not (isinstance(target_stderr, int | float) and target_stderr > 0):
        raise ConfigError(f"target_stderr = {target_stderr!r}; allowed: a number of nats above 0, or None")
    orthant = standardised(kernel, labels, mean)
    order = gge_order(orthant.correlation, orthant.mean)
    ordered = orthant.correlation.index_select(0, order).index_select(1, order)
    problem = _Ordered(ordered, orthant.mean[order], prepare)
    blur = orthant.jitter and _Ordered(blurred(problem.correlation, 3 * orthant.jitter), problem.mean, prepare)

    def estimate(samples: int) -> Weighted:
        found = _sampled(problem, samples, seed)
        stderr = math.hypot(found.stderr, _rounding(problem, found.log_probability))
        if blur:
            stderr = math.hypot(stderr, found.log_probability - _sampled(blur, samples, seed).log_probability)
        return found._replace(stderr=stderr)

    found = doubled(estimate, samples, target_stderr, cap, stacklevel=4)
    effective = log_mean(found.log_weights)[2]
    warn_if_few(effective, len(found.log_weights), name, "more samples, or the estimator mixture, may help")
    f = None
    if keep_samples:
        f = orthant.outputs(found.samples[torch.argsort(order)])
    return OrthantEstimate(
        found.log_probability,
        found.stderr,
        effective_sample_size=effective,
        upper_bound=problem.saddle.upper_bound,
        lower_bound=float(found.log_weights.mean()),
        samples=f,
        log_weights=found.log_weights if keep_samples else None,
        groups=SCRAMBLES,
    )


def _rounding(problem: "_Ordered", log_probability: float) -> float:
    """What rounding of A can do to ln P: to its normaliser, and of a shifted Gaussian to its exponent as well.

    Both by the norm of A^-1, from a few steps of the power method.
    """
    factor = problem.saddle.factor
    size = max(1.0, -log_probability) if bool(problem.mean.any()) else 1.0
    v = torch.zeros_like(problem.mean).index_fill(0, factor.diagonal().argmin(), 1.0)[:, None]
    for _ in range(3):
        v = torch.cholesky_solve(v / v.norm(), factor)
    return torch.finfo(torch.float64).eps * size * float(v.norm())


def _sampled(problem: "_Ordered", samples: int, seed: int) -> Weighted:
    prior = problem.saddle
    draw = partial(drawn, problem.components, prior)
    return balanced(draw, [1] * len(problem.components), len(prior.mean), samples, seed, prior.mean.device)
