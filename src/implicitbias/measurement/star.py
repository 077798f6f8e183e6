"""The Gaussian measure of stars: of all z_0 + r u, u a unit vector, 0 <= r < R(u), for z ~ N(0, I).

Radial importance sampling (Scherlis & Belrose 2025): directions are drawn at random, and along each the integral over r
is known from R alone. In D dimensions hardly any direction is one in which the star reaches far, and uniform ones give
a lower bound at best. So a third of the directions points from z_0 to draws of the prior, which is exact if the star is
everything; a third is preconditioned by the gradients of the margins, to keep these near what they are at z_0; a third
points to draws of the prior times a Gaussian approximation of what it takes to fit, to first order. All three are
Gaussian, so that the density of their directions is the same radial integral, and with the mean of the three as the
proposal (a defensive mixture) no weight is above 3.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.special import logsumexp

from implicitbias.measurement.arrays import Array
from implicitbias.rng import derive_seed

Inside = Callable[[Array], NDArray[np.bool]]
"""Which points `(k, directions, D)` belong to the set that the star is part of, `(k, directions)`."""

_STEPS = 16  # of a ray on which its end is looked for; where the set is left and met again within one, it is missed
_HALVINGS = 11
_REACH = 12.0  # standard deviations, beyond which a Gaussian is nothing
_PRECISION = 1 / (1 - 2 / np.pi) - 1  # of the Gaussian factor that makes N(0, 1) as wide as |N(0, 1)|
_MEAN = np.sqrt(2 / np.pi) * (1 + _PRECISION) / _PRECISION  # and as large
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


class _Proposal(NamedTuple):
    """Directions of draws v of a Gaussian of precision I + B^T B and mean (I + B^T B)^-1 h, seen from z_0.

    Attributes:
        slopes: B, `(k, n, D)`.
        shift: h, `(k, D)`.
    """

    slopes: Float[Array, "k n d"]
    shift: Float[Array, "k d"]

    def rays(self, noise: Float[Array, "direction d"]) -> Float[Array, "k direction d"]:
        """Unit vectors of standard normal noise."""
        _, s, v = np.linalg.svd(self.slopes, full_matrices=False)  # B^T B = V s^2 V^T
        shift = self.shift[:, None]
        mean = shift - _along(v, s**2 / (1 + s**2), shift)
        draws = mean + noise - _along(v, 1 - (1 + s**2) ** -0.5, noise)
        unit: Array = draws / np.linalg.norm(draws, axis=-1, keepdims=True)
        return unit

    def log_density(self, rays: Float[Array, "k direction d"]) -> Float[Array, "k direction"]:
        """Of directions, up to a constant that all proposals and the prior have."""
        _, s, v = np.linalg.svd(self.slopes, full_matrices=False)
        shift = self.shift[:, None]
        norm = (shift * (shift - _along(v, s**2 / (1 + s**2), shift))).sum(-1)
        quadratic = 1 + ((rays @ self.slopes.swapaxes(-1, -2)) ** 2).sum(-1)
        linear = -(rays * shift).sum(-1)
        radial = log_radial_integral(rays.shape[-1], quadratic, linear, np.full_like(linear, np.inf))
        density: Array = radial - norm / 2 + np.log1p(s**2).sum(-1)[:, None] / 2
        return density


def log_star_measure(
    inside: Inside, centres: Float[Array, "k d"], slopes: Float[Array, "k n d"], directions: int, seed: int = 0
) -> Float[Array, "2 k"]:
    """ln P[z in the star] and its standard error to first order, for every centre: `(2, k)`.

    Args:
        inside: the set.
        centres: `(k, D)` the points z_0, which are inside.
        slopes: `(k, n, D)` gradients at z_0 of n numbers that are positive inside, each over its number.
        directions: how many are drawn of each of three proposals.
        seed: of the directions, which have the same random numbers for every centre.
    """
    noise = np.random.default_rng(derive_seed("star", seed)).standard_normal((3, directions, centres.shape[-1]))
    proposals = _proposals(centres, slopes)
    rays = np.concatenate([each.rays(part) for each, part in zip(proposals, noise, strict=True)], 1)
    linear = (rays * centres[:, None]).sum(-1)
    radial = log_radial_integral(rays.shape[-1], np.ones_like(linear), linear, _ends(inside, centres, rays))
    density = logsumexp([each.log_density(rays) for each in proposals], axis=0) - np.log(len(proposals))
    logs = radial - (centres**2).sum(-1)[:, None] / 2 - density
    mean = logsumexp(logs, axis=-1) - np.log(logs.shape[-1])
    relative = np.exp(logs - mean[:, None])
    return np.stack([mean, relative.std(-1, ddof=1) / logs.shape[-1] ** 0.5])


def _proposals(centres: Float[Array, "k d"], slopes: Float[Array, "k n d"]) -> tuple[_Proposal, ...]:
    """The prior's directions, preconditioned ones, and those of what fits to first order.

    In a linear model the numbers over their values at z_0 are N(0, S^2), S the norm of their gradients. A half-normal
    variable S |N(0, 1)| has the mean .8 S and the variance .36 S^2: those of the normal variable times a Gaussian
    factor of mean 1.25 S and precision 1.75/S^2.
    """
    sizes = np.linalg.norm(slopes, axis=-1, keepdims=True).clip(1e-300)
    sites = _PRECISION**0.5 * slopes / sizes
    fitted = (sites.swapaxes(-1, -2) @ (_PRECISION**0.5 * (_MEAN - 1 / sizes)))[..., 0]
    return _Proposal(0 * slopes[:, :1], -centres), _Proposal(slopes, 0 * centres), _Proposal(sites, fitted - centres)


def log_radial_integral(
    dimension: int, quadratic: Float[Array, "*shape"], linear: Float[Array, "*shape"], ends: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """ln of the integral from 0 to R of r^(D-1) exp(-a r^2/2 - b r) dr, elementwise, D at least 2.

    The integrand is log-concave: Gauss-Legendre nodes cover its mode, or its rise up to R, as far as it is not nothing.
    """
    power = dimension - 1
    mode = (np.sqrt(linear**2 + 4 * quadratic * power) - linear) / (2 * quadratic)
    top = np.maximum(np.minimum(mode, ends), 1e-300)
    slope = np.maximum(power / top - quadratic * top - linear, 0)
    width = _REACH / np.sqrt(power / top**2 + quadratic)
    low = np.maximum(top - np.minimum(width, _REACH**2 / 2 / np.maximum(slope, 1e-300)), 0)
    high = np.minimum(ends, mode + _REACH / np.sqrt(quadratic))
    nodes = low[..., None] + (high - low)[..., None] * (_NODES + 1) / 2
    logs = power * np.log(nodes) - quadratic[..., None] * nodes**2 / 2 - linear[..., None] * nodes
    integral: Array = logsumexp(logs, b=_WEIGHTS, axis=-1) + np.log((high - low) / 2)
    return integral


def _ends(
    inside: Inside, centres: Float[Array, "k d"], rays: Float[Array, "k direction d"]
) -> Float[Array, "k direction"]:
    """R of every ray: where it first leaves the set, infinity where the prior ends before that."""
    linear = (rays * centres[:, None]).sum(-1)
    reach = (np.sqrt(linear**2 + 4 * (centres.shape[-1] - 1)) - linear) / 2 + _REACH
    low, high = np.zeros_like(reach), np.full_like(reach, np.inf)
    for step in range(1, _STEPS + 1):
        r = reach * step / _STEPS
        there = inside(centres[:, None] + r[..., None] * rays)
        open_ = np.isinf(high)
        low = np.where(open_ & there, r, low)
        high = np.where(open_ & ~there, r, high)
    ended = np.isfinite(high)
    for _ in range(_HALVINGS):
        middle = np.where(ended, (low + np.where(ended, high, low)) / 2, low)
        there = inside(centres[:, None] + middle[..., None] * rays)
        low = np.where(ended & there, middle, low)
        high = np.where(ended & ~there, middle, high)
    return np.where(ended, (low + np.where(ended, high, 0)) / 2, np.inf)


def _along(
    v: Float[Array, "k rank d"], factors: Float[Array, "k rank"], points: Float[Array, "p d"] | Float[Array, "k p d"]
) -> Float[Array, "k p d"]:
    """V diag(factors) V^T points."""
    part: Array = ((points @ v.swapaxes(-1, -2)) * factors[:, None]) @ v
    return part
