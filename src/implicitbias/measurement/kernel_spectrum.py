"""How many directions a network's tangent features use: the spectrum of its tangent kernel (Baratin et al. 2021)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Shaped

from implicitbias.measurement.arrays import Array
from implicitbias.measurement.kernel_alignment import by_layer, centred
from implicitbias.measurement.tangents import Tangent, gram
from implicitbias.networks import Network
from implicitbias.shapes.arrays import PerLayer, PerNetwork


def tangent_kernel_rank(output_tangents: Sequence[Tangent], network: Network) -> PerNetwork:
    """The effective rank exp(-sum_i p_i ln p_i), p_i the eigenvalues of the centred kernel over their sum.

    Args:
        output_tangents: of the trained layers, gradients of the outputs.
        network: whose constraint on rows the kernel's gradients are projected to.

    Returns:
        `(...)`, from 1 to n - 1; NaN where the kernel is constant, and for networks that have diverged.

    Source: Roy & Vetterli 2007; Baratin et al. 2021.
    """
    return _effective_rank(gram(output_tangents, network.rows))


def layer_tangent_rank(output_tangents: Sequence[Tangent], network: Network) -> PerLayer:
    """`tangent_kernel_rank` of the gradients by one layer's weights alone: `(..., L)`, NaN for frozen layers."""
    return by_layer([_effective_rank(gram([layer], network.rows)) for layer in output_tangents], network)


def tangent_trace_ratio(
    output_tangents: Sequence[Tangent], largest: Shaped[np.ndarray, " k"], network: Network
) -> Float[Array, "*#lead k"]:
    """The fraction of the centred kernel's trace in its k largest eigenvalues, for every k of `largest`: `(..., k)`.

    Source: Baratin et al. 2021.
    """
    cumulated = _shares(gram(output_tangents, network.rows))[..., ::-1].cumsum(-1)
    ratios: Array = cumulated[..., np.minimum(largest.astype(int), cumulated.shape[-1]) - 1]
    return ratios


def _effective_rank(kernel: Float[Array, "*#lead n n"]) -> PerNetwork:
    p = _shares(kernel)
    rank: Array = np.exp(-np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), p).sum(-1))
    return rank


def _shares(kernel: Float[Array, "*#lead n n"]) -> Float[Array, "*#lead n"]:
    """Rising eigenvalues of the centred kernel over their sum, `(..., n)`; NaN for networks that have diverged."""
    alive = np.asarray(np.isfinite(kernel).all((-2, -1)))
    values = np.linalg.eigvalsh(centred(np.where(alive[..., None, None], kernel, 0.0))).clip(0)
    with np.errstate(invalid="ignore"):  # 0/0
        shares: Array = np.where(alive[..., None], values / values.sum(-1, keepdims=True), np.nan)
    return shares
