"""The complexity of labels against depth, for every constraint on the rows of weight matrices."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from implicitbias.figures.layout import fixed_with_note
from implicitbias.figures.tables import focused
from implicitbias.studies.depth_curve import complexity_beyond, reference_depth
from implicitbias.studies.verdicts import mean, mean_interval

_ROWS = {
    "free": "rows free",
    "unit": "rows of norm 1",
    "mean_free": "rows of mean 0",
    "mean_free_unit": "rows of mean 0 and norm 1 (as Nero keeps them)",
}
_MARKERS, _STYLES = "osD^", ("-", "--", "-.", ":")


def depth_curve(dataset: xr.Dataset) -> Figure:
    """A panel a kind of labels, a line a constraint: mean difference to a reference depth, and its 95 % interval."""
    reference = reference_depth(dataset)
    beyond = complexity_beyond(dataset, reference).rename("beyond")
    data, note = focused(beyond.to_dataset(), ("labels", "depth", "rows"))
    kinds = [str(name) for name in np.atleast_1d(data["labels"].values)]
    kernels = [str(name) for name in np.atleast_1d(data["rows"].values)] if "rows" in data.coords else [""]
    depths = data["depth"].values
    colours = sns.color_palette("colorblind")
    figure, axes = plt.subplots(
        1, len(kinds), figsize=(0.8 + 4.6 * len(kinds), 4.2), squeeze=False, layout="constrained"
    )
    for axis, kind in zip(axes[0], kinds, strict=True):
        part = data["beyond"].sel(labels=kind) if "labels" in data.dims else data["beyond"]
        for number, rows in enumerate(kernels):
            line = part.sel(rows=rows) if "rows" in data.dims else part
            low, centre, high = np.array([_interval(line.sel(depth=depth)) for depth in depths]).T
            axis.errorbar(
                depths + 0.08 * (number - (len(kernels) - 1) / 2), centre, [centre - low, high - centre],
                color=colours[number % len(colours)], marker=_MARKERS[number % 4], linestyle=_STYLES[number % 4],
                markersize=5, capsize=3, label=_ROWS.get(rows, "infinitely wide network"),
            )  # fmt: skip
        axis.axhline(0, color="0.4", linewidth=1)
        axis.annotate(
            f"depth {reference}", (1, 0), xycoords=("axes fraction", "data"), xytext=(-4, 3),
            textcoords="offset points", ha="right", color="0.35", fontsize="small",
        )  # fmt: skip
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set_xlabel("depth (weight matrices)")
        axis.set_title(f"{kind} labels", fontsize="medium")
        axis.grid(axis="y", color="0.92")
    axes[0, 0].set_ylabel(f"complexity −ln P\nminus that at depth {reference} (nats)")
    handles, texts = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside upper center", ncol=len(kernels), frameon=False)
    size = f", n = {int(data['train_size'])}" if data.get("train_size", xr.DataArray([0, 0])).ndim == 0 else ""
    draws = data.sizes.get("seed", 1)
    return fixed_with_note(
        figure,
        f"differences on the same points: mean and 95 % interval over {draws} draws{size}; below 0 the prior\nof this"
        f" depth gives the labels more probability{f' ({note})' if note else ''}",
    )


def _interval(values: xr.DataArray) -> tuple[float, float, float]:
    low, centre, high = mean_interval(mean(values, "seed"))
    return (centre, centre, centre) if np.isnan(low) else (low, centre, high)
