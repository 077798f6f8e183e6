"""Any variables of a study against any of its axes: the figure for metrics that need no drawing of their own."""

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.figure import Figure

from implicitbias.figures.layout import legends_above, note_below
from implicitbias.figures.tables import SPREAD, focused, label, long_table, text_of
from implicitbias.studies.verdicts import MissingData

_COLUMNS = 3
_TICKS = 6  # values on a logarithmic axis that are labelled each
_LETTERS = 18  # of all these labels, that have room beside each other
_TITLE = 34  # characters a line
_NOTHING = "one point"  # the horizontal axis of a study that does not vary


def lines(
    dataset: xr.Dataset, *, quantities: Sequence[str], x: str | None = None, hue: str | None = None,
    style: str | None = None, log: Sequence[str] = (),
) -> Figure:  # fmt: skip
    """A panel a quantity: means against x, a colour a value of `hue`, a dash a value of `style` (or of `hue`).

    Bands are the range over seeds, members and draws; other dimensions are at their last value. Where x are words there
    are points instead of lines. A quantity without the dimension x is the same for all of its values.

    Args:
        dataset: of the study.
        quantities: names of variables.
        x: dimension along which lines run; None for the step, or else the first dimension that varies, and where
            nothing does the lines are points.
        hue: dimension told apart by colour.
        style: dimension told apart by dashes and markers.
        log: axes with a logarithmic scale, "x" or "y" or both.

    Raises:
        MissingData: if there is no value, as of networks that have all diverged.
    """
    chosen = dataset[list(quantities)]
    hue, style = (dim if dim in chosen.dims else None for dim in (hue, style))
    kinds = [dim for dim in dict.fromkeys((hue, style)) if dim]
    x = x if x in chosen.dims else None
    x = x or _varying(chosen, kinds)
    chosen = chosen if x in chosen.dims else chosen.expand_dims({x: [""]})
    data, note = focused(chosen, (x, *kinds))
    # a quantity that does not have a dimension is the same for all of its values
    whole = {name: xr.broadcast(data[name], *(data[dim] for dim in (x, *kinds)))[0] for name in quantities}
    table = pd.concat([long_table({name: values}, "value") for name, values in whole.items()], ignore_index=True)
    log = [axis for axis in log if axis != "x" or (data[x].dtype.kind not in "OUSb" and bool((data[x] > 0).any()))]
    if "x" in log:
        table = table[table[x] > 0]
    if table.empty:
        raise MissingData("no values")
    for kind in kinds:
        table[kind] = table[kind].map(text_of)
    order = {kind: [value for value in map(text_of, data[kind].values) if value in set(table[kind])] for kind in kinds}
    words = {kind: label(data, kind) for kind in kinds}  # legends show what a dimension is, not its key
    table = table.rename(columns=words)
    layout: dict[str, Any] = {
        "x": x, "y": "value", "hue": words.get(hue or ""), "col": "quantity", "col_order": list(quantities),
        "col_wrap": 2 if len(quantities) == 4 else min(_COLUMNS, len(quantities)), "errorbar": ("pi", 100),
        "hue_order": order.get(hue or ""),
        "palette": sns.color_palette("colorblind", len(order[hue])) if hue else None, "height": 3.1, "aspect": 1.15,
    }  # fmt: skip
    words_on_x = data[x].dtype.kind in "OUSb"
    if words_on_x:  # no line between things that have no order
        table[x] = table[x].map(str)
        if style and style != hue:  # points have colours alone
            layout |= _one_colour_each(table, [words[kind] for kind in kinds])
        grid = sns.catplot(
            table, kind="point", linestyle="none", dodge=0.4 if layout["hue"] else False, sharey=False,
            legend_out=not layout["hue"],
            **layout,
        )  # fmt: skip
        for axis in grid.axes.flat:
            plt.setp(axis.get_xticklabels(), rotation=30, ha="right")
    else:
        grid = sns.relplot(
            table, kind="line", style=words.get(style or hue or ""), style_order=order.get(style or hue or ""),
            markers=style is not None, facet_kws={"sharey": False, "legend_out": False}, **layout,
        )  # fmt: skip
    grid.set_axis_labels("" if x == _NOTHING else "\n".join(textwrap.wrap(label(data, x), _TITLE)), "")
    grid.figure.subplots_adjust(hspace=0.35)
    for name, axis in grid.axes_dict.items():
        axis.set_title("\n".join(textwrap.wrap(label(dataset, str(name)), _TITLE)), fontsize="medium")
        if "x" in log:
            axis.set_xscale("log")
            values = np.unique(table[x])
            if len(values) <= _TICKS:
                texts = [f"{value:g}" for value in values]
                slant = {"rotation": 30, "ha": "right"} if sum(map(len, texts)) > _LETTERS else {}
                axis.set_xticks(values, texts, **slant)
            axis.minorticks_off()
        if "y" in log and (table.loc[table["quantity"] == name, "value"] > 0).any():
            axis.set_yscale("log")
    if kinds:
        titles = [str(layout["hue"])] if words_on_x else [words[kind] for kind in kinds]
        legends_above(grid, titles)
    note_below(grid.figure, f"mean over seeds and networks; bands: smallest to largest{f' ({note})' if note else ''}")
    figure: Figure = grid.figure
    return figure


def _one_colour_each(table: pd.DataFrame, kinds: Sequence[str]) -> dict[str, Any]:
    """Colours for every combination of what the kinds tell apart, in a column that the table gains."""
    together = ", ".join(kinds)
    table[together] = table[list(kinds)].agg(", ".join, axis=1)
    order = list(dict.fromkeys(table[together]))
    return {"hue": together, "hue_order": order, "palette": sns.color_palette("colorblind", len(order))}


def _varying(data: xr.Dataset, kinds: Sequence[str]) -> str:
    """The dimension that lines run along if none is named."""
    free = [str(dim) for dim in data.dims if dim not in kinds and data.sizes[dim] > 1]
    along = ["step"] if "step" in free else [dim for dim in free if dim not in SPREAD] or free
    return along[0] if along else _NOTHING
