"""Checks of two-layer networks on nearly orthogonal data: low rank, equal margins, the limit, less signal."""

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import draw_interval
from implicitbias.studies.powers import between, late_power, log, pace
from implicitbias.studies.verdicts import (
    TOLERANCE,
    MissingData,
    Verdict,
    axis,
    last,
    mean,
    several_draws,
    shown,
    since,
    verdict,
)  # fmt: skip


def rank_falls_faster_in_high_dimension(dataset: xr.Dataset) -> Verdict:
    """From the smallest initial weights, the stable rank, as a fraction of its initial value, is smaller in higher
    dimensions at every step from the tenth on.

    Frei et al. 2023, section 5.
    """
    share = _rank_share(dataset).sel(init_scale=axis(dataset, "init_scale").min())
    share = since(share.sel(features=np.sort(axis(dataset, "features"))), 10)
    falls = (share.diff("features") < 0).all()
    return verdict(falls, f"shares {shown(share.isel(step=0))} at step {int(share['step'][0])}")


def small_initialisation_lowers_rank(dataset: xr.Dataset) -> Verdict:
    """At the last step and in every dimension, the stable rank is below a tenth of its initial value from the smallest
    initial weights, and above half of it from the largest.

    Frei et al. 2023, section 5: shares of the initial stable rank.
    """
    scales = axis(dataset, "init_scale")
    share = _rank_share(dataset).isel(step=-1)
    small, large = share.sel(init_scale=scales.min()), share.sel(init_scale=scales.max())
    return verdict((small < 0.1).all() & (large > 0.5).all(), f"smallest {shown(small)}, largest {shown(large)}")


def a_step_takes_the_rank(dataset: xr.Dataset) -> Verdict:
    """In 10,000 dimensions and from a fiftieth of the usual weights, the first step leaves below 1 % of the stable
    rank, by the 95 % interval over draws.

    Frei et al. 2023, section 5; in their dimension, from a fiftieth of the usual weights.
    """
    if dataset["features"].max() < 10_000 or not (dataset["init_scale"] == 0.02).any():
        raise MissingData("no dimension of 10,000 or more with a fiftieth of the usual weights")
    chosen = (dataset["features"] >= 10_000) & (dataset["init_scale"] == 0.02)
    rank = dataset["stable_rank"].where(chosen, drop=True)
    left = draw_interval(rank.sel(step=1) / rank.sel(step=0))
    return verdict(left.high < 0.01, f"share of the initial stable rank {left}, 95 % over {several_draws(rank)} draws")


def _rank_share(dataset: xr.Dataset) -> xr.DataArray:
    """Stable rank over its initial value, mean over seeds and members."""
    if 0 not in axis(dataset, "step"):
        raise MissingData("no step 0")
    rank = dataset["stable_rank"]
    return mean(rank / rank.sel(step=0), "features", "init_scale", "step")


def slope_lowers_rank(dataset: xr.Dataset) -> Verdict:
    """Networks of two halves have a lower stable rank at the last step the larger the slope of the leaky relu, from
    every initialisation.

    Kou, Chen & Gu 2023, section 6.
    """
    slopes = np.sort(axis(dataset, "slope"))
    rank = mean(last(dataset)["positive_stable_rank"], "slope", "init_scale").sel(slope=slopes)
    return verdict((rank.diff("slope") < 0).all(), f"stable rank {shown(rank)} by slope, then initialisation")


def initialisation_lowers_rank(dataset: xr.Dataset) -> Verdict:
    """Networks of two halves have a lower stable rank at the last step the smaller their initial weights, with every
    slope, and the lowest is below 1.1.

    Kou, Chen & Gu 2023, section 6.
    """
    scales = np.sort(axis(dataset, "init_scale"))
    rank = mean(last(dataset)["positive_stable_rank"], "slope", "init_scale").sel(init_scale=scales)
    passed = (rank.diff("init_scale") > 0).all() & (rank.isel(init_scale=0) < 1.1).all()
    return verdict(passed, f"stable rank from the smallest initial weights {shown(rank.isel(init_scale=0))}")


def limit_is_the_convex_optimum(dataset: xr.Dataset) -> Verdict:
    """The cosines of the first layer with its convex optimum, and of the predictor with the SVM, rise (up to 1e-4) to
    above .99.

    Frei et al. 2023, theorem 3.2.
    """
    layer, predictor = (mean(dataset[name], "step") for name in ("optimum_cosine", "svm_cosine"))
    rises = all((cosine.diff("step") > -TOLERANCE).all() for cosine in (layer, predictor))
    high = min(float(cosine[-1]) for cosine in (layer, predictor)) > 0.99
    return verdict(rises and high, f"first layer {shown(layer)}; predictor {shown(predictor)}")


def limit_has_rank_two(dataset: xr.Dataset) -> Verdict:
    """From the first step on, the ratio of the third to the first singular value of the first layer falls, and at the
    end it is below .02 in every dimension.

    Frei et al. 2023, theorem 3.2; at the largest dimension the singular value is still far from its limit of 0.
    """
    ratio = mean(dataset["third_singular_value"].sel(layer=0), "step", "features")
    later = since(ratio, 1)
    end = later.isel(step=-1)
    return verdict((later.diff("step") < 0).all() & (end < 0.02).all(), f"third over first at the end {shown(end)}")


def predictor_is_nearly_the_shortest(dataset: xr.Dataset) -> Verdict:
    """At the end of training, the linear predictor is at most 2/(1 + slope) times as long as the shortest one of the
    same margin.

    Frei et al. 2023, theorem 3.2: at most 2/(kappa + slope), which is least for as many signs of both kinds.
    """
    ratio, bound = mean(last(dataset)["svm_norm_ratio"], "features"), 2 / (1 + float(dataset["slope"]))
    return verdict((ratio <= bound).all(), f"norms over the shortest {shown(ratio)}, bound {bound:.3g}")


def margins_equalise(dataset: xr.Dataset) -> Verdict:
    """The ratio of the smallest to the largest margin rises from the first step on.

    Kou, Chen & Gu 2023, section 4: the ratio tends to 1 as 1 - c/log t, too slowly for a threshold.
    """
    later = since(mean(dataset["margin_ratio"], "step"), 1)
    return verdict((later.diff("step") > 0).all(), f"smallest over largest margin {shown(later)}")


def loss_times_steps_is_predicted(dataset: xr.Dataset) -> Verdict:
    """For networks of two halves on orthogonal points, the product of loss and step ends at n m/(eta (1 + slope^2) d),
    or without slope at 2 n m/(eta d), within a tenth.

    With m neurons a half, of which without slope one half is active at a point.
    """
    slopes, end = axis(dataset, "slope"), last(dataset)
    found = mean(end["train_loss"], "slope") * int(end["step"])
    size = dataset["train_size"] * dataset["width"] / 2 / (_rate(dataset) * dataset["features"])
    ratio = found / (float(size) / np.where(slopes > 0, 1 + slopes**2, 0.5))
    return verdict((abs(ratio - 1) < 0.1).all(), f"over the prediction {shown(ratio)} at slopes {shown(slopes)}")


def rank_of_halves_is_predicted(dataset: xr.Dataset) -> Verdict:
    """For networks of two halves on orthogonal points, the stable rank ends at 1 with a slope, within .03, and without
    one at 2p/(p + 1) for p points of the half's label, within a tenth.

    The half is that of the p points labelled +1.
    """
    slopes, end = axis(dataset, "slope"), last(dataset)
    points = end["positive_share"] * dataset["train_size"]
    predicted = (2 * points / (points + 1)).where(end["slope"] == 0, 1)
    ratio = mean(end["positive_stable_rank"] / predicted, "slope")
    passed = abs(ratio - 1) < np.where(slopes > 0, 0.03, 0.1)
    return verdict(passed.all(), f"over the prediction {shown(ratio)} at slopes {shown(slopes)}")


def weights_grow_as_the_logarithm(dataset: xr.Dataset) -> Verdict:
    """In networks of degree one with constant steps, the ratio |W|/log(step) stays within a factor 1.5 over the last
    two decades of steps.
    """
    late = since(mean(dataset["parameter_norm"], "step", "slope"), axis(dataset, "step")[-1] / 100)
    growth = late / np.log(late["step"])
    spread = growth.max("step") / growth.min("step")
    return verdict((spread < 1.5).all(), f"largest over smallest ratio {shown(spread)}")


def _rate(dataset: xr.Dataset) -> float:
    """The learning rate, a number or one over the dimension ("10/d")."""
    value = dataset["learning_rate"].item()
    return float(value[:-2]) / int(dataset["features"]) if isinstance(value, str) else float(value)


def small_initialisation_keeps_rank_low(dataset: xr.Dataset) -> Verdict:
    """From the smallest initial weights, the stable rank is never above that from the largest (by over 1 %) and ends
    at less than half of it; the test errors end within .03 of each other.

    Frei et al. 2023, section 5.
    """
    scales = np.sort(axis(dataset, "init_scale"))
    part = since(dataset, 1)
    low, high = (mean(part["stable_rank"].sel(init_scale=scale), "step") for scale in (scales[0], scales[-1]))
    errors = mean(last(dataset)["test_error"], "init_scale").values
    numbers = f"at the end {float(low[-1]):.3g} and {float(high[-1]):.3g}; test errors {shown(errors)}"
    passed = (low < 1.01 * high).all() and float(low[-1]) < 0.5 * float(high[-1])
    return verdict(passed and np.ptp(errors) < 0.03, numbers)


def neurons_align_before_the_loss_moves(dataset: xr.Dataset) -> Verdict:
    """Neurons point at their class's mean (with a cosine above .95) while the loss is still above 90 % of its initial
    value, and the stable rank ends below 2.

    Min, Mallada & Vidal 2023.
    """
    loss, aligned = (mean(dataset[name], "step") for name in ("train_loss", "class_alignment"))
    before = aligned.where(loss > 0.9 * loss.isel(step=0), drop=True)
    rank = float(mean(last(dataset)["stable_rank"]))
    numbers = f"alignment {float(before[0]):.3f} at the start, {float(before[-1]):.3f} before the loss falls"
    return verdict(float(before[-1]) > 0.95 and rank < 2, f"{numbers}; stable rank at the end {rank:.3g}")


def loss_falls_as_one_over_t(dataset: xr.Dataset) -> Verdict:
    """Over the last decade of steps the loss L falls as 1/t, with the logarithm that homogeneity of degree H brings:
    per step, 1/L grows by (log 1/L)^(2 - 2/H) times a constant, which varies as a power of the step within .1 of 0 by
    its 95 % interval over draws.

    Min, Mallada & Vidal 2023: O(1/t); with its logarithm the flow's L' = -c L^2 (log 1/L)^(2 - 2/H) (Lyu & Li 2020).

    So 1/L grows by c (log 1/L)^(2 - 2/H) a step, H the depth, with a constant c; of a loss t^-p it would go as t^(p-1).
    A slope of log L against log t is no test: t counts from when neurons have aligned.
    """
    loss = dataset["train_loss"]
    small = loss.where(loss < 1)
    constant = pace(1 / small, loss["step"]) / between(log(1 / small)) ** (2 - 2 / int(dataset["depth"]))
    power = draw_interval(late_power(between(loss["step"]), constant))
    return verdict(
        -0.1 < power.low <= power.high < 0.1,
        f"over the last decade of steps the constant goes as the power {power} of the step, 95 % over"
        f" {several_draws(loss)} draws; loss at the end {float(mean(last(dataset)['train_loss'])):.2g}",
    )


def less_signal_suffices_with_more_points(dataset: xr.Dataset) -> Verdict:
    """Without signal the test error is within .05 of a half, and with more training points a smaller signal halves it.

    Karhadkar et al. 2024; the signal at a quarter is interpolated.
    """
    signals, sizes = np.sort(axis(dataset, "signal")), np.sort(axis(dataset, "train_size"))
    errors = mean(last(dataset)["test_error"], "train_size", "signal").sel(signal=signals, train_size=sizes)
    needed = []
    for size in sizes:
        error = errors.sel(train_size=size).values
        if not (error < 0.25).any() or not (error[0] > 0.25):
            return verdict(False, f"test errors {shown(error)} at n = {size} do not cross a quarter")
        after = int((error < 0.25).argmax())
        share = (error[after - 1] - 0.25) / (error[after - 1] - error[after])
        needed.append(signals[after - 1] + share * (signals[after] - signals[after - 1]))
    chance = float(abs(errors.isel(signal=0) - 0.5).max())
    numbers = f"signal at a test error of a quarter {shown(needed)} at n = {shown(sizes)}"
    passed = chance < 0.05 and (np.diff(needed) < 0).all()
    return verdict(passed, f"{numbers}; without signal {shown(errors.isel(signal=0))}")
