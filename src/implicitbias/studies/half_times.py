"""When a rising curve is half way."""

import numpy as np


def half_times(values: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The step at which rising values are first half way from the first to their maximum.

    Between checkpoints the values run along straight lines.

    Args:
        values: `(..., step)`.
        steps: `(step,)`, of the checkpoints.

    Returns:
        `(...)`, NaN for what never rises.
    """
    half = (values[..., :1] + values.max(-1, keepdims=True)) / 2
    reached = (values >= half) & (half > values[..., :1])
    after = np.maximum(reached.argmax(-1), 1)[..., None]
    (before, late), (start, end) = (
        (np.take_along_axis(each, after - 1, -1), np.take_along_axis(each, after, -1))
        for each in (values, np.broadcast_to(steps.astype(float), values.shape))
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        times = start + (end - start) * (half - before) / (late - before)
    found: np.ndarray = np.where(reached.any(-1), times[..., 0], np.nan)
    return found
