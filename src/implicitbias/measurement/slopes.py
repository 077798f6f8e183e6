"""How steep the function is in its inputs."""

import numpy as np
from jaxtyping import Float

from implicitbias.measurement.arrays import Array
from implicitbias.shapes.arrays import PerNetwork, PerPoint, Points


def geometric_complexity(input_slopes: Float[Array, "*#lead n _outputs_d"]) -> PerNetwork:
    """Mean of |df/dx|_F^2 over the training points: `(..., n, outputs d) -> (...)`; |W|_F^2 of a linear map.

    Source: Dherin, Munn, Rosca & Barrett 2022, definition 3.1.
    """
    mean: Array = (input_slopes**2).sum(-1).mean(-1)
    return mean


def boundary_distance(train_margins: PerPoint, margin_slopes: Points) -> PerNetwork:
    """Median of q/|dq/dx| over the training points: how far, to first order, an input is from changing its class.

    q are the margins. Exact where f is linear on the way. (Lyu & Li 2020, section 6, search for the nearest wrong
    input instead.)

    Args:
        train_margins: `(..., n)`.
        margin_slopes: `(..., n, d)`.

    Returns:
        `(...)`, in units of the inputs; negative where most points are misclassified.
    """
    slope = np.maximum(np.linalg.norm(margin_slopes, axis=-1), np.finfo(np.float64).tiny)
    distance: Array = np.median(train_margins / slope, axis=-1)
    return distance
