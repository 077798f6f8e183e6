"""Powers with which quantities of a training run grow or fall late, a number a network, for intervals over draws."""

import numpy as np
import xarray as xr

from implicitbias.studies.verdicts import MissingData

_FEWEST = 3  # points of a straight line


def late_power(size: xr.DataArray, values: xr.DataArray) -> xr.DataArray:
    """The slope of log(values) against log(size) over the last decade of sizes.

    Args:
        size: `(..., step)`, rising, positive; what counts as time.
        values: `(..., step)`, at the same checkpoints or some of them.

    Returns:
        `(...)`; NaN where the network has diverged, where the last size is NaN, and where late values are not positive.

    Raises:
        MissingData: if a network has fewer than three checkpoints there.
    """

    def slope(along: np.ndarray, path: np.ndarray) -> float:
        if not np.isfinite(along[-1]):
            return np.nan
        late = along >= along[-1] / 10
        if late.sum() < _FEWEST:
            raise MissingData(f"no {_FEWEST} checkpoints late enough")
        if not (path[late] > 0).all():
            return np.nan
        return float(np.polyfit(np.log(along[late]), np.log(path[late]), 1)[0])

    powers: xr.DataArray = xr.apply_ufunc(
        slope, size, values, input_core_dims=[["step"], ["step"]], vectorize=True, join="inner"
    )
    return powers


def pace(values: xr.DataArray, along: xr.DataArray) -> xr.DataArray:
    """By how much the values change a unit of `along`, between every checkpoint and the one before."""
    quotient: xr.DataArray = values.diff("step") / along.diff("step")
    return quotient


def log(values: xr.DataArray) -> xr.DataArray:
    """The natural logarithm; NaN of what is not positive."""
    found: xr.DataArray = xr.apply_ufunc(np.log, values.where(values > 0))
    return found


def between(values: xr.DataArray) -> xr.DataArray:
    """Means of every checkpoint and the one before."""
    middle: xr.DataArray = ((values + values.shift(step=1)) / 2).isel(step=slice(1, None))
    return middle
