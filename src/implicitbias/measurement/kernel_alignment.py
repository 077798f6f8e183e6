"""How well a network's tangent kernel is aligned with the labels (Baratin et al. 2021).

K is the tangent kernel on the training points, and K_c = H K H with H = I - 1 1^T/n. Where the network's rows obey a
constraint, K is the kernel of gradients projected to it, which alone can move its weights.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from implicitbias.measurement.arrays import Array
from implicitbias.measurement.tangents import Tangent, gram
from implicitbias.networks import Network
from implicitbias.shapes.arrays import PerLayer, PerNetwork, PerPoint


def tangent_kernel_alignment(
    output_tangents: Sequence[Tangent], train_labels: PerPoint, network: Network
) -> PerNetwork:
    """<K_c, (y y^T)_c> / (|K_c| |(y y^T)_c|) in Frobenius norms.

    As (y y^T)_c = y_c y_c^T, this is y_c^T K y_c / (|K_c| |y_c|^2). It is 1 where the features of the kernel are the
    labels alone, and the higher, the more of the kernel is along the labels.

    Args:
        output_tangents: of the trained layers, gradients of the outputs.
        train_labels: `(..., n)` of +-1.
        network: whose constraint on rows it is.

    Returns:
        `(...)`, from 0 to 1; NaN where the labels or the kernel are constant, and for networks that have diverged.

    Source: Baratin et al. 2021; Cortes, Mohri & Rostamizadeh 2012, definition 4.
    """
    return _aligned(gram(output_tangents, network.rows), train_labels)


def layer_tangent_alignment(output_tangents: Sequence[Tangent], train_labels: PerPoint, network: Network) -> PerLayer:
    """`tangent_kernel_alignment` of the gradients by one layer's weights alone: `(..., L)`, NaN for frozen layers.

    Source: Baratin et al. 2021; Lou et al. 2022.
    """
    return by_layer([_aligned(gram([layer], network.rows), train_labels) for layer in output_tangents], network)


def tangent_alignment_by_kind(
    output_tangents: Sequence[Tangent], train_labels: PerPoint, train_random: PerPoint, network: Network
) -> Float[Array, "*#lead 2"]:
    """`tangent_kernel_alignment` among the points with true labels, and among those with random ones: `(..., 2)`.

    Args:
        output_tangents: of the trained layers, gradients of the outputs.
        train_labels: `(..., n)` of +-1.
        train_random: `(..., n)`, 1 where a label was drawn at random and 0 elsewhere.
        network: whose constraint on rows it is.

    Source: Baratin et al. 2021 (easy and difficult examples).
    """
    kernel = gram(output_tangents, network.rows)
    alignments = []
    for kind in (0, 1):
        chosen = (train_random == kind).astype(np.float64)
        count = np.maximum(chosen.sum(-1), 1)[..., None, None]
        centring = chosen[..., None] * np.eye(chosen.shape[-1]) - chosen[..., None] * chosen[..., None, :] / count
        alignments.append(_cosine(centring @ kernel @ centring, (centring @ train_labels[..., None])[..., 0]))
    return np.stack(alignments, axis=-1)


def by_layer(values: Sequence[PerNetwork], network: Network) -> PerLayer:
    """A number for each trained layer `(...)`, as `(..., L)` with NaN for layers that are not trained."""
    whole: Array = np.full((*values[0].shape, network.depth), np.nan)
    whole[..., network.trained] = np.stack(values, axis=-1)
    return whole


def centred(kernel: Float[Array, "*lead n n"]) -> Float[Array, "*lead n n"]:
    """H K H."""
    over_rows = kernel - kernel.mean(-2, keepdims=True)
    both: Array = over_rows - over_rows.mean(-1, keepdims=True)
    return both


def _aligned(kernel: Float[Array, "*#lead n n"], labels: PerPoint) -> PerNetwork:
    return _cosine(centred(kernel), labels - labels.mean(-1, keepdims=True))


def _cosine(kernel: Float[Array, "*#lead n n"], y: PerPoint) -> PerNetwork:
    """Between a kernel and y y^T, both centred."""
    along = (y * (kernel @ y[..., None])[..., 0]).sum(-1)
    with np.errstate(invalid="ignore"):  # 0/0
        cosine: Array = along / (np.linalg.norm(kernel, axis=(-2, -1)) * (y**2).sum(-1))
    return cosine
