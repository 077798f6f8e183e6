"""Figures of orthant probabilities: are the error bars honest, do the methods agree, what follows for the paper."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from scipy.stats import t as student

from implicitbias.figures.layout import legends_above, note_below
from implicitbias.figures.tables import focused, label, long_table
from implicitbias.studies.verdicts import MissingData

_STYLES = ("-", "--", "-.", ":", (0, (3, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (5, 5)))
_NAMES = {"importance": "published estimator", "mixture": "true probability"}


def calibration(dataset: xr.Dataset) -> Figure:
    """Actual against stated error on random problems, and the fraction of problems within k standard errors."""
    data, note = focused(dataset, ("estimator", "problem"))
    names = [str(name) for name in np.atleast_1d(data["estimator"].values)]
    colours = sns.color_palette("colorblind", len(names))
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2))
    multiples = np.linspace(0, 5, 101)
    for position, name in enumerate(names):
        part = data.sel(estimator=name) if "estimator" in data.dims else data
        error = np.abs(part["complexity"].values - part["exact_complexity"].values)
        left.scatter(
            part["complexity_stderr"].values.clip(min=1e-8), error.clip(min=1e-8), s=14, color=colours[position],
            marker="osD^vP"[position % 6], alpha=0.6, label=name, linewidth=0,
        )  # fmt: skip
        score = np.abs(part["score"].values)  # where an estimator gave up it is not covered
        covered = [float((score <= multiple).mean()) for multiple in multiples]
        right.plot(multiples, covered, color=colours[position], linestyle=_STYLES[position % 7], label=name)
    left.set(xscale="log", yscale="log", xlabel="stated standard error (nats)", ylabel="actual error (nats)")
    for multiple, style in ((1, "-"), (3, ":")):
        left.axline((1e-3, multiple * 1e-3), (1e-2, multiple * 1e-2), color="0.3", linewidth=1, linestyle=style)
    left.set_title("lines: error = 1 and 3 standard errors", fontsize="small")
    freedoms = np.unique(data["degrees_of_freedom"].values)
    for position, freedom in enumerate(freedoms[~np.isnan(freedoms)]):
        right.plot(
            multiples, 1 - 2 * student.sf(multiples, freedom), color="0.3", linewidth=1,
            linestyle=_STYLES[position % 7], label=f"honest (t, {freedom:.0f} d.f.)",
        )  # fmt: skip
    right.set(xlabel="k standard errors", ylabel="fraction of problems within", ylim=(0, 1.02))
    right.legend(frameon=False, fontsize="small", loc="lower right")
    figure.suptitle(f"error bars on {data.sizes.get('problem', 1)} random problems" + (f" ({note})" if note else ""))
    figure.tight_layout()
    return figure


def methods(dataset: xr.Dataset) -> Figure:
    """Every estimator minus the mixture, in nats, on a scale that is linear within 0.01 nats."""
    data, note = focused(dataset[["complexity", "complexity_stderr"]], ("labels", "train_size", "estimator"))
    names = [str(name) for name in data["estimator"].values if name != "mixture"]
    labels = [str(name) for name in np.atleast_1d(data["labels"].values)]
    colours = sns.color_palette("colorblind", len(names))
    figure, axes = plt.subplots(1, len(labels), figsize=(3.6 * len(labels), 3.8), sharey=True, squeeze=False)
    for axis, kind in zip(axes[0], labels, strict=True):
        part = data.sel(labels=kind) if "labels" in data.dims else data
        true = part.sel(estimator="mixture")
        for position, name in enumerate(names):
            other = part.sel(estimator=name)
            gap = other["complexity"] - true["complexity"]
            variance = other["complexity_stderr"].fillna(0) ** 2 + true["complexity_stderr"] ** 2
            if "seed" in gap.dims:
                gap, variance = gap.mean("seed"), variance.sum("seed") / gap.sizes["seed"] ** 2
            axis.errorbar(
                part["train_size"] * 1.03 ** (position - len(names) / 2), gap, 2 * variance**0.5, capsize=2, label=name,
                color=colours[position], linestyle=_STYLES[position % 7], marker="osD^vP"[position % 6], markersize=4,
            )  # fmt: skip
        axis.axhline(0, color="0.4", linewidth=1)
        axis.set_xscale("log")
        axis.set_xticks(part["train_size"].values, [str(n) for n in part["train_size"].values], minor=False)
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_yscale("symlog", linthresh=0.01)
        axis.set_title(f"{kind} labels", fontsize="medium")
        axis.set_xlabel(label(data, "train_size"))
    axes[0, 0].set_ylabel("estimate minus mixture's (nats)")
    handles, entries = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, entries, loc="lower center", ncol=len(names), frameon=False)
    figure.suptitle(f"estimators of the complexity, bars: 2 standard errors ({note})", fontsize="medium")
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    return figure


def conclusions(dataset: xr.Dataset) -> Figure:
    """PAC-Bayes errors by depth: the published estimator's, valid on average but loose, and the true probability's."""
    data, note = focused(dataset[["pac_bayes_bound"]], ("labels", "train_size", "depth", "estimator"))
    present = {_NAMES[name]: name for name in ("importance", "mixture") if name in data["estimator"].values}
    table: pd.DataFrame = long_table(
        {shown: data["pac_bayes_bound"].sel(estimator=name, drop=True) for shown, name in present.items()}
    )
    if table.empty:
        raise MissingData("no values")
    grid = sns.relplot(
        table, x="train_size", y="error", hue="depth", style="quantity", col="labels", kind="line", markers=True,
        errorbar=("pi", 100), palette=sns.color_palette("colorblind", table["depth"].nunique()),
        height=3.4, aspect=0.95, facet_kws={"legend_out": False},
    )  # fmt: skip
    grid.set_axis_labels(label(data, "train_size"), "PAC-Bayes error")
    grid.set_titles(template="{col_name} labels", col_template="{col_name} labels")
    legends_above(grid, ["depth", "quantity"])
    note_below(grid.figure, f"mean over seeds, bands: smallest to largest ({note})")
    figure: Figure = grid.figure
    return figure
