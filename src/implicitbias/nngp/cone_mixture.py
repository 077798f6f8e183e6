"""Samples of several cone proposals together, each weighted by the mixture of their densities (balance heuristic)."""

import math
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from implicitbias.errors import ConvergenceWarning, NumericalError
from implicitbias.nngp.cone_proposals import COLUMNS, ConeProposal
from implicitbias.nngp.estimate import OrthantEstimate, log_mean
from implicitbias.nngp.mixture import SCRAMBLES, by_scramble, sobol
from implicitbias.rng import derive_seed


def combined(
    components: Sequence[ConeProposal],
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
        log_probability, stderr = by_scramble(log_weights)
        if target_stderr is None or stderr <= target_stderr:
            break
        if 2 * samples > cap:
            warnings.warn(
                f"ln P = {log_probability:.6g} has a standard error of {stderr:.2g} nats with {samples} samples, not"
                f" the {target_stderr:.2g} asked for; a larger cap than {cap} may reach it",
                ConvergenceWarning,
                stacklevel=5,
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
    components: Sequence[ConeProposal], parts: Sequence[int], n: int, samples: int, seed: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Samples `(n, N)`, scramble by scramble, and their log-weights `(N,)`."""
    parts = parts[: len(components)]
    counts = [max(2, samples * part // (SCRAMBLES * sum(parts))) for part in parts]
    weights = [math.log(count / min(counts)) for count in counts]
    drawn, log_densities = [], []
    for position, (component, count) in enumerate(zip(components, counts, strict=True)):
        columns, log_weight = component.sample(sobol(n, count, derive_seed("sobol", seed, position)).to(device))
        rows = [_weights(other, columns) if other is not component else log_weight for other in components]
        log_density = torch.logsumexp(torch.stack([w - row for w, row in zip(weights, rows, strict=True)]), 0)
        drawn.append(columns.reshape(n, SCRAMBLES, count))
        log_densities.append(log_density.reshape(SCRAMBLES, count))
    g = torch.cat(drawn, dim=2).reshape(n, -1)
    return g, math.log(sum(counts) / min(counts)) - torch.cat(log_densities, dim=1).reshape(-1)


def _weights(component: ConeProposal, samples: Tensor) -> Tensor:
    return torch.cat([component.log_weight(columns) for columns in torch.split(samples, COLUMNS, dim=1)])
