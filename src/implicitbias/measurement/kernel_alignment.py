"""How well a network's tangent kernel is aligned with the labels (Baratin et al. 2021)."""

from collections.abc import Sequence

import numpy as np

from implicitbias.measurement.arrays import Array
from implicitbias.measurement.tangents import Tangent, gram
from implicitbias.networks import Network


def tangent_kernel_alignment(output_tangents: Sequence[Tangent], train_labels: Array, network: Network) -> Array:
    """<K_c, (y y^T)_c> / (|K_c| |(y y^T)_c|) in Frobenius norms, K the tangent kernel on the training points.

    K_c = H K H with H = I - 1 1^T/n. As (y y^T)_c = y_c y_c^T, this is y_c^T K y_c / (|K_c| |y_c|^2). It is 1 where the
    features of the kernel are the labels alone, and the higher, the more of the kernel is along the labels. Where the
    network's rows obey a constraint, K is the kernel of gradients projected to it, which alone can move its weights.

    Args:
        output_tangents: of the trained layers, gradients of the outputs.
        train_labels: `(..., n)` of +-1.
        network: whose constraint on rows it is.

    Returns:
        `(...)`, from 0 to 1; NaN where the labels or the kernel are constant, and for networks that have diverged.

    Source: Baratin et al. 2021; Cortes, Mohri & Rostamizadeh 2012, definition 4.
    """
    kernel = gram(output_tangents, network.rows)
    over_rows = kernel - kernel.mean(-2, keepdims=True)
    centred = over_rows - over_rows.mean(-1, keepdims=True)
    y = train_labels - train_labels.mean(-1, keepdims=True)
    along = (y * (centred @ y[..., None])[..., 0]).sum(-1)
    with np.errstate(invalid="ignore"):  # 0/0
        alignment: Array = along / (np.linalg.norm(centred, axis=(-2, -1)) * (y**2).sum(-1))
    return alignment
