"""How near the weights' direction is to a KKT point of: smallest norm such that all margins are at least 1."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from implicitbias.measurement.arrays import Array
from implicitbias.measurement.margins import log_slopes
from implicitbias.measurement.norms import DUALS, NORMS, inner, l2
from implicitbias.measurement.tangents import Tangent, along_weights, combination, gram

_TOLERANCE = 0.1  # support points have margins within a tenth of the smallest


class Dual(NamedTuple):
    """The loss's descent direction, scale-free.

    Attributes:
        ascent: sum_i w_i y_i grad f_i, w_i the loss's slopes over their sum: -grad of the loss up to its size.
        weights: w, `(..., n)`.
        q: margins y_i f(x_i), `(..., n)`.
    """

    ascent: list[Array]
    weights: Array
    q: Array


def dual(
    tangents: Sequence[Tangent], train_outputs: Array, train_labels: Array, label_scales: Array, loss: str
) -> Dual:
    """The gradient of the loss from the tangents, in the log domain.

    Args:
        tangents: of the trained layers.
        train_outputs: `(..., n)`.
        train_labels: `(..., n)` of +-1.
        label_scales: `(...)`; the loss sees y f/label_scale.
        loss: name in `catalogue.LOSSES` of the exponential or logistic kind.
    """
    q = train_outputs * train_labels
    slopes = log_slopes(q / label_scales[..., None], loss)
    weights = np.exp(slopes - slopes.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return Dual(combination(tangents, weights * train_labels), weights, q)


def alignment(norm: str, tangents: Sequence[Tangent], given: Dual) -> Array:
    """<theta/|theta|, -g/|g|_*>, g the gradient of the loss: 1 at a KKT point, `(...)` (Tsilivis et al. 2025)."""
    theta = [tangent.weight for tangent in tangents]
    return inner(theta, given.ascent) / (NORMS[norm](theta) * DUALS[norm](given.ascent))


def bregman(norm: str, tangents: Sequence[Tangent], given: Dual, degree: int) -> Array:
    """|v|_*^2/2 + |t|^2/2 - <t, v>, with t = theta/q_min^(1/M) and v the loss's ascent of dual norm |t|.

    The Bregman divergence between v and a subgradient of |t|^2/2; |t|^2 (1 - alignment). NaN where a point is
    misclassified.

    Source: Tsilivis, Vardi & Kempe 2025, section 3.
    """
    theta, scale = [tangent.weight for tangent in tangents], _scale(given, degree)
    size = NORMS[norm](theta) * scale
    v = [layer * (size / DUALS[norm](given.ascent))[..., None, None] for layer in given.ascent]
    return DUALS[norm](v) ** 2 / 2 + size**2 / 2 - inner(theta, v) * scale


def kkt_stationarity(
    tangents: Sequence[Tangent], train_outputs: Array, train_labels: Array, label_scales: Array, loss: str
) -> Array:
    """|v - t|/|t| in the 2-norm, t and v as in `bregman`: `(...)`, 0 at a KKT point (Lyu & Li 2020, section 4)."""
    given = dual(tangents, train_outputs, train_labels, label_scales, loss)
    theta = [tangent.weight for tangent in tangents]
    factor = (l2(theta) / l2(given.ascent))[..., None, None]
    return l2([layer * factor - weight for layer, weight in zip(given.ascent, theta, strict=True)]) / l2(theta)


def kkt_slackness(
    tangents: Sequence[Tangent], train_outputs: Array, train_labels: Array, label_scales: Array, loss: str, degree: int
) -> Array:
    """sum_i lambda_i (q_i/q_min - 1), lambda_i = |theta|/|ascent| q_min^(1 - 2/M) w_i (Lyu & Li 2020, section 4).

    NaN where a point is misclassified.
    """
    given = dual(tangents, train_outputs, train_labels, label_scales, loss)
    theta, smallest = [tangent.weight for tangent in tangents], given.q.min(-1, keepdims=True)
    smallest = np.where(smallest > 0, smallest, np.nan)
    multipliers = (l2(theta) / l2(given.ascent))[..., None] * smallest ** (1 - 2 / degree) * given.weights
    slackness: Array = (multipliers * (given.q / smallest - 1)).sum(-1)
    return slackness


def nnls_residual(tangents: Sequence[Tangent], train_outputs: Array, train_labels: Array) -> Array:
    """Distance of theta, over |theta|, to the cone of y_i grad f_i of the points with margins <= 1.1 q_min.

    It asks for multipliers of any size, not for those of a loss. Non-negative least squares on the Gram matrix:
    residuals below 1e-7 are rounding. NaN where a point is misclassified.
    """
    q = train_outputs * train_labels
    theta_squared = l2([tangent.weight for tangent in tangents]) ** 2
    kernel = gram(tangents) * train_labels[..., None] * train_labels[..., None, :]
    along = np.broadcast_to(train_labels, q.shape) * along_weights(tangents)
    residual = np.full(q.shape[:-1], np.nan)
    for at in np.ndindex(residual.shape):
        smallest = q[at].min()
        if not smallest > 0:
            continue
        chosen = np.flatnonzero(q[at] <= (1 + _TOLERANCE) * smallest)
        cross = along[at][chosen] / np.sqrt(theta_squared[at])
        whole = np.block([[kernel[at][np.ix_(chosen, chosen)], cross[:, None]], [cross[None], np.ones((1, 1))]])
        values, vectors = np.linalg.eigh(whole)
        columns = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
        residual[at] = nnls(columns[:, :-1], columns[:, -1])[1]
    return residual


def _scale(given: Dual, degree: int) -> Array:
    smallest = given.q.min(-1)
    scale: Array = np.where(smallest > 0, smallest, np.nan) ** (-1 / degree)
    return scale


def alignment_l2(
    tangents: Sequence[Tangent], train_outputs: Array, train_labels: Array, label_scales: Array, loss: str
) -> Array:
    """`alignment` by the 2-norm."""
    return alignment("l2", tangents, dual(tangents, train_outputs, train_labels, label_scales, loss))


def alignment_linf(
    tangents: Sequence[Tangent], train_outputs: Array, train_labels: Array, label_scales: Array, loss: str
) -> Array:
    """`alignment` by the largest entry."""
    return alignment("linf", tangents, dual(tangents, train_outputs, train_labels, label_scales, loss))


def alignment_l1(
    tangents: Sequence[Tangent], train_outputs: Array, train_labels: Array, label_scales: Array, loss: str
) -> Array:
    """`alignment` by the sum of entries."""
    return alignment("l1", tangents, dual(tangents, train_outputs, train_labels, label_scales, loss))


def alignment_spectral(
    tangents: Sequence[Tangent], train_outputs: Array, train_labels: Array, label_scales: Array, loss: str
) -> Array:
    """`alignment` by the largest singular value."""
    return alignment("spectral", tangents, dual(tangents, train_outputs, train_labels, label_scales, loss))


def bregman_l2(
    tangents: Sequence[Tangent], train_outputs: Array, train_labels: Array, label_scales: Array, loss: str, degree: int
) -> Array:
    """`bregman` by the 2-norm."""
    return bregman("l2", tangents, dual(tangents, train_outputs, train_labels, label_scales, loss), degree)


def bregman_linf(
    tangents: Sequence[Tangent], train_outputs: Array, train_labels: Array, label_scales: Array, loss: str, degree: int
) -> Array:
    """`bregman` by the largest entry."""
    return bregman("linf", tangents, dual(tangents, train_outputs, train_labels, label_scales, loss), degree)


def bregman_l1(
    tangents: Sequence[Tangent], train_outputs: Array, train_labels: Array, label_scales: Array, loss: str, degree: int
) -> Array:
    """`bregman` by the sum of entries."""
    return bregman("l1", tangents, dual(tangents, train_outputs, train_labels, label_scales, loss), degree)


def bregman_spectral(
    tangents: Sequence[Tangent], train_outputs: Array, train_labels: Array, label_scales: Array, loss: str, degree: int
) -> Array:
    """`bregman` by the largest singular value."""
    return bregman("spectral", tangents, dual(tangents, train_outputs, train_labels, label_scales, loss), degree)
