"""Any variables of a study against any of its axes: the figure for metrics that need no drawing of their own."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.figure import Figure

from implicitbias.figures.tables import focused, label, long_table

_COLUMNS = 3
_TITLE = 34  # characters a line


def lines(
    dataset: xr.Dataset, *, quantities: Sequence[str], x: str = "step", hue: str | None = None,
    style: str | None = None, log: Sequence[str] = (),
) -> Figure:  # fmt: skip
    """A panel a quantity: means against x, a colour a value of `hue`, a dash a value of `style` (or of `hue`).

    Bands are the range over seeds, members and draws; other dimensions are at their last value.

    Args:
        dataset: of the study.
        quantities: names of variables.
        x: dimension along which lines run.
        hue: dimension told apart by colour.
        style: dimension told apart by dashes and markers.
        log: axes with a logarithmic scale, "x" or "y" or both.
    """
    kinds = [dim for dim in dict.fromkeys((hue, style)) if dim]
    data, note = focused(dataset[list(quantities)], (x, *kinds))
    table = pd.concat([long_table({name: data[name]}, "value") for name in quantities], ignore_index=True)
    if "x" in log:
        table = table[table[x] > 0]
    for kind in kinds:  # a scalar quantity of a panel without this dimension is drawn once, in grey's stead
        table[kind] = table[kind].map(_text) if kind in table else ""
    order = {kind: [value for value in map(_text, data[kind].values) if value in set(table[kind])] for kind in kinds}
    grid = sns.relplot(
        table, x=x, y="value", hue=hue, style=style or hue, col="quantity", col_wrap=min(_COLUMNS, len(quantities)),
        kind="line", markers=style is not None, errorbar=("pi", 100), height=3.1, aspect=1.15,
        hue_order=order.get(hue or ""), style_order=order.get(style or hue or ""), facet_kws={"sharey": False},
        palette=sns.color_palette("colorblind", len(order[hue])) if hue else None,
    )  # fmt: skip
    grid.set_axis_labels(label(data, x), "")
    grid.figure.subplots_adjust(hspace=0.35)
    for name, axis in grid.axes_dict.items():
        axis.set_title("\n".join(textwrap.wrap(label(dataset, str(name)), _TITLE)), fontsize="medium")
        if "x" in log:
            axis.set_xscale("log")
        if "y" in log and (table.loc[table["quantity"] == name, "value"] > 0).any():
            axis.set_yscale("log")
    if kinds:
        title = None if hue and style else str(data[kinds[0]].attrs.get("long_name", kinds[0]))
        sns.move_legend(grid, "lower center", bbox_to_anchor=(0.5, 1.0), ncol=5, title=title, frameon=False)
    grid.figure.suptitle(
        f"mean over seeds and members, bands: range{f' ({note})' if note else ''}", y=-0.02, fontsize="small"
    )
    figure: Figure = grid.figure
    return figure


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)
