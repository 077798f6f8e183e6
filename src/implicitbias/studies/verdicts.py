"""What a check says, and what checks are written with."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from scipy.stats import spearmanr
from scipy.stats import t as student

from implicitbias.catalogue import EXPERIMENTS
from implicitbias.schema import parameters_of

Data = TypeVar("Data", xr.DataArray, xr.Dataset)
TOLERANCE = 1e-4  # relative, of monotone quantities: steps are finite


class MissingData(Exception):  # noqa: N818 - it is no error that a study has something else in view
    """What a study must have to be judged, and has not: "no axis depth"."""


@dataclass(frozen=True)
class Verdict:
    """What a check found: `outcome` is "passed", "failed" or "not run"; `numbers` are the figures it rests on."""

    outcome: str
    numbers: str


def verdict(passed: Any, numbers: str) -> Verdict:
    """Passed or failed."""
    return Verdict("passed" if bool(passed) else "failed", numbers)


def last(dataset: Data, dim: str = "step") -> Data:
    """At the last checkpoint (or value of another dimension), or all of it where a study keeps no other."""
    return dataset.isel({dim: -1}) if dim in dataset.dims else dataset


def since(data: Data, step: float) -> Data:
    """From the first checkpoint at this step or later on."""
    steps = axis(data, "step")
    return data.sel(step=steps[steps >= step])


def mean(data: xr.DataArray, *keep: str) -> xr.DataArray:
    """Mean over everything but the dimensions to keep: NaN, which no check passes, where a network has diverged."""
    return data.mean([dim for dim in data.dims if dim not in keep], skipna=False)


def stderr_of_mean(stderr: xr.DataArray, *keep: str) -> xr.DataArray:
    """Standard error of the mean of independent values over everything but the dimensions to keep: sqrt(sum s^2)/S."""
    over = [dim for dim in stderr.dims if dim not in keep]
    count = float(np.prod([stderr.sizes[dim] for dim in over]))
    return (stderr**2).sum(over, skipna=False) ** 0.5 / count


def arms(data: Data, *dims: str) -> Iterator[tuple[str, Data]]:
    """Name and part for all values of those of the dimensions that there are: ("relu 2", ...), ("relu 3", ...)."""
    there = [dim for dim in dims if dim in data.dims]
    for values in product(*(data[dim].values for dim in there)):
        yield " ".join(map(str, values)), data.sel(dict(zip(there, values, strict=True)))


def structured(dataset: xr.Dataset) -> xr.Dataset:
    """The part with true labels.

    Raises:
        MissingData: if there is none.
    """
    names = [name for name in np.atleast_1d(dataset["labels"].values) if "random" not in str(name)]
    if not names:
        raise MissingData("no true labels")
    return dataset.sel(labels=names) if "labels" in dataset.dims else dataset


def estimated_by(dataset: xr.Dataset, name: str) -> xr.Dataset:
    """The part by one estimator of the complexity, which may be the study's only one.

    Raises:
        MissingData: if the study does not have it.
    """
    if "estimator" in dataset.coords:
        names = np.atleast_1d(dataset["estimator"].values)
    else:
        names = np.array((parameters_of(dataset).get("nngp") or {}).get("estimators", []))
    if name not in names or ("estimator" not in dataset.dims and len(names) > 1):
        raise MissingData(f"no estimator {name}")
    return dataset.sel(estimator=name) if "estimator" in dataset.dims else dataset


def diverged(dataset: xr.Dataset) -> str:
    """How many networks have diverged, for a verdict's numbers; nothing if none has."""
    reasons = dataset["stop_reason"].values if "stop_reason" in dataset else np.array([])
    count = int((reasons == "diverged").sum())
    return f"{count} of {int((reasons != '').sum())} networks diverged" if count else ""


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


def mean_interval(draws: Any) -> tuple[float, float, float]:
    """Lower end of the 95 % interval of the mean of independent draws, the mean, and the upper end (Student's t).

    The ends are NaN for fewer than two draws.
    """
    values = np.ravel(draws)
    centre = float(values.mean())
    if len(values) < 2:
        return np.nan, centre, np.nan
    half = float(student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return centre - half, centre, centre + half


def fisher(correlation: float) -> float:
    """Fisher's transformation of a correlation; one of +-1, which few pairs reach by chance, counts as +-.999."""
    return float(np.arctanh(np.clip(correlation, -0.999, 0.999)))


def axis(dataset: xr.Dataset | xr.DataArray, name: str) -> np.ndarray:
    """Values of a dimension that the check cannot do without.

    Raises:
        MissingData: if the dataset does not have it; `run_check` makes "not run" of that.
    """
    if name not in dataset.dims:
        raise MissingData(f"no axis {name}")
    values: np.ndarray = dataset[name].values
    return values


def experiment_setting(dataset: xr.Dataset, name: str) -> float:
    """A number that an experiment was run with: a coordinate if its study sets it, else the catalogue's default.

    Raises:
        MissingData: if the study is none of an experiment that has it.
    """
    if name in dataset.coords:
        return float(dataset[name])
    entry = EXPERIMENTS.get(str((parameters_of(dataset).get("experiment") or {}).get("name")))
    if entry is None or name not in entry.parameters:
        raise MissingData(f"no {name}")
    return float(entry.parameters[name].default)


def several_draws(data: xr.Dataset | xr.DataArray) -> int:
    """How many draws of training points there are, without two of which no interval is known.

    Raises:
        MissingData: if there are no two.
    """
    count = len(axis(data, "seed"))
    if count < 2:
        raise MissingData("no two draws of training points")
    return count


def shown(values: Any) -> str:
    """Numbers in three digits."""
    return ", ".join(f"{value:.3g}" for value in np.ravel(values))


def trend(values: xr.DataArray, dim: str) -> tuple[float, float, float]:
    """Rank correlation, and its 95 % interval about it, of a dimension and values about their mean over it."""
    along = values.sortby(dim).transpose(dim, ...)
    centred = (along - along.mean(dim)).values.reshape(along.sizes[dim], -1)
    positions = np.broadcast_to(along[dim].values[:, None], centred.shape)
    keep = ~np.isnan(centred)
    return rank_interval(positions[keep], centred[keep])
