"""Many small orthants together: the steps of `nngp.mixture` for a stack of problems of one size, centred.

A step is taken by all members at once, and a member that has arrived stays where it is, so that each has the numbers
that it has alone, up to rounding. What is out of the ordinary (an error, equal points, a kernel that is nearly
singular, sites far out) is left to the caller, to be solved alone.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from implicitbias.linalg import among, inverse_norm
from implicitbias.nngp.balance import Weighted
from implicitbias.nngp.ep import FAR, Sites
from implicitbias.nngp.estimate import log_mean, warn_if_few
from implicitbias.nngp.mixture import mixed, sampled, searched
from implicitbias.nngp.standardise import ordinary
from implicitbias.nngp.tilting import Tilting, gge_order

LARGEST = 64
"""Points up to which several problems together are faster than one after the other."""

_MEMBERS = 512  # prepared together
_NUMBERS = 2**19  # of samples drawn together: 4 MB


def mixtures(
    kernels: Float[Tensor, "k n n"], labels: Float[Tensor, "k n"], seeds: Sequence[int], samples: int
) -> tuple[Float[Tensor, "k 5"], Bool[Tensor, " k"]]:
    """Logarithms of P[sign f = labels] for f ~ N(0, K), by the mixture.

    Args:
        kernels: `(b, n, n)` covariances K.
        labels: `(b, n)` of +-1.
        seeds: of the members' scrambles.
        samples: number of samples N of each.

    Returns:
        Float64: the logarithm, its standard error, the effective sample size, the upper and the lower bound, `(b, 5)`;
        and whether the member was solved, `(b,)`.

    Warns:
        ConvergenceWarning: if so few samples of a member are effective that its standard error says nothing.
    """
    found = kernels.new_full((len(kernels), 5), math.nan)
    for start in range(0, len(kernels), _MEMBERS):
        members = torch.arange(start, min(start + _MEMBERS, len(kernels)), device=kernels.device)
        a, plain = ordinary(kernels[members], labels[members])
        centre = torch.zeros_like(a[:, 0])
        every_site, every_saddle = searched(among(a, gge_order(a, centre)), centre)
        together = max(1, _NUMBERS // (samples * a.shape[-1]))
        ready = torch.nonzero(plain & (every_site.tau.amax(1) <= FAR))[:, 0]
        for first in range(0, len(ready), together):
            some = ready[first : first + together]
            sites = Sites._make(each[some] for each in every_site)
            saddle = Tilting._make(each[some] for each in every_saddle)
            own = [seeds[i] for i in members[some].tolist()]
            weighted = sampled(mixed(sites, saddle), saddle, samples, own)
            found[members[some]] = summary = _summary(weighted, saddle)
            fewest = float(summary[:, 2].nan_to_num(math.inf).min())
            warn_if_few(fewest, weighted.log_weights.shape[-1], "mixture", "more samples may help")
    return found, torch.isfinite(found[:, 0])  # some may have no weight at all


def _summary(weighted: Weighted, saddle: Tilting) -> Float[Tensor, "k 5"]:
    """The fields of `orthant.OrthantEstimates`."""
    effective = log_mean(weighted.log_weights)[2]
    stderr = torch.hypot(weighted.stderr, torch.finfo(effective.dtype).eps * inverse_norm(saddle.factor))
    lower_bound = weighted.log_weights.mean(-1)
    return torch.stack([weighted.log_probability, stderr, effective, saddle.upper_bound, lower_bound], -1)
