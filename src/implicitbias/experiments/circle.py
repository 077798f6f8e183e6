"""Two-layer relu networks on a circle, trained by gradient descent on a quadratic loss."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from implicitbias.progress import Progress

Array = NDArray[np.float64]


def descend_on_circle(
    angles: Array, targets: Array, readings: Array, loss: Array, rate: float, width: int, steps: int,
    rng: np.random.Generator,
) -> Array:  # fmt: skip
    """When half of each target has been learned, in units of rate times steps: `(k,)`, NaN if not within the steps.

    f(x) = v . phi(W x + b)/sqrt(m) + c with phi = sqrt(2) relu and all weights N(0, 1), x = (cos, sin) of the angle:
    the parametrisation whose tangent kernel has a limit at infinite width. Each of k networks, which start from the
    same weights, learns its own target from there on: its error e is the target less what its outputs have changed by,
    and it takes steps of the gradient of e^T M e/2. Between two steps errors are taken to fall exponentially.

    Args:
        angles: `(n,)`.
        targets: `(k, n)`.
        readings: `(k, n)`: readings . e is the part of the target that is left, 1 at the start.
        loss: M, `(n, n)`.
        rate: of gradient descent.
        width: m.
        steps: at most.
        rng: of the weights.
    """
    x = np.stack([np.cos(angles), np.sin(angles), np.ones_like(angles)], axis=1)
    w, v, c = (np.repeat(rng.standard_normal((1, *shape)), len(targets), 0) for shape in ((width, 3), (width,), (1,)))
    h = np.empty((len(targets), len(x), width))
    start, active = outputs_on_circle(x, w, v, c, h), np.empty_like(h)
    times, left = np.full(len(targets), np.nan), np.ones(len(targets))
    with Progress(steps + 1, "networks on the circle", "step") as progress:
        for step in range(steps + 1):
            f = outputs_on_circle(x, w, v, c, h)
            errors = targets - (f - start)
            before, left = left, (readings * errors).sum(1)
            new = np.isnan(times) & (left <= 0.5)
            with np.errstate(invalid="ignore", divide="ignore"):
                part = np.log(2 * before[new]) / np.log(before[new] / np.maximum(left[new], 1e-300))
            times[new] = rate * (step - 1 + part)
            if not np.isnan(times).any():
                break
            pull = errors @ loss  # minus the gradient by the outputs
            by_rows = np.greater(h, 0, out=active).swapaxes(1, 2) @ (pull[..., None] * x)
            w = w + rate * (2**0.5 / width**0.5) * v[..., None] * by_rows
            v, c = v + rate * (pull[:, None] @ h)[:, 0] / width**0.5, c + rate * pull.sum(1, keepdims=True)
            progress.update(figures=partial("part of the error left {:.3g}".format, left.max()))
    return times


def outputs_on_circle(x: Array, w: Array, v: Array, c: Array, h: Array) -> Array:
    """Outputs `(k, n)` of networks w `(k, m, 3)`, v `(k, m)`, c `(k, 1)`; hidden activations `(k, n, m)` go into h."""
    np.matmul(x, w.swapaxes(1, 2), out=h)
    np.maximum(h, 0, out=h)
    np.multiply(h, 2**0.5, out=h)
    outputs: Array = (h @ v[..., None])[..., 0] / v.shape[1] ** 0.5 + c
    return outputs
