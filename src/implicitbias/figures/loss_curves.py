"""The loss of every trained network of every study, while it trains."""

import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from implicitbias.studies.verdicts import MissingData

_COLUMNS = 5


def loss_curves(dataset: xr.Dataset) -> Figure:
    """A panel a study, a faint line a network; where one has diverged a cross.

    Losses are on a logarithmic axis, but for those that are logarithms themselves and fall below 0.

    Args:
        dataset: from `studies.all_runs.gather`.

    Raises:
        MissingData: if no network was trained for more than one epoch.
    """
    studies = list(dict.fromkeys(dataset["curve_study"].values.tolist()))
    if not studies:
        raise MissingData("no network that is trained for more than one epoch")
    columns = min(_COLUMNS, len(studies))
    rows = -(-len(studies) // columns)
    figure = Figure(figsize=(2.25 * columns + 0.3, 1.75 * rows + 0.3))
    apart = {"wspace": 0.35, "hspace": 0.6}  # a layout worked out for dozens of logarithmic axes takes seconds
    axes = figure.subplots(rows, columns, squeeze=False, gridspec_kw=apart).ravel()
    for axis, study in zip(axes, studies, strict=False):
        _panel(axis, dataset.isel(curve=dataset["curve_study"].values == study))
        axis.set_title(study.replace("_", " "), fontsize=8)
    for axis in axes[len(studies) :]:
        axis.set_axis_off()
    for number, axis in enumerate(axes[: len(studies)]):
        if number % columns == 0:
            axis.set_ylabel("training loss", fontsize=8)
        if number + columns >= len(studies):
            axis.set_xlabel("epoch", fontsize=8)
    sns.despine(figure)
    return figure


def _panel(axis: Axes, curves: xr.Dataset) -> None:
    """Lines as one picture within the PDF: there may be thousands of them."""
    colours = sns.color_palette("colorblind")
    epochs, losses = curves["curve_epoch"].values, curves["curve_loss"].values
    lines = [np.column_stack([x, y])[np.isfinite(y)] for x, y in zip(epochs, losses, strict=True)]
    faint = float(np.clip(6 / len(lines), 0.06, 0.6))
    axis.add_collection(LineCollection(lines, colors=[colours[0]], alpha=faint, linewidths=0.8, rasterized=True))
    diverged = curves["curve_end"].values == "diverged"
    if diverged.any():
        ends = np.array([line[-1] for line, lost in zip(lines, diverged, strict=True) if lost])
        axis.plot(*ends.T, "x", color=colours[3], markersize=4, rasterized=True)
    axis.set_xscale("log")
    low, high = np.nanmin(losses), np.nanmax(losses)
    axis.set_yscale("log" if low > 0 else "linear")
    axis.autoscale_view()
    if 0 < low <= high <= 10 * low:  # there may be no power of ten
        axis.yaxis.set_major_locator(MaxNLocator(4))
        axis.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
    axis.tick_params(which="both", labelsize=7)
    axis.yaxis.get_offset_text().set_fontsize(7)
    axis.minorticks_off()
