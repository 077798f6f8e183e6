"""What changes with the number of classes: the labels' complexity, the errors, and who lowers them."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from implicitbias.figures.layout import fixed_with_note
from implicitbias.studies.classes import Row, by_classes
from implicitbias.studies.decomposition import OWN
from implicitbias.studies.intervals import Interval

_ERRORS: dict[str, tuple[Callable[[Row], Interval], str, str]] = {
    "average function that fits (Gibbs)": (lambda row: row.path.errors["prior"], "o", "-"),
    "majority of functions that fit (Bayes)": (lambda row: row.bayes, "s", "--"),
    "trained networks": (lambda row: row.path.errors["features"], "D", "-."),
}
_STEPS = {
    "prior: that the labels fit": ("prior", "o", "-"),
    "targets: that outputs have their values": ("targets", "s", "--"),
    "gradient descent": (OWN, "^", ":"),
}


def classes(dataset: xr.Dataset) -> Figure:
    """Complexity a training point, errors, and fractions of the fall from chance, against the number of classes."""
    found = list(by_classes(dataset))
    figure, axes = plt.subplots(
        len(found), 3, figsize=(11, 1.1 + 2.7 * len(found)), sharex=True, sharey="col", squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for row, (name, rows) in zip(axes, found, strict=True):
        _complexity(row[0], rows)
        _errors(row[1], rows)
        _fractions(row[2], rows)
        row[0].set_title(name, loc="left", fontsize="medium")
        for axis in row:
            axis.set_xticks(range(len(rows)), [str(each.classes) for each in rows])
            sns.despine(ax=axis)
    for axis, title in zip(
        axes[0], ("complexity a training point (nats)", "test error", "fraction of the fall from chance"), strict=True
    ):
        axis.set_title(f"{axis.get_title(loc='left')}\n{title}".strip(), loc="left", fontsize="medium")
    for axis in axes[0]:
        axis.legend(frameon=False, fontsize="x-small", loc="best")
    figure.supxlabel("number of classes", fontsize="medium")
    path = found[0][1][0].path
    return fixed_with_note(
        figure,
        f"mean over {path.draws} draws, bars: its 95 % interval over draws and test points;"
        f" targets and networks at label scale {path.at['label_scale']:g}",
    )


def _complexity(axis: Axes, rows: list[Row]) -> None:
    _line(axis, [row.complexity_interval for row in rows], "infinitely wide network", "o", "-", "0.2")
    axis.plot(
        range(len(rows)), np.log([row.classes for row in rows]), color="0.5", linestyle=":",
        label="ln C: every labelling equally likely",
    )  # fmt: skip
    axis.set_ylim(bottom=0)


def _errors(axis: Axes, rows: list[Row]) -> None:
    for (name, (of, marker, dashes)), colour in zip(_ERRORS.items(), _colours(), strict=True):
        _line(axis, [of(row) for row in rows], name, marker, dashes, colour)
    axis.plot(range(len(rows)), [row.path.chance for row in rows], color="0.5", linestyle=":", label="chance, 1 − 1/C")
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axis.set_ylim(0, 1)


def _fractions(axis: Axes, rows: list[Row]) -> None:
    for (name, (step, marker, dashes)), colour in zip(_STEPS.items(), _colours(), strict=True):
        _line(axis, [row.path.fractions[step] for row in rows], name, marker, dashes, colour)
    axis.axhline(0, color="0.5", linewidth=0.8)
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _line(axis: Axes, found: list[Interval], name: str, marker: str, dashes: str, colour: object) -> None:
    low, centre, high = np.array(found).T
    bars = None if np.isnan(low).any() else [centre - low, high - centre]
    axis.errorbar(
        range(len(found)), centre, bars, color=colour, capsize=3, linestyle=dashes, marker=marker, markersize=5,
        label=name,
    )  # fmt: skip


def _colours() -> list[tuple[float, float, float]]:
    blue, orange, green = sns.color_palette("colorblind")[:3]
    return [blue, orange, green]
