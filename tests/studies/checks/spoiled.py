"""What holds for every check: it passes on data that obey, fails on spoiled ones, and does not die on empty ones."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import xarray as xr

from implicitbias.studies.checks import run_check


def study(coords: dict[str, Sequence[Any]], **variables: tuple[tuple[str, ...], Any]) -> xr.Dataset:
    """A dataset of these variables, (dims, values) each."""
    return xr.Dataset({name: (dims, np.asarray(v, float)) for name, (dims, v) in variables.items()}, coords)


def changed(**changes: Callable[[xr.DataArray], xr.DataArray]) -> Callable[[xr.Dataset], xr.Dataset]:
    """Datasets with some variables replaced by a function of themselves."""
    return lambda dataset: dataset.assign({name: change(dataset[name]) for name, change in changes.items()})


def reverse(dim: str) -> Callable[[xr.DataArray], xr.DataArray]:
    """Values in reverse order along a dimension whose coordinate stays."""
    return lambda data: data.copy(data=data.isel({dim: slice(None, None, -1)}).values)


def with_a_diverged_network(dataset: xr.Dataset) -> xr.Dataset:
    """As many seeds again, whose numbers are NaN."""
    lost = dataset.map(lambda data: data * np.nan)
    if "seed" in dataset.dims:
        lost = lost.assign_coords(seed=lost["seed"] + 100)
    twice = xr.concat([dataset, lost], "seed", join="exact", coords="minimal", data_vars="all")
    count = twice.sizes["seed"] // 2
    return twice.assign(stop_reason=("seed", ["finished"] * count + ["diverged"] * count))


def assert_check_decides(
    name: str,
    dataset: xr.Dataset,
    spoil: Callable[[xr.Dataset], xr.Dataset],
    of_nothing: Collection[str] = ("failed", "not run"),
) -> None:
    """Outcomes of the check on the dataset, on a spoiled one, on one without variables, and where networks diverged."""
    passed = run_check(name, dataset)
    assert passed.outcome == "passed", passed.numbers
    assert passed.numbers
    assert run_check(name, spoil(dataset)).outcome == "failed"
    assert run_check(name, xr.Dataset()).outcome == "not run"
    assert run_check(name, dataset.map(lambda data: data * np.nan)).outcome in of_nothing
    lost = run_check(name, with_a_diverged_network(dataset))
    assert lost.outcome in of_nothing, lost.numbers
    assert lost.outcome == "not run" or "networks diverged" in lost.numbers
