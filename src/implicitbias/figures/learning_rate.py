"""What the size of the steps does at equal targets: test errors, margins and features against the learning rate."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from implicitbias.figures.layout import fixed_with_note
from implicitbias.figures.tables import focused, label, text_of
from implicitbias.studies.intervals import Interval, mean_intervals
from implicitbias.studies.verdicts import arms, last, mean, mean_interval

_KINDS = ("width", "constraint")
"""Axes with a line a value."""

_ROWS = {
    "mean_free_unit": "rows of mean 0 and norm 1", "mean_free": "rows of mean 0", "unit": "rows of norm 1",
}  # fmt: skip
_LIMITS = {
    "lazy_error_by_point": "infinite width, infinitely small steps (lazy limit)",
    "ray_error_by_point": "infinite width, posterior on the same targets",
}
_DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)))
_APART = 1.05  # factor on the learning rate between two lines, so that their bars stand side by side


def learning_rate(dataset: xr.Dataset) -> Figure:
    """Left test errors and the limits of infinite width; right smallest margins, and alignments before and after."""
    data, note = focused(dataset, (*_KINDS, "learning_rate", "step", "test_point"))
    data = data.sortby("learning_rate")
    end, rates = last(data), data["learning_rate"].values
    figure, panels = plt.subplot_mosaic(
        [["error", "margin"], ["error", "alignment"]], figsize=(10.5, 5.8), width_ratios=[1.5, 1], sharex=True,
        layout="constrained",
    )  # fmt: skip
    kinds = [dim for dim in _KINDS if dim in data.dims]
    for number, values in enumerate(product(*(data[dim].values for dim in kinds))):
        at = dict(zip(kinds, values, strict=True))
        name = ", ".join(_ROWS.get(str(value), f"{dim} {text_of(value)}") for dim, value in at.items())
        style = {
            "color": sns.color_palette("colorblind")[number % 10], "marker": "osD^v"[number % 5],
            "linestyle": _DASHES[number % 5], "label": name or "networks",
        }  # fmt: skip
        x = rates * _APART ** (number - 1)
        part = end.sel(at)
        _bars(
            panels["error"], x, _errors(part, [part["test_error_by_point"].sel(learning_rate=r) for r in rates]), style
        )
        _bars(panels["margin"], x, _over_draws(part["smallest_margin"] / part["label_scale"]), style)
        alignment = data["tangent_kernel_alignment"].sel(at)
        _bars(panels["alignment"], x, _over_draws(last(alignment)), style)
        if "step" in alignment.dims:
            before = mean(alignment.isel(step=0), "learning_rate").values
            panels["alignment"].plot(x, before, **{**style, "linestyle": "none", "markerfacecolor": "white"})
    for variable, words in _LIMITS.items():
        if variable in end:
            _limit(panels["error"], end, variable, words, above=variable.startswith("lazy"))
    _dress(panels, data, bool((end["train_error"] == 0).all()))
    return fixed_with_note(
        figure,
        f"means over {data.sizes['seed']} draws, bars: 95 % intervals over draws of training points, on the left of"
        f" test points too{f' ({note})' if note else ''}",
    )


def _errors(dataset: xr.Dataset, errors: Sequence[xr.DataArray]) -> list[Interval]:
    """Intervals of mean errors, over draws of training points and over test points."""
    return mean_intervals(dataset, *errors)


def _over_draws(data: xr.DataArray) -> list[Interval]:
    """Intervals over draws of training points, one a learning rate."""
    values = mean(data, "learning_rate", "seed").transpose("learning_rate", "seed").values
    return [Interval(*mean_interval(row)) for row in values]


def _bars(axis: Axes, x: np.ndarray, intervals: Sequence[Interval], style: dict[str, Any]) -> None:
    low, centre, high = np.array(intervals).T
    axis.errorbar(x, centre, [centre - low, high - centre], capsize=2.5, markersize=6, **style)


def _limit(axis: Axes, dataset: xr.Dataset, variable: str, words: str, *, above: bool) -> None:
    """A line at the mean over the classes of networks that there are, in a band that holds all their intervals."""
    intervals = [
        _errors(part, [part[variable]])[0] for _, part in arms(dataset[[variable, "test_index"]], "constraint")
    ]
    low, centre, high = np.array(intervals).T
    axis.axhline(centre.mean(), color="0.35", linewidth=1.2, zorder=0)
    axis.axhspan(low.min(), high.max(), color="0.35", alpha=0.15, linewidth=0, zorder=0)
    axis.annotate(
        words, (1, high.max() if above else low.min()), (-4, 3 if above else -3), xycoords=("axes fraction", "data"),
        textcoords="offset points", ha="right", va="bottom" if above else "top", fontsize="small", color="0.25",
    )  # fmt: skip


def _dress(panels: dict[str, Axes], data: xr.Dataset, fitted: bool) -> None:
    """Scales, titles and legends."""
    rates = data["learning_rate"].values
    for axis in panels.values():
        axis.set_xscale("log")
        axis.set_xticks(rates, [f"{rate:g}" for rate in rates])
        axis.xaxis.set_minor_locator(NullLocator())
        axis.tick_params(labelbottom=True)
        axis.grid(axis="y", color="0.92")
        axis.set_axisbelow(True)
    error, margin, alignment = (panels[name] for name in ("error", "margin", "alignment"))
    error.set_ylim(0, max(0.5, error.get_ylim()[1]))
    error.set(xlabel=label(data, "learning_rate"), ylabel=label(data, "test_error"))
    scale = float(np.ravel(data["label_scale"].values)[-1])
    error.set_title(
        f"targets {scale:g} y{': fitted by every network (training error 0)' if fitted else ''}", fontsize="medium"
    )
    error.legend(frameon=False, loc="lower left")
    margin.set_ylim(0, 1.15)
    margin.axhline(1, color="0.35", linewidth=1, zorder=0)
    margin.set_title("smallest margin over label scale", fontsize="medium")
    alignment.set_ylim(0, max(0.5, alignment.get_ylim()[1]))
    alignment.set(xlabel=label(data, "learning_rate"))
    alignment.set_title(
        f"{label(data, 'tangent_kernel_alignment')}:\nopen before, filled after training", fontsize="medium"
    )
