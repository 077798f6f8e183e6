"""Across all studies: which metric predicts the test error; trained networks beside the infinitely wide average."""

from typing import Any

import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.figure import Figure

from implicitbias.catalogue import METRICS
from implicitbias.studies.all_runs import judged

_ABOVE: dict[str, Any] = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "frameon": False}
_BESIDE: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5), "frameon": False}


def all_runs(dataset: xr.Dataset) -> Figure:
    """Rank correlations of metrics with the test error, and test errors against the average over the orthant.

    Left: within tasks and across them, with 95 % intervals over draws of the training points; what has none is left
    out.
    Right: a point a trained network on a task whose infinitely wide average is known; below the line gradient descent
    does better.

    Args:
        dataset: from `studies.all_runs.gather`.
    """
    kept = judged(dataset).sortby("within")
    height = max(3.5, 0.28 * kept.sizes["metric"] + 1.2)
    figure = Figure(figsize=(10, height), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.1, 1])
    colours = sns.color_palette("colorblind")
    rows = np.arange(kept.sizes["metric"])
    for shift, key, marker, colour in ((0.16, "within", "o", colours[0]), (-0.16, "across", "s", colours[1])):
        middle, low, high = (kept[f"{key}{end}"].values for end in ("", "_low", "_high"))
        middle = np.where(np.isnan(low), np.nan, middle)  # a point without an interval says too much
        spread = np.maximum(np.stack([middle - low, high - middle]), 0)
        left.errorbar(middle, rows + shift, xerr=spread, fmt=marker, color=colour, label=f"{key} tasks", markersize=5)
    left.axvline(0, color="grey", linewidth=1)
    left.set(xlim=(-1.05, 1.05), xlabel="rank correlation\nwith the test error")
    left.set_yticks(rows, [METRICS[str(name)].long_name for name in kept["metric"].values])
    left.legend(**_ABOVE, ncol=2)

    if "gibbs_error" in dataset:
        table = dataset[["study", "gibbs_error", "test_error"]].to_dataframe().dropna()
        table["study"] = table["study"].str.replace("_", " ")
        order = sorted(table["study"].unique())
        sns.scatterplot(
            table, x="gibbs_error", y="test_error", hue="study", style="study", hue_order=order, style_order=order,
            ax=right, s=14, alpha=0.5,
        )  # fmt: skip
        if order:
            right.legend(**_BESIDE)
    right.axline((0, 0), slope=1, color="grey", linewidth=1)
    right.set(xlabel="average error of the\ninfinitely wide network", ylabel="test error of a trained network")
    sns.despine(figure)
    return figure
