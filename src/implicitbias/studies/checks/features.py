"""Checks of which features neurons learn when they may turn, and of which features networks rely on."""

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import draw_interval
from implicitbias.studies.reference.margins import chizat_bach_2020
from implicitbias.studies.verdicts import MissingData, Verdict, axis, last, mean, several_draws, shown, verdict


def free_neurons_learn_parities(dataset: xr.Dataset) -> Verdict:
    """At every dimension, networks whose neurons turn fit, and err less on test points than networks of fixed neurons.

    Telgarsky 2022; fixed neurons need not fit, and how far they do is among the numbers.
    """
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
    """At initialisation, on at least d^2 points, the tangent kernel's margin falls as 1/d: the slope of its logarithm
    against log d is -1 within a quarter (and not -1/2).

    Telgarsky 2022: the tangent kernel's margin is of order 1/d, and the best network's of order 1/sqrt(d).

    That is of all 2^d points. Of n points with n < d^2 the kernel's margin is larger: it has fewer to separate.
    """
    features = np.sort(axis(dataset, "features"))
    if features[-1] ** 2 > int(dataset["train_size"]):
        raise MissingData(f"no {features[-1] ** 2} training points, which dimension {features[-1]} asks for")
    part = dataset["tangent_margin"].sel(output="mean_field") if "output" in dataset.dims else dataset["tangent_margin"]
    margin = mean(part.isel(step=0), "features").sel(features=features)
    slope = np.polyfit(np.log(features), np.log(margin.values), 1)[0]
    return verdict(abs(slope + 1) < 0.25, f"slope {slope:.3f}; margins {shown(margin)}")


def both_layers_beat_the_output_layer(dataset: xr.Dataset) -> Verdict:
    """At every n of 64 and more, networks with both layers trained err less than those with the output layer trained
    alone: the differences are above 0 by their 95 % intervals over draws of training and test points.

    Chizat & Bach 2020, section 5; a draw has training and test points of its own, the same for both kinds.
    """
    sizes = [n for n in axis(dataset, "train_size") if n >= 64]
    if not sizes:
        raise MissingData("no training size of 64 or more")
    passed, numbers = True, []
    for size in sizes:
        end = last(dataset).sel(train_size=size)
        both, output = (end["test_error"].sel(output=name) for name in ("mean_field", "random_features"))
        gap = draw_interval(output - both)
        passed &= gap.low > 0
        missed = f"of the training points {float(mean(end['train_error'].sel(output='mean_field'))):.2g}"
        numbers.append(f"n = {size}: {float(mean(output)):.3g} minus {float(mean(both)):.3g} ({missed}) is {gap}")
    return verdict(passed, f"output layer minus both, 95 % over {several_draws(end)} draws: {'; '.join(numbers)}")


def both_layers_reach_the_published_error(dataset: xr.Dataset) -> Verdict:
    """With both layers trained, the mean test error at every training size of Chizat & Bach's (2020) figure is no
    larger than the published one, as far as its 95 % interval over draws can tell.

    Chizat & Bach 2020, section 5, read off the figure; a draw has a labelling of the discs of its own.
    """
    published = {
        row.point["train_size"]: row.value for row in chizat_bach_2020() if row.point["output"] == "mean_field"
    }
    end = last(dataset)
    sizes = [n for n in axis(dataset, "train_size") if n in published]
    if not sizes:
        raise MissingData(f"no training size of {shown(list(published))}")
    passed, told = True, []
    for size in sizes:
        part = end.sel(train_size=size, output="mean_field") if "output" in end.dims else end.sel(train_size=size)
        error = part["test_error"]
        found = draw_interval(error)
        passed &= found.low <= published[size]
        draws = f"draws from {float(error.min(skipna=False)):.2g} to {float(error.max(skipna=False)):.2g}"
        missed = f"of the training points {float(mean(part['train_error'])):.2g}"
        told.append(f"n = {size}: {found}, published {published[size]:g} ({draws}; {missed})")
    return verdict(passed, f"95 % over {several_draws(end)} draws, {'; '.join(told)}")


def output_layer_reaches_the_kernels_margin(dataset: xr.Dataset) -> Verdict:
    """With the output layer trained alone, all networks fit, and at the last step they have over 90 % of their kernel's
    largest margin on average.

    Chizat & Bach 2020, section 5.
    """
    end = last(dataset)
    share, error = float(mean(end["margin_l2_share"])), float(end["train_error"].max())
    return verdict(error == 0 and share > 0.9, f"share {share:.3f}; largest training error {error:.3g}")


def noise_coordinates_hurt_the_output_layer_more(dataset: xr.Dataset) -> Verdict:
    """Test errors rise with the dimension, and at every dimension networks with the output layer trained alone err more
    than those with both layers trained, by over .05.

    Chizat & Bach 2020, section 5.
    """
    features = np.sort(axis(dataset, "features"))
    error = mean(last(dataset)["test_error"], "features", "output").sel(features=features)
    both, output = (error.sel(output=name) for name in ("mean_field", "random_features"))
    passed = (error.diff("features") > 0).all() & (output - both > 0.05).all()
    return verdict(passed, f"both {shown(both)}, output layer {shown(output)} at d = {shown(features)}")


def wide_margin_reaches_a_plateau(dataset: xr.Dataset) -> Verdict:
    """The margin in the variation norm rises from the smallest to the largest width, and rises by less than a quarter
    per doubling between the two largest.

    Chizat & Bach 2020, section 5; the two largest widths need not be a doubling apart.
    """
    widths = np.sort(axis(dataset, "width"))
    margin = mean(last(dataset)["margin_f1"], "width").sel(width=widths)
    gain = float(margin[-1] / margin[-2]) ** (1 / np.log2(widths[-1] / widths[-2])) - 1
    numbers = f"margins {shown(margin)} at m = {shown(widths)}; last gain {gain:+.1%} a doubling"
    return verdict(float(margin[-1]) > float(margin[0]) and gain < 0.25, numbers)


def neurons_keep_to_few_directions(dataset: xr.Dataset) -> Verdict:
    """On XOR clusters, neurons stay within .02 rad of their axes, and their norms, which start 1000 apart, end within a
    tenth of each other, by the 95 % intervals over draws of the largest angle and of the ratio of norms.

    Tsoy & Konstantinov 2024; a network's angle is the largest of any neuron at any checkpoint.
    """
    draws = several_draws(dataset)
    angle = draw_interval(dataset["neuron_angle"].max(["neuron_0", "step"], skipna=False))
    norm = dataset["neuron_norm"]
    ratios = norm.max("neuron_0", skipna=False) / norm.min("neuron_0", skipna=False)
    end, start = draw_interval(last(ratios)), float(mean(ratios.isel(step=0)))
    return verdict(
        angle.high < 0.02 and end.high < 1.1,
        f"largest angle {angle}; largest over smallest norm {start:.3g} at the start, {end} at the end; 95 % over"
        f" {draws} draws",
    )


def networks_rely_on_the_simplest_feature(dataset: xr.Dataset) -> Verdict:
    """Without the simplest feature the AUC is within .05 of a half, and without all the others it is above .99 (above
    .98 where the simplest feature is noisy), by the 95 % intervals over draws of training and test points.

    Shah et al. 2020; a draw has training and test points of its own.
    """
    passed, numbers = True, []
    for name in (name for name in axis(dataset, "data") if name != "ms_7"):
        part = dataset.sel(data=name)
        simple, others = (draw_interval(part[f"{kind}_randomized_auc"]) for kind in ("simple", "complex"))
        least = 0.98 if name.startswith("noisy") else 0.99
        passed &= 0.45 <= simple.low <= simple.high <= 0.55 and others.low > least
        numbers.append(f"{name}: without the simplest {simple}, without the others {others}")
    return verdict(passed, f"AUC, 95 % over {several_draws(dataset)} draws: {'; '.join(numbers)}")


def a_noisy_simple_feature_costs_accuracy(dataset: xr.Dataset) -> Verdict:
    """Networks whose linear feature is noisy are less accurate than the control networks, which see slabs alone (ms_7),
    though slabs decide every label of both: the difference is above 0, and the accuracy of the former is above .9, by
    the 95 % intervals over draws of training and test points.

    Shah et al. 2020: the linear feature alone gives .95, having learned nothing .5, the slabs alone 1.
    """
    for name, what in (("noisy_lms_7", "noisy linear features"), ("ms_7", "slabs alone, the control")):
        if name not in axis(dataset, "data"):
            raise MissingData(f"no {what} (data {name})")
    noisy, slabs = (dataset["accuracy"].sel(data=name) for name in ("noisy_lms_7", "ms_7"))
    learned, cost = draw_interval(noisy), draw_interval(slabs - noisy)
    return verdict(
        learned.low > 0.9 and cost.low > 0,
        f"accuracy where the linear feature is noisy {learned}, on slabs alone {draw_interval(slabs)}, higher by"
        f" {cost}; 95 % over {several_draws(dataset)} draws",
    )
