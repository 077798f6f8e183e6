"""What a check says, and what checks are written with."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import spearmanr


@dataclass(frozen=True)
class Verdict:
    """What a check found: `outcome` is "passed", "failed" or "not run"; `numbers` are the figures it rests on."""

    outcome: str
    numbers: str


def verdict(passed: Any, numbers: str) -> Verdict:
    """Passed or failed."""
    return Verdict("passed" if bool(passed) else "failed", numbers)


def mean(data: xr.DataArray, *keep: str) -> xr.DataArray:
    """Mean over everything but the dimensions to keep."""
    return data.mean([dim for dim in data.dims if dim not in keep])


def rank_correlation(x: Any, y: Any) -> float:
    """Spearman's, of two arrays; 0 if one of them is constant."""
    x, y = np.ravel(x), np.ravel(y)
    return 0.0 if (x == x[0]).all() or (y == y[0]).all() else float(spearmanr(x, y).statistic)


def rank_interval(x: Any, y: Any) -> tuple[float, float, float]:
    """Lower end of its 95 % interval, Spearman's rank correlation, and the upper end; NaN ends for under five pairs.

    Fisher's transformation with the variance 1.06/(n - 3) (Fieller, Hartley & Pearson 1957); the pairs are independent.
    """
    correlation = rank_correlation(x, y)
    count = np.size(x)
    if count < 5:
        return np.nan, correlation, np.nan
    centre, half = fisher(correlation), 1.96 * np.sqrt(1.06 / (count - 3))
    return float(np.tanh(centre - half)), correlation, float(np.tanh(centre + half))


def fisher(correlation: float) -> float:
    """Fisher's transformation of a correlation; one of +-1, which few pairs reach by chance, counts as +-.999."""
    return float(np.arctanh(np.clip(correlation, -0.999, 0.999)))


def axis(dataset: xr.Dataset, name: str) -> np.ndarray:
    """Values of a dimension that the check cannot do without.

    Raises:
        KeyError: if the dataset does not have it; `run_check` makes "not run" of that.
    """
    if name not in dataset.dims:
        raise KeyError(f"axis {name}")
    values: np.ndarray = dataset[name].values
    return values


def shown(values: Any) -> str:
    """Numbers in three digits."""
    return ", ".join(f"{value:.3g}" for value in np.ravel(values))
