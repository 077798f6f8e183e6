"""The figures of Bernstein & Yue (2021), section 4, with the true orthant probabilities beside theirs."""

from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.figure import Figure

from implicitbias.figures.layout import legends_above, note_below
from implicitbias.figures.tables import focused, label, long_table
from implicitbias.studies.verdicts import MissingData

_ESTIMATORS = {
    "bound": "PAC-Bayes, closed bound",
    "importance": "PAC-Bayes, published estimator",
    "mixture": "PAC-Bayes, true probability",
}
_GIBBS = "architecture (NNGP average)"
_NETWORKS = "trained networks"
_LETTERS = 12  # of a line, an inch


def bounds(dataset: xr.Dataset) -> Figure:
    """PAC-Bayes bounds, the NNGP's average error and trained networks' test error against n."""
    data, note = focused(
        dataset[["pac_bayes_bound", "gibbs_error", "test_error"]], ("labels", "train_size", "depth", "estimator")
    )
    grid = _lines(long_table(_all_errors(data)), hue="quantity", style="quantity", **_facets(data, "labels", "depth"))
    return _finish(grid, data, f"bounds and errors ({note})")


def data_complexity(dataset: xr.Dataset) -> Figure:
    """Bounds and errors of easy, hard and random labels, side by side."""
    data, note = focused(dataset, ("labels", "train_size", "estimator"))
    table = long_table(_all_errors(data))
    grid = _lines(table, hue="labels", style="labels", col="quantity", col_wrap=3)
    return _finish(grid, data, f"data complexity ({note})", legend="labels")


def depth(dataset: xr.Dataset) -> Figure:
    """Bounds and errors of shallow and deep networks."""
    data, note = focused(dataset, ("labels", "train_size", "depth", "estimator"))
    facets = _facets(data, None, "labels") | {"col": "quantity"}
    grid = _lines(long_table(_all_errors(data)), hue="depth", style="depth", height=2.1, aspect=1.0, **facets)
    return _finish(grid, data, f"depth ({note})", legend="depth", rows="{row_name}")


def label_scale(dataset: xr.Dataset) -> Figure:
    """Test error of networks trained to large and to small labels, and the NNGP's average."""
    data, note = focused(dataset[["test_error", "gibbs_error"]], ("labels", "train_size", "label_scale"))
    scales = {
        f"networks, label scale {scale.item():g}": data["test_error"].sel(label_scale=scale, drop=True)
        for scale in data["label_scale"]
    }
    table = long_table(scales | {_GIBBS: data["gibbs_error"]})
    grid = _lines(table, hue="quantity", style="quantity", **_facets(data, "labels", None))
    return _finish(grid, data, f"label scale ({note})")


def estimator_truth(dataset: xr.Dataset) -> Figure:
    """How far the published estimator is from the true complexity, and its effective sample size.

    It is unbiased for P, so its -ln P errs upwards on average: bounds from it are valid, and loose by this gap.
    """
    wanted = dataset[["complexity", "effective_sample_size"]].drop_vars(["label_scale", "width"], errors="ignore")
    data, note = focused(wanted, ("labels", "train_size", "depth", "estimator"))
    published, true = (data.sel(estimator=name, drop=True) for name in ("importance", "mixture"))
    gap = long_table({"gap": published["complexity"] - true["complexity"]}, "value")
    sizes = long_table({"ess": published["effective_sample_size"]}, "value")
    names = [str(name) for name in data["labels"].values.ravel()]
    figure, axes = plt.subplots(
        2, len(names), figsize=(3.4 * len(names), 5.6), sharex=True, sharey="row", squeeze=False
    )
    for column, name in enumerate(names):
        for row, table in enumerate((gap, sizes)):
            axis = axes[row, column]
            part = table[table["labels"] == name]
            told = {"hue": "depth", "style": "depth", "palette": _palette(part, "depth")} if "depth" in part else {}
            sns.lineplot(
                part, x="train_size", y="value", markers=True, errorbar=("pi", 100), ax=axis,
                legend="full" if (row, column) == (0, 0) else False, **told,
            )  # fmt: skip
            axis.set_xlabel(label(data, "train_size"))
        axes[0, column].axhline(0, color="0.4", linewidth=1)
        axes[0, column].set_title(f"{name} labels")
        axes[1, column].set_yscale("log")
        axes[1, column].axhline(1, color="0.4", linewidth=1)
    axes[0, 0].set_ylabel("published estimate\nminus truth (nats)")
    axes[1, 0].set_ylabel("its effective\nsample size")
    figure.suptitle(
        f"the published estimator against the truth ({note});\n"
        "it errs upwards on average: its bounds are valid (up to its own sampling) but loose",
        fontsize="medium",
    )
    figure.tight_layout()
    return figure


# --------------------------------------------------------------------------------------------- parts
def _all_errors(data: xr.Dataset) -> dict[str, xr.DataArray]:
    """Bounds, the architecture's average error where the study has it, and the networks' test error."""
    average = {_GIBBS: data["gibbs_error"]} if "gibbs_error" in data else {}
    return _pac_bayes(data) | average | {_NETWORKS: data["test_error"]}


def _pac_bayes(data: xr.Dataset) -> dict[str, xr.DataArray]:
    """The bounds of the estimators that the paper and we stand for, or of whatever there is if none is one of these."""
    present = [str(name) for name in data["estimator"].values.ravel()]
    shown = [name for name in present if name in _ESTIMATORS] or present
    chosen = data["pac_bayes_bound"]
    return {_ESTIMATORS.get(name, f"PAC-Bayes, {name}"): _by(chosen, name) for name in shown}


def _by(data: xr.DataArray, estimator: str) -> xr.DataArray:
    """By one estimator, which may be the only one."""
    return data.sel(estimator=estimator, drop=True) if "estimator" in data.dims else data


def _facets(data: xr.Dataset, col: str | None, row: str | None) -> dict[str, Any]:
    """Facet by a dimension only where the dataset has it."""
    return {key: dim for key, dim in (("col", col), ("row", row)) if dim is not None and dim in data.dims}


def _palette(table: pd.DataFrame, column: str) -> Any:
    return sns.color_palette("colorblind", table[column].nunique())


def _lines(
    table: pd.DataFrame, *, hue: str, style: str, height: float = 2.6, aspect: float = 1.2, **facets: Any
) -> sns.FacetGrid:
    if table.empty:
        raise MissingData("no values")
    return sns.relplot(
        table, x="train_size", y="error", hue=hue, style=style, kind="line", markers=True, errorbar=("pi", 100),
        palette=_palette(table, hue), height=height, aspect=aspect,
        facet_kws={"margin_titles": True, "legend_out": False}, **facets,
    )  # fmt: skip


def _finish(
    grid: sns.FacetGrid, data: xr.Dataset, title: str, legend: str = "", rows: str = "depth {row_name}"
) -> Figure:
    letters = int(_LETTERS * grid.axes.flat[0].bbox.width / grid.figure.dpi)
    grid.set_axis_labels(fill(label(data, "train_size"), letters), "error")
    for axis in grid.axes.flat:
        axis.set_ylim(0, 1)
        axis.axhline(0.5, color="0.6", linewidth=0.8, zorder=0)
    grid.set_titles(template="{col_name}", col_template="{col_name}", row_template=rows)
    for axis in grid.axes.flat:
        axis.set_title(fill(axis.get_title(), letters))
    grid.tight_layout()
    legends_above(grid, [legend])
    note_below(grid.figure, f"{title}; lines: mean over seeds, bands: smallest to largest")
    figure: Figure = grid.figure
    return figure
