"""What architectures give, and what trained networks of the same architectures add, side by side."""

from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from implicitbias.figures.layout import fixed_with_note
from implicitbias.figures.tables import focused, label
from implicitbias.studies.variants import variants
from implicitbias.studies.verdicts import mean, mean_interval

_CONDITIONS = {"labels": "labels ", "train_size": "n = ", "depth": "depth "}
"""Axes of which every combination has a row of panels, and what stands before their values."""

_ERRORS = {
    "gibbs_error": ("infinitely wide: average function that fits (Gibbs)", "o", "white"),
    "bayes_error": ("infinitely wide: majority of functions that fit (Bayes)", "s", None),
    "test_error": ("trained networks of finite width", "D", None),
}
"""Name in the legend, marker, and what fills it, if it is not its own colour."""

_APART = 0.24  # of the distance between two architectures


def architectures(dataset: xr.Dataset) -> Figure:
    """Left the complexity per training point, right three errors, a line an architecture; 95 % intervals over seeds."""
    chosen = dataset[["complexity", *_ERRORS]]
    if "estimator" in chosen.dims and "mixture" in chosen["estimator"].values:
        chosen = chosen.sel(estimator="mixture")
    kinds = list(variants(chosen))
    data, note = focused(chosen, (*_CONDITIONS, *(dim for kind in kinds for dim in kind.at)))
    per_point = data["complexity"] / data["train_size"]
    conditions = [dim for dim in _CONDITIONS if dim in data.dims]
    rows = list(product(*(data[dim].values for dim in conditions)))
    figure, axes = plt.subplots(
        len(rows), 2, figsize=(9.5, 0.9 + len(rows) * (0.7 + 0.45 * len(kinds))), sharex="col", sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    colours = sns.color_palette("colorblind")
    for row, values in zip(axes, rows, strict=True):
        here = dict(zip(conditions, values, strict=True))
        for place, kind in enumerate(kinds):
            at = {**here, **kind.at}
            _interval(row[0], place, _at(per_point, at), marker="o", color="0.2")
            for number, (name, (text, marker, fill)) in enumerate(_ERRORS.items()):
                _interval(
                    row[1], place + _APART * (number - 1), _at(data[name], at), marker=marker, color=colours[number],
                    markerfacecolor=fill or colours[number], label=text if place == 0 else "",
                )  # fmt: skip
        words = [f"{word}{here.get(dim, data[dim].values)}" for dim, word in _CONDITIONS.items() if dim in data.coords]
        row[0].set_title(", ".join(words), loc="left", fontsize="medium")
        for axis in row:
            axis.grid(axis="x", color="0.9")
            axis.set_axisbelow(True)
            axis.xaxis.set_major_locator(MaxNLocator(6))
    axes[0, 0].set_yticks(range(len(kinds)), [kind.name for kind in kinds])
    axes[0, 0].set_ylim(len(kinds) - 0.5, -0.5)
    axes[0, 1].set_xlim(0, min(1, axes[0, 1].get_xlim()[1]))
    units = data["complexity"].attrs.get("units", "1")
    per = data["complexity"].attrs.get("long_name", "complexity")
    axes[-1, 0].set_xlabel(f"{per}\nper training point ({units})")
    axes[-1, 1].set_xlabel(label(data, "test_error"))
    handles, texts = axes[0, 1].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside upper center", ncol=1, frameon=False)
    return fixed_with_note(
        figure,
        f"mean over seeds, bars: its 95 % interval{f' ({note})' if note else ''};\n"
        "architectures share the points of a seed, so that their differences are known better than the bars say",
    )


def _at(data: xr.DataArray, place: dict[str, Any]) -> np.ndarray:
    """The values of all seeds there, each a mean over what else there is; an axis that the data lack is left out."""
    part = data.sel({dim: value for dim, value in place.items() if dim in data.dims})
    return np.atleast_1d(mean(part, "seed").values)


def _interval(axis: Axes, height: float, draws: np.ndarray, **style: Any) -> None:
    """The mean, and the 95 % interval if there are two draws or more."""
    low, centre, _ = mean_interval(draws)
    half = None if np.isnan(low) else [centre - low]
    axis.errorbar([centre], [height], xerr=half, linestyle="none", markersize=6.5, capsize=3, **style)
