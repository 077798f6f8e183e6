"""Random networks that fit against families of trained ones: errors, three comparisons, and what they say of claims."""

from collections.abc import Callable, Mapping, Sequence
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from implicitbias.figures.layout import fixed_with_note
from implicitbias.studies.intervals import Interval
from implicitbias.studies.volume import CLAIMS, Panel, Size, few_and_many, panels

_ROWS: dict[str, Callable[[Size], Interval]] = {
    "test error": lambda size: size.trained,
    "gap: Gibbs − trained": lambda size: size.gap,
    "ratio: Gibbs / trained": lambda size: size.ratio,
    "fraction of the fall\nthat needs no training": lambda size: size.fraction,
}
_RANDOM: dict[str, tuple[Callable[[Panel], Mapping[int, Interval]], str, str]] = {
    "random functions that fit (Gibbs)": (lambda panel: panel.gibbs, "0.1", "-"),
    "their vote (Bayes)": (lambda panel: panel.bayes, "0.5", "--"),
    "random networks that fit (guess and check)": (lambda panel: panel.guessed, "0.1", "none"),
}
_VERDICTS = {"supported": "#b7dcb0", "undecided": "#eeeeee", "refuted": "#f2b8a8"}
_WORDS = 19  # letters in a line of a claim


def volume_hypothesis(dataset: xr.Dataset) -> Figure:
    """A column a class of networks: errors against n, and below them gap, ratio and fraction of every family."""
    found = list(panels(dataset))
    figure, axes = plt.subplots(
        len(_ROWS), len(found), figsize=(1.2 + 3.4 * len(found), 9.5), sharex=True, sharey="row", squeeze=False,
        layout="constrained", height_ratios=[1.6, 1, 1, 1],
    )  # fmt: skip
    names = list(dict.fromkeys(curve.family for panel in found for curve in panel.curves))
    colours = dict(zip(names, sns.color_palette("colorblind", len(names)), strict=True))
    for column, panel in zip(axes.T, found, strict=True):
        column[0].set_title(fill(panel.name, 34), fontsize="medium")
        for name, (errors, colour, dashes) in _RANDOM.items():
            _band(column[0], errors(panel), color=colour, linestyle=dashes, marker="x", label=name)
        for curve in panel.curves:
            for axis, value in zip(column, _ROWS.values(), strict=True):
                intervals = {size.train_size: value(size) for size in curve.sizes}
                _band(axis, intervals, color=colours[curve.family], marker="o", label=curve.family)
        column[0].axhline(panel.chance, color="0.7", linewidth=0.8)
        sizes = list(panel.gibbs)
        for axis, level in zip(column[1:], (0, 1, 1), strict=True):
            axis.axhline(level, color="0.7", linewidth=0.8)
        column[-1].set_xscale("log")
        column[-1].set_xticks(sizes, [str(size) for size in sizes])
        column[-1].xaxis.set_minor_locator(NullLocator())
        column[-1].set_xlabel("number of training points n")
    for axis, name in zip(axes[:, 0], _ROWS, strict=True):
        axis.set_ylabel(name)
    axes[0, 0].set_ylim(0)
    axes[2, 0].set_yscale("log")
    axes[2, 0].yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes[2, 0].yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:g}"[-1] in "25" else "")
    axes[3, 0].set_ylim(0, 1.6)
    sns.despine(figure)
    _legend(figure, axes[0])
    return fixed_with_note(
        figure,
        f"means over {dataset.sizes['seed']} draws, bands: 95 % intervals over draws and test points; a family is"
        " shown where all of its networks fit",
    )


def volume_claims(dataset: xr.Dataset) -> Figure:
    """A row a family, a column a claim: the number that the claim is about, and whether it supports the claim."""
    rows = [
        (f"{panel.name}: {curve.family}" if panel.name else curve.family, curve.findings)
        for panel in panels(dataset) for curve in panel.curves
    ]  # fmt: skip
    kinds = list(_VERDICTS)
    cells = np.full((len(rows), len(CLAIMS)), np.nan)
    figure, axis = plt.subplots(figsize=(1.6 + 1.25 * len(CLAIMS), 2.4 + 0.42 * len(rows)), layout="constrained")
    for row, (_, findings) in enumerate(rows):
        for column, (name, claim) in enumerate(CLAIMS.items()):
            if name not in findings:
                axis.text(column, row, "does not fit", ha="center", va="center", fontsize="x-small", color="0.6")
                continue
            low, centre, high = findings[name]
            cells[row, column] = kinds.index(claim.verdict(findings[name]))
            text = f"{centre:+.3f}\n({low:+.3f} to {high:+.3f})"
            axis.text(column, row, text, ha="center", va="center", fontsize="x-small")
    axis.imshow(cells, cmap=ListedColormap(list(_VERDICTS.values())), vmin=-0.5, vmax=2.5, aspect="auto")
    axis.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize="small")
    titles = [f"{fill(claim.words, _WORDS)}\n({fill(claim.source, _WORDS)})" for claim in CLAIMS.values()]
    axis.set_xticks(range(len(CLAIMS)), titles, fontsize="x-small")
    axis.tick_params(length=0, labeltop=True, labelbottom=False)
    sns.despine(ax=axis, left=True, bottom=True)
    figure.legend(
        handles=[Patch(color=colour, label=name) for name, colour in _VERDICTS.items()], loc="outside upper center",
        ncol=3, frameon=False, fontsize="small",
    )  # fmt: skip
    few, many = few_and_many(dataset["train_size"].values)
    return fixed_with_note(
        figure,
        f"few points: n = {few}, many: n = {many}, differences from the one to the other;"
        " of ratios the logarithm; 95 % intervals over draws and test points",
    )


def _band(axis: Axes, intervals: Mapping[int, Interval], **style: object) -> None:
    if not intervals:
        return
    low, centre, high = np.array(list(intervals.values())).T
    axis.plot(list(intervals), centre, markersize=4, linewidth=1.3, **style)  # type: ignore[arg-type]
    if style.get("linestyle") == "none":
        axis.vlines(list(intervals), low, high, color=style["color"], linewidth=1)
    else:
        axis.fill_between(list(intervals), low, high, color=style["color"], alpha=0.15, linewidth=0)


def _legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """Every line once, whichever panel has it."""
    named = {text: handle for axis in axes for handle, text in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(named.values(), named.keys(), loc="outside upper center", ncol=3, frameon=False, fontsize="small")
