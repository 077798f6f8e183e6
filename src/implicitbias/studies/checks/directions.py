"""Checks of where weights go after the fit: optimality, direction, alignment, norms."""

import numpy as np
import xarray as xr

from implicitbias.networks import network_of
from implicitbias.studies.intervals import Interval, draw_interval
from implicitbias.studies.powers import between, late_power, log, pace
from implicitbias.studies.verdicts import (
    MissingData,
    Verdict,
    arms,
    axis,
    diverged,
    last,
    mean,
    mean_interval,
    several_draws,
    shown,
    since,
    verdict,
)

_KINDS = ("activation", "depth")
_ROUNDING = 1e-7  # a residual below this is


def kkt_residuals_fall(dataset: xr.Dataset) -> Verdict:
    """Over the last decade of S, minus the log of the summed loss, stationarity, slackness and the distance to the
    gradients' cone fall as powers of S, for every activation and depth: the powers are below 0 by their 95 % intervals
    over draws.

    How far from 0 they end is among the numbers: stationarity starts near 1.4 = sqrt(2), with weights at right angles
    to the loss's gradient, and no run is long enough to reach 0.

    Lyu & Li 2020, section 4; trends, since points are only reached as 1/sqrt(log |theta|), which no run waits for.
    """
    size = _fitted_size(dataset)
    passed, numbers = True, []
    for name in ("kkt_stationarity", "kkt_slackness", "nnls_residual"):
        found = dict(arms(late_power(size, dataset[name].clip(min=_ROUNDING)), *_KINDS))
        ends = dict(arms(last(dataset[name]), *_KINDS))
        slopes = {kind: draw_interval(slope) for kind, slope in found.items()}
        passed &= all(slope.high < 0 for slope in slopes.values())
        told = (f"{kind} {slope}, {float(mean(ends[kind])):.2g} at the end".strip() for kind, slope in slopes.items())
        numbers.append(f"{name}: {'; '.join(told)}")
    return verdict(passed, f"power of S, 95 % over {several_draws(dataset)} draws: {'. '.join(numbers)}")


def directions_converge(dataset: xr.Dataset) -> Verdict:
    """Over the last decade of S, minus the log of the summed loss, the direction of the weights moves less with every
    doubling of S, so that its path is finite, for every activation and depth: its pace falls as a power of S that is
    below 0 by its 95 % interval over draws.

    Ji & Telgarsky 2020: the path of the direction is finite.

    A direction that wanders for ever at one pace in log S moves as far with every doubling of S (power 0), and its
    cosine to the last checkpoint rises all the same.
    """
    size = _fitted_size(dataset)
    powers = late_power(between(size), pace(dataset["path_length"], log(size)))
    found = {kind: draw_interval(power) for kind, power in arms(powers, *_KINDS)}
    numbers = "; ".join(f"{kind} {power}".strip() for kind, power in found.items())
    return verdict(
        all(power.high < 0 for power in found.values()),
        f"power of S with which the pace falls, 95 % over {several_draws(dataset)} draws: {numbers}",
    )


def _fitted_size(dataset: xr.Dataset) -> xr.DataArray:
    """S where it is above 1 (then a network fits), NaN elsewhere."""
    size = _log_loss(dataset)
    return size.where(size > 1)


def _log_loss(dataset: xr.Dataset) -> xr.DataArray:
    """S, minus the log of the summed exponential loss."""
    size: xr.DataArray = -dataset["train_loss"] - np.log(float(dataset["train_size"]))
    return size


def deep_linear_layers_align(dataset: xr.Dataset) -> Verdict:
    """In linear networks, the ratios of second to first singular values fall by half (where they were above a tenth),
    and adjacent layers' first singular vectors end with cosines above .99.

    Ji & Telgarsky 2020; of layers whose ratio is above a tenth at the start.
    """
    if "linear" not in axis(dataset, "activation"):
        raise MissingData("no linear networks")
    part = dataset.sel(activation="linear")
    ratio = mean(part["second_singular_value"], "step", "depth", "layer")
    hidden = ratio.where(ratio.isel(step=0) > 0.1)
    aligned = last(part)["layer_alignment"]
    falls = (hidden.isel(step=-1) < 0.5 * hidden.isel(step=0)).where(hidden.isel(step=-1).notnull(), True).all()
    numbers = f"largest second singular value {float(hidden.isel(step=-1).max()):.3g} of the first"
    passed = falls & (float(aligned.min()) > 0.99) & (not diverged(dataset))
    return verdict(passed, f"{numbers}; smallest alignment {float(aligned.min()):.4f}")


def constant_steps_follow_the_rate(dataset: xr.Dataset) -> Verdict:
    """With constant steps whose sum is T, in networks of degree H, the loss times T (log T)^(2 - 2/H) stays within a
    factor 2 over the last decade of steps.

    L is the loss, given by its logarithm; H is the depth of a network whose first layer alone has biases.
    """
    _ = axis(dataset, "schedule")
    log_loss = mean(dataset["train_loss"].sel(schedule="plain"), "step")
    late = since(log_loss, axis(dataset, "step")[-1] / 10)
    time = np.log(float(dataset["learning_rate"]) * late["step"])
    product = late + time + (2 - 2 / int(dataset["depth"])) * np.log(time)
    spread = float(np.exp(product.max() - product.min()))
    return verdict(spread < 2, f"largest over smallest product {spread:.3g}")


def mean_gradients_align(dataset: xr.Dataset) -> Verdict:
    """At the last step of gradient descent, the mean gradient has a cosine above .95 with the weights, and the last
    gradient a lower one.

    From every initial scale; at the kinks of relus the last gradient alone does not align.
    """
    axis(dataset, "optimizer")
    names = ["path_alignment", "alignment_l2"]
    part = last(dataset[names]).sel(optimizer="steepest_l2")
    path, one = (mean(part[name], "init_scale") for name in names)
    return verdict((path > 0.95).all() & (one < path).all(), f"mean gradient {shown(path)}, last one {shown(one)}")


def norms_grow_logarithmically(dataset: xr.Dataset) -> Verdict:
    """With constant steps, |theta|^H grows linearly in log step over at least a decade of steps after the fit: the
    slopes are above 0 and R^2 is above .98, for every network and batch size.

    Schechtman & Schreuder 2025; a root of the step over a decade has an R^2 of .974, the logarithm 1.

    H is the degree of homogeneity; a network counts as fitted from the checkpoint on after which it makes no error.
    """
    named = {name: dataset[name].item() for name in ("activation", "depth", "output")}
    power = network_of(named, 1).leading_degree
    passed, numbers = True, []
    for batch in axis(dataset, "batch_size"):
        fits = [_log_growth(one, power) for _, one in arms(dataset.sel(batch_size=batch), "seed", "member")]
        slopes, shares, decades = np.transpose(fits)
        if np.min(decades) < 1:
            raise MissingData(
                f"only {np.min(decades):.2g} decades of steps after a network's fit, at batch size {batch}"
            )
        passed &= bool((slopes > 0).all() and (shares > 0.98).all())
        numbers.append(f"batch size {batch}: slope {shown(slopes)}, R^2 from {shares.min():.3f}")
    return verdict(passed, f"|theta|^{power} against log step, {'; '.join(numbers)}")


def late_subgradients_turn_to_kkt_points(dataset: xr.Dataset) -> Verdict:
    """With constant steps, the distance of the weights' direction to the cone of the support points' gradients falls as
    a power of the step from the fit on, for every batch size: the power is below 0 by the 95 % interval over draws.

    How far from 0 it ends is among the numbers. A trend: the weights grow as the logarithm of the step alone, and the
    residual falls as slowly.

    Schechtman & Schreuder 2025, theorem 1: limits of directions are critical points of the normalised margin.
    """
    passed, numbers = True, []
    for batch in axis(dataset, "batch_size"):
        part = dataset.sel(batch_size=batch)
        late = [_fitted(network, "nnls_residual") for _, network in arms(part, "seed", "member")]
        slopes = [
            np.polyfit(np.log(each["step"]), np.log(each["nnls_residual"]), 1)[0] if each.sizes["step"] > 2 else np.nan
            for each in late
        ]
        slope = Interval(*mean_interval(slopes))
        passed &= slope.high < 0
        ends = [float(each["nnls_residual"][-1]) if each.sizes["step"] else np.nan for each in late]
        numbers.append(f"batch size {batch}: power {slope}, {np.mean(ends):.3g} at the end")
    return verdict(passed, f"power of the step, 95 % over {several_draws(dataset)} draws: {'; '.join(numbers)}")


def _fitted(network: xr.Dataset, name: str) -> xr.Dataset:
    """Checkpoints from the first on after which a network makes no error: this variable, where it is recorded."""
    recorded = network[[name, "train_error"]].where(network["step"] > 0).dropna("step")
    errs = np.flatnonzero(recorded["train_error"].values != 0)
    return recorded.isel(step=slice(errs[-1] + 1 if len(errs) else 0, None))


def _log_growth(network: xr.Dataset, power: int) -> tuple[float, float, float]:
    """Slope of |theta|^power against log step, its R^2, and over how many decades, once fitted; NaN if it never is."""
    late = _fitted(network, "parameter_norm")
    if not late.sizes["step"] or diverged(network):
        return np.nan, np.nan, np.nan
    x, y = np.log(late["step"].values), late["parameter_norm"].values ** power
    share = np.corrcoef(x, y)[0, 1] ** 2 if np.ptp(y) > 0 else 0.0
    return np.polyfit(x, y, 1)[0] if len(x) > 1 else np.nan, share, np.ptp(x) / np.log(10)
