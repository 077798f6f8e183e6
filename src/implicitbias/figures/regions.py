"""Decision regions in the plane of the first two coordinates (Chizat & Bach 2020, figure 1)."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.figure import Figure

from implicitbias.figures.tables import focused, label

_ROWS = 3


def regions(dataset: xr.Dataset) -> Figure:
    """The sign of the output, a row a seed (three at most), a column a kind of output layer, with the training points.

    Args:
        dataset: of a study with the metrics `plane_output` and `plane_point`; other dimensions are at their last value.
    """
    inside = ("plane_y", "plane_x", "train_point", "plane_axis")
    data, note = focused(dataset[["plane_output", "plane_point"]], (*inside, "output"))
    data = data.isel({dim: 0 for dim in ("member",) if dim in data.dims})
    seeds, outputs = data["seed"].values[:_ROWS], data["output"].values
    figure, axes = plt.subplots(
        len(seeds), len(outputs), figsize=(3.2 * len(outputs), 3.1 * len(seeds)), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    negative, positive = (sns.color_palette("colorblind")[i] for i in (1, 0))
    for row, seed in zip(axes, seeds, strict=True):
        for axis, output in zip(row, outputs, strict=True):
            part = data.sel(seed=seed, output=output)
            x, y, sign = part["plane_point"].transpose("plane_axis", "train_point").values
            plane = part["plane_output"].transpose("plane_y", "plane_x")
            axis.contourf(
                part["plane_x"],
                part["plane_y"],
                np.sign(plane),
                levels=[-2, 0, 2],
                colors=[negative, positive],
                alpha=0.3,
            )
            for value, colour, marker in ((-1, negative, "o"), (1, positive, "^")):
                shown = sign == value
                axis.scatter(x[shown], y[shown], color=colour, marker=marker, s=14, edgecolor="black", linewidth=0.4)
            axis.set_aspect("equal")
            axis.set_title(f"{str(output).replace('_', ' ')}, seed {seed}", fontsize="medium")
    figure.supxlabel(label(data, "plane_x"), fontsize="medium")
    figure.supylabel(label(data, "plane_y"), fontsize="medium")
    figure.suptitle(
        f"+1 (blue, triangles) and -1 (orange, discs){f' ({note})' if note else ''}", y=-0.03, fontsize="small"
    )
    return figure
