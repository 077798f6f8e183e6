"""The size of the function."""

import numpy as np

from implicitbias.measurement.arrays import Array


def output_scale(test_outputs: Array) -> Array:
    """Mean |f(x)| over the test points: `(..., m) -> (...)` (Bernstein & Yue 2021, section 5)."""
    scale: Array = np.abs(test_outputs).mean(-1)
    return scale


def train_loss(train_losses: Array) -> Array:
    """Loss over the whole training set: `(...)`, as the run recorded it."""
    return train_losses
