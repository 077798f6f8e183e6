"""Samples of several proposals together, each weighted by the mixture of their densities (balance heuristic).

Every proposal gets its own scrambled Sobol points, in scrambles whose spread is the standard error. A stack of problems
`(k,)` has samples `(n, k, N)` for `(n, N)`.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.errors import ConvergenceWarning, NumericalError
from implicitbias.nngp.estimate import log_mean
from implicitbias.rng import derive_seed

SCRAMBLES = 32
"""Independent scrambles of the Sobol points; the spread of their means is the standard error."""

_BITS = 30  # of torch's Sobol points

Draw = Callable[[int, Tensor], tuple[Tensor, Tensor]]
"""(position of a proposal, uniforms `(n, count)`) -> its samples `(n, count)` and, for each proposal of the mixture,
their log-weights under it alone `(proposals, count)`."""


class Weighted(NamedTuple):
    """Weighted samples and what they say.

    Attributes:
        drawn: those of each proposal, `(n, scramble, count)`.
        log_weights: `(N,)`, scramble by scramble.
        log_probability: logarithm of the mean weight.
        stderr: of it, in nats.
    """

    drawn: Sequence[Float[Tensor, "n *k scramble _count"]]
    log_weights: Float[Tensor, "*k samples"]
    log_probability: Float[Tensor, "*k"]
    stderr: Float[Tensor, "*k"]

    def samples(self) -> Float[Tensor, "n *k samples"]:
        """All of them in the order of their weights."""
        return torch.cat([*self.drawn], dim=-1).flatten(-2)


def balanced(
    draw: Draw, parts: Sequence[int], n: int, samples: int, seed: int | Sequence[int], device: torch.device
) -> Weighted:
    """Sample every proposal and weight all samples by the mixture of their densities.

    Args:
        draw: the proposals.
        parts: of the samples that come from each proposal, in proportion.
        n: dimension of a sample.
        samples: number of samples N, at least 2 a scramble and proposal.
        seed: of the scrambles; of a stack, that of each member.
        device: where to sample.
    """
    counts = [max(2, samples * part // (SCRAMBLES * sum(parts))) for part in parts]
    excess = [math.log(count / min(counts)) for count in counts]
    drawn, log_densities = [], []
    for position, count in enumerate(counts):
        columns, log_weights = draw(position, _uniforms(n, count, seed, position).to(device))
        drawn.append(_scrambles(columns))
        each = [more - log_weight for more, log_weight in zip(excess, log_weights, strict=True)]
        log_densities.append(_scrambles(torch.logsumexp(torch.stack(each), 0)))
    log_weights = math.log(sum(counts) / min(counts)) - torch.cat(log_densities, dim=-1).flatten(-2)
    return Weighted(drawn, log_weights, *_by_scramble(log_weights))


def _by_scramble(log_weights: Float[Tensor, "*k samples"]) -> tuple[Float[Tensor, "*k"], Float[Tensor, "*k"]]:
    """The logarithm of the mean weight, and its standard error by the spread of the scrambles' means."""
    scrambles = _scrambles(log_weights)
    return log_mean(torch.logsumexp(scrambles, -1) - math.log(scrambles.shape[-1]))[:2]


def doubled(
    estimate: Callable[[int], Weighted], samples: int, target_stderr: float | None, cap: int, stacklevel: int
) -> Weighted:
    """The estimate with so many samples that its standard error is what was asked for.

    Args:
        estimate: from the number of samples N.
        samples: N to begin with.
        target_stderr: double N until the standard error is at most this, in nats; None: as N is.
        cap: largest N that this may reach.
        stacklevel: of the warning, where the user's call is.

    Raises:
        NumericalError: if all weights vanish.

    Warns:
        ConvergenceWarning: if `target_stderr` is not reached with `cap` samples.
    """
    while True:
        found = estimate(samples)
        if not math.isfinite(found.log_probability):
            raise NumericalError(
                f"all {len(found.log_weights)} weights vanish: ln P of these {len(found.drawn[0])} dimensions is below"
                " -1e308, or their conditions contradict each other to rounding"
            )
        if target_stderr is None or found.stderr <= target_stderr:
            return found
        if 2 * samples > cap:
            warnings.warn(
                f"ln P = {found.log_probability:.6g} has a standard error of {found.stderr:.2g} nats with {samples}"
                f" samples, not the {target_stderr:.2g} asked for; a larger cap than {cap} may reach it",
                ConvergenceWarning,
                stacklevel=stacklevel,
            )
            return found
        samples *= 2


def _scrambles(samples: Float[Tensor, "*k samples"]) -> Float[Tensor, "*k scramble count"]:
    return samples.reshape(*samples.shape[:-1], SCRAMBLES, -1)


def _uniforms(n: int, count: int, seed: int | Sequence[int], position: int) -> Float[Tensor, "{n} *k _samples"]:
    """The points of one proposal, of a stack those of each member."""
    if isinstance(seed, Sequence):
        return torch.stack([_uniforms(n, count, own, position) for own in seed], 1)
    return sobol(n, count, derive_seed("sobol", seed, position))


def sobol(n: int, count: int, seed: int) -> Float[Tensor, "{n} _samples"]:
    """SCRAMBLES * count points in the open unit cube: one scrambled Sobol net under random digital shifts.

    Given the net's linear scramble, the shifted nets are independent and each point is uniform (Owen 1998).
    """
    engine = torch.quasirandom.SobolEngine(n, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
    net = engine.draw(count, dtype=torch.float64)
    digits = (net * 2**_BITS).long().T
    digits[:, 0] = engine.shift.float().long().clamp(max=2**_BITS - 1)  # torch has it in whatever dtype is the default
    generator = torch.Generator().manual_seed(seed)
    shifts = torch.randint(2**_BITS, (n, SCRAMBLES, 1), generator=generator)
    shifted = (digits[:, None, :] ^ shifts).reshape(n, -1)
    points: Tensor = (shifted.double() + 0.5) / 2**_BITS
    return points
