"""From chance to the trained network: what the prior, the targets and gradient descent each take off the error."""

from collections.abc import Callable, Sequence
from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator, PercentFormatter

from implicitbias.figures.layout import fixed_with_note
from implicitbias.studies.decomposition import OWN, STEPS, Path, paths
from implicitbias.studies.intervals import Interval

_NAMES = {
    "prior": "prior: random functions that fit the signs",
    "targets": "targets: the prior conditioned on outputs of ±α",
    "lazy": "lazy: infinitely wide, trained by gradient descent",
    "features": "features: finite width, trained",
}
_HATCHES = ("", "//", "..", "xx")
_DASHES: tuple[Literal["-", "--", ":", "-."], ...] = ("-", "--", ":", "-.")
_PANELS = ("labels", "classes", "depth", "label_scale")
_ROOM = 0.12  # of error, that a step's numbers take


def decomposition(dataset: xr.Dataset) -> Figure:
    """A path of errors for every kind of labels and depth (columns) and every label scale (rows)."""
    found = list(paths(dataset, *_PANELS))
    figure, axes = _panels(found)
    for path in found:
        _steps(axes[_place(path)], path)
    handles = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=name)
        for colour, hatch, name in zip(_colours(), _HATCHES, _NAMES.values(), strict=True)
    ]
    path = found[0]
    size = f"n = {path.at['train_size']}; " if "train_size" in path.at else ""
    return _finished(
        figure, handles,
        f"{size}numbers of a step: its fraction of the whole fall from {_percent(path.chance)}, and the factor that it"
        " takes off the error (÷) or adds to it (×), as far as it is known;\n"
        f"ends of bars: mean over {path.draws} draws with its 95 % interval over draws and test points; gradient"
        " descent's own are the last two steps, on the same targets",
    )  # fmt: skip


def decomposition_by_size(dataset: xr.Dataset) -> Figure:
    """The errors that the steps end with against the number of training points, on a logarithmic scale."""
    found = list(paths(dataset, *_PANELS, "train_size"))
    figure, axes = _panels(found)
    for place, part in _grouped(found, _place).items():
        axis = axes[place]
        for number, (name, colour) in enumerate(zip(STEPS, _colours(), strict=True)):
            low, centre, high = np.array([path.errors[name] for path in part]).T
            sizes = np.array([float(str(path.at["train_size"])) for path in part])
            axis.errorbar(
                sizes * 1.03 ** (number - 1.5), centre, [centre - low, high - centre], color=colour, capsize=2,
                linestyle=_DASHES[number], marker="osD^"[number], markersize=5,
            )  # fmt: skip
        axis.axhline(part[0].chance, color="0.5", linewidth=0.8)
        axis.set(xscale="log", yscale="log", ylim=(1e-3, 1.5 * part[0].chance))
        axis.set_xticks(sizes, [f"{size:g}" for size in sizes])
        axis.xaxis.set_minor_locator(NullLocator())
        axis.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        axis.text(
            0.98,
            0.98,
            f"targets {_targets(part[0])}",
            transform=axis.transAxes,
            ha="right",
            va="top",
            fontsize="x-small",
        )
        sns.despine(ax=axis)
    figure.supxlabel("number of training points", fontsize="medium")
    handles = [
        Line2D([], [], color=colour, linestyle=dashes, marker=marker, label=name)
        for colour, dashes, marker, name in zip(_colours(), _DASHES, "osD^", _NAMES.values(), strict=True)
    ]
    return _finished(
        figure,
        handles,
        f"mean over {found[0].draws} draws, bars: its 95 % interval over draws and test points; line: chance",
    )


def _panels(found: Sequence[Path]) -> tuple[Figure, dict[tuple[object, ...], Axes]]:
    """A panel for every point, by its place: a row a label scale, a column a kind of labels and a depth."""
    columns = list(dict.fromkeys(_place(path)[:-1] for path in found))
    rows = list(dict.fromkeys(_place(path)[-1] for path in found))
    figure, axes = plt.subplots(
        len(rows), len(columns), figsize=(0.8 + 2.35 * len(columns), 1.2 + 2.9 * len(rows)), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for axis, column in zip(axes[0], columns, strict=True):
        axis.set_title(_words(column), fontsize="medium")
    for axis in axes[:, 0]:
        axis.set_ylabel("test error")
    return figure, {
        (*column, row): axes[i, j] for i, row in enumerate(rows) for j, column in enumerate(columns)
    }  # fmt: skip


def _finished(figure: Figure, handles: Sequence[Artist], note: str) -> Figure:
    figure.legend(handles=handles, loc="outside upper center", ncol=2, frameon=False)
    return fixed_with_note(figure, note)


def _grouped(found: Sequence[Path], key: Callable[[Path], tuple[object, ...]]) -> dict[tuple[object, ...], list[Path]]:
    groups: dict[tuple[object, ...], list[Path]] = {}
    for path in found:
        groups.setdefault(key(path), []).append(path)
    return groups


def _steps(axis: Axes, path: Path) -> None:
    start = path.chance
    places = range(len(STEPS))
    for place, (name, colour, hatch) in enumerate(zip(STEPS, _colours(), _HATCHES, strict=True)):
        end = path.errors[name]
        low, high = sorted((start, end.centre))
        axis.bar(place, high - low, bottom=low, width=0.72, color=colour, hatch=hatch, edgecolor="white", linewidth=0)
        axis.errorbar(
            place, end.centre, [[end.centre - end.low], [end.high - end.centre]], color="0.15", capsize=3,
            linewidth=1.2, marker="_", markersize=16,
        )  # fmt: skip
        if place + 1 < len(STEPS):
            axis.plot([place + 0.36, place + 0.64], [end.centre] * 2, color="0.4", linewidth=1)
        inside = high - low > _ROOM
        height = (low + high) / 2 if inside else max(high, end.high) + 0.012
        axis.text(
            place, height, _told(path.fractions[name], path.log_ratios[name]), ha="center",
            va="center" if inside else "bottom", fontsize="x-small",
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1} if inside else None,
        )  # fmt: skip
        start = end.centre
    axis.axhline(path.chance, color="0.5", linewidth=0.8)
    axis.set_xticks(places, list(STEPS), fontsize="small")
    axis.set_ylim(0, 1.28 * path.chance)
    axis.set_yticks(np.arange(0, path.chance + 0.01, 0.1))
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    least, change, most = (_signed(-100 * value) for value in reversed(path.falls[OWN]))
    axis.text(
        0.98, 0.98, f"targets {_targets(path)}\ngradient descent: {change} points\n({least} to {most})",
        transform=axis.transAxes, ha="right", va="top", fontsize="x-small",
    )  # fmt: skip
    sns.despine(ax=axis)


def _told(fraction: Interval, ratio: Interval) -> str:
    """The fraction of the whole fall and the factor, as far as it is known: "68 %, ÷3.1" or "26 %, ÷17 or more"."""
    text = f"{_signed(100 * fraction.centre, 0).removeprefix('+')} %"
    if np.isnan(ratio.centre) or (np.isinf(ratio.high) and not ratio.low > 0):
        return text
    factor = ratio.low if np.isinf(ratio.high) else ratio.centre
    sign, more = "÷" if factor >= 0 else "×", "≥ " if np.isinf(ratio.high) else ""
    return f"{text}\n{more}{sign}{np.exp(abs(factor)):.1f}"


def _signed(value: float, digits: int = 1) -> str:
    text = f"{value:+.{digits}f}"
    return text.replace("-", "+") if float(text) == 0 else text


def _percent(value: float) -> str:
    return f"{100 * value:g} %"


def _targets(path: Path) -> str:
    return f"±{path.at['label_scale']:g} ({path.prior_stds:.2g} prior sd)"


def _colours() -> list[tuple[float, float, float]]:
    blue, orange, green, *_, grey = sns.color_palette("colorblind")[:8]
    return [blue, orange, grey, green]


def _place(path: Path) -> tuple[object, ...]:
    return tuple(path.at.get(axis) for axis in _PANELS)


def _words(column: tuple[object, ...]) -> str:
    named = (f"{column[0]} labels", f"{column[1]} classes", f"depth {column[2]}")
    return ", ".join(word for word, value in zip(named, column, strict=True) if value is not None)
