"""Where the weights' direction goes; every function takes the checkpoints as the last leading dimension."""

import numpy as np

from implicitbias.measurement.arrays import Array
from implicitbias.measurement.norms import inner, l2
from implicitbias.shapes.arrays import Layers, PerNetwork


def direction_cosine(trained_weights: Layers) -> PerNetwork:
    """Cosine between the trained weights at each checkpoint and at the last: layers `(..., step, out, in)`."""
    last = [layer[..., -1:, :, :] for layer in trained_weights]
    return inner(trained_weights, last) / (l2(trained_weights) * l2(last))


def path_length(trained_weights: Layers) -> PerNetwork:
    """Sum over checkpoints so far of the moves of theta/|theta|, a lower bound on its path (Ji & Telgarsky 2020)."""
    size = l2(trained_weights)[..., None, None]
    moves = [np.diff(layer / size, axis=-3) for layer in trained_weights]
    start = 0 * size[..., :1, 0, 0]  # NaN for a network that has diverged
    path: Array = np.concatenate([start, np.cumsum(l2(moves), axis=-1)], axis=-1)
    return path


def path_alignment(trained_weights: Layers) -> PerNetwork:
    """Cosine between theta and its move since the checkpoint before; NaN at the first and where nothing moved.

    The move of gradient descent is a mean of negative gradients. Weights that slide along the kinks of a relu see
    gradients from both sides, none of them aligned with theta, whose mean is (Ji & Telgarsky 2020, section 4).
    """
    moves = [np.diff(layer, axis=-3) for layer in trained_weights]
    after = [layer[..., 1:, :, :] for layer in trained_weights]
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = inner(after, moves) / (l2(after) * l2(moves))
    path: Array = np.concatenate([np.full((*cosine.shape[:-1], 1), np.nan), cosine], axis=-1)
    return path
