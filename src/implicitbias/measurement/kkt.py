"""How near the weights' direction is to a KKT point of: smallest norm such that all margins are at least 1."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls

from implicitbias.measurement.arrays import Array
from implicitbias.measurement.loss_direction import LossDirection
from implicitbias.measurement.norms import DUAL_NORMS, NORMS, inner, l2
from implicitbias.measurement.tangents import Tangent, along_weights, gram
from implicitbias.shapes.arrays import PerNetwork, PerPoint

_TOLERANCE = 0.1  # support points have margins within a tenth of the smallest


def alignment(norm: str, tangents: Sequence[Tangent], loss_direction: LossDirection) -> PerNetwork:
    """<theta/|theta|, -g/|g|_*>, g the gradient of the loss: 1 at a KKT point, `(...)` (Tsilivis et al. 2025)."""
    theta, ascent = [tangent.weight for tangent in tangents], loss_direction.ascent
    return inner(theta, ascent) / (NORMS[norm](theta) * DUAL_NORMS[norm](ascent))


def bregman(norm: str, tangents: Sequence[Tangent], loss_direction: LossDirection, degree: int) -> PerNetwork:
    """|v|_*^2/2 + |t|^2/2 - <t, v>, with t = theta/q_min^(1/M) and v the loss's ascent of dual norm |t|.

    The Bregman divergence between v and a subgradient of |t|^2/2; |t|^2 (1 - alignment). NaN where a point is
    misclassified, and of networks that no weight scales (M = 0).

    Source: Tsilivis, Vardi & Kempe 2025, section 3.
    """
    theta, ascent = [tangent.weight for tangent in tangents], loss_direction.ascent
    scale = _smallest(loss_direction, degree) ** (-1 / (degree or 1))
    size = NORMS[norm](theta) * scale
    v = [layer * (size / DUAL_NORMS[norm](ascent))[..., None, None] for layer in ascent]
    return DUAL_NORMS[norm](v) ** 2 / 2 + size**2 / 2 - inner(theta, v) * scale


def kkt_stationarity(tangents: Sequence[Tangent], loss_direction: LossDirection) -> PerNetwork:
    """|v - t|/|t| in the 2-norm, t and v as in `bregman`: `(...)`, 0 at a KKT point (Lyu & Li 2020, section 4)."""
    theta, ascent = [tangent.weight for tangent in tangents], loss_direction.ascent
    factor = (l2(theta) / l2(ascent))[..., None, None]
    return l2([layer * factor - weight for layer, weight in zip(ascent, theta, strict=True)]) / l2(theta)


def kkt_slackness(tangents: Sequence[Tangent], loss_direction: LossDirection, degree: int) -> PerNetwork:
    """sum_i lambda_i (q_i/q_min - 1), lambda_i = |theta|/|ascent| q_min^(1 - 2/M) w_i (Lyu & Li 2020, section 4).

    NaN where a point is misclassified, and of networks that no weight scales (M = 0).
    """
    theta, (ascent, weights, q) = [tangent.weight for tangent in tangents], loss_direction
    smallest = _smallest(loss_direction, degree)
    size = l2(theta) / l2(ascent) * smallest ** (1 - 2 / (degree or 1))
    slackness: Array = ((size[..., None] * weights) * (q / smallest[..., None] - 1)).sum(-1)
    return slackness


def nnls_residual(tangents: Sequence[Tangent], train_margins: PerPoint) -> PerNetwork:
    """Distance of theta, over |theta|, to the cone of the gradients of those margins that are at most 1.1 q_min.

    It asks for multipliers of any size, not for those of a loss. Non-negative least squares on the Gram matrix:
    residuals below 1e-7 are rounding. NaN where a point is misclassified.
    """
    q = train_margins
    theta_squared = l2([tangent.weight for tangent in tangents]) ** 2
    kernel, along = gram(tangents), along_weights(tangents)
    residual = np.full(q.shape[:-1], np.nan)
    for at in np.ndindex(residual.shape):
        smallest = q[at].min()
        if not smallest > 0:
            continue
        chosen = np.flatnonzero(q[at] <= (1 + _TOLERANCE) * smallest)
        cross = along[at][chosen] / np.sqrt(theta_squared[at])
        whole = np.block([[kernel[at][np.ix_(chosen, chosen)], cross[:, None]], [cross[None], np.ones((1, 1))]])
        if not np.isfinite(whole).all():
            continue
        values, vectors = np.linalg.eigh(whole)
        columns = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
        residual[at] = nnls(columns[:, :-1], columns[:, -1])[1]
    return residual


def _smallest(loss_direction: LossDirection, degree: int) -> PerNetwork:
    """q_min, or NaN where the formulas have no value: it is not positive, or its root of degree M = 0 is asked for."""
    smallest = loss_direction.q.min(-1)
    return np.where((smallest > 0) & (degree > 0), smallest, np.nan)
