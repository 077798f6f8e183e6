"""Single neurons of two-layer networks: rows w_j of the first layer, weights v_j of the last (of C outputs vectors)."""

import numpy as np
from jaxtyping import Float

from implicitbias.measurement.arrays import Array
from implicitbias.measurement.norms import l2
from implicitbias.shapes.arrays import Layers, PerNetwork, PerPoint, Points


def balancedness(weights: Layers) -> PerNetwork:
    """max_j | |w_j|^2 - |v_j|^2 | / |theta|^2, which gradient flow keeps as it is: `(...)` (Min et al. 2023)."""
    gap: Array = np.abs(np.square(weights[0]).sum(-1) - np.square(weights[1]).sum(-2)).max(-1) / l2(weights) ** 2
    return gap


def rotation(weights: Layers) -> PerNetwork:
    """Mean of 1 - cos(w_j at the first checkpoint, w_j), weighted by |v_j||w_j|; checkpoints are the last lead.

    Args:
        weights: the two layers, `(..., step, m, d)` and `(..., step, C, m)`.

    Returns:
        `(..., step)`.

    Source: Telgarsky 2022, section 1.
    """
    weight = _importance(weights)
    mean: Array = (weight * (1 - _cosine(weights[0], weights[0][..., :1, :, :]))).sum(-1) / weight.sum(-1)
    return mean


def neuron_angle(weights: Layers) -> Float[Array, "*#lead out"]:
    """Angle (radians) between w_j at the first checkpoint and w_j: `(..., step, m)`."""
    first, now = _unit(weights[0][..., :1, :, :]), _unit(weights[0])
    # the arc cosine would lose half of the digits of a small angle
    angle: Array = 2 * np.arcsin(np.clip(np.linalg.norm(now - first, axis=-1) / 2, 0, 1))
    return angle


def neuron_norm(weights: Layers) -> Float[Array, "*#lead out"]:
    """Norm |w_j| of every neuron: `(..., m)`."""
    size: Array = np.linalg.norm(weights[0], axis=-1)
    return size


def class_alignment(weights: Layers, train_inputs: Points, train_labels: PerPoint) -> PerNetwork:
    """Mean of cos(w_j, sum of the inputs with the label sign(v_j)), weighted by |v_j||w_j|, which drops dead neurons.

    Args:
        weights: the two layers, `(..., m, d)` and `(..., 1, m)`.
        train_inputs: `(..., n, d)`.
        train_labels: `(..., n)` of +-1.

    Returns:
        `(...)`.

    Source: Min, Mallada & Vidal 2023, section 3.
    """
    positive, negative = (
        (np.where(train_labels == sign, 1.0, 0.0)[..., None] * train_inputs).sum(-2, keepdims=True) for sign in (1, -1)
    )
    wanted: Array = np.where(weights[1].swapaxes(-1, -2) > 0, positive, negative)
    weight = _importance(weights)
    mean: Array = (weight * _cosine(weights[0], wanted)).sum(-1) / weight.sum(-1)
    return mean


def _importance(weights: Layers) -> Float[Array, "*#lead out"]:
    size: Array = np.linalg.norm(weights[1], axis=-2) * np.linalg.norm(weights[0], axis=-1)
    return size


def _unit(rows: Float[Array, "*lead out d"]) -> Float[Array, "*lead out d"]:
    unit: Array = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), np.finfo(np.float64).tiny)
    return unit


def _cosine(a: Float[Array, "*#lead #out d"], b: Float[Array, "*#lead #out d"]) -> Float[Array, "*#lead out"]:
    cosine: Array = (_unit(a) * _unit(b)).sum(-1)
    return cosine
