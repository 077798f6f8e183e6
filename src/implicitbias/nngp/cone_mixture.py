"""The mixture of cone proposals as an estimate (balance heuristic)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.nngp.balance import SCRAMBLES, balanced, doubled
from implicitbias.nngp.cone_proposals import COLUMNS, ConeProposal
from implicitbias.nngp.estimate import OrthantEstimate, log_mean


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

    def draw(
        position: int, uniforms: Float[Tensor, "row samples"]
    ) -> tuple[Float[Tensor, "row samples"], Float[Tensor, "component samples"]]:
        own = components[position]
        columns, log_weight = own.sample(uniforms)
        rows = [log_weight if other is own else _weights(other, columns) for other in components]
        return columns, torch.stack(rows)

    found = doubled(
        lambda count: balanced(draw, parts[: len(components)], dimension, count, seed, device),
        samples, target_stderr, cap, stacklevel=6,
    )  # fmt: skip
    return OrthantEstimate(
        float(found.log_probability),
        float(found.stderr),
        effective_sample_size=float(log_mean(found.log_weights)[2]),
        upper_bound=upper_bound,
        lower_bound=float(found.log_weights.mean()),
        samples=found.samples(),
        log_weights=found.log_weights,
        groups=SCRAMBLES,
    )


def _weights(component: ConeProposal, samples: Float[Tensor, "row samples"]) -> Float[Tensor, " samples"]:
    return torch.cat([component.log_weight(columns) for columns in torch.split(samples, COLUMNS, dim=1)])
