"""The figure of Bernstein & Yue (2021, second version): kernel interpolation as a Bayes point machine."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.figure import Figure

from implicitbias.figures.tables import SPREAD, focused, label


def bayes_point(dataset: xr.Dataset) -> Figure:
    """Left the infinitely wide network: a draw, the majority, the centre. Right trained networks: the same three."""
    data, note = focused(dataset, ("train_size", "targets", "label_scale"))
    scales = np.sort(data["label_scale"].values)
    small = data.sel(targets="spherised", label_scale=scales[0])
    large = data.sel(targets="labels", label_scale=scales[-1])
    panels: dict[str, dict[str, xr.DataArray | None]] = {
        "infinite width": {
            "draw of the spherised posterior (Gibbs)": data["spherised_gibbs_error"],
            "its majority (Bayes)": data["spherised_bayes_error"],
            "kernel interpolation": data["kernel_interpolation_error"],
            "draw of the posterior on the orthant": data.get("gibbs_error"),
            "majority on the orthant": data.get("bayes_error"),
        },
        "trained networks": {
            f"small margins: one, spherised targets at {scales[0]:g}": small["test_error"],
            "vote of the small-margin networks": small["vote_error"],
            f"large margins: one, labels at {scales[-1]:g}": large["test_error"],
            "vote of the large-margin networks": large["vote_error"],
        },
    }
    figure, axes = plt.subplots(1, 2, figsize=(9.6, 4.2), sharey=True)
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        shown = {name: values for name, values in lines.items() if values is not None}
        colours = sns.color_palette("colorblind", len(shown))
        for position, (name, values) in enumerate(shown.items()):
            over = [dim for dim in SPREAD if dim in values.dims]
            axis.plot(
                values["train_size"], values.mean(over), color=colours[position], marker="osD^v"[position], label=name,
                linestyle=("-", "--", ":", "-.", (0, (5, 5)))[position],
            )  # fmt: skip
        axis.set(xlabel=label(data, "train_size"), title=title, ylim=(0, 0.5))
        axis.legend(frameon=False, fontsize="small")
    axes[0].set_ylabel(label(data, "test_error"))
    figure.suptitle(f"a draw, the majority, the centre ({note})", fontsize="medium")
    figure.tight_layout()
    return figure
