"""The information plane: what layers hold of the input against what they hold of the label, epoch by epoch."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from implicitbias.figures.layout import fixed_with_note
from implicitbias.figures.tables import focused
from implicitbias.studies.verdicts import mean

_ROWS = {"in bins": "{}_information", "by kernels": "{}_information_bound"}


def information_plane(dataset: xr.Dataset) -> Figure:
    """A column an activation, a row an estimate: means over draws, a dot a layer and epoch, a line an epoch."""
    names = [form.format(kind) for form in _ROWS.values() for kind in ("input", "label")]
    data, note = focused(dataset[names], ("activation", "epoch", "layer"))
    activations = list(map(str, np.atleast_1d(data["activation"].values))) if "activation" in data.coords else [""]
    epochs = data["epoch"].values
    colour = ScalarMappable(LogNorm(1, max(2, epochs[-1] + 1)), "viridis")
    figure, axes = plt.subplots(
        len(_ROWS), len(activations), figsize=(1.6 + 3.9 * len(activations), 6.2), squeeze=False,
        sharex=True, sharey=True, layout="constrained",
    )  # fmt: skip
    for row, (how, form) in zip(axes, _ROWS.items(), strict=True):
        for axis, activation in zip(row, activations, strict=True):
            part = data.sel(activation=activation) if "activation" in data.dims else data
            means = (mean(part[form.format(kind)], "epoch", "layer") for kind in ("input", "label"))
            x, y = (each.transpose("epoch", "layer") for each in means)
            for epoch in epochs:
                line = x.sel(epoch=epoch), y.sel(epoch=epoch)
                axis.plot(*line, "-o", color=colour.to_rgba(epoch + 1), markersize=4.5, linewidth=0.7)
            for layer in data["layer"].values:
                place = float(x.sel(layer=layer)[-1]), float(y.sel(layer=layer)[-1])
                axis.annotate(str(layer), place, (0, 6), textcoords="offset points", ha="center", fontsize="small")
            axis.set_title(f"{activation}, {how}" if activation else how, fontsize="medium")
    axes[0, 0].set_ylim(-0.05, 1.15)  # labels are of two kinds
    figure.supxlabel("information on the input (bit)", fontsize="medium")
    figure.supylabel("information on the label (bit)", fontsize="medium")
    bar = figure.colorbar(colour, ax=axes, label="epoch", shrink=0.8)
    bar.set_ticks([epoch + 1 for epoch in epochs[::2]], labels=[f"{epoch:g}" for epoch in epochs[::2]])
    bar.minorticks_off()
    return fixed_with_note(
        figure, "means over draws; numbers: layers at the last epoch" + (f" ({note})" if note else "")
    )
