"""Errors along the ray of label scales: networks, and infinitely wide networks of the same class and of another."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from implicitbias.figures.layout import fixed_with_note
from implicitbias.figures.tables import SPREAD, focused, label
from implicitbias.studies.intervals import Interval, error_intervals
from implicitbias.studies.verdicts import mean

_CLASSES = {
    "mean_free_unit": "rows of mean 0 and norm 1 (the published networks)",
    "unit": "rows of norm 1 (the kernel that was published)",
    "mean_free": "rows of mean 0",
}
_LINES = {
    "test_error": ("trained networks", "o", "-"),
    "ray_error": ("infinitely wide, conditioned on the targets", "s", "--"),
    "lazy_error": ("infinitely wide, trained by gradient descent", "^", ":"),
}


def label_ray(dataset: xr.Dataset) -> Figure:
    """A panel a class of networks: errors of trained networks and of infinitely wide ones at every label scale."""
    if "seed" not in dataset.dims:
        dataset = dataset.expand_dims("seed")
    data, note = focused(dataset.drop_dims("test_point"), ("label_scale", "constraint"))
    parts = list(_classes(dataset))
    figure, axes = plt.subplots(
        1, len(parts), figsize=(1 + 5.2 * len(parts), 4.6), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (constraint, part) in zip(axes[0], parts, strict=True):
        _panel(axis, part)
        axis.set_title(_CLASSES.get(constraint, constraint), fontsize="medium")
        axis.set_xlabel(f"{label(data, 'label_scale')} alpha")
    others = [part for _, part in parts[1:]]
    if others:  # the comparison that was published, of two classes
        scales = others[0]["label_scale"].values
        axes[0, 0].plot(
            scales, mean(others[0]["ray_error"], "label_scale"), color="0.55", linestyle=(0, (1, 1)), marker="x",
            label="infinitely wide, of the class beside this one", zorder=1,
        )  # fmt: skip
    axes[0, 0].set_ylim(0, 0.62)
    axes[0, 0].set_ylabel("test error")
    handles, texts = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside upper center", ncol=2, frameon=False, fontsize="small")
    draws = dataset.sizes.get("seed", 1)
    bars = f"mean over {draws} draws, bars: its 95 % interval over draws and test points" if draws > 1 else "one draw"
    return fixed_with_note(figure, f"{bars}{f' ({note})' if note else ''}")


def _classes(dataset: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    """The part of every constraint on rows; other axes at their last value."""
    names = dataset["constraint"].values.tolist() if "constraint" in dataset.dims else [""]
    for name in names:
        part = dataset.sel(constraint=name) if name else dataset
        others = [dim for dim in part.dims if dim not in {*SPREAD, "label_scale", "test_point"}]
        yield str(name), part.isel(dict.fromkeys(others, -1))


def _panel(axis: Axes, part: xr.Dataset) -> None:
    scales = part["label_scale"].values
    colours = sns.color_palette("colorblind")
    for number, (name, (text, marker, dashes)) in enumerate(_LINES.items()):
        if f"{name}_by_point" not in part:
            continue
        found = [_interval(part, name, {"label_scale": scale}) for scale in scales]
        low, centre, high = np.array(found).T
        axis.errorbar(
            scales * 1.06 ** (number - 1), centre, [centre - low, high - centre], color=colours[number], marker=marker,
            linestyle=dashes, capsize=3, label=text,
        )  # fmt: skip
    _level(
        axis, _interval(part, "gibbs_error", {}), "0.2", "-.", "infinitely wide, average over all that fit the signs"
    )
    sampled = part.get("sampled_test_error")
    if sampled is not None and int(sampled.count()) > 1:
        value = float(sampled.mean("draw").mean())
        axis.axhline(
            value, color=colours[4], linewidth=1, linestyle=(0, (5, 5)), label="random networks that fit the signs"
        )
    axis.update_datalim([(scale, 0.0) for scale in scales])  # where every error is NaN there would be no limits
    axis.set_xscale("log")


def _interval(part: xr.Dataset, name: str, at: dict[str, float]) -> Interval:
    (found,) = error_intervals(part, part[f"{name}_by_point"].sel(at))
    return found


def _level(axis: Axes, value: Interval, colour: str, style: str, name: str) -> None:
    axis.axhline(value.centre, color=colour, linestyle=style, linewidth=1, label=name)
    axis.axhspan(value.low, value.high, color=colour, alpha=0.12, linewidth=0)
