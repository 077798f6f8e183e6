"""The figure of Bernstein & Yue (2021), section 5: errors along the ray of label scales."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from implicitbias.figures.tables import SPREAD, focused, label
from implicitbias.studies.verdicts import stderr_of_mean


def label_ray(dataset: xr.Dataset) -> Figure:
    """Networks trained to alpha Y, the NNGP conditioned on it, and both averages over the orthant."""
    data, note = focused(dataset, ("label_scale",))
    blue, orange, green, _, pink = sns.color_palette("colorblind")[:5]
    figure, axis = plt.subplots(figsize=(6.4, 4.4))
    scale = data["label_scale"].values
    over = [dim for dim in SPREAD if dim in data["test_error"].dims]
    networks = data["test_error"]
    mean = networks.mean(over).values
    spread = networks.std(over, ddof=1).values if over else np.zeros(len(scale))
    axis.errorbar(
        scale, mean, spread, color=blue, marker="o", capsize=3, label="trained networks (mean, sd over networks)"
    )
    nngp, sd = (_seed_mean(data[name]).values for name in ("ray_error", "ray_error_std"))
    axis.errorbar(
        scale * 1.06, nngp, sd, color=orange, marker="s", linestyle="--", capsize=3,
        label="NNGP at this label scale (mean, sd over functions)",
    )  # fmt: skip
    _level(axis, float(_seed_mean(data["gibbs_error"])), float(stderr_of_mean(data["gibbs_error_stderr"])), green, "-.",
           "NNGP average over the orthant")  # fmt: skip
    sampled = data["sampled_test_error"].values.ravel()
    sampled = sampled[~np.isnan(sampled)]
    if len(sampled) > 1:
        stderr = float(sampled.std(ddof=1) / np.sqrt(len(sampled)))
        _level(
            axis, float(sampled.mean()), stderr, pink, ":", f"{len(sampled)} random networks that fit (mean, stderr)"
        )
    axis.set_xscale("log")
    axis.set_ylim(0, 0.7)
    axis.set_xlabel(f"{label(data, 'label_scale')} alpha")
    axis.set_ylabel(label(data, "test_error"))
    axis.legend(frameon=False, loc="upper right", fontsize="small")
    axis.set_title(f"along the label ray ({note})" if note else "along the label ray", fontsize="medium")
    figure.tight_layout()
    return figure


def _seed_mean(data: xr.DataArray) -> xr.DataArray:
    return data.mean("seed") if "seed" in data.dims else data


def _level(axis: Axes, value: float, stderr: float, colour: tuple[float, ...], style: str, name: str) -> None:
    axis.axhline(value, color=colour, linestyle=style, label=name)
    axis.axhspan(value - stderr, value + stderr, color=colour, alpha=0.2, linewidth=0)
