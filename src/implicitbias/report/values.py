"""A study's numbers for a reader who wants to query its figures: tables on the page, and all of them as CSV."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from implicitbias.figures.tables import SPREAD, label, text_of

_ROWS = 40  # of a table on the page
_LARGEST = 4000  # values of a variable; more are left to the file
_LEFT = ("test_point", "train_point")
"""Dimensions whose variables stand in the file alone."""


@dataclass(frozen=True)
class Values:
    """Some quantities over the same axes.

    Attributes:
        axes: headings of the axes.
        quantities: headings of the quantities.
        rows: of the axes' values, and of each quantity's mean ± standard error.
        count: over how many seeds, networks or draws means are, in words.
        more: rows that are left out.

    """

    axes: list[str]
    quantities: list[str]
    rows: list[list[str]]
    count: str
    more: int


def values(dataset: xr.Dataset) -> tuple[list[Values], str]:
    """A study's tables for the page, and all its numbers as base64 of a CSV file.

    Returns:
        A table for each set of axes that quantities of the study have, at the last step of those that have several; and
        a row a quantity and point of the file, at every step, with mean, standard error and number.

    """
    found = {name: means(dataset, name) for name in quantities(dataset)}
    if not found:
        return [], ""
    groups: dict[tuple[str, ...], dict[str, pd.DataFrame]] = {}
    for name, table in found.items():
        final = table[table["step"] == dataset["step"].values[-1]] if "step" in table else table
        groups.setdefault(_axes(dataset[name]), {})[name] = final
    return [_table(dataset, axes, parts) for axes, parts in groups.items()], _csv(found)


def quantities(dataset: xr.Dataset) -> list[str]:
    """The variables that are numbers over the study's axes, without those that no table can hold."""
    return [
        str(name)
        for name, data in dataset.data_vars.items()
        if data.dtype.kind in "fiu"
        and not str(name).endswith("_stderr")
        and not {*_LEFT} & {*data.dims}
        and name != "loss_curve"  # its epochs are no axis of the study
        and np.prod([data.sizes[axis] for axis in _axes(data)], dtype=int) <= _LARGEST
        and bool(data.notnull().any())
    ]


def means(dataset: xr.Dataset, name: str) -> pd.DataFrame:
    """A quantity's mean over seeds, members and draws, its standard error and their number, a row a point of its axes.

    The standard error is over seeds where there are several, for networks of one seed share its points; else over
    members or draws; else it is the quantity's own, if it has one. Points without a value are left out.
    """
    data = dataset[name].variable
    over = [dim for dim in SPREAD if data.sizes.get(dim, 1) > 1][:1]
    data = data.mean([dim for dim in SPREAD if dim in data.dims and dim not in over])
    count = data.notnull().sum(over)
    if over:
        stderr = data.std(over, ddof=1) / count**0.5  # NaN of one value
    elif f"{name}_stderr" in dataset:
        own = dataset[f"{name}_stderr"].variable
        stderr = own.mean([dim for dim in SPREAD if dim in own.dims])
    else:
        stderr = data * np.nan
    axes = _axes(dataset[name])
    points = {axis: values.ravel() for axis, values in zip(axes, _grid(dataset, axes), strict=True)}
    columns = {"mean": data.mean(over), "standard_error": stderr, "n": count.astype(int)}
    table = pd.DataFrame(points | {key: np.ravel(column.values) for key, column in columns.items()})
    return table.dropna(subset=["mean"])


def _grid(dataset: xr.Dataset, axes: Sequence[str]) -> Sequence[NDArray[Any]]:
    return np.meshgrid(*(dataset[axis].values for axis in axes), indexing="ij")


def _axes(data: xr.DataArray) -> tuple[str, ...]:
    return tuple(str(dim) for dim in data.dims if dim not in SPREAD)


def _table(dataset: xr.Dataset, axes: tuple[str, ...], parts: Mapping[str, pd.DataFrame]) -> Values:
    cells: dict[tuple[str, ...], dict[str, str]] = {}
    for name, part in parts.items():
        for row in part.to_dict("records"):
            point = tuple(text_of(row[axis]) for axis in axes)
            cells.setdefault(point, {})[name] = _cell(row["mean"], row["standard_error"])
    rows = [[*point, *(found.get(name, "") for name in parts)] for point, found in cells.items()]
    counts = sorted({int(count) for part in parts.values() for count in part["n"]})
    return Values(
        axes=[label(dataset, axis) for axis in axes],
        quantities=[label(dataset, name) for name in parts],
        rows=rows[:_ROWS],
        count=" to ".join(dict.fromkeys((str(counts[0]), str(counts[-1])))),
        more=max(0, len(rows) - _ROWS),
    )


def _csv(found: Mapping[str, pd.DataFrame]) -> str:
    table = pd.concat([part.assign(quantity=name) for name, part in found.items()], ignore_index=True)
    axes = [column for column in table if column not in ("quantity", "mean", "standard_error", "n")]
    text = table[["quantity", *axes, "mean", "standard_error", "n"]].to_csv(index=False, float_format="%.6g")
    return base64.b64encode(text.encode()).decode()


def _cell(value: float, stderr: float) -> str:
    return f"{value:.4g}" if np.isnan(stderr) else f"{value:.4g} ± {stderr:.2g}"
