"""The smallest margin of the training points, itself or over a norm of the weights that makes it scale-free.

The margin of a point is y f(x), or of several classes f_y(x) - max_{c != y} f_c(x) (see `arrays.margins`).
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.special import log1p, logsumexp

from implicitbias.measurement.arrays import Array
from implicitbias.measurement.norms import NORMS, l2
from implicitbias.shapes.arrays import Layers, PerLayer, PerNetwork, PerPoint, Points


def smallest_margin(train_margins: PerPoint) -> PerNetwork:
    """The smallest margin: `(..., n) -> (...)`, negative where a point is misclassified.

    Source: Bernstein & Yue 2021, section 4 (the margin of networks whose weights have fixed norms).
    """
    smallest: Array = train_margins.min(-1)
    return smallest


def normalized_margin(
    train_margins: PerPoint,
    train_inputs: Points,
    frobenius_norms: PerLayer,
    layer_shapes: Float[Array, "layer 2"],
) -> PerNetwork:
    """min_i q_i / ( |x_i| prod_l |W_l|_F/sqrt(min(d_l, d_{l-1})) ).

    Args:
        train_margins: q, `(..., n)`.
        train_inputs: `(..., n, d)`.
        frobenius_norms: `(..., L)`.
        layer_shapes: `(L, 2)`, rows and columns of every weight matrix.

    Returns:
        `(...)`, negative where a training point is misclassified.

    Source: Farhang et al. 2022, section 2.

    """
    product = (frobenius_norms / np.sqrt(layer_shapes.min(-1))).prod(-1)
    smallest: Array = (train_margins / np.linalg.norm(train_inputs, axis=-1)).min(-1) / product
    return smallest


def margin(norm: str, train_margins: PerPoint, trained_weights: Layers, degree: int) -> PerNetwork:
    """The smallest margin over |theta|^M in a norm of the trained weights (Tsilivis, Vardi & Kempe 2025, section 3).

    Args:
        norm: key of `norms.NORMS`. (The paper names margins by the dual norm.)
        train_margins: `(..., n)`.
        trained_weights: the trained layers, `(..., out, in)` each.
        degree: M, the degree of homogeneity in them.

    Returns:
        `(...)`.
    """
    smallest: Array = train_margins.min(-1) / NORMS[norm](trained_weights) ** degree
    return smallest


def soft_margin(
    norm: str, loss_margins: PerPoint, label_scales: PerNetwork, trained_weights: Layers, degree: int, loss: str
) -> PerNetwork:
    """a l^-1(L) / |theta|^M, L the summed loss of the margins over the label scale a: at most q_min/|theta|^M.

    It is at least that less a log n/|theta|^M, of the soft margins of C classes a log(n (C - 1))/|theta|^M.

    For the exponential loss l^-1(L) = -log L, for the logistic one -log(e^L - 1). Arguments as in `margin`, and:

    Args:
        norm: key of `norms.NORMS`.
        loss_margins: the margins that the loss sums a function of, `(..., n)`.
        label_scales: a, `(...)`.
        trained_weights: the trained layers.
        degree: M.
        loss: key of `INVERSE_LOSSES`.

    Source: Lyu & Li 2020, section 4 and appendix A.
    """
    q = loss_margins / label_scales[..., None]
    soft: Array = label_scales * INVERSE_LOSSES[loss](q) / NORMS[norm](trained_weights) ** degree
    return soft


def _inverse_exponential(q: PerPoint) -> PerNetwork:
    smallest: Array = -logsumexp(-q, axis=-1)
    return smallest


def _inverse_logistic(q: PerPoint) -> PerNetwork:
    log_total = logsumexp(log_logistic(q), axis=-1)
    return np.where(log_total < -30, -log_total, -_log_expm1(np.exp(np.maximum(log_total, -30))))


INVERSE_LOSSES: dict[str, Callable[[Array], Array]] = {
    "exponential": _inverse_exponential,
    "logistic": _inverse_logistic,
}
"""l^-1(sum_i l(q_i)), a smooth minimum of the margins `(..., n) -> (...)`, by the function l of the margin."""


def log_logistic(q: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """log log(1 + e^-q), at ease with large q."""
    small = log1p(np.exp(-np.clip(q, -700, 30)))
    return np.where(q > 30, -q, np.log(small))  # at 30 both differ by e^-30


def _log_expm1(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """log(e^x - 1) for x > 0."""
    return np.where(x > 30, x, np.log(np.expm1(np.minimum(x, 30.0))))


def margin_layers(train_margins: PerPoint, frobenius_norms: PerLayer) -> PerNetwork:
    """The smallest margin over the product of the layers' Frobenius norms (Lyu & Li 2020, section 6)."""
    smallest: Array = train_margins.min(-1) / frobenius_norms.prod(-1)
    return smallest


def margin_f1(train_margins: PerPoint, weights: Layers) -> PerNetwork:
    """The smallest margin over the mean of |(a_j, b_j)|^2 of a mean-field network f = (1/m) sum_j b_j phi(a_j x).

    Args:
        train_margins: `(..., n)`.
        weights: the two layers, `(..., m, d)` and `(..., 1, m)`.

    Source: Chizat & Bach 2020, section 5 (the margin of the variation norm F1).
    """
    smallest: Array = train_margins.min(-1) * weights[0].shape[-2] / l2(weights) ** 2
    return smallest


def margin_f2(train_margins: PerPoint, weights: Layers) -> PerNetwork:
    """The smallest margin over |b|/sqrt(m), as in `margin_f1` (Chizat & Bach 2020, section 5: the kernel's)."""
    with np.errstate(invalid="ignore"):  # an output layer that starts at 0 has no direction yet
        smallest: Array = train_margins.min(-1) * weights[0].shape[-2] ** 0.5 / l2(weights[1:])
    return smallest


def margin_ratio(train_margins: PerPoint) -> PerNetwork:
    """Smallest over largest margin: `(..., n) -> (...)`; 1 where all margins are equal."""
    ratio: Array = train_margins.min(-1) / train_margins.max(-1)
    return ratio


def support_count(train_margins: PerPoint, label_scales: PerNetwork) -> PerNetwork:
    """Number of points whose exponential loss is within a factor 10 of the largest: `(..., n) -> (...)`."""
    q = train_margins / label_scales[..., None]
    count: Array = (q < q.min(-1, keepdims=True) + np.log(10)).sum(-1).astype(np.float64)
    return np.where(np.isnan(q).any(-1), np.nan, count)
