"""What larger steps change: errors at the smallest and at the best learning rate, at the same targets."""

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import Array, Interval, Statistic, intervals_of
from implicitbias.studies.verdicts import axis, last, mean, several_draws

_LEAST = 1e-4  # an error below this counts as this in a ratio


def ends(dataset: xr.Dataset) -> list[xr.DataArray]:
    """Errors by test point after training, at the smallest learning rate and at the best one.

    The best rate depends on the width. For every draw it is that with the lowest error in all other draws, so that no
    network is chosen by its own error.

    Raises:
        MissingData: if there are not two draws and two learning rates.
    """
    several_draws(dataset)
    rates = axis(dataset, "learning_rate")
    errors = mean(last(dataset)["test_error_by_point"], "learning_rate", "seed", "test_point")
    by_draw = mean(errors, "learning_rate", "seed")
    of_others = by_draw.sum("seed", skipna=False) - by_draw
    best = of_others.fillna(np.inf).argmin("learning_rate")  # a rate at which networks diverge is not the best
    return [errors.sel(learning_rate=rates.min()), errors.isel(learning_rate=best)]


def fall(dataset: xr.Dataset) -> Interval:
    """The error at the smallest learning rate over that at the best."""
    return ratios(dataset, ends(dataset), log_ratio)[0]


def log_ratio(errors: Array) -> Array:
    """ln of the first of two mean errors `(..., 2)` over the second."""
    logs: Array = np.log(np.maximum(errors, _LEAST))
    return logs[..., 0] - logs[..., 1]


def ratios(dataset: xr.Dataset, errors: list[xr.DataArray], *logarithms: Statistic) -> list[Interval]:
    """Intervals of ratios, by those of their logarithms."""
    axis(dataset, "seed")
    return [interval.exp() for interval in intervals_of(dataset, errors, logarithms)]
