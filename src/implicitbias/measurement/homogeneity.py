"""How far a network is from homogeneous in its trained weights (Cai et al. 2025)."""

from collections.abc import Sequence

import numpy as np

from implicitbias.catalogue import ACTIVATIONS
from implicitbias.measurement.arrays import Array
from implicitbias.measurement.margins import INVERSE_LOSSES
from implicitbias.measurement.norms import l2
from implicitbias.measurement.tangents import Tangent, along_weights
from implicitbias.networks import Network
from implicitbias.shapes.arrays import Layers, PerNetwork, PerPoint, Points


def euler_defect(tangents: Sequence[Tangent], train_margins: PerPoint, degree: int) -> PerNetwork:
    """max_i |<grad q_i, theta> - M q_i| over max_i |q_i|, q the margins.

    It is rounding for a homogeneous network (Euler's identity).

    Args:
        tangents: of the trained layers.
        train_margins: q, `(..., n)`.
        degree: M.

    Returns:
        `(...)`.
    """
    gap = np.abs(along_weights(tangents) - degree * train_margins).max(-1)
    defect: Array = gap / np.abs(train_margins).max(-1)
    return defect


def modified_margin(
    loss_margins: PerPoint, train_inputs: Points, label_scales: PerNetwork,
    trained_weights: Layers, degree: int, loss: str, network: Network,
) -> PerNetwork:  # fmt: skip
    """[a l^-1(L) - p(|theta|)] / |theta|^M, p a bound on |<grad f_i, theta> - M f_i| for all i, as in `soft_margin`.

    For two layers, p(r) = defect sqrt(m) r, for |z phi'(z) - phi(z)| <= defect at each of m neurons and the sum of
    their output weights is at most sqrt(m) r; and r more with biases in both (the last bias has degree 1). For three
    layers of a homogeneous activation of slope up to s with a residual connection, p(r) = s r^2 max|x|/2, with
    sqrt(|x|^2 + 1) for |x| if the first has a bias: the shortcut's part of the output is of degree 2, and
    |W_1||W_3| <= r^2/2. Both are of degree M - 1, so that the paper's p_a is p.

    Args:
        loss_margins: `(..., n)`.
        train_inputs: `(..., n, d)`.
        label_scales: `(...)`.
        trained_weights: the layers, all of them trained.
        degree: M.
        loss: key of `margins.INVERSE_LOSSES`.
        network: of the kinds that the catalogue allows.

    Source: Cai et al. 2025, theorem 3.1.
    """
    size = l2(trained_weights)
    first, *_, last = network.weights
    if network.depth == 2:
        defect = ACTIVATIONS[network.activations[0].name].defect
        bound = size * (defect * first.rows**0.5 + last.bias)
    else:
        largest = np.sqrt(np.square(train_inputs).sum(-1).max(-1) + first.bias)
        bound = size**2 * largest * _lipschitz(network) / 2
    q = loss_margins / label_scales[..., None]
    margin: Array = (label_scales * INVERSE_LOSSES[loss](q) - bound) / size**degree
    return margin


def _lipschitz(network: Network) -> float:
    """Largest slope of the relu-like activation."""
    scaled = network.activations[0].name in ("relu", "leaky_relu")
    return float(np.sqrt(2 / (1 + negative_slope(network) ** 2))) if scaled else 1.0


def negative_slope(network: Network) -> float:
    """Slope of the relu-like activation's negative side."""
    return float(dict(network.activations[0].parameters).get("slope", 0.0))
