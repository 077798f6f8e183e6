"""How many directions a weight matrix uses."""

from itertools import pairwise

import numpy as np
from jaxtyping import Float

from implicitbias.measurement.arrays import Array
from implicitbias.measurement.norms import singular_values
from implicitbias.shapes.arrays import Layers, PerLayer, PerNetwork, PerPoint


def stable_rank(weights: Layers) -> PerNetwork:
    """|W|_F^2 / |W|_2^2 of the first layer, 1 for a matrix of rank one and at most its rank.

    Args:
        weights: the layers, `(..., out, in)` each.

    Returns:
        `(...)`.

    Source: Frei et al. 2023, section 4; Rudelson & Vershynin 2007.
    """
    return _stable_rank(weights[0])


def stable_rank_share(weights: Layers) -> PerNetwork:
    """`stable_rank` over that of the first checkpoint, the last leading dimension: `(..., step)`."""
    rank = stable_rank(weights)
    share: Array = rank / rank[..., :1]
    return share


def positive_stable_rank(weights: Layers) -> PerNetwork:
    """Stable rank of the first-layer rows whose weight in the last layer is positive (Kou, Chen & Gu 2023, section 4).

    Args:
        weights: two layers, `(..., m, d)` and `(..., 1, m)`.

    Returns:
        `(...)`.
    """
    return _stable_rank(weights[0] * (weights[1] > 0).swapaxes(-1, -2))


def positive_share(train_outputs: PerPoint, train_labels: PerPoint) -> PerNetwork:
    """Share of the training labels that are +1, `(..., n) -> (...)`: what the ranks of the halves are predicted by.

    NaN for a network that has diverged, as all metrics are.
    """
    share: Array = np.where(np.isnan(train_outputs), np.nan, train_labels > 0).mean(-1)
    return share


def second_singular_value(weights: Layers) -> PerLayer:
    """Second over first singular value of every layer, `(..., L)`: 0 for rank one (Ji & Telgarsky 2020)."""
    return _ratio(weights, 1)


def third_singular_value(weights: Layers) -> PerLayer:
    """Third over first singular value of every layer, `(..., L)`: 0 for rank two (Frei et al. 2023, theorem 3.2)."""
    return _ratio(weights, 2)


def layer_alignment(weights: Layers) -> PerLayer:
    """|<u_l, v_(l+1)>|, first left singular vector of a layer and first right one of the next; NaN for the last layer.

    `(..., L)`, 1 where layers are aligned (Ji & Telgarsky 2019, 2020: deep linear networks).
    """
    decompositions = [np.linalg.svd(np.nan_to_num(weight), full_matrices=False) for weight in weights]
    cosines = [np.abs((u[..., :, 0] * vh[..., 0, :]).sum(-1)) for (u, _, _), (_, _, vh) in pairwise(decompositions)]
    last = np.full(weights[0].shape[:-2], np.nan)
    alive = np.asarray(np.isfinite(weights[0]).all((-2, -1)))
    aligned: Array = np.where(alive[..., None], np.stack([*cosines, last], axis=-1), np.nan)
    return aligned


def _stable_rank(matrix: Float[Array, "*#lead out in"]) -> PerNetwork:
    gram = (
        matrix @ matrix.swapaxes(-1, -2) if matrix.shape[-2] <= matrix.shape[-1] else matrix.swapaxes(-1, -2) @ matrix
    )
    squared_norm = np.trace(gram, axis1=-2, axis2=-1)  # NaN for a network that has diverged
    largest = np.linalg.eigvalsh(np.nan_to_num(gram, posinf=0, neginf=0))[..., -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        rank: Array = squared_norm / largest
    return rank


def _ratio(weights: Layers, position: int) -> PerLayer:
    ratios = []
    for weight in weights:
        values = singular_values(weight)
        later = values[..., position] if values.shape[-1] > position else 0 * values[..., 0]
        ratios.append(later / values[..., 0])
    return np.stack(ratios, axis=-1)
