"""The size of the function."""

import numpy as np
from jaxtyping import Float

from implicitbias.measurement.arrays import Array
from implicitbias.networks import Network
from implicitbias.shapes.arrays import PerNetwork


def output_scale(test_outputs: Float[Array, "..."], network: Network) -> Float[Array, "..."]:
    """Mean |f(x)| over the test points, and outputs if there are several (Bernstein & Yue 2021, section 5).

    `(..., m)`, or `(..., m, outputs)`, to `(...)`.
    """
    scale: Array = np.abs(test_outputs).mean(-1 if network.outputs == 1 else (-2, -1))
    return scale


def train_loss(train_losses: PerNetwork) -> PerNetwork:
    """Loss over the whole training set: `(...)`, as the run recorded it."""
    return train_losses
