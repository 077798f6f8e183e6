"""Margins."""

import numpy as np

from implicitbias.measurement.arrays import Array


def normalized_margin(
    train_outputs: Array, train_labels: Array, train_inputs: Array, frobenius_norms: Array, layer_shapes: Array
) -> Array:
    """min_i y_i f(x_i) / ( |x_i| prod_l |W_l|_F/sqrt(min(d_l, d_{l-1})) ).

    Args:
        train_outputs: `(..., n)`.
        train_labels: `(..., n)` of +-1.
        train_inputs: `(..., n, d)`.
        frobenius_norms: `(..., L)`.
        layer_shapes: `(L, 2)`, rows and columns of every weight matrix.

    Returns:
        `(...)`, negative where a training point is misclassified.

    Source: Farhang et al. 2022, section 2.

    """
    product = (frobenius_norms / np.sqrt(layer_shapes.min(-1))).prod(-1)
    margins = train_outputs * train_labels / np.linalg.norm(train_inputs, axis=-1)
    smallest: Array = margins.min(-1) / product
    return smallest
