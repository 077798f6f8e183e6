"""How steep the function is in its inputs."""

from implicitbias.measurement.arrays import Array


def geometric_complexity(input_slopes: Array) -> Array:
    """Mean of |df/dx|^2 over the training points: `(..., n, d) -> (...)`; |w|^2 of a linear map.

    Source: Dherin, Munn, Rosca & Barrett 2022, definition 3.1.
    """
    mean: Array = (input_slopes**2).sum(-1).mean(-1)
    return mean
