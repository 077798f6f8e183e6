"""Sequential samplers on a cone and their log-weights: the components of the mixture estimator.

A sample is a column x = (v, d_1, d_2, ...) of the n own outputs and the N = n (C - 1) differences, block by block.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.linalg import cholesky
from implicitbias.nngp.cone_ep import ClassSites, ConeSites
from implicitbias.nngp.cone_structure import Cone
from implicitbias.nngp.cone_tilting import ConeTilting
from implicitbias.nngp.gaussian import log_ndtr, log_ndtr_sum, ndtr, truncated
from implicitbias.nngp.proposals import walk

_CELLS = 100
_REACH = 5.0  # of the cells, in conditional deviations: a cell is a tenth of one
_NODES = 9
COLUMNS = 512  # samples at once: their temporaries stay near the processor


class ConeProposal(NamedTuple):
    """A density over columns x that can be drawn from, and the weight that makes up for it.

    Attributes:
        sample: from uniforms `(n + N, count)` to samples of the same shape and their log-weights `(count,)`.
        log_weight: of any samples `(n + N, count)`, the log of the target over the density, `(count,)`.
    """

    sample: Callable[[Tensor], tuple[Tensor, Tensor]]
    log_weight: Callable[[Tensor], Tensor]


def cone_tilted(cone: Cone, tilting: ConeTilting) -> ConeProposal:
    """The minimax-tilted sequential sampler: bounded weights, as the saddle point bounds them (Botev 2017)."""
    n, sizes = len(tilting.own_tilt), [len(factor) for factor in tilting.factors]
    own_factor, own_tilt = tilting.own_factor, tilting.own_tilt[:, None]
    blocks = list(zip(cone.blocks, tilting.factors, tilting.tilts, strict=True))

    def sample(
        uniforms: Float[Tensor, "row samples"],
    ) -> tuple[Float[Tensor, "row samples"], Float[Tensor, " samples"]]:
        v = own_factor @ (torch.special.ndtri(uniforms[:n]) + own_tilt)
        parts = [v]
        for (block, factor, tilt), own in zip(blocks, torch.split(uniforms[n:], sizes), strict=True):
            parts.append(walk(factor, own, _tilted_step(block.map @ v, factor.diagonal(), tilt))[0])
        x = torch.cat(parts)
        return x, log_weight(x)

    def log_weight(x: Float[Tensor, "row samples"]) -> Float[Tensor, " samples"]:
        v = x[:n]
        z = torch.linalg.solve_triangular(own_factor, v, upper=False)
        weight: Tensor = (0.5 * own_tilt**2 - own_tilt * z).sum(0)
        for (block, factor, tilt), d in zip(blocks, torch.split(x[n:], sizes), strict=True):
            z = torch.linalg.solve_triangular(factor, d - block.map @ v, upper=False)
            t = d / factor.diagonal()[:, None] - z + tilt[:, None]
            weight = weight + log_ndtr(t).sum(0) + 0.5 * tilt @ tilt - tilt @ z
        return weight

    return ConeProposal(sample, log_weight)


def _tilted_step(
    mean: Float[Tensor, "row samples"], diagonal: Float[Tensor, " row"], tilt: Float[Tensor, " row"]
) -> Callable[[int, Tensor, Tensor], tuple[Tensor, Tensor]]:
    def draw(
        i: int, c: Float[Tensor, " samples"], u: Float[Tensor, " samples"]
    ) -> tuple[Float[Tensor, " samples"], Float[Tensor, " samples"]]:
        centre = c + mean[i]
        z = tilt[i] + truncated(centre / diagonal[i] + tilt[i], u)
        return z, centre + diagonal[i] * z

    return draw


def cone_guided(cone: Cone, sites: ConeSites) -> ConeProposal:
    """A sequential sampler that sees the conditions still to come through EP's sites.

    The own outputs come first. EP's Gaussian for v_i given the earlier ones is corrected by the conditions of the
    point itself (`_Corrections`), whose product is skewed: the largest of C. Alone it has unbounded weights; it belongs
    into a mixture (this project).
    """
    n, sizes = len(sites.mean), [len(one.tau) for one in sites.classes]
    own = _OwnOutputs(cone, sites)
    classes = [_GuidedClass(one) for one in sites.classes]

    def sample(
        uniforms: Float[Tensor, "row samples"],
    ) -> tuple[Float[Tensor, "row samples"], Float[Tensor, " samples"]]:
        v, log_density = own.sample(uniforms[:n])
        differences = [one.sample(v, u) for one, u in zip(classes, torch.split(uniforms[n:], sizes), strict=True)]
        return torch.cat([v, *differences]), weight(v, log_density, differences)

    def log_weight(x: Float[Tensor, "row samples"]) -> Float[Tensor, " samples"]:
        return weight(x[:n], own.log_density(x[:n]), torch.split(x[n:], sizes))

    def weight(
        v: Float[Tensor, "n samples"],
        log_density: Float[Tensor, " samples"],
        differences: Sequence[Float[Tensor, "_other samples"]],
    ) -> Float[Tensor, " samples"]:
        parts = [one.log_weight(v, d) for one, d in zip(classes, differences, strict=True)]
        return sum(parts, sites.log_normaliser - log_density)

    return ConeProposal(sample, log_weight)


class _GuidedClass:
    """d of one class given v: the sampler of `nngp.proposals.ep_guided` with a mean that depends on v."""

    def __init__(self, sites: ClassSites) -> None:
        self.map, self.nu = sites.map, sites.nu
        self.shift = sites.covariance @ sites.nu
        self.factor = cholesky(sites.covariance, "the covariance of EP")
        self.diagonal = self.factor.diagonal()
        self.total = 1 / self.diagonal**2
        precision = torch.maximum(self.total - sites.tau, 1e-12 * self.total)
        self.root = precision.sqrt()
        self.constant = 0.5 * float(torch.log1p(sites.tau / precision).sum())

    def sample(
        self, v: Float[Tensor, "n samples"], uniforms: Float[Tensor, "other samples"]
    ) -> Float[Tensor, "other samples"]:
        mean = torch.addmm(self.shift[:, None], self.map, v)

        def draw(
            i: int, c: Float[Tensor, " samples"], u: Float[Tensor, " samples"]
        ) -> tuple[Float[Tensor, " samples"], Float[Tensor, " samples"]]:
            centre = c + mean[i]
            t = (centre * self.total[i] - self.nu[i]) / self.root[i]
            d = (t + truncated(t, u)) / self.root[i]
            return (d - centre) / self.diagonal[i], d

        return walk(self.factor, uniforms, draw)[0]

    def log_weight(self, v: Float[Tensor, "n samples"], d: Float[Tensor, "other samples"]) -> Float[Tensor, " samples"]:
        """All but for the normaliser, which is that of the whole cone."""
        z = torch.linalg.solve_triangular(self.factor, d - torch.addmm(self.shift[:, None], self.map, v), upper=False)
        centre = d - self.diagonal[:, None] * z
        t = (centre * self.total[:, None]).sub_(self.nu[:, None]).div_(self.root[:, None])
        known = centre.square_().mul_(self.total[:, None]).sub_(t.square())  # 2 ln E[site] but for its constant
        weight: Tensor = self.constant + (log_ndtr(t) - 0.5 * known).sum(0)
        return weight


class _OwnOutputs:
    """v given EP: its Gaussian for v_i given the earlier ones, N(c_i, D_i^2), times what point i itself says.

    That is r_i, the product over the other classes of P[d_ic > 0] over E[site] under the cavity of d_ic given
    v_1 ... v_i, as a function of xi = (v_i - c_i)/D_i. Its logarithm is interpolated from a few nodes and taken as
    constant within cells, so that the density is normalised and inverted exactly.
    """

    def __init__(self, cone: Cone, sites: ConeSites) -> None:
        n = len(sites.mean)
        self.mean = sites.mean
        self.factor = cholesky(sites.covariance, "the covariance of EP")
        points = torch.cat([block.points for block in cone.blocks])
        order = torch.argsort(points, stable=True)  # the conditions of point 0, those of point 1, ...

        def by_point(name: str) -> Tensor:
            return torch.cat([getattr(one, name) for one in sites.classes])[order].reshape(n, -1)

        slopes = torch.cat([one.map @ self.factor for one in sites.classes])[order].reshape(n, -1, n)
        own = torch.arange(n)
        known = slopes.square().cumsum(2)[own, :, own]  # variance of d_ic that v_1 ... v_i explain
        variance = by_point("variance")
        total = 1 / torch.maximum(variance - known, 1e-10 * variance)
        root = torch.maximum(total - by_point("tau"), 1e-12 * total).sqrt()
        # With a = centre of d_ic at xi = 0, t = (a scale - offset) + step xi and d_ic = a + slope xi
        self.centre, self.scale, self.offset = by_point("mean"), total / root, by_point("nu") / root
        slope = slopes[own, :, own]
        self.step = slope * self.scale
        self.linear = -(slope * total), self.step
        self.square = -0.5 * (slope.square() * total - self.step.square()).sum(1)
        self.rows = torch.cat([self.factor[:, None], slopes], 1)  # (n, C, n)
        self.edges, self.masses, self.nodes, self.centres, self.interpolation = _cells(self.mean)

    def _log_ratio(self, i: int, earlier: Float[Tensor, "rival samples"]) -> Float[Tensor, "cell samples"]:
        """ln r_i in the cells but for a constant, where the earlier outputs move d_ic by `earlier`.

        It is a sum over the other classes of ln Phi(t) - (d^2 total - t^2)/2, with t and d linear in xi: the first
        part is interpolated, the rest is a polynomial of degree two.
        """
        a = earlier + self.centre[i][:, None]
        t = torch.addcmul(-self.offset[i][:, None], a, self.scale[i][:, None])
        at_nodes = log_ndtr_sum(t + self.step[i][:, None] * self.nodes[:, None, None], 1)
        slopes = self.linear[0][i] @ a + self.linear[1][i] @ t
        quadratic = (self.square[i] * self.centres.square())[:, None]
        found = torch.addmm(quadratic, self.interpolation, torch.cat([at_nodes, slopes[None]]))
        return found.sub_(found.amax(0))

    def sample(
        self, uniforms: Float[Tensor, "n samples"]
    ) -> tuple[Float[Tensor, "n samples"], Float[Tensor, " samples"]]:
        """V, and the logarithm of its density over that of EP."""
        parts = [self._sample(columns) for columns in torch.split(uniforms, COLUMNS, dim=1)]
        z, log_density = (torch.cat(part, -1) for part in zip(*parts, strict=True))
        return self.mean[:, None] + self.factor @ z, log_density

    def _sample(
        self, uniforms: Float[Tensor, "n samples"]
    ) -> tuple[Float[Tensor, "n samples"], Float[Tensor, " samples"]]:
        z = torch.zeros_like(uniforms)
        log_density = uniforms.new_zeros(uniforms.shape[1])
        below = ndtr(self.edges)
        for i, u in enumerate(uniforms):
            ratio = self._log_ratio(i, self.rows[i, 1:, :i] @ z[:i]).exp_()
            cumulative = torch.cumsum(ratio * self.masses[:, None], 0)
            target = u * cumulative[-1]
            cell = (cumulative < target).sum(0).clamp_(max=len(self.masses) - 1)
            height = ratio.gather(0, cell[None])[0]
            above = (cumulative.gather(0, cell[None])[0] - target) / height
            inside = torch.maximum(below[cell + 1] - above, below[cell])
            z[i] = torch.special.ndtri(inside.clamp_(1e-300, 1 - 2e-16))
            log_density += (height / cumulative[-1]).log_()
        return z, log_density

    def log_density(self, v: Float[Tensor, "n samples"]) -> Float[Tensor, " samples"]:
        """Logarithm of the density of v over that of EP."""
        z = torch.linalg.solve_triangular(self.factor, v - self.mean[:, None], upper=False)
        cells = torch.searchsorted(self.edges[1:-1].contiguous(), z.contiguous())
        found = v.new_zeros(v.shape[1])
        for i, cell in enumerate(cells):
            log_ratio = self._log_ratio(i, self.rows[i, 1:, :i] @ z[:i])
            found += log_ratio.gather(0, cell[None])[0] - (self.masses @ log_ratio.exp()).log()
        return found


def _cells(like: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Edges `(cells + 1,)`, normal masses and centres `(cells,)`, nodes `(p,)`, and from values at the nodes and a
    slope to the cells the matrix `(cells, p + 1)`.
    """
    inner = torch.linspace(-_REACH, _REACH, _CELLS + 1, dtype=like.dtype, device=like.device)
    centres = (inner[1:] + inner[:-1]) / 2
    nodes = _REACH * torch.cos(math.pi * (torch.arange(_NODES, dtype=like.dtype, device=like.device) + 0.5) / _NODES)
    powers = torch.arange(_NODES, device=like.device)
    interpolation = torch.linalg.solve(
        ((nodes / _REACH)[:, None] ** powers).T, ((centres / _REACH)[:, None] ** powers).T
    ).T
    edges = inner.clone()
    edges[0], edges[-1] = -math.inf, math.inf
    return edges, ndtr(edges).diff(), nodes, centres, torch.cat([interpolation, centres[:, None]], 1)
