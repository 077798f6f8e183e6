"""Checks of which features neurons learn when they may turn, and of which features networks rely on."""

import numpy as np
import xarray as xr

from implicitbias.studies.verdicts import Lacking, Verdict, axis, last, mean, shown, verdict


def free_neurons_learn_parities(dataset: xr.Dataset) -> Verdict:
    """Telgarsky 2022; fixed neurons need not fit, and how far they do is among the numbers."""
    end = last(dataset)
    train, test = (mean(end[name], "features", "output") for name in ("train_error", "test_error"))
    turned = mean(end["rotation"].sel(output="mean_field"), "features")
    free, fixed = (test.sel(output=name) for name in ("mean_field", "random_features"))
    numbers = (
        f"test errors of free neurons {shown(free)}, of fixed ones {shown(fixed)} (training errors"
        f" {shown(train.sel(output='random_features'))}) at d = {shown(axis(dataset, 'features'))}"
    )
    fitted = (train.sel(output="mean_field") == 0).all()
    return verdict(fitted & (free < fixed).all(), f"{numbers}; rotation of free neurons {shown(turned)}")


def tangent_margin_falls_as_one_over_d(dataset: xr.Dataset) -> Verdict:
    """Telgarsky 2022: the tangent kernel's margin is of order 1/d, and the best network's of order 1/sqrt(d).

    That is of all 2^d points. Of n points with n < d^2 the kernel's margin is larger: it has fewer to separate.
    """
    features = np.sort(axis(dataset, "features"))
    if features[-1] ** 2 > int(dataset["train_size"]):
        raise Lacking(f"no {features[-1] ** 2} training points, which dimension {features[-1]} asks for")
    part = dataset["tangent_margin"].sel(output="mean_field") if "output" in dataset.dims else dataset["tangent_margin"]
    margin = mean(part.isel(step=0), "features").sel(features=features)
    slope = np.polyfit(np.log(features), np.log(margin.values), 1)[0]
    return verdict(abs(slope + 1) < 0.25, f"slope {slope:.3f}; margins {shown(margin)}")


def both_layers_beat_the_output_layer(dataset: xr.Dataset) -> Verdict:
    """Chizat & Bach 2020, section 5."""
    sizes = [n for n in axis(dataset, "train_size") if n >= 64]
    if not sizes:
        raise Lacking("no training size of 64 or more")
    error = mean(last(dataset)["test_error"], "train_size", "output").sel(train_size=sizes)
    both, output = (error.sel(output=name) for name in ("mean_field", "random_features"))
    return verdict((both < output).all(), f"both {shown(both)}, output layer {shown(output)} at n = {shown(sizes)}")


def output_layer_reaches_the_kernels_margin(dataset: xr.Dataset) -> Verdict:
    """Output layer alone, last step: all networks fit, with over 90 % of their kernel's largest margin on the mean."""
    end = last(dataset)
    share, error = float(mean(end["margin_l2_share"])), float(end["train_error"].max())
    return verdict(error == 0 and share > 0.9, f"share {share:.3f}; largest training error {error:.3g}")


def noise_coordinates_hurt_the_output_layer_more(dataset: xr.Dataset) -> Verdict:
    """Both errors rise with the dimension; at every dimension the output layer alone errs more, by over .05."""
    features = np.sort(axis(dataset, "features"))
    error = mean(last(dataset)["test_error"], "features", "output").sel(features=features)
    both, output = (error.sel(output=name) for name in ("mean_field", "random_features"))
    passed = (error.diff("features") > 0).all() & (output - both > 0.05).all()
    return verdict(passed, f"both {shown(both)}, output layer {shown(output)} at d = {shown(features)}")


def wide_margin_reaches_a_plateau(dataset: xr.Dataset) -> Verdict:
    """Chizat & Bach 2020, section 5; the two largest widths need not be a doubling apart."""
    widths = np.sort(axis(dataset, "width"))
    margin = mean(last(dataset)["margin_f1"], "width").sel(width=widths)
    gain = float(margin[-1] / margin[-2]) ** (1 / np.log2(widths[-1] / widths[-2])) - 1
    numbers = f"margins {shown(margin)} at m = {shown(widths)}; last gain {gain:+.1%} a doubling"
    return verdict(float(margin[-1]) > float(margin[0]) and gain < 0.25, numbers)


def neurons_keep_to_few_directions(dataset: xr.Dataset) -> Verdict:
    """Tsoy & Konstantinov 2024; the angle is the largest of any network at any checkpoint."""
    angle = float(dataset["neuron_angle"].max(skipna=False))
    norm = mean(last(dataset)["neuron_norm"], "neuron_0")
    ratio, start = float(norm.max() / norm.min()), mean(dataset["neuron_norm"].isel(step=0), "neuron_0")
    numbers = (
        f"largest angle {angle:.2g}; largest over smallest norm {float(start.max() / start.min()):.3g} at the start"
    )
    return verdict(angle < 0.02 and ratio < 1.1, f"{numbers}, {ratio:.3g} at the end")


def networks_rely_on_the_simplest_feature(dataset: xr.Dataset) -> Verdict:
    """Shah et al. 2020."""
    chosen = [name for name in axis(dataset, "data") if name != "ms_7"]
    simple, others = (
        mean(dataset[f"{part}_randomized_auc"], "data").sel(data=chosen) for part in ("simple", "complex")
    )
    least = np.array([0.98 if name.startswith("noisy") else 0.99 for name in chosen])
    passed = (np.abs(simple - 0.5) <= 0.05).all() and (others.values > least).all()
    return verdict(
        passed, f"{', '.join(chosen)}: without the simplest {shown(simple)}, without the others {shown(others)}"
    )


def a_noisy_simple_feature_costs_accuracy(dataset: xr.Dataset) -> Verdict:
    """Shah et al. 2020: the linear feature alone gives .95, having learned nothing .5, the slabs alone 1."""
    if "noisy_lms_7" not in axis(dataset, "data"):
        raise Lacking("no data noisy_lms_7")
    accuracy = mean(dataset["accuracy"], "data")
    noisy = float(accuracy.sel(data="noisy_lms_7"))
    passed = 0.9 < noisy < 0.96
    if "ms_7" not in accuracy["data"].values:
        return verdict(passed, f"accuracy {noisy:.3f}; slabs alone (ms_7) are not in this study")
    slabs = float(accuracy.sel(data="ms_7"))
    return verdict(passed and slabs > 0.96, f"accuracy {noisy:.3f}; on slabs alone {slabs:.3f}")
