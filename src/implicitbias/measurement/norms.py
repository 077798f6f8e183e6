"""The size of the weights."""

from implicitbias.measurement.arrays import Array


def weight_norm(frobenius_norms: Array) -> Array:
    """Frobenius norm of every weight matrix: `(..., L)`, as the run recorded it."""
    return frobenius_norms
