"""Subset simulation of an orthant probability: a telescope of conditional probabilities near 1/2.

P[g > 0] is the product of P[g > -s_k | g > -s_(k-1)] over falling slacks s_1 > s_2 > ... > 0. Particles move within
the current domain by elliptical slice sampling without rejection: on the ellipse g cos(t) + v sin(t) the part that
fulfils all linear conditions is a union of arcs, known in closed form.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from implicitbias.errors import NumericalError
from implicitbias.linalg import cholesky
from implicitbias.nngp.estimate import OrthantEstimate, at_least_one, log_mean
from implicitbias.nngp.standardise import standardised
from implicitbias.rng import derive_seed
from implicitbias.shapes.tensors import Kernel, Labels, PerPoint

_GROUPS = 16  # independent particle systems; their spread is the standard error
_MOVES = 4  # elliptical slices a particle takes at every level
_LEVELS = 10_000  # each halves the probability, so that it ends at ln P = -6900
_TURN = 2 * math.pi


def subset(
    kernel: Kernel, labels: Labels, *, mean: PerPoint | None = None, samples: int = 4096, seed: int = 0
) -> OrthantEstimate:
    """Logarithm of P[sign f = labels], f ~ N(mean, K), by subset simulation with elliptical slices.

    A comparison method: the particles remember where they come from, so for structured labels it is nats off
    where `mixture` is off by thousandths, and its error bar, the spread of 16 independent systems, is too small
    for a mean of such skewed estimates.

    Args:
        kernel: `(n, n)` covariance of f, any positive diagonal.
        labels: `(n,)` of +-1.
        mean: `(n,)` mean of f, None for 0.
        samples: number of particles, at least 4 in each of 16 groups.
        seed: of the particles.

    Raises:
        ConfigError: for a number of samples that is none.
        NumericalError: if the kernel is no covariance or the probability is 0 (see `standardised`), if a group of
            particles dies out, or if the probability is not reached in 10,000 levels.

    Source: Au & Beck 2001; Gessner, Kanjilal & Hennig 2020 (LinConGauss), algorithms 1 and 2.
    """
    samples = at_least_one("samples", samples)
    orthant = standardised(kernel, labels, mean)
    factor, centre = cholesky(orthant.correlation), orthant.mean[:, None]
    n, count = len(factor), max(4, samples // _GROUPS)
    generator = torch.Generator(factor.device).manual_seed(derive_seed("subset", seed))

    def prior() -> Float[Tensor, "n samples"]:
        noise = torch.randn(n, _GROUPS * count, generator=generator, dtype=factor.dtype, device=factor.device)
        return factor @ noise

    g = prior()
    slack = factor.new_full((_GROUPS,), math.inf)
    log_p = factor.new_zeros(_GROUPS)
    levels = 0
    while bool((slack > 0).any()):
        levels += 1
        if levels > _LEVELS:
            raise NumericalError(
                f"subset simulation: ln P is below {float(log_p.mean()):.0f}, where {_LEVELS} levels lead; use the"
                " estimator mixture"
            )
        depth = -(g + centre).amin(0).reshape(_GROUPS, count)  # the least slack that lets a particle in
        level = depth.median(1).values.clamp(min=0).minimum(slack)
        inside = depth < level[:, None]
        inside |= (depth == level[:, None]) & (level[:, None] == slack[:, None])  # a group that has arrived
        alive = inside.sum(1)
        if not bool(alive.all()):
            raise NumericalError(f"subset simulation: no particle of {count} passes a level; allowed: more samples")
        log_p += torch.where(slack > 0, torch.log(alive / count), 0.0)
        slack = level
        g = g[:, _revived(inside, generator)]
        edge = slack.repeat_interleave(count) + centre
        for _ in range(_MOVES):
            g = _slice(g, prior(), edge, generator)
    log_probability, stderr, _ = (float(each) for each in log_mean(log_p))
    return OrthantEstimate(log_probability, stderr, effective_sample_size=math.nan, groups=_GROUPS)


def _revived(inside: Bool[Tensor, "group particle"], generator: torch.Generator) -> Int[Tensor, " samples"]:
    """For every particle, whom it continues: itself if inside, else a survivor of its group by lot."""
    chosen = torch.multinomial(inside.double(), inside.shape[1], replacement=True, generator=generator)
    own = torch.arange(inside.shape[1], device=inside.device)
    parent = torch.where(inside, own, chosen)
    start = inside.shape[1] * torch.arange(len(inside), device=inside.device)
    return (parent + start[:, None]).ravel()


def _slice(
    g: Float[Tensor, "n samples"],
    v: Float[Tensor, "n samples"],
    slack: Float[Tensor, "n samples"],
    generator: torch.Generator,
) -> Float[Tensor, "n samples"]:
    """A uniform point of the ellipse through g and v on which every row exceeds -slack.

    Row i leaves the domain on an arc around the angle opposite to that of (g_i, v_i). The arcs are sorted by where
    they begin; the gaps between them are the domain, one of which holds the angle 0, where g is.
    """
    radius = torch.hypot(g, v)
    half = torch.arccos((slack / radius).clamp(-1, 1))  # 0 where the row never leaves
    begin = torch.remainder(torch.atan2(v, g) + math.pi - half, _TURN)
    begin, order = begin.sort(dim=0)
    end = (begin + 2 * half.gather(0, order)).clamp(max=_TURN).cummax(0).values
    rim = begin.new_zeros(1, begin.shape[1])
    end, begin = torch.cat([rim, end]), torch.cat([begin, rim + _TURN])
    gaps = (begin - end).clamp(min=0)
    reach = gaps.cumsum(0)
    target = torch.rand(1, g.shape[1], generator=generator, dtype=g.dtype, device=g.device) * reach[-1]
    gap = torch.searchsorted(reach.T.contiguous(), target.T.contiguous()).T.clamp(max=len(gaps) - 1)
    angle = begin.gather(0, gap) - (reach.gather(0, gap) - target)
    moved = g * torch.cos(angle) + v * torch.sin(angle)
    kept = (moved > -slack).all(0)  # rounding may put the end of a gap outside; the particle then stays
    return torch.where(kept, moved, g)
