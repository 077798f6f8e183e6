"""Minimax exponential tilting of a cone (Botev 2017), by its structure: the own outputs first, then every class.

The own outputs v = L_0 z_0 are not truncated, d = G v + L z > 0 are; their tilts mu_0, mu solve the saddle point of

    psi(x, mu) = |mu_0|^2/2 - mu_0^T x_0 + |mu|^2/2 - mu^T x + sum_k ln Phi(t_k),
    t = D^-1 G L_0 x_0 + (D^-1 L - I) x + mu,  D = diag L.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.linalg import cholesky
from implicitbias.nngp.cone_structure import Cone
from implicitbias.nngp.gaussian import hazard
from implicitbias.nngp.tilting import hazard_terms, minimised
from implicitbias.shapes.tensors import Kernel, PerPoint


@dataclass(frozen=True)
class ConeTilting:
    """The saddle point.

    Attributes:
        own_factor: `(n, n)` L_0.
        own_tilt: `(n,)` mu_0.
        factors: of every block, `(o, o)` L.
        tilts: of every block, `(o,)` mu.
        upper_bound: psi >= ln P, or 0 where the saddle point was not reached.
    """

    own_factor: Kernel
    own_tilt: PerPoint
    factors: tuple[Float[Tensor, "_other _other"], ...]
    tilts: tuple[Float[Tensor, " _other"], ...]
    upper_bound: float


def cone_tilting(cone: Cone, cap: int = 50) -> ConeTilting:
    """The saddle point by Newton's method in -t, as in `nngp.tilting`, at O(C n^3) a step.

    In the hazards h = phi(t)/Phi(t) the tilts are mu_0 = (D^-1 G L_0)^T h and mu = (D^-1 L)^T h - h, and the
    saddle point is the minimum of a strictly convex function.

    Args:
        cone: the conditions, every block in the order of sampling.
        cap: number of Newton steps at the most; short of the saddle point the tilts are still usable.

    Raises:
        NumericalError: if the kernel is singular.
    """
    own_factor = cholesky(cone.own_covariance)
    factors = tuple(cholesky(block.covariance) for block in cone.blocks)
    scaled = [factor / factor.diagonal()[:, None] for factor in factors]
    wide = [
        block.map @ own_factor / factor.diagonal()[:, None] for block, factor in zip(cone.blocks, factors, strict=True)
    ]
    grams = [one @ one.T for one in scaled]
    sizes = [len(factor) for factor in factors]

    def tilts(h: Float[Tensor, " condition"]) -> tuple[PerPoint, list[Float[Tensor, " _other"]]]:
        parts = torch.split(h, sizes)
        own = sum((b.T @ part for b, part in zip(wide, parts, strict=True)), torch.zeros_like(own_factor[0]))
        return own, [one.T @ part for one, part in zip(scaled, parts, strict=True)]

    def objective(t: Float[Tensor, " condition"]) -> Float[Tensor, ""]:
        h = hazard(t)
        own, x = tilts(h)
        return 0.5 * (own @ own + sum(one @ one for one in x)) + hazard_terms(t, h).sum()

    def newton(t: Float[Tensor, " condition"]) -> tuple[Float[Tensor, " condition"], Float[Tensor, ""]]:
        h = hazard(t)
        slope = (h * (h - t)).clamp(1e-300, 1)  # h'(t)
        root = slope.sqrt()
        own, x = tilts(h)
        gram_h = torch.cat([b @ own + one @ part for b, one, part in zip(wide, scaled, x, strict=True)])
        gradient = t - h + gram_h
        step = -_solved(grams, wide, torch.split(root, sizes), torch.split(root * gradient, sizes))
        return step / root, -((root * gradient) @ step)

    t, value, reached = minimised(objective, newton, own_factor.new_zeros(sum(sizes)), cap)
    h = hazard(t)
    own, x = tilts(h)
    shifts = tuple(one - part for one, part in zip(x, torch.split(h, sizes), strict=True))
    return ConeTilting(own_factor, own, factors, shifts, float(value.where(reached, 0.0)))


def _solved(
    grams: list[Float[Tensor, "_other _other"]],
    wide: list[Float[Tensor, "_other n"]],
    roots: tuple[Float[Tensor, " _other"], ...],
    right: tuple[Float[Tensor, " _other"], ...],
) -> Float[Tensor, " condition"]:
    """(E + U U^T)^-1 right: E = I - R^2 + R gram R in blocks, U = R wide (Woodbury's identity)."""
    capacity = torch.eye(wide[0].shape[1], dtype=wide[0].dtype, device=wide[0].device)
    inner = wide[0].new_zeros(len(capacity))
    kept = []
    for gram, b, root, vector in zip(grams, wide, roots, right, strict=True):
        e = root[:, None] * gram * root
        e.diagonal().add_(1 - root**2)
        factor = cholesky(e, "the Hessian of the tilting")
        both = torch.cat([root[:, None] * b, vector[:, None]], 1)
        solved = torch.linalg.solve_triangular(factor, both, upper=False)
        u, y = solved[:, :-1], solved[:, -1]
        capacity = torch.addmm(capacity, u.T, u)
        inner = inner + u.T @ y
        kept.append((factor, u, y))
    common = torch.cholesky_solve(inner[:, None], cholesky(capacity, "the Hessian of the tilting"))
    return torch.cat(
        [torch.linalg.solve_triangular(factor.T, y[:, None] - u @ common, upper=True)[:, 0] for factor, u, y in kept]
    )
