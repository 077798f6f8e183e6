"""Gradient descent lowers the rank of the first layer (Frei et al. 2023, figure 1)."""

import seaborn as sns
import xarray as xr
from matplotlib.figure import Figure

from implicitbias.figures.layout import legends_above, note_below
from implicitbias.figures.tables import focused, label, long_table
from implicitbias.studies.verdicts import MissingData


def stable_rank(dataset: xr.Dataset) -> Figure:
    """Share of the first checkpoint's stable rank against the step: a line a dimension, a panel an initialisation."""
    data, note = focused(dataset[["stable_rank"]], ("step", "features", "init_scale"))
    first = int(data["step"][0])
    later = data["stable_rank"].isel(step=slice(1, None))
    table = long_table({"rank": later / data["stable_rank"].isel(step=0, drop=True)}, "share")
    if table.empty:
        raise MissingData("no values")
    grid = sns.relplot(
        table, x="step", y="share", hue="features", style="features", col="init_scale", kind="line", markers=True,
        errorbar=("pi", 100), palette=sns.color_palette("colorblind", table["features"].nunique()), height=3.4,
        facet_kws={"legend_out": False},
    )  # fmt: skip
    grid.set(xscale="log", yscale="log")
    grid.set_axis_labels(
        label(data, "step"),
        f"stable rank over that at step {first}" if first else "stable rank over initial stable rank",
    )
    grid.set_titles(template="initial weights times {col_name}", col_template="initial weights times {col_name}")
    legends_above(grid, ["dimension"])
    note_below(grid.figure, f"mean over seeds, bands: smallest to largest ({note})")
    figure: Figure = grid.figure
    return figure
