"""Two-layer relu networks that gradient descent leaves at a bad local minimum (Holzmüller & Steinwart 2020)."""

import numpy as np
import xarray as xr

from implicitbias.rng import derive_seed
from implicitbias.schema import variable, with_stderr

_SOURCE = "Holzmüller & Steinwart 2020, section 4"
_X = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
_Y = np.array([-1.0, 2.0, -1.0, 1.0, -2.0, 1.0])
_BLOCK = 100  # networks at once: they stay in the cache


def inconsistency(
    *, width: int = 64, offset: float = 0.0, draws: int = 400, steps: int = 3000, seed: int = 0
) -> xr.Dataset:
    """How often a kink of f = sum_i w_i relu(a_i x + b_i) + c leaves (-1, 1), and the risk at the end.

    Six points on two branches of zigzag, through each of which a straight line is the best fit; a kink must cross a
    point to do better. Every network has width^2 training points of its own, drawn from the six with equal
    probabilities: what it minimises is half the square loss weighted by their shares. Without offset the best lines on
    all six points are horizontal and pass through 0, and those on the drawn points differ from them by noise of the
    order 1/width. a ~ N(0, 2), w ~ N(0, 2/width), b = c = 0; gradient descent with the step 1/lambda_max, the largest
    eigenvalue of the loss's curvature J^T diag(shares) J at the start. In as many steps of a third of this size, fewer
    kinks leave: .28 .16 .09 .05 of networks instead of .35 .24 .13 .08 at widths 16, 32, 64, 128.

    Args:
        width: neurons of a hidden layer.
        offset: added to all labels. With 0 the kinks have nowhere to go.
        draws: random networks. Each has training points of its own.
        steps: steps of the optimizer. The optimizer is gradient descent.
        seed: of points and networks.

    Returns:
        Scalars `event_frequency` with its binomial standard error, and `median_loss`, the median over the networks of
        the mean square error on the six points: the risk, not the training loss.
    """
    blocks = [min(_BLOCK, draws - start) for start in range(0, draws, _BLOCK)]
    rng = np.random.default_rng(derive_seed("inconsistency", width, seed))
    ends = [_descend(rng, count, width, _Y + offset, steps) for count in blocks]
    left, error = (np.concatenate(parts) for parts in zip(*ends, strict=True))
    share = left.mean()
    frequency = variable((), share, "fraction of networks with a kink outside (-1, 1)", source=_SOURCE)
    return xr.Dataset(
        {
            **with_stderr("event_frequency", frequency, np.sqrt(share * (1 - share) / draws)),
            "median_loss": variable(
                (), np.median((error**2).mean(1)), "median mean square error", source=_SOURCE
            ),
        }
    )  # fmt: skip


def _descend(
    rng: np.random.Generator, draws: int, width: int, y: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Whether a kink ever left, `(draws,)`, and the errors at the end, `(draws, points)`."""
    a = rng.normal(scale=np.sqrt(2), size=(draws, width))
    w = rng.normal(scale=np.sqrt(2 / width), size=(draws, width))
    shares = rng.multinomial(width**2, np.full(len(_X), 1 / len(_X)), size=draws) / width**2
    b, c = np.zeros((draws, width)), np.zeros((draws, 1))
    rate, left = 1 / _curvature(a, w, shares)[:, None], np.zeros(draws, bool)
    h, active = np.empty((2, draws, len(_X), width))
    for step in range(steps + 1):
        np.multiply(a[:, None], _X[:, None], out=h)
        h += b[:, None]
        np.maximum(h, 0, out=h)
        error = (h @ w[..., None])[..., 0] + c - y
        if step == steps:
            break
        slope = shares * error
        by_b, by_a = np.moveaxis(np.stack([slope, slope * _X], axis=1) @ np.greater(h, 0, out=active), 1, 0)
        by_w = (slope[:, None] @ h)[:, 0]
        a, b, w, c = (
            a - rate * w * by_a, b - rate * w * by_b, w - rate * by_w, c - rate * slope.sum(1, keepdims=True),
        )  # fmt: skip
        left |= (np.abs(b) >= np.abs(a)).any(1)
    return left, error


def _curvature(a: np.ndarray, w: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Largest eigenvalue, `(draws,)`, of J^T diag(shares) J at b = 0: that of the tangent kernel of the points."""
    z = a[:, None] * _X[:, None]
    h, slopes = np.maximum(z, 0), (z > 0) * w[:, None]
    kernel = h @ h.mT + (1 + np.outer(_X, _X)) * (slopes @ slopes.mT) + 1
    root = np.sqrt(shares)
    largest: np.ndarray = np.linalg.eigvalsh(root[:, :, None] * kernel * root[:, None])[:, -1]
    return largest
