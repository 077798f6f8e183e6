"""The test error of the linear classifier of largest margin on a signal in noise, some of whose labels are flipped.

Points are x = sqrt(s) y v + sqrt(1 - s) xi, xi ~ N(0, (I - v v^T)/d), of which n are seen, with labels flipped at the
rate eta. A classifier w gives a seen point the margin q (eps u + g), eps = -1 where its label is flipped and +1
elsewhere, g ~ N(0, 1): q is sqrt((1 - s)/d) times the norm of w without its part along v, and q u = sqrt(s) <w, v>.
Where n and d are large, there is one with margins of q c and more as soon as E (c - eps u - g)_+^2 <= d/n. Its norm is
q sqrt(u^2/s + d/(1 - s)); the one with the largest margin for its norm errs on Phi(-u) of new points.

Source: Gordon 1988 (comparison of Gaussian processes); Montanari, Ruan, Sohn & Yan 2019; Deng, Kammoun & Thrampoulidis
2019 (largest margins on mixtures of two normal distributions).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import binom

Array = NDArray[np.float64]

_U = np.linspace(0, 12, 1200)  # at the end of which no point in 10^32 is wrong
_NEWTON = 50  # steps at most; the function is convex and increasing, and they go down to its root
_RATIOS = (1.0, 1e3)  # between which the boundary is looked for


def error_of_largest_margin(ratio: float, points: int, signal: float, flip: float) -> float:
    """The test error, as a mean over how many of the points are flipped (fewer than half of them).

    Args:
        ratio: d/n, at least 1.
        points: n.
        signal: s.
        flip: probability that a label is flipped.
    """
    flipped = np.arange((points + 1) // 2)
    weights = binom.pmf(flipped, points, flip)
    likely = weights > 1e-6
    errors = errors_in_the_limit(ratio, signal * points, flipped[likely] / points, signal)
    return float(np.average(errors, weights=weights[likely]))


def errors_in_the_limit(ratio: float, strength: float, rates: Array, signal: float = 0.0) -> Array:
    """The test errors at d/n = ratio and s n = strength for some rates of flipped labels `(K,)`."""
    if strength == 0 or signal == 1:
        return np.full(len(rates), 0.5 if strength == 0 else 0.0)
    margins = _largest_c(_U, ratio, rates[:, None]) / np.sqrt(_U**2 / strength + ratio / (1 - signal))
    return np.asarray(ndtr(-_U[margins.argmax(1)]))


def error_of_average(ratio: float, points: int, signal: float, flip: float) -> float:
    """The test error of the average of the points times their labels, in the same limit."""
    return float(ndtr(-signal * (1 - 2 * flip) * points * np.sqrt(ratio) / max(1 - signal, 1e-12)))


def boundary(points: int, signal: float, flip: float, level: float) -> float:
    """The ratio d/n at which the test error is at this level; NaN if that is not between 1 and 1000."""

    def above(ratio: float) -> float:
        return error_of_largest_margin(ratio, points, signal, flip) - level

    return float(brentq(above, *_RATIOS, xtol=1e-3)) if above(_RATIOS[0]) > 0 > above(_RATIOS[1]) else np.nan


def _largest_c(u: Array, ratio: float, rates: Array) -> Array:
    """The c that solves E (c - eps u - g)_+^2 = ratio, by Newton's method from above; `(K, u)`."""
    c: Array = u + np.sqrt(ratio) + 3 + np.zeros_like(rates)
    for _ in range(_NEWTON):
        value, slope = 0.0, 0.0
        for part, mean in ((1 - rates, c - u), (rates, c + u)):
            below, density = ndtr(mean), np.exp(-(mean**2) / 2) / np.sqrt(2 * np.pi)
            value = value + part * ((mean**2 + 1) * below + mean * density)
            slope = slope + 2 * part * (mean * below + density)
        step = (value - ratio) / slope
        c = c - step
        if np.abs(step).max() < 1e-10:
            break
    return c
