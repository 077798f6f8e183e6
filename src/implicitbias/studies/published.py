"""Reference values, to be shown beside ours: published figures, and this project's earlier results, each marked so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from implicitbias.catalogue import PUBLISHED, resolve


@dataclass(frozen=True)
class Row:
    """A reference value.

    Attributes:
        quantity: what it is, in words.
        variable: the study's variable that answers to it.
        point: coordinates of the point in the study; without a `step`, the last one.
        value: the value.
        source: where it was read, or how it was computed.
        spread: its standard deviation or error, or half the range that is given, if there is one.
        width: of the networks; chosen where a study has several, while a study of one other width is compared too.
        peak: whether it is the largest over the steps.
        own: whether this project computed it itself, earlier: such a value tells that nothing has changed since, and is
            no evidence for anything.

    """

    quantity: str
    variable: str
    point: Mapping[str, Any]
    value: float
    source: str
    spread: float | None = None
    width: int | None = None
    peak: bool = False
    own: bool = False


def compare(dataset: xr.Dataset, table: str) -> pd.DataFrame:
    """A table of the catalogue beside the study's own values.

    Returns:
        Columns quantity, at, reference, spread, ours, stderr (of ours: over seeds where there are several, else over
        networks, else its own), difference, source, own. Where the study has no such point, ours is NaN.

    """
    rows: Sequence[Row] = resolve(PUBLISHED[table])()
    lines = []
    for row in rows:
        mean, stderr = _ours(dataset, row)
        lines.append(
            {
                "quantity": row.quantity,
                "at": ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in row.point.items()),
                "reference": row.value,
                "spread": np.nan if row.spread is None else row.spread,
                "ours": mean,
                "stderr": stderr,
                "difference": mean - row.value,
                "source": row.source,
                "own": row.own,
            }
        )
    return pd.DataFrame(lines)


def _ours(dataset: xr.Dataset, row: Row) -> tuple[float, float]:
    data = _at(dataset, row.variable, row)
    if data is None:
        return np.nan, np.nan
    own = _at(dataset, f"{row.variable}_stderr", row)
    if data.size == 1 and own is not None:
        return data.item(), own.item()
    if data.sizes.get("seed", 1) > 1:  # the networks of one seed share its points
        data = data.mean([dim for dim in data.dims if dim != "seed"])
    values = data.values.ravel()
    values = values[~np.isnan(values)]
    if not len(values):
        return np.nan, np.nan
    stderr = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(stderr)


def _at(dataset: xr.Dataset, name: str, row: Row) -> xr.DataArray | None:
    """The variable at the row's point, or None where the study does not have it."""
    if name not in dataset:
        return None
    data = dataset[name]
    point = dict(row.point)
    if row.width is not None and "width" in data.dims:
        point["width"] = row.width
    for key, value in point.items():
        if key not in data.coords or value not in np.atleast_1d(data[key].values):
            return None
        if key in data.dims:
            data = data.sel({key: value})
    if "step" in data.dims:
        data = data.max("step") if row.peak else data.isel(step=-1)
    return data
