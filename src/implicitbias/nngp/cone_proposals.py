"""Sequential samplers on a cone and their log-weights: the components of the mixture estimator.

A sample is a column x = (v, d_1, d_2, ...) of the n own outputs and the N = n (C - 1) differences, block by block.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from implicitbias.linalg import cholesky
from implicitbias.nngp.cone_ep import ClassSites, ConeSites
from implicitbias.nngp.cone_structure import Cone
from implicitbias.nngp.cone_tilting import ConeTilting
from implicitbias.nngp.gaussian import log_ndtr, ndtr, truncated
from implicitbias.nngp.proposals import walk

_CELLS = 100
_REACH = 5.0  # of the cells, in conditional deviations: a cell is a tenth of one
_NODES = 9


class ConeProposal(NamedTuple):
    """A density over columns x that can be drawn from, and the weight that makes up for it.

    Attributes:
        sample: from uniforms `(n + N, count)` to samples of the same shape.
        log_weight: of samples `(n + N, count)`, the log of the target over the density, `(count,)`.
    """

    sample: Callable[[Tensor], Tensor]
    log_weight: Callable[[Tensor], Tensor]


def cone_tilted(cone: Cone, tilting: ConeTilting) -> ConeProposal:
    """The minimax-tilted sequential sampler: bounded weights, as the saddle point bounds them (Botev 2017)."""
    n, sizes = len(tilting.own_tilt), [len(factor) for factor in tilting.factors]
    own_factor, own_tilt = tilting.own_factor, tilting.own_tilt[:, None]
    blocks = list(zip(cone.blocks, tilting.factors, tilting.tilts, strict=True))

    def sample(uniforms: Tensor) -> Tensor:
        v = own_factor @ (torch.special.ndtri(uniforms[:n]) + own_tilt)
        parts = [v]
        for (block, factor, tilt), own in zip(blocks, torch.split(uniforms[n:], sizes), strict=True):
            parts.append(walk(factor, own, _tilted_step(block.map @ v, factor.diagonal(), tilt)))
        return torch.cat(parts)

    def log_weight(x: Tensor) -> Tensor:
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
    mean: Tensor, diagonal: Tensor, tilt: Tensor
) -> Callable[[int, Tensor, Tensor], tuple[Tensor, Tensor]]:
    def draw(i: int, c: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
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

    def sample(uniforms: Tensor) -> Tensor:
        v = own.sample(uniforms[:n])
        return torch.cat(
            [v] + [one.sample(v, u) for one, u in zip(classes, torch.split(uniforms[n:], sizes), strict=True)]
        )

    def log_weight(x: Tensor) -> Tensor:
        weight = sites.log_normaliser - own.log_density(x[:n])
        parts = zip(classes, torch.split(x[n:], sizes), strict=True)
        return weight + sum((one.log_weight(x[:n], d) for one, d in parts), torch.zeros_like(weight))

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

    def sample(self, v: Tensor, uniforms: Tensor) -> Tensor:
        mean = torch.addmm(self.shift[:, None], self.map, v)

        def draw(i: int, c: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
            centre = c + mean[i]
            t = (centre * self.total[i] - self.nu[i]) / self.root[i]
            d = (t + truncated(t, u)) / self.root[i]
            return (d - centre) / self.diagonal[i], d

        return walk(self.factor, uniforms, draw)

    def log_weight(self, v: Tensor, d: Tensor) -> Tensor:
        """`(N,)` but for the normaliser, which is that of the whole cone."""
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
        self.total = 1 / torch.maximum(variance - known, 1e-10 * variance)
        self.tau, self.nu, self.centre = by_point("tau"), by_point("nu"), by_point("mean")
        self.root = torch.maximum(self.total - self.tau, 1e-12 * self.total).sqrt()
        self.rows = torch.cat([self.factor[:, None], slopes], 1)  # (n, C, n)
        self.edges, self.masses, self.nodes, self.interpolation = _cells(self.mean)

    def _log_ratio(self, i: int, base: Tensor) -> Tensor:
        """ln r_i in the cells, `(cells, N)`, for the means `(C - 1, N)` that d_ic has at v_i = c_i."""
        slope = self.rows[i, 1:, i]
        total, root = self.total[i], self.root[i]
        at_nodes = base.new_empty(len(self.nodes), base.shape[1])
        for p, node in enumerate(self.nodes):
            centre = base + (self.centre[i] + slope * node)[:, None]
            t = (centre * total[:, None] - self.nu[i][:, None]) / root[:, None]
            at_nodes[p] = (log_ndtr(t) - 0.5 * (centre * centre * total[:, None] - t * t)).sum(0)
        found = self.interpolation @ at_nodes
        return found - found.amax(0)

    def sample(self, uniforms: Tensor) -> Tensor:
        z = torch.zeros_like(uniforms)
        for i, u in enumerate(uniforms):
            earlier = self.rows[i, 1:, :i] @ z[:i]
            ratio = self._log_ratio(i, earlier).exp_()
            cumulative = torch.cumsum(ratio * self.masses[:, None], 0)
            target = u * cumulative[-1]
            cell = (cumulative < target).sum(0).clamp(max=len(self.masses) - 1)
            above = (cumulative.gather(0, cell[None])[0] - target) / ratio.gather(0, cell[None])[0]
            below = ndtr(self.edges)
            inside = torch.maximum(below[cell + 1] - above, below[cell])
            z[i] = torch.special.ndtri(inside.clamp(1e-300, 1 - 2e-16))
        return self.mean[:, None] + self.factor @ z

    def log_density(self, v: Tensor) -> Tensor:
        """Logarithm of the density of v `(n, N)` over that of EP, `(N,)`."""
        z = torch.linalg.solve_triangular(self.factor, v - self.mean[:, None], upper=False)
        cells = torch.searchsorted(self.edges[1:-1].contiguous(), z.contiguous())
        found = v.new_zeros(v.shape[1])
        for i, cell in enumerate(cells):
            log_ratio = self._log_ratio(i, self.rows[i, 1:, :i] @ z[:i])
            found += log_ratio.gather(0, cell[None])[0] - (self.masses @ log_ratio.exp()).log()
        return found


def _cells(like: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Edges `(cells + 1,)`, normal masses `(cells,)`, nodes `(p,)` and the interpolation `(cells, p)` between them."""
    inner = torch.linspace(-_REACH, _REACH, _CELLS + 1, dtype=like.dtype, device=like.device)
    centres = (inner[1:] + inner[:-1]) / 2
    nodes = _REACH * torch.cos(math.pi * (torch.arange(_NODES, dtype=like.dtype, device=like.device) + 0.5) / _NODES)
    powers = torch.arange(_NODES, device=like.device)
    interpolation = torch.linalg.solve(
        ((nodes / _REACH)[:, None] ** powers).T, ((centres / _REACH)[:, None] ** powers).T
    ).T.contiguous()
    edges = inner.clone()
    edges[0], edges[-1] = -math.inf, math.inf
    return edges, ndtr(edges).diff(), nodes, interpolation
