"""Sequential samplers on an orthant and their log-weights: the components of the mixture estimator.

Samples are columns, `(n, N)`: the sampler walks down the rows, and what earlier rows contribute to a block of
later ones is one matrix product.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.nngp.gaussian import log_ndtr, log_truncated_density, truncated
from implicitbias.nngp.tilting import Tilting

_BLOCK = 32  # rows whose mutual dependence is walked one by one
_COLUMNS = 512  # samples weighted at once: their temporaries stay near the processor


@dataclass(frozen=True)
class Proposal:
    """A density q on the orthant of g ~ N(m, A), or one for each member of a stack of problems.

    A stack has `(b, n, n)` factors, and samples `(n, b, N)` for `(n, N)`: its rows are walked down together.

    Attributes:
        factor: `(n, n)` of the Gaussian whose rows are walked down, g = its mean + factor own.
        sample: uniforms `(n, N)` -> g and own, `(n, N)` each.
        log_weight: g, z = L^-1 (g - m) with L the Cholesky factor of A, and own, or None where another density was
            sampled, all `(n, N)` -> ln N(g; m, A)/q(g), `(N,)`.
    """

    factor: Float[Tensor, "*k n n"]
    sample: Callable[[Tensor], tuple[Tensor, Tensor]]
    log_weight: Callable[[Tensor, Tensor, Tensor | None], Tensor]


def walk(
    factor: Float[Tensor, "*k n n"],
    uniforms: Float[Tensor, "n *k samples"],
    draw: Callable[[int, Tensor, Tensor], tuple[Tensor, Tensor]],
) -> tuple[Float[Tensor, "n *k samples"], Float[Tensor, "n *k samples"]]:
    """G and z row by row: draw(i, c, u) gives (z_i, g_i) for c = sum_{j<i} factor_ij z_j."""
    n = len(uniforms)
    z = torch.empty_like(uniforms)
    g = torch.empty_like(uniforms)
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        earlier = _times(factor[..., start:stop, :start], z[:start]) if start else torch.zeros_like(uniforms[:stop])
        for i in range(start, stop):
            c = earlier[i - start]
            if i > start:
                c = _plus(c, factor[..., i, start:i], z[start:i])
            z[i], g[i] = draw(i, c, uniforms[i])
    return g, z


def _times(
    rows: Float[Tensor, "*k later earlier"], z: Float[Tensor, "earlier *k samples"]
) -> Float[Tensor, "later *k samples"]:
    """Rows times z, for each member of a stack."""
    return (rows @ z.movedim(0, -2)).movedim(-2, 0)


def _plus(
    c: Float[Tensor, "*k samples"], row: Float[Tensor, "*k earlier"], z: Float[Tensor, "earlier *k samples"]
) -> Float[Tensor, "*k samples"]:
    """C + row times z, for each member of a stack."""
    if row.ndim == 1:
        return torch.addmv(c, z.T, row)
    return torch.baddbmm(c[:, None], row[:, None], z.movedim(0, 1))[:, 0]


def whitened(factor: Float[Tensor, "*k n n"], g: Float[Tensor, "n *k samples"]) -> Float[Tensor, "n *k samples"]:
    """factor^-1 g, for each member of a stack."""
    solved: Tensor = torch.linalg.solve_triangular(factor, g.movedim(0, -2), upper=False)
    return solved.movedim(-2, 0)


def by_row(values: Float[Tensor, "*k n"]) -> Float[Tensor, "n *k 1"]:
    """Numbers of the rows, as they go with samples."""
    return values.movedim(-1, 0)[..., None]


def tilted(tilting: Tilting) -> Proposal:
    """The minimax-tilted sequential sampler; with tilt 0 it is that of Genz (GHK). Source: Botev 2017, section 2."""
    factor, mean, tilt = tilting.factor, by_row(tilting.mean), by_row(tilting.tilt)
    diagonal = by_row(factor.diagonal(dim1=-2, dim2=-1))
    constant = 0.5 * tilt.square().sum(0)

    def draw(
        i: int, c: Float[Tensor, "*k samples"], u: Float[Tensor, "*k samples"]
    ) -> tuple[Float[Tensor, "*k samples"], Float[Tensor, "*k samples"]]:
        centre = c + mean[i]
        z = tilt[i] + truncated(centre / diagonal[i] + tilt[i], u)
        return z, centre + diagonal[i] * z

    def log_weight(
        g: Float[Tensor, "n *k samples"], z: Float[Tensor, "n *k samples"], own: Float[Tensor, "n *k samples"] | None
    ) -> Float[Tensor, "*k samples"]:  # whose own is z
        weight: Tensor = log_ndtr(g / diagonal - z + tilt).sub_(tilt * z).sum(0) + constant
        return weight

    return Proposal(factor, lambda uniforms: walk(factor, uniforms, draw), log_weight)


def ep_guided(
    tau: Float[Tensor, "*k n"],
    nu: Float[Tensor, "*k n"],
    mean: Float[Tensor, "*k n"],
    factor: Float[Tensor, "*k n n"],
    prior: Float[Tensor, "*k n n"],
) -> Proposal:
    """A sequential sampler that sees the conditions still to come through EP's sites.

    Alone it has unbounded weights; it belongs into a mixture (this project). Its weight is the quotient of two
    densities at g, which needs nothing of the sites but that the sampler used them: how exact they are does not matter.

    Args:
        tau: `(n,)` precisions of EP's sites.
        nu: `(n,)` their shifts.
        mean: `(n,)` mean of EP's Gaussian.
        factor: `(n, n)` Cholesky factor of its covariance.
        prior: `(n, n)` that of A.
    """
    tau, nu, mean = by_row(tau), by_row(nu), by_row(mean)
    diagonal = by_row(factor.diagonal(dim1=-2, dim2=-1))
    total = 1 / diagonal**2
    precision = torch.maximum(total - tau, 1e-12 * total)
    root = precision.sqrt()
    constant = -(by_row(prior.diagonal(dim1=-2, dim2=-1)) * root).log().sum(0)

    def draw(
        i: int, c: Float[Tensor, "*k samples"], u: Float[Tensor, "*k samples"]
    ) -> tuple[Float[Tensor, "*k samples"], Float[Tensor, "*k samples"]]:
        centre = c + mean[i]
        t = (centre * total[i] - nu[i]) / root[i]
        g = (t + truncated(t, u)) / root[i]
        return (g - centre) / diagonal[i], g

    def log_weight(
        g: Float[Tensor, "n *k samples"], z: Float[Tensor, "n *k samples"], own: Float[Tensor, "n *k samples"] | None
    ) -> Float[Tensor, "*k samples"]:
        centre = g - diagonal * (whitened(factor, g - mean) if own is None else own)
        t = (centre * total).sub_(nu).div_(root)
        logs = log_truncated_density(g * root, t).add_(z.square().mul_(0.5))
        weight: Tensor = constant - logs.sum(0)
        return weight

    return Proposal(factor, lambda uniforms: walk(factor, uniforms, draw), log_weight)


def drawn(
    components: Sequence[Proposal], prior: Tilting, position: int, uniforms: Float[Tensor, "n *k samples"]
) -> tuple[Float[Tensor, "n *k samples"], Float[Tensor, "component *k samples"]]:
    """Samples g of one of several proposals, and their log-weights under every one.

    z is solved for once, or is what the sampler walked along.
    """
    own = components[position]
    g, walked = own.sample(uniforms)
    log_weights = []
    for columns, path in zip(torch.split(g, _COLUMNS, dim=-1), torch.split(walked, _COLUMNS, dim=-1), strict=True):
        z = path if own.factor is prior.factor else whitened(prior.factor, columns - by_row(prior.mean))
        log_weights.append(
            torch.stack([one.log_weight(columns, z, path if one is own else None) for one in components])
        )
    return g, torch.cat(log_weights, dim=-1)
