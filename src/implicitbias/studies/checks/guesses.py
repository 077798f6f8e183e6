"""Checks of trained against random networks that fit."""

import xarray as xr

from implicitbias.studies.verdicts import Verdict, axis, mean, shown, trend, verdict


def width_helps_gradient_descent(dataset: xr.Dataset) -> Verdict:
    """Among networks trained by SGD, wider ones are more accurate: the rank correlation of width and accuracy (about
    its mean at each n and seed) is above 0 by its 95 % interval.

    Peleg & Hein 2024.
    """
    low, correlation, high = trend(dataset["test_accuracy"].sel(found_by="sgd"), "factor")
    return verdict(low > 0, f"rank correlation {correlation:.3f}, 95 % interval {low:.3f} to {high:.3f}")


def width_leaves_guesses_alone(dataset: xr.Dataset) -> Verdict:
    """Among random networks that fit, the widest are as accurate as the narrowest, within 2.5 percentage points.

    Chiang et al. 2023; Peleg & Hein 2024.
    """
    factor = axis(dataset, "factor")
    accuracy = mean(dataset["test_accuracy"].sel(found_by="guess"), "factor")
    gap = float(accuracy.sel(factor=factor.max()) - accuracy.sel(factor=factor.min()))
    return verdict(abs(gap) <= 0.025, f"accuracies {shown(accuracy)}; widest minus narrowest {gap:+.4f}")


def depth_lowers_accuracy(dataset: xr.Dataset) -> Verdict:
    """Deeper networks are less accurate, random ones and those trained by SGD: the rank correlation of depth and
    accuracy (about its mean) is below 0 by its 95 % interval for both.

    Peleg & Hein 2024.
    """
    axis(dataset, "layers")
    passed, numbers = True, []
    for name in ("guess", "sgd"):
        low, correlation, high = trend(dataset["test_accuracy"].sel(found_by=name), "layers")
        passed &= high < 0
        numbers.append(f"{name} {correlation:.3f} ({low:.3f} to {high:.3f})")
    return verdict(passed, f"rank correlations {', '.join(numbers)}")


def trained_networks_beat_guesses(dataset: xr.Dataset) -> Verdict:
    """At every size, networks trained by SGD are more accurate on average than random networks that fit as well.

    Peleg & Hein 2024.
    """
    names = [dim for dim in ("train_size", "factor", "layers") if dim in dataset.dims]
    gap = mean(dataset["test_accuracy"].sel(found_by="sgd") - dataset["test_accuracy"].sel(found_by="guess"), *names)
    return verdict((gap > 0).all(), f"gap in accuracy {float(gap.min()):.3f} to {float(gap.max()):.3f}")
