"""Sequential samplers on an orthant and their log-weights: the components of the mixture estimator.

Samples are columns, `(n, N)`: the sampler walks down the rows, and what earlier rows contribute to a block of
later ones is one matrix product.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from implicitbias.linalg import cholesky
from implicitbias.nngp.ep import Sites
from implicitbias.nngp.gaussian import log_ndtr, log_truncated_density, truncated
from implicitbias.nngp.tilting import Tilting

_BLOCK = 32  # rows whose mutual dependence is walked one by one


@dataclass(frozen=True)
class Proposal:
    """A density q on the orthant of g ~ N(m, A).

    Attributes:
        factor: `(n, n)` of the Gaussian whose rows are walked down, g = its mean + factor own.
        sample: uniforms `(n, N)` -> g and own, `(n, N)` each.
        log_weight: g, z = L^-1 (g - m) with L the Cholesky factor of A, and own, or None where another density was
            sampled, all `(n, N)` -> ln N(g; m, A)/q(g), `(N,)`.
    """

    factor: Tensor
    sample: Callable[[Tensor], tuple[Tensor, Tensor]]
    log_weight: Callable[[Tensor, Tensor, Tensor | None], Tensor]


def walk(
    factor: Tensor, uniforms: Tensor, draw: Callable[[int, Tensor, Tensor], tuple[Tensor, Tensor]]
) -> tuple[Tensor, Tensor]:
    """G and z row by row: draw(i, c, u) gives (z_i, g_i) for c = sum_{j<i} factor_ij z_j."""
    n, count = uniforms.shape
    z = torch.empty_like(uniforms)
    g = torch.empty_like(uniforms)
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        earlier = factor[start:stop, :start] @ z[:start] if start else uniforms.new_zeros(stop - start, count)
        for i in range(start, stop):
            c = earlier[i - start]
            if i > start:
                c = torch.addmv(c, z[start:i].T, factor[i, start:i])
            z[i], g[i] = draw(i, c, uniforms[i])
    return g, z


def tilted(tilting: Tilting) -> Proposal:
    """The minimax-tilted sequential sampler; with tilt 0 it is that of Genz (GHK). Source: Botev 2017, section 2."""
    factor, mean, tilt = tilting.factor, tilting.mean, tilting.tilt
    diagonal = factor.diagonal()

    def draw(i: int, c: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        centre = c + mean[i]
        z = tilt[i] + truncated(centre / diagonal[i] + tilt[i], u)
        return z, centre + diagonal[i] * z

    def log_weight(g: Tensor, z: Tensor, own: Tensor | None) -> Tensor:  # whose own is z
        t = g / diagonal[:, None] - z + tilt[:, None]
        weight: Tensor = log_ndtr(t).sum(0) + 0.5 * tilt @ tilt - tilt @ z
        return weight

    return Proposal(factor, lambda uniforms: walk(factor, uniforms, draw), log_weight)


def ep_guided(sites: Sites, prior: Tensor) -> Proposal:
    """A sequential sampler that sees the conditions still to come through EP's sites.

    Alone it has unbounded weights; it belongs into a mixture (this project). Its weight is the quotient of two
    densities at g, which needs nothing of the sites but that the sampler used them: how exact they are does not matter.

    Args:
        sites: of EP.
        prior: `(n, n)` Cholesky factor of A.

    Raises:
        NumericalError: if the covariance of EP has no Cholesky factor.
    """
    tau, nu, mean = sites.tau, sites.nu, sites.mean
    factor = cholesky(sites.covariance, "the covariance of EP")
    diagonal = factor.diagonal()
    total = 1 / diagonal**2
    precision = torch.maximum(total - tau, 1e-12 * total)
    root = precision.sqrt()

    def draw(i: int, c: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        centre = c + mean[i]
        t = (centre * total[i] - nu[i]) / root[i]
        g = (t + truncated(t, u)) / root[i]
        return (g - centre) / diagonal[i], g

    constant = -float((prior.diagonal() * root).log().sum())

    def log_weight(g: Tensor, z: Tensor, own: Tensor | None) -> Tensor:
        if own is None:
            own = torch.linalg.solve_triangular(factor, g - mean[:, None], upper=False)
        centre = g - diagonal[:, None] * own
        t = (centre * total[:, None]).sub_(nu[:, None]).div_(root[:, None])
        logs = log_truncated_density(g * root[:, None], t).add_(z.square().mul_(0.5))
        weight: Tensor = constant - logs.sum(0)
        return weight

    return Proposal(factor, lambda uniforms: walk(factor, uniforms, draw), log_weight)
