"""From a dataset to the long table that a plot wants."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

SPREAD = ("seed", "member", "draw", "direction")
"""Dimensions over which a band shows the spread, rather than a line each value."""

_UNTOLD = ("test_point", "train_point", "epoch", "estimator")
"""Dimensions of variables that no figure fixes at one value: points, loss curves and estimates are drawn whole."""


def focused(dataset: xr.Dataset, shown: Sequence[str]) -> tuple[xr.Dataset, str]:
    """The dataset without grid dimensions that the figure does not show: their last value is taken.

    Returns:
        The smaller dataset, and a note that names what was fixed ("width = 256"), for the title.

    """
    others = [str(dim) for dim in dataset.dims if dim not in (*shown, *SPREAD)]
    last = dataset.isel(dict.fromkeys(others, -1))
    told = ("source", *(dim for dim in others if dim not in _UNTOLD))
    fixed = [name for name in told if name in last.coords and last[name].ndim == 0]
    return last, ", ".join(f"{name.replace('_', ' ')} {last[name].item()}" for name in fixed)


def long_table(quantities: Mapping[str, xr.DataArray], value: str = "error") -> pd.DataFrame:
    """One row a point: the coordinates, the quantity's name, and its value.

    Args:
        quantities: name in the legend -> data.
        value: name of the column of values.

    """
    frames = []
    for name, data in quantities.items():
        named = data.rename(value).drop_vars([c for c in data.coords if c not in data.dims])
        scalars = {str(c): data[c].item() for c in data.coords if data[c].ndim == 0}
        frame = named.to_dataframe().reset_index() if data.ndim else pd.DataFrame([{value: named.item()}])
        frames.append(frame.assign(quantity=name, **{k: v for k, v in scalars.items() if k not in frame}))
    return pd.concat(frames, ignore_index=True).dropna(subset=[value])


def label(dataset: xr.Dataset, name: str) -> str:
    """An axis label from the attributes: long name without what it explains, and the unit where there is one."""
    attrs = dataset[name].attrs
    units = attrs.get("units", "1")
    text = re.split(r"(?:; \d+)?: ", str(attrs.get("long_name", name)))[0]
    return text if units == "1" else f"{text} ({units})"


def text_of(value: object) -> str:
    """A coordinate in a legend."""
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)
