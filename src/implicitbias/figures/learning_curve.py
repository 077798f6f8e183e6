"""What the next label costs the infinitely wide network, and the PAC-Bayes bounds that follow from it."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from implicitbias.figures.layout import fixed_with_note
from implicitbias.figures.tables import focused, label
from implicitbias.studies.learning_curve import bound_given_first, predictive_log_loss
from implicitbias.studies.verdicts import estimated_by, mean, mean_interval

_LINES = {
    "plain": ("PAC-Bayes bound, plain", "s", "-"),
    "given_first": ("PAC-Bayes bound whose prior knows the first m labels", "D", "--"),
    "gibbs_error": ("Gibbs error: average function that fits", "o", "-"),
}
"""Name in the legend, marker and dashes."""


def learning_curve(dataset: xr.Dataset) -> Figure:
    """Above the log loss per label between consecutive sizes, below two bounds and the error; 95 % intervals.

    A column a kind of labels; of other axes the last value.
    """
    part = estimated_by(dataset, "mixture").sortby("train_size")
    shown = part[["gibbs_error"]].assign(
        loss=predictive_log_loss(dataset), plain=part["pac_bayes_bound"], given_first=bound_given_first(dataset)
    )
    data, note = focused(shown, ("labels", "train_size"))
    kinds = [str(name) for name in np.atleast_1d(data["labels"].values)]
    figure, axes = plt.subplots(
        2,
        len(kinds),
        figsize=(1 + 3.4 * len(kinds), 6.4),
        sharex=True,
        sharey="row",
        squeeze=False,
        layout="constrained",
    )
    for (above, below), kind in zip(axes.T, kinds, strict=True):
        column = data.sel(labels=kind) if "labels" in data.dims else data
        above.set_title(f"{kind} labels", fontsize="medium")
        _steps(above, column["loss"])
        for number, (name, (text, marker, dashes)) in enumerate(_LINES.items()):
            _curve(below, column[name], number, label=text, marker=marker, linestyle=dashes)
        below.axhline(0.5, color="0.5", linewidth=1, linestyle=":")
        below.set_xlabel(label(dataset, "train_size"))
        below.set_ylim(0, 1)
    axes[0, 0].set_ylim(bottom=0)
    axes[0, 0].set_ylabel("log loss of the next label\n(nats a label)")
    axes[1, 0].set_ylabel("error")
    axes[0, 0].annotate("a guess: ln 2", (1, np.log(2)), xycoords=("axes fraction", "data"), xytext=(-2, 3),
                        textcoords="offset points", ha="right", fontsize="small", color="0.35")  # fmt: skip
    handles, texts = axes[1, 0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside upper center", ncol=1, frameon=False)
    settings = [note] if note else []
    if "depth" in data.coords and "depth" not in note:
        settings.append(f"depth {int(data['depth'])}")
    return fixed_with_note(
        figure,
        "above: (C at n − C at m)/(n − m) for consecutive sizes m < n, a bar from m to n;\n"
        f"lines and bars: mean and 95 % interval over {data.sizes.get('seed', 1)} draws ({', '.join(settings)})",
    )


def _steps(axis: Axes, loss: xr.DataArray) -> None:
    """A horizontal bar from m to n at every mean loss, with its interval in the middle."""
    axis.axhline(np.log(2), color="0.5", linewidth=1, linestyle=":")
    colour = sns.color_palette("colorblind")[4]
    for n, first in zip(loss["train_size"].values, loss["first"].values, strict=True):
        low, centre, high = mean_interval(mean(loss.sel(train_size=n), "seed"))
        axis.plot([first, n], [centre, centre], color=colour, linewidth=3, solid_capstyle="butt")
        if not np.isnan(low):
            axis.errorbar([(first + n) / 2], [centre], [[centre - low], [high - centre]], color=colour, capsize=3)


def _curve(axis: Axes, values: xr.DataArray, number: int, **style: Any) -> None:
    intervals = [mean_interval(mean(values.sel(train_size=n), "seed")) for n in values["train_size"].values]
    low, centre, high = np.array(intervals).T
    bars = np.nan_to_num(np.stack([centre - low, high - centre]))
    sizes = values["train_size"].values
    colour = sns.color_palette("colorblind")[(0, 2, 3)[number]]
    axis.errorbar(sizes, centre, bars, color=colour, markersize=5, capsize=3, **style)
