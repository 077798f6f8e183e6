"""Norms of all trained weights together, their duals, and the size of the weights.

A norm is named by what it measures of the parameters theta: "l2" (all entries), "linf" (the largest entry), "l1" (sum
of entries), "spectral" (the largest singular value of any layer).
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from implicitbias.measurement.arrays import Array
from implicitbias.shapes.arrays import Layers, PerLayer, PerNetwork


def weight_norm(frobenius_norms: PerLayer) -> PerLayer:
    """Frobenius norm of every weight matrix: `(..., L)`, as the run recorded it."""
    return frobenius_norms


def parameter_norm(trained_weights: Layers) -> PerNetwork:
    """2-norm of all trained weights: layers `(..., out, in)` -> `(...)`."""
    return l2(trained_weights)


def l2(layers: Layers) -> PerNetwork:
    """Root of the sum of squares: layers `(..., out, in)` -> `(...)`, as all norms here."""
    squares: Array = sum(np.square(layer).sum((-2, -1)) for layer in layers)
    return np.sqrt(squares)


def linf(layers: Layers) -> PerNetwork:
    """Largest absolute entry."""
    largest: Array = np.stack([np.abs(layer).max((-2, -1)) for layer in layers]).max(0)
    return largest


def l1(layers: Layers) -> PerNetwork:
    """Sum of absolute entries."""
    total: Array = sum(np.abs(layer).sum((-2, -1)) for layer in layers)
    return total


def spectral(layers: Layers) -> PerNetwork:
    """Largest singular value of any layer."""
    largest: Array = np.stack([singular_values(layer)[..., 0] for layer in layers]).max(0)
    return largest


def nuclear(layers: Layers) -> PerNetwork:
    """Sum of all singular values of all layers."""
    total: Array = sum(singular_values(layer).sum(-1) for layer in layers)
    return total


NORMS: dict[str, Callable[[Sequence[Array]], Array]] = {"l2": l2, "linf": linf, "l1": l1, "spectral": spectral}
DUAL_NORMS: dict[str, Callable[[Sequence[Array]], Array]] = {"l2": l2, "linf": l1, "l1": linf, "spectral": nuclear}
"""The dual norm of each: max <u, g> over all u of norm 1."""


def inner(a: Layers, b: Layers) -> PerNetwork:
    """<a, b> over all layers: `(...)`."""
    total: Array = sum((x * y).sum((-2, -1)) for x, y in zip(a, b, strict=True))
    return total


def singular_values(layer: Float[Array, "*lead out in"]) -> Float[Array, "*lead _rank"]:
    """Falling singular values, min(out, in) of them; NaN for a network that has diverged."""
    alive = np.asarray(np.isfinite(layer).all((-2, -1)))
    values: Array = np.where(alive[..., None], np.linalg.svd(np.nan_to_num(layer), compute_uv=False), np.nan)
    return values
