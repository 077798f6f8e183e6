"""Phases of gradient descent on quadratic models, against the size of its steps (Chen et al. 2023, figure 1)."""

from math import sqrt
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from implicitbias.figures.layout import fixed_with_note
from implicitbias.figures.tables import label
from implicitbias.studies.verdicts import arms, axis, mean_interval

_BLUE, _RED, _GREEN = (sns.color_palette("colorblind")[number] for number in (0, 3, 2))
_ENDS = (2 * sqrt(2) - 2, 1.0, 2.0)


def phases(dataset: xr.Dataset) -> Figure:
    """A column a model and kind of data: residuals at the last steps, exponents, and test losses; the map in grey.

    Raises:
        MissingData: if there is one step size alone.
    """
    axis(dataset, "relative_step")
    columns = list(arms(dataset, "model", "design"))
    figure, panels = plt.subplots(
        3, len(columns), figsize=(2.4 * len(columns) + 0.6, 7.2), sharex=True, squeeze=False, layout="constrained",
    )  # fmt: skip
    for (name, part), (above, middle, below) in zip(columns, panels.T, strict=True):
        above.set_title(
            name.replace("_", " ").replace(" orth", ", orth").replace(" gauss", ", Gauss"), fontsize="medium"
        )
        _dots(above, part["map_residual"], "0.75", "cubic map", 3.5)
        _dots(above, part["residual"], _BLUE, "model", 1.6)
        _line(middle, part["map_lyapunov"], "0.5", "cubic map")
        _line(middle, part["lyapunov"], _BLUE, "model")
        _line(below, part["test_loss"], _RED, "last weights")
        _line(below, part["averaged_test_loss"], _GREEN, "averaged predictions")
        above.set_ylim(-2.1, 2.1)
        middle.set_ylim(-1.6, 1.2)
        below.set_ylim(bottom=0)
        below.set_xlabel(label(part, "relative_step").replace(" over ", "\nover "))
        for panel in (above, middle, below):
            for end in _ENDS:
                panel.axvline(end, color="0.6", linewidth=0.8, linestyle="--", zorder=0)
    for panel, name, place in zip(
        panels[:, 0], ("residual", "lyapunov", "test_loss"), ("lower left", "lower right", "lower left"), strict=True
    ):
        panel.set_ylabel(label(dataset, name).removesuffix(" at the end"))
        panel.legend(frameon=False, fontsize="small", loc=place)
    return fixed_with_note(
        figure,
        "dashed: where theory has catapults (2√2 − 2), cycles (1) and divergence (2) begin; means and 95 %"
        " intervals over the draws that stay bounded, where most do",
    )


def _dots(panel: Axes, residual: xr.DataArray, color: Any, name: str, size: float) -> None:
    values = residual.transpose("relative_step", ...).values.ravel()
    steps = residual["relative_step"].values
    panel.plot(np.repeat(steps, len(values) // len(steps)), values, ".", color=color, markersize=size, label=name)


def _line(panel: Axes, values: xr.DataArray, color: Any, name: str) -> None:
    ordered = values.sortby("relative_step").transpose("relative_step", ...)
    rows = ordered.values.reshape(ordered.sizes["relative_step"], -1)
    known = [row[np.isfinite(row)] for row in rows]
    low, centre, high = np.array(
        [mean_interval(some) if 2 * len(some) > rows.shape[1] else (np.nan,) * 3 for some in known]
    ).T
    panel.plot(ordered["relative_step"], centre, color=color, label=name, linewidth=1.4)
    panel.fill_between(ordered["relative_step"], low, high, color=color, alpha=0.25, linewidth=0)
