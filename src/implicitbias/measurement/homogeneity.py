"""How far a network is from homogeneous in its trained weights (Cai et al. 2025)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from implicitbias.catalogue import ACTIVATIONS
from implicitbias.errors import ResultError
from implicitbias.measurement.arrays import Array
from implicitbias.measurement.margins import inverse_loss
from implicitbias.measurement.norms import l2
from implicitbias.measurement.tangents import Tangent, along_weights


def euler_defect(tangents: Sequence[Tangent], train_outputs: Array, degree: int) -> Array:
    """max_i |<grad f_i, theta> - M f_i| over max_i |f_i|: rounding for a homogeneous network (Euler's identity).

    Args:
        tangents: of the trained layers.
        train_outputs: `(..., n)`.
        degree: M.

    Returns:
        `(...)`.
    """
    gap = np.abs(along_weights(tangents) - degree * train_outputs).max(-1)
    defect: Array = gap / np.abs(train_outputs).max(-1)
    return defect


def modified_margin(
    train_outputs: Array, train_labels: Array, train_inputs: Array, label_scales: Array,
    trained_weights: Sequence[Array], degree: int, loss: str, network: Mapping[str, Any],
) -> Array:  # fmt: skip
    """[a l^-1(L) - p(|theta|)] / |theta|^M, p a bound on |<grad f_i, theta> - M f_i| for all i, as in `soft_margin`.

    For two layers, p(r) = defect sqrt(m) r/2, and r more with biases in both (the last bias has degree 1); for three
    layers of a homogeneous activation with a residual connection, p(r) = r^2 max|x|/2. Both are of degree M - 1, so
    that the paper's p_a is p.

    Args:
        train_outputs: `(..., n)`.
        train_labels: `(..., n)` of +-1.
        train_inputs: `(..., n, d)`.
        label_scales: `(...)`.
        trained_weights: the layers, all of them trained.
        degree: M.
        loss: exponential or logistic, plain or log.
        network: the networks' parameters.

    Raises:
        ResultError: for a network of another kind.

    Source: Cai et al. 2025, theorem 3.1.
    """
    size, depth = l2(trained_weights), network["depth"]
    entry, residual = ACTIVATIONS[network["activation"]], network.get("residual", False)
    biased = network.get("bias", "none") == "all"
    if depth == 2 and entry.degree == 1 and network.get("output", "trained") == "trained":
        bound = size * (entry.defect * network["width"] ** 0.5 + biased)
    elif depth == 3 and residual and entry.homogeneous and entry.degree == 1 and not biased:
        largest = np.linalg.norm(train_inputs, axis=-1).max(-1)
        bound = size**2 * largest * _lipschitz(network) / 2
    else:
        raise ResultError(
            "metric 'modified_margin' knows its bound for two trained layers, and for three of a homogeneous activation"
            " with residual: true and without bias: all"
        )
    q = train_outputs * train_labels / label_scales[..., None]
    margin: Array = (label_scales * inverse_loss(q, loss) - bound) / size**degree
    return margin


def _lipschitz(network: Mapping[str, Any]) -> float:
    """Largest slope of the relu-like activation."""
    slope = network.get("slope", 0.1) if "leaky" in network["activation"] else 0.0
    return float(np.sqrt(2 / (1 + slope**2))) if network["activation"] in ("relu", "leaky_relu") else 1.0
