"""Orthant probabilities by sequential importance sampling on scrambled Sobol points.

The default is a defensive mixture (Owen & Zhou 2000): half of the points come from the EP-guided sampler, which
is nearly exact in the bulk, half from the minimax-tilted one, whose weights are bounded; weighted by the density
of the mixture, the weights are bounded too, so the error bar can be trusted.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.errors import ConfigError
from implicitbias.linalg import among, cholesky, factors, inverse_norm
from implicitbias.nngp.balance import SCRAMBLES, Weighted, balanced, doubled
from implicitbias.nngp.ep import Sites, expectation_propagation
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


def searched(a: Float[Tensor, "*k n n"], mean: Float[Tensor, "*k n"]) -> tuple[Sites, Tilting]:
    """What guides the samples of a problem, or of a stack of them, in the order of sampling."""
    sites = expectation_propagation(a, mean, tolerance=1e-2)  # rough sites guide as well as converged ones
    return sites, minimax_tilting(a, mean, expected=sites.mean)


def mixed(sites: Sites, saddle: Tilting) -> list[Proposal]:
    """The two components."""
    guide = factors(sites.covariance)
    return [ep_guided(sites.tau, sites.nu, sites.mean, guide, saddle.factor), tilted(saddle)]


def sampled(components: list[Proposal], prior: Tilting, samples: int, seed: int | Sequence[int]) -> Weighted:
    """As many samples of every component, weighted; of a stack, with a seed for each member."""
    draw = partial(drawn, components, prior)
    return balanced(draw, [1] * len(components), prior.mean.shape[-1], samples, seed, prior.mean.device)


def _mixed(a: Kernel, mean: PerPoint) -> tuple[list[Proposal], Tilting]:
    sites, saddle = searched(a, mean)
    components = mixed(sites, saddle)
    if not bool(torch.isfinite(components[0].factor.diagonal()).all()):
        return components[1:], saddle  # the sites of the thinnest events are beyond doubles; tilting's are not
    return components, saddle


def _tilted(a: Kernel, mean: PerPoint) -> tuple[list[Proposal], Tilting]:
    saddle = minimax_tilting(a, mean)
    return [tilted(saddle)], saddle


def _untilted(a: Kernel, mean: PerPoint) -> tuple[list[Proposal], Tilting]:
    none = Tilting(cholesky(a), mean, tilt=torch.zeros_like(mean), upper_bound=mean.new_zeros(()))
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
    problem = _Ordered(among(orthant.correlation, order), orthant.mean[order], prepare)
    blur = orthant.jitter and _Ordered(blurred(problem.correlation, 3 * orthant.jitter), problem.mean, prepare)

    def estimate(samples: int) -> Weighted:
        found = sampled(problem.components, problem.saddle, samples, seed)
        stderr = torch.hypot(found.stderr, _rounding(problem, found.log_probability))
        if blur:
            other = sampled(blur.components, blur.saddle, samples, seed)
            stderr = torch.hypot(stderr, found.log_probability - other.log_probability)
        return found._replace(stderr=stderr)

    found = doubled(estimate, samples, target_stderr, cap, stacklevel=4)
    effective = float(log_mean(found.log_weights)[2])
    warn_if_few(effective, len(found.log_weights), name, "more samples, or the estimator mixture, may help")
    f = None
    if keep_samples:
        f = orthant.outputs(found.samples()[torch.argsort(order)])
    return OrthantEstimate(
        float(found.log_probability),
        float(found.stderr),
        effective_sample_size=effective,
        upper_bound=float(problem.saddle.upper_bound),
        lower_bound=float(found.log_weights.mean()),
        samples=f,
        log_weights=found.log_weights if keep_samples else None,
        groups=SCRAMBLES,
    )


def _rounding(problem: "_Ordered", log_probability: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """What rounding of A can do to ln P: to its normaliser, and of a shifted Gaussian to its exponent as well."""
    size = (-log_probability).clamp(min=1) if bool(problem.mean.any()) else 1.0
    return torch.finfo(torch.float64).eps * size * inverse_norm(problem.saddle.factor)
