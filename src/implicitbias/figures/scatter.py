"""One variable of a study against others, network by network."""

import textwrap
from collections.abc import Sequence

import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.figure import Figure

from implicitbias.figures.layout import legends_above, note_below
from implicitbias.figures.tables import focused, label, text_of
from implicitbias.studies.verdicts import MissingData

_TITLE = 40  # characters a line


def scatter(
    dataset: xr.Dataset, *, quantities: Sequence[str], hue: str | None = None, style: str | None = None,
    log: Sequence[str] = (),
) -> Figure:  # fmt: skip
    """A panel for each quantity but the last, which is on the vertical axis of all; a dot a network.

    Dots are of all seeds and members and of all values of `hue` and `style`; other dimensions are at their last value.

    Args:
        dataset: of the study.
        quantities: names of variables over the same networks.
        hue: dimension told apart by colour.
        style: dimension told apart by markers.
        log: axes with a logarithmic scale, "x" or "y" or both, if anything is positive; the rest is left out there.

    Raises:
        MissingData: if no network has values of the last quantity and of another.
    """
    chosen = dataset[list(quantities)]
    hue, style = (dim if dim in chosen.dims else None for dim in (hue, style))
    kinds = [dim for dim in dict.fromkeys((hue, style)) if dim]
    data, note = focused(chosen, kinds)
    *others, target = quantities
    whole = (data if data.dims else data.expand_dims("network")).to_dataframe().reset_index()
    order = {kind: list(map(text_of, data[kind].values)) for kind in kinds}
    for kind in kinds:
        whole[kind] = whole[kind].map(text_of)
    names = {kind: label(data, kind) for kind in kinds}
    tables = [whole.rename(columns={other: "value"}).assign(quantity=other) for other in others]
    kept = [target, "value", "quantity", *kinds]
    table = pd.concat([each[kept] for each in tables], ignore_index=True).dropna().rename(columns=names)
    if table.empty:
        raise MissingData("no values")
    columns = {"x": "value", "y": target}
    logarithmic = [axis for axis in log if (table[columns[axis]] > 0).any()]
    for axis in logarithmic:
        table[columns[axis]] = table[columns[axis]].where(table[columns[axis]] > 0)
    grid = sns.relplot(
        table, x="value", y=target, hue=names.get(hue or ""), style=names.get(style or hue or ""), col="quantity",
        col_wrap=min(3, len(others)), col_order=others, hue_order=order.get(hue or ""),
        style_order=order.get(style or hue or ""), kind="scatter", height=3.3, aspect=1.05,
        palette=sns.color_palette("colorblind", len(order[hue])) if hue else None,
        facet_kws={"sharex": False, "legend_out": False},
    )  # fmt: skip
    for name, axis in grid.axes_dict.items():
        axis.set_title("\n".join(textwrap.wrap(label(dataset, str(name)), _TITLE)), fontsize="medium")
    grid.set(**{f"{axis}scale": "log" for axis in logarithmic})
    for axis in grid.axes.flat:
        axis.minorticks_off()
    grid.set_axis_labels("", label(dataset, target))
    if kinds:
        legends_above(grid, [names[kind] for kind in kinds])
    note_below(grid.figure, f"each dot is a network{f' ({note})' if note else ''}")
    figure: Figure = grid.figure
    return figure
