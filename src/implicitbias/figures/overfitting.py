"""Where networks that fit flipped labels err: a map over the number of points and the ratio of dimension to it."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from implicitbias.figures.layout import fixed_with_note
from implicitbias.figures.tables import focused
from implicitbias.studies.largest_margin import boundary
from implicitbias.studies.ratios import by_ratio, flip_of, signal_at
from implicitbias.studies.verdicts import arms, last, mean

_LEVEL = 0.01  # the test error at the boundaries
_LEAST, _MOST = 1e-3, 0.5  # of the colours
_BRIGHT = 0.03  # errors above which the numbers are white
_STOPS = {
    "fitted": "stopped at no training error", "no_loss": "stopped at no training loss", "last": "all epochs",
    "": "test error",
}  # fmt: skip


def overfitting_map(dataset: xr.Dataset) -> Figure:
    """A panel a stopping rule: mean test errors, and where the classifier of largest margin errs on one in a hundred.

    Dashed is where the boundary would be if it were at d in proportion to n^2 log n, and where it is at the largest n.

    Raises:
        MissingData: if dimensions are not the same multiples of every training size.
    """
    data, note = focused(by_ratio(last(dataset)[["test_error", "train_error"]]), ("train_size", "ratio", "stop"))
    panels = list(arms(data, "stop"))
    figure, axes = plt.subplots(
        1, len(panels), figsize=(4.6 * len(panels) + 0.8, 3.6), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (name, part) in zip(axes[0], panels, strict=True):
        mesh = _cells(axis, part)
        _boundaries(axis, data)
        axis.set_title(_STOPS.get(name, name), fontsize="medium")
        axis.set_xlabel("dimension over training points, d/n")
    axes[0, 0].set_ylabel("training points, n")
    figure.colorbar(mesh, ax=axes, label="test error", extend="min")
    handles, words = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside upper center", ncols=2, frameon=False)
    fitted = "all networks fit all labels" if bool((data["train_error"] == 0).all()) else "some networks do not fit"
    return fixed_with_note(
        figure, f"mean over {data.sizes['seed']} draws in per cent; {fitted}{f' ({note})' if note else ''}"
    )


def _cells(axis: Axes, part: xr.Dataset) -> QuadMesh:
    """Colours of equal cells, with their numbers."""
    errors = mean(part["test_error"], "train_size", "ratio").transpose("train_size", "ratio")
    colours = plt.get_cmap("viridis_r").with_extremes(under="white", bad="0.8")
    mesh = axis.pcolormesh(errors.clip(min=_LEAST / 2), cmap=colours, norm=LogNorm(_LEAST, _MOST), edgecolor="white")
    for (row, column), error in np.ndenumerate(errors.values):
        colour = "white" if error > _BRIGHT else "black"
        axis.text(column + 0.5, row + 0.2, f"{100 * error:.2g}", ha="center", va="center", color=colour)
    axis.set_xticks(np.arange(errors.sizes["ratio"]) + 0.5, [f"{ratio:g}" for ratio in errors["ratio"].values])
    axis.set_yticks(np.arange(errors.sizes["train_size"]) + 0.5, [str(n) for n in errors["train_size"].values])
    return mesh


def _boundaries(axis: Axes, data: xr.Dataset) -> None:
    """Through the middles of rows, at places between the middles of columns; not to be seen beyond the last column."""
    sizes, ratios = data["train_size"].values, data["ratio"].values
    predicted = np.array([boundary(int(n), signal_at(data, int(n)), flip_of(data), _LEVEL) for n in sizes])
    needed = sizes * np.log(sizes)
    rows = np.arange(len(sizes)) + 0.5
    for place, style, words in (
        (predicted, "-", "predicted boundary: 1 % error of the linear classifier of largest margin"),
        (predicted[-1] * needed / needed[-1], (0, (2, 1)), "the same if it were at $d \\propto n^2 \\log n$"),
    ):
        columns = np.interp(place, ratios, np.arange(len(ratios)) + 0.5, left=np.nan, right=np.nan)
        axis.plot(columns, rows, linestyle=style, color="crimson", linewidth=2, marker="o", markersize=4, label=words)
