"""Optima to compare with, from convex programming and never from training."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from scipy.optimize import linprog, nnls

from implicitbias.errors import NumericalError
from implicitbias.measurement.arrays import Array
from implicitbias.measurement.homogeneity import negative_slope
from implicitbias.measurement.norms import l2
from implicitbias.measurement.tangents import Tangent, gram
from implicitbias.networks import Network
from implicitbias.shapes.arrays import Layers, PerNetwork, PerPoint, Points

_ROUNDING = 1e-9  # margins below this share of the points' size are 0
_GAP = 1e-5  # relative, between the smallest nuclear norm and its lower bound
_WEIGHTS, _NEWTON = 10.0 ** np.arange(8), 200  # of the barrier, growing, and most steps for each
_NEAR, _CENTRED = 0.25, 1e-4  # Newton decrements below which a step need not be damped, and is the last


def hard_margin(points: Float[Array, "n d"]) -> Float[Array, " d"]:
    """The shortest w with <w, p_i> >= 1 for all rows p_i, a hard-margin support vector machine without intercept.

    As a least-distance problem by non-negative least squares (Lawson & Hanson 1974, chapter 23), which is exact.

    Args:
        points: `(n, d)`, inputs times labels.

    Returns:
        `(d,)`, NaN where no w does it, and of points that are not finite.
    """
    n, d = points.shape
    size = np.abs(points).max()
    if not (np.isfinite(size) and size > 0):
        return np.full(d, np.nan)
    system = np.vstack([points.T / size, np.ones((1, n))])
    target = np.append(np.zeros(d), 1.0)
    multipliers, distance = nnls(system, target, maxiter=50 * n)
    residual = system @ multipliers - target
    if distance < _ROUNDING:
        return np.full(d, np.nan)
    w: Array = residual[:-1] / distance**2 / size  # at the optimum residual[-1] is -distance^2
    return w


def largest_margin_linf(points: Float[Array, "n d"]) -> float:
    """max over |w|_inf <= 1 of min_i <w, p_i>, rows p_i `(n, d)`: a linear program. NaN where no w makes it positive.

    Raises:
        NumericalError: if the solver fails.
    """
    n, d = points.shape
    if not np.isfinite(points).all():
        return np.nan
    found = linprog(
        np.append(np.zeros(d), -1.0), A_ub=np.hstack([-points, np.ones((n, 1))]), b_ub=np.zeros(n),
        bounds=[(-1, 1)] * d + [(None, None)], method="highs",
    )  # fmt: skip
    if found.status != 0 or found.fun is None:
        raise NumericalError(f"the largest ℓ∞-normalised margin was not found: {found.message}")
    best = -float(found.fun)
    return best if best > _ROUNDING * np.abs(points).max() else np.nan


def smallest_nuclear_norm(features: Float[Array, "n d e"]) -> Float[Array, "d e"]:
    """The W of smallest nuclear norm with <F_k, W> >= 1 for all matrices F_k.

    By Newton's method on the dual problem, max sum_k m_k over m >= 0 with |Y|_2 <= 1, Y = sum_k m_k F_k, with the
    logarithmic barrier of m and of the matrix [I, Y; Y^T, I] (Boyd & Vandenberghe 2004, section 11.3). At its optimum
    for the weight t, W = -2/t times the upper right block of that matrix's inverse has margins 1 + 1/(t m_k).

    Args:
        features: `(n, d, e)`.

    Returns:
        `(d, e)`, of smallest margin 1; NaN where no W does it.

    Raises:
        NumericalError: if its norm is not the dual problem's value, to five digits.
    """
    n, d, e = features.shape
    if not np.isfinite(hard_margin(features.reshape(n, -1))).all():
        return np.full((d, e), np.nan)
    blocks = np.zeros((n, d + e, d + e))
    blocks[:, :d, d:] = features
    blocks[:, d:, :d] = features.mT
    multipliers = np.full(n, 0.5 / np.linalg.norm(features, 2, axis=(1, 2)).sum())
    for weight in _WEIGHTS / multipliers.sum():
        multipliers = _centred(multipliers, blocks, weight)
    inverse = np.linalg.inv(np.eye(d + e) + np.tensordot(multipliers, blocks, 1))
    block = -inverse[:d, d:]
    w: Array = block / (features * block).sum((1, 2)).min()
    if not np.linalg.norm(w, "nuc") <= (1 + _GAP) * multipliers.sum():
        raise NumericalError("the smallest nuclear norm was not found: its lower bound is not as large")
    return w


def _centred(multipliers: Float[Array, " n"], blocks: Float[Array, "n side side"], weight: float) -> Float[Array, " n"]:
    """The maximum over m of weight sum_k m_k + sum_k ln m_k + ln det(I + sum_k m_k B_k).

    Newton steps, damped by 1/(1 + decrement), which keeps them inside, as the function is self-concordant (Boyd &
    Vandenberghe 2004, section 9.6).
    """
    unit = np.eye(blocks.shape[1])
    for _ in range(_NEWTON):
        scaled = np.linalg.inv(unit + np.tensordot(multipliers, blocks, 1)) @ blocks
        slope = weight + 1 / multipliers + np.trace(scaled, axis1=1, axis2=2)
        curvature = np.diag(multipliers**-2) + scaled.reshape(len(blocks), -1) @ scaled.mT.reshape(len(blocks), -1).T
        move = np.linalg.solve(curvature, slope)
        decrement = np.sqrt(max(float(slope @ move), 0))
        multipliers = multipliers + move / (1 + decrement if decrement > _NEAR else 1)
        if decrement < _CENTRED:
            break
    return multipliers


def two_layer_optimum(
    points: Float[Array, "n d"], labels: Float[Array, " n"], signs: Float[Array, " out"], slope: float
) -> Float[Array, "out d"]:
    """The smallest weights W with margins 1 among those whose rows agree for all output weights of one sign.

    Rows with a positive output weight are v, the others u, and the leaky relu's pattern is that of the labels: the
    convex program of Frei et al. (2023, theorem 3.2), whose optimum is the global one for nearly orthogonal points.

    Args:
        points: `(n, d)`.
        labels: `(n,)` of +-1.
        signs: `(m,)` output weights +-1/sqrt(m).
        slope: of the leaky relu's negative side.

    Returns:
        `(m, d)`.
    """
    m, positive = len(signs), signs > 0
    m1, m2 = positive.sum(), (~positive).sum()
    first = np.where(labels > 0, 1.0, -slope) * np.sqrt(m1 / m)
    second = np.where(labels > 0, -slope, 1.0) * np.sqrt(m2 / m)
    w = hard_margin(np.hstack([first[:, None] * points, second[:, None] * points]))
    v, u = w[: points.shape[1]] / np.sqrt(m1), w[points.shape[1] :] / np.sqrt(m2)
    rows: Array = np.where(positive[:, None], v, u)
    return rows


def svm_cosine(weights: Layers, train_inputs: Points, train_labels: PerPoint) -> PerNetwork:
    """Cosine between the product of all layers and the l2 max-margin direction of the inputs: `(...)`.

    The product is the network's own linear predictor if it is linear, and for two layers sum_j a_j w_j, which decides
    the sign of a trained leaky network (Frei et al. 2023, theorem 3.2).
    """
    z, best = _product(weights), _per_task(train_inputs * train_labels[..., None], hard_margin)
    cosine: Array = (z * best).sum(-1) / (np.linalg.norm(z, axis=-1) * np.linalg.norm(best, axis=-1))
    return cosine


def svm_norm_ratio(
    weights: Layers, train_inputs: Points, train_labels: PerPoint, train_margins: PerPoint
) -> PerNetwork:
    """|z|/|z*|: product of all layers over the smallest margin, against the max-margin vector of margin 1: `(...)`.

    For networks of degree 1 in what is trained (Frei et al. 2023, theorem 3.2: at most 2/(kappa + slope)).
    """
    best = _per_task(train_inputs * train_labels[..., None], hard_margin)
    ratio: Array = np.linalg.norm(_product(weights), axis=-1) / train_margins.min(-1) / np.linalg.norm(best, axis=-1)
    return ratio


def optimum_cosine(weights: Layers, train_inputs: Points, train_labels: PerPoint, network: Network) -> PerNetwork:
    """Cosine between the first layer and `two_layer_optimum`, for fixed output signs and a (leaky) relu: `(...)`."""
    slope, lead = negative_slope(network), weights[0].shape[:-2]
    inputs = np.broadcast_to(train_inputs, (*lead, *train_inputs.shape[-2:]))
    labels = np.broadcast_to(train_labels, (*lead, train_labels.shape[-1]))
    cosine = np.empty(lead)
    for at in np.ndindex(lead):
        best = two_layer_optimum(inputs[at], labels[at], weights[1][at][0], slope)
        cosine[at] = (weights[0][at] * best).sum() / (np.linalg.norm(weights[0][at]) * np.linalg.norm(best))
    return cosine


def margin_l2_share(tangents: Sequence[Tangent], train_margins: PerPoint, trained_weights: Layers) -> PerNetwork:
    """l2 margin over the largest that there is, for a network linear in what is trained: `(...)`.

    The optimum is a hard-margin machine on the gradients: the support vector machine of the inputs for one layer, that
    of the random-feature kernel for random features.
    """
    with np.errstate(invalid="ignore"):  # an output layer that starts at 0 has no direction yet
        reached = train_margins.min(-1) / l2(trained_weights)
    share: Array = reached / tangent_margin(tangents)
    return share


def margin_linf_share(weights: Layers, train_inputs: Points, train_labels: PerPoint) -> PerNetwork:
    """ℓ∞-normalised margin over the largest that there is, of a network of one layer: `(...)`.

    NaN where no linear function fits.
    """
    w, points = weights[0][..., 0, :], train_inputs * train_labels[..., None]
    reached = (points @ w[..., None])[..., 0].min(-1) / np.abs(w).max(-1)
    share: Array = reached / _per_task(points, lambda rows: np.array([largest_margin_linf(rows)]))[..., 0]
    return share


def tangent_margin(tangents: Sequence[Tangent]) -> PerNetwork:
    """max over |v| = 1 of min_i y_i <grad f_i, v>: the margin of the tangent kernel, `(...)` (Telgarsky 2022)."""
    kernel = gram(tangents)
    best = np.full(kernel.shape[:-2], np.nan)
    for at in np.ndindex(best.shape):
        if np.isfinite(kernel[at]).all():
            values, vectors = np.linalg.eigh(kernel[at])
            best[at] = 1 / np.linalg.norm(hard_margin(vectors * np.sqrt(np.maximum(values, 0))))
    return best


def _product(weights: Layers) -> Float[Array, "*#lead d"]:
    z = weights[-1]
    for weight in reversed(weights[:-1]):
        z = z @ weight
    row: Array = z[..., 0, :]
    return row


def _per_task(points: Float[Array, "*lead n d"], solve: Callable[[Array], Array]) -> Float[Array, "*lead _k"]:
    """solve(points) for every set of points: once a task, whatever networks there are."""
    lead = points.shape[:-2]
    solved = [solve(points[at]) for at in np.ndindex(lead)]
    return np.stack(solved).reshape(*lead, -1)
