"""How many directions a weight matrix uses."""

from collections.abc import Sequence

import numpy as np

from implicitbias.measurement.arrays import Array


def stable_rank(weights: Sequence[Array]) -> Array:
    """|W|_F^2 / |W|_2^2 of the first layer, 1 for a matrix of rank one and at most its rank.

    Args:
        weights: the layers, `(..., out, in)` each.

    Returns:
        `(...)`.

    Source: Frei et al. 2023, section 4; Rudelson & Vershynin 2007.
    """
    first = weights[0]
    gram = first @ first.swapaxes(-1, -2) if first.shape[-2] <= first.shape[-1] else first.swapaxes(-1, -2) @ first
    squared_norm = np.trace(gram, axis1=-2, axis2=-1)  # NaN for a network that has diverged
    largest = np.linalg.eigvalsh(np.nan_to_num(gram))[..., -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        rank: Array = squared_norm / largest
    return rank
