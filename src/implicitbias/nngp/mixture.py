"""Orthant probabilities by sequential importance sampling on scrambled Sobol points.

The default is a defensive mixture (Owen & Zhou 2000): half of the points come from the EP-guided sampler, which
is nearly exact in the bulk, half from the minimax-tilted one, whose weights are bounded; weighted by the density
of the mixture, the weights are bounded too, so the error bar can be trusted.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from implicitbias.errors import ConvergenceWarning, NumericalError
from implicitbias.linalg import cholesky
from implicitbias.nngp.ep import expectation_propagation
from implicitbias.nngp.estimate import OrthantEstimate, log_mean
from implicitbias.nngp.proposals import Proposal, ep_guided, tilted
from implicitbias.nngp.standardise import standardised
from implicitbias.nngp.tilting import Tilting, gge_order, minimax_tilting
from implicitbias.rng import derive_seed

SCRAMBLES = 32
"""Independent scrambles of the Sobol points; the spread of their means is the standard error."""

_BITS = 30  # of torch's Sobol points
_COLUMNS = 512  # samples weighted at once: their temporaries stay near the processor


def mixture(
    kernel: Tensor,
    labels: Tensor,
    *,
    mean: Tensor | None = None,
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
        samples: number of samples N, at least 2 a scramble and component.
        seed: of the scrambles.
        target_stderr: double N until the standard error is at most this, in nats.
        cap: largest N that this may reach.
        keep_samples: also return the weighted samples of f.

    Raises:
        NumericalError: if the kernel is no covariance or the probability is 0 (see `standardised`).

    Warns:
        ConvergenceWarning: if `target_stderr` is not reached with `cap` samples.
    """
    return _estimate(kernel, labels, mean, _mixed, samples, seed, target_stderr, cap, keep_samples)


def tilting(
    kernel: Tensor,
    labels: Tensor,
    *,
    mean: Tensor | None = None,
    samples: int = 4096,
    seed: int = 0,
    target_stderr: float | None = None,
    cap: int = 2**17,
    keep_samples: bool = False,
) -> OrthantEstimate:
    """Minimax exponential tilting alone (Botev 2017); arguments, result and errors are those of `mixture`."""
    return _estimate(kernel, labels, mean, _tilted, samples, seed, target_stderr, cap, keep_samples)


def genz(
    kernel: Tensor,
    labels: Tensor,
    *,
    mean: Tensor | None = None,
    samples: int = 4096,
    seed: int = 0,
    target_stderr: float | None = None,
    cap: int = 2**17,
    keep_samples: bool = False,
) -> OrthantEstimate:
    """The untilted sequential sampler (Genz 1992; GHK); arguments, result and errors are those of `mixture`."""
    return _estimate(kernel, labels, mean, _untilted, samples, seed, target_stderr, cap, keep_samples)


def _mixed(a: Tensor, mean: Tensor) -> tuple[list[Proposal], float]:
    saddle = minimax_tilting(a, mean)
    sites = expectation_propagation(a, mean, tolerance=1e-2)  # rough sites guide as well as converged ones
    return [ep_guided(sites), tilted(saddle)], saddle.upper_bound


def _tilted(a: Tensor, mean: Tensor) -> tuple[list[Proposal], float]:
    saddle = minimax_tilting(a, mean)
    return [tilted(saddle)], saddle.upper_bound


def _untilted(a: Tensor, mean: Tensor) -> tuple[list[Proposal], float]:
    return [tilted(Tilting(cholesky(a), mean, tilt=torch.zeros_like(mean), upper_bound=0.0))], 0.0


def _estimate(
    kernel: Tensor,
    labels: Tensor,
    mean: Tensor | None,
    prepare: Callable[[Tensor, Tensor], tuple[list[Proposal], float]],
    samples: int,
    seed: int,
    target_stderr: float | None,
    cap: int,
    keep_samples: bool,
) -> OrthantEstimate:
    orthant = standardised(kernel, labels, mean)
    order = gge_order(orthant.correlation, orthant.mean)
    components, upper_bound = prepare(orthant.correlation[order][:, order], orthant.mean[order])
    estimate = combined(
        components, upper_bound, len(order),
        samples=samples, seed=seed, target_stderr=target_stderr, cap=cap, device=order.device,
    )  # fmt: skip
    if not keep_samples:
        return replace(estimate, samples=None, log_weights=None)
    assert estimate.samples is not None
    return replace(estimate, samples=orthant.outputs(estimate.samples[torch.argsort(order)]))


def combined(
    components: Sequence[Proposal],
    upper_bound: float,
    dimension: int,
    *,
    samples: int,
    seed: int,
    target_stderr: float | None,
    cap: int,
    device: torch.device,
    parts: Sequence[int] = (1, 1),
) -> OrthantEstimate:
    """Sample every component and weight all samples by the mixture of their densities (balance heuristic).

    Args:
        components: densities over columns of `dimension` numbers, whose log-weights estimate the same ln P.
        upper_bound: a bound on ln P to hand on.
        dimension: of a sample.
        samples: number of samples N, at least 2 a scramble and component.
        seed: of the scrambles.
        target_stderr: double N until the standard error is at most this, in nats; None: as N is.
        cap: largest N that this may reach.
        device: where to sample.
        parts: of the samples that come from each component, in proportion.

    Returns:
        The estimate with its samples `(dimension, N)` as the components made them.

    Raises:
        NumericalError: if all weights vanish.

    Warns:
        ConvergenceWarning: if `target_stderr` is not reached with `cap` samples.
    """
    while True:
        g, log_weights = _sampled(components, parts, dimension, samples, seed, device)
        by_scramble = torch.logsumexp(log_weights.reshape(SCRAMBLES, -1), 1) - math.log(len(log_weights) / SCRAMBLES)
        log_probability, stderr, _ = log_mean(by_scramble)
        if target_stderr is None or stderr <= target_stderr:
            break
        if 2 * samples > cap:
            warnings.warn(
                f"ln P = {log_probability:.6g} has a standard error of {stderr:.2g} nats with {samples} samples, not"
                f" the {target_stderr:.2g} asked for; a larger cap than {cap} may reach it",
                ConvergenceWarning,
                stacklevel=4,
            )
            break
        samples *= 2
    if not math.isfinite(log_probability):
        raise NumericalError(f"all {len(log_weights)} weights vanish: no estimate in {dimension} dimensions")
    return OrthantEstimate(
        log_probability,
        stderr,
        effective_sample_size=log_mean(log_weights)[2],
        upper_bound=upper_bound,
        lower_bound=float(log_weights.mean()),
        samples=g,
        log_weights=log_weights,
        groups=SCRAMBLES,
    )


def _sampled(
    components: Sequence[Proposal], parts: Sequence[int], n: int, samples: int, seed: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Samples `(n, N)`, scramble by scramble, and their log-weights `(N,)`."""
    parts = parts[: len(components)]
    counts = [max(2, samples * part // (SCRAMBLES * sum(parts))) for part in parts]
    drawn = [
        component.sample(sobol(n, count, derive_seed("sobol", seed, position)).to(device)).reshape(n, SCRAMBLES, count)
        for position, (component, count) in enumerate(zip(components, counts, strict=True))
    ]
    g = torch.cat(drawn, dim=2).reshape(n, -1)
    weights = [count / min(counts) for count in counts]
    log_densities = [
        torch.stack([
            math.log(weight) - component.log_weight(columns)
            for component, weight in zip(components, weights, strict=True)
        ])
        for columns in torch.split(g, _COLUMNS, dim=1)
    ]  # fmt: skip
    return g, math.log(sum(weights)) - torch.logsumexp(torch.cat(log_densities, dim=1), 0)


def sobol(n: int, count: int, seed: int) -> Tensor:
    """`(n, SCRAMBLES * count)` points in the open unit cube: one scrambled Sobol net under random digital shifts.

    Given the net's linear scramble, the shifted nets are independent and each point is uniform (Owen 1998).
    """
    engine = torch.quasirandom.SobolEngine(n, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
    net = engine.draw(count, dtype=torch.float64)
    digits = (net * 2**_BITS).long().T
    generator = torch.Generator().manual_seed(seed)
    shifts = torch.randint(2**_BITS, (n, SCRAMBLES, 1), generator=generator)
    shifted = (digits[:, None, :] ^ shifts).reshape(n, -1)
    points: Tensor = (shifted.double() + 0.5) / 2**_BITS
    return points
