"""Checks of what gradient descent selects: rank, margins, directions."""

import numpy as np
import xarray as xr

from implicitbias.studies.verdicts import Verdict, axis, mean, shown, verdict

_TOLERANCE = 1e-4  # relative, of monotone quantities: steps are finite


def rank_falls_faster_in_high_dimension(dataset: xr.Dataset) -> Verdict:
    """Smallest initial weights: the share of the initial stable rank falls with the dimension, at every step >= 10."""
    share = _rank_share(dataset).sel(init_scale=axis(dataset, "init_scale").min())
    share = share.sel(features=np.sort(axis(dataset, "features")), step=[s for s in axis(dataset, "step") if s >= 10])
    falls = (share.diff("features") < 0).all()
    return verdict(falls, f"shares {shown(share.isel(step=0))} at step {int(share['step'][0])}")


def small_initialisation_lowers_rank(dataset: xr.Dataset) -> Verdict:
    """Last step, every dimension: below a tenth from the smallest initial weights, above a half from the largest."""
    scales = axis(dataset, "init_scale")
    last = _rank_share(dataset).isel(step=-1)
    small, large = last.sel(init_scale=scales.min()), last.sel(init_scale=scales.max())
    return verdict((small < 0.1).all() & (large > 0.5).all(), f"smallest {shown(small)}, largest {shown(large)}")


def _rank_share(dataset: xr.Dataset) -> xr.DataArray:
    """Stable rank over its initial value, mean over seeds and members."""
    if 0 not in axis(dataset, "step"):
        raise KeyError("step 0")
    rank = dataset["stable_rank"]
    return mean(rank / rank.sel(step=0), "features", "init_scale", "step")


def slope_lowers_rank(dataset: xr.Dataset) -> Verdict:
    """Halves, every initialisation, last step: the larger the slope of the leaky relu, the lower the stable rank."""
    rank = mean(dataset["positive_stable_rank"].isel(step=-1), "slope", "init_scale").sel(
        slope=np.sort(axis(dataset, "slope"))
    )
    return verdict((rank.diff("slope") < 0).all(), f"stable rank {shown(rank)} by slope, then initialisation")


def initialisation_lowers_rank(dataset: xr.Dataset) -> Verdict:
    """Halves, every slope, last step: the smaller the initial weights, the lower the rank; the lowest below 1.1."""
    scales = np.sort(axis(dataset, "init_scale"))
    rank = mean(dataset["positive_stable_rank"].isel(step=-1), "slope", "init_scale").sel(init_scale=scales)
    passed = (rank.diff("init_scale") > 0).all() & (rank.isel(init_scale=0) < 1.1).all()
    return verdict(passed, f"stable rank from the smallest initial weights {shown(rank.isel(init_scale=0))}")


def limit_is_the_convex_optimum(dataset: xr.Dataset) -> Verdict:
    """Cosines of the first layer to its convex optimum, and of the predictor to the SVM, rise above .99."""
    layer, predictor = (mean(dataset[name], "step") for name in ("optimum_cosine", "svm_cosine"))
    rises = all((cosine.diff("step") > -_TOLERANCE).all() for cosine in (layer, predictor))
    high = min(float(cosine[-1]) for cosine in (layer, predictor)) > 0.99
    return verdict(rises and high, f"first layer {shown(layer)}; predictor {shown(predictor)}")


def margins_equalise(dataset: xr.Dataset) -> Verdict:
    """Smallest over largest margin rises from the first step on."""
    ratio = mean(dataset["margin_ratio"], "step")
    later = ratio.sel(step=[step for step in axis(dataset, "step") if step > 0])
    return verdict((later.diff("step") > 0).all(), f"smallest over largest margin {shown(later)}")


def small_initialisation_keeps_rank_low(dataset: xr.Dataset) -> Verdict:
    """From smaller weights the stable rank is never above (by 1 %), and at the end half; test errors end within .03."""
    scales = np.sort(axis(dataset, "init_scale"))
    part = dataset.sel(step=[step for step in axis(dataset, "step") if step > 0])
    low, high = (mean(part["stable_rank"].sel(init_scale=scale), "step") for scale in (scales[0], scales[-1]))
    errors = mean(dataset["test_error"].isel(step=-1), "init_scale").values
    numbers = f"at the end {float(low[-1]):.3g} and {float(high[-1]):.3g}; test errors {shown(errors)}"
    passed = (low < 1.01 * high).all() and float(low[-1]) < 0.5 * float(high[-1])
    return verdict(passed and np.ptp(errors) < 0.03, numbers)


def neurons_align_before_the_loss_moves(dataset: xr.Dataset) -> Verdict:
    """Neurons point at their class's mean while the loss is above 90 % of its initial value; the rank ends below 2."""
    loss, aligned = (mean(dataset[name], "step") for name in ("train_loss", "class_alignment"))
    before = aligned.where(loss > 0.9 * loss.isel(step=0), drop=True)
    rank = float(mean(dataset["stable_rank"].isel(step=-1)))
    numbers = f"alignment {float(before[0]):.3f} at the start, {float(before[-1]):.3f} before the loss falls"
    return verdict(float(before[-1]) > 0.95 and rank < 2, f"{numbers}; stable rank at the end {rank:.3g}")


def loss_falls_as_one_over_t(dataset: xr.Dataset) -> Verdict:
    """Over the last half decade of steps, log loss falls with log step at a slope between -1 and -1.5."""
    steps = axis(dataset, "step")
    late = mean(dataset["train_loss"], "step").sel(step=steps[steps >= steps[-1] / 10**0.5])
    slope = np.polyfit(np.log(late["step"].values), np.log(late.values), 1)[0]
    return verdict(-1.5 < slope < -0.95, f"slope {slope:.3f}")


def overfitting_is_benign_in_high_dimension(dataset: xr.Dataset) -> Verdict:
    """All flipped labels are fitted; the test error is below .01 where d >= 7n, and falls with the dimension."""
    features = np.sort(axis(dataset, "features"))
    last = dataset.isel(step=-1) if "step" in dataset.dims else dataset
    error = mean(last["test_error"], "features").sel(features=features)
    high = error.sel(features=features[features >= 7 * int(dataset["train_size"])])
    if not high.size:
        raise KeyError("dimension of 7 n or more")
    fitted = float(last["train_error"].max()) == 0
    falls = (error.diff("features") <= 0).all() & (float(error[0]) > 0.01)
    return verdict(fitted and falls and (high < 0.01).all(), f"test error {shown(error)} at d = {shown(features)}")


def less_signal_suffices_with_more_points(dataset: xr.Dataset) -> Verdict:
    """Without signal the test error is within .05 of a half; the signal that halves it is smaller for larger n."""
    signals, sizes = np.sort(axis(dataset, "signal")), np.sort(axis(dataset, "train_size"))
    last = dataset["test_error"].isel(step=-1) if "step" in dataset.dims else dataset["test_error"]
    errors = mean(last, "train_size", "signal").sel(signal=signals, train_size=sizes)
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


_MARGIN_OF = {"steepest_l2": "l2", "steepest_linf": "linf", "steepest_l1": "l1", "steepest_spectral": "spectral"}


def each_algorithm_wins_its_margin(dataset: xr.Dataset) -> Verdict:
    """Largest initial weights, last step: every margin is largest for the algorithm of steepest descent in its norm."""
    names = [name for name in _MARGIN_OF if name in axis(dataset, "optimizer")]
    last = dataset.isel(step=-1).sel(optimizer=names)
    if "init_scale" in last.dims:
        last = last.sel(init_scale=last["init_scale"].max())
    winners = {}
    for name in names:
        margins = mean(last[f"margin_{_MARGIN_OF[name]}"], "optimizer")
        winners[_MARGIN_OF[name]] = str(margins["optimizer"].values[margins.values.argmax()])
    passed = all(winner == f"steepest_{norm}" for norm, winner in winners.items())
    return verdict(passed, "; ".join(f"{norm}: {winner}" for norm, winner in winners.items()))


def matched_soft_margins_never_fall(dataset: xr.Dataset) -> Verdict:
    """The soft margin in the algorithm's own norm, once positive, never falls by over 1e-4 of itself."""
    names = [name for name in _MARGIN_OF if name in np.atleast_1d(dataset["optimizer"].values)]
    worst = {}
    for name in names:
        part = dataset.sel(optimizer=name) if "optimizer" in dataset.dims else dataset
        worst[name] = _worst_step(part[f"soft_margin_{_MARGIN_OF[name]}"])
    numbers = ", ".join(f"{name} {value:.2g}" for name, value in worst.items())
    return verdict(all(value >= -_TOLERANCE for value in worst.values()), f"smallest relative step: {numbers}")


def mismatched_soft_margins_may_fall(dataset: xr.Dataset) -> Verdict:
    """A negative control: in another algorithm's norm the soft margin falls somewhere."""
    falls = {}
    for name, own in _MARGIN_OF.items():
        if name in axis(dataset, "optimizer"):
            part = dataset.sel(optimizer=name)
            others = [norm for norm in _MARGIN_OF.values() if norm != own and f"soft_margin_{norm}" in dataset]
            falls[name] = min(_worst_step(part[f"soft_margin_{norm}"]) for norm in others)
    numbers = ", ".join(f"{name} {value:.2g}" for name, value in falls.items())
    return verdict(min(falls.values()) < -_TOLERANCE, f"smallest relative step: {numbers}")


def smaller_initialisation_raises_margins(dataset: xr.Dataset) -> Verdict:
    """Matched margins, last step: the smaller the initial weights, the larger the margin."""
    scales, gains = np.sort(axis(dataset, "init_scale")), {}
    for name, norm in _MARGIN_OF.items():
        if name in axis(dataset, "optimizer"):
            margin = mean(dataset[f"margin_{norm}"].isel(step=-1).sel(optimizer=name), "init_scale")
            gains[name] = margin.sel(init_scale=scales).values
    numbers = "; ".join(f"{name} {shown(values)}" for name, values in gains.items())
    passed = all((np.diff(values) < 0).all() for values in gains.values())
    return verdict(passed, f"{numbers} from initial weights {shown(scales)}")


def eulers_identity_holds(dataset: xr.Dataset) -> Verdict:
    """<grad f, theta> = M f for homogeneous networks, to a relative 1e-10."""
    defect = float(dataset["euler_defect"].max())
    return verdict(defect < 1e-10, f"largest relative defect {defect:.2g}")


def adam_turns_from_linf_to_l2(dataset: xr.Dataset) -> Verdict:
    """Smallest epsilon: the margin by the largest weight falls from a peak by a tenth, that by the 2-norm rises on.

    With every epsilon the first margin ends above gradient descent's, by a factor of 2 or more.
    """
    part = dataset.sel(optimizer="adam", epsilon=axis(dataset, "epsilon").min())
    linf, l2 = (mean(part[name], "step") for name in ("margin_linf", "margin_l2"))
    at = int(linf.values.argmax())
    turns = float(linf[at]) > 1.1 * float(linf[-1]) and float(l2[-1]) > float(l2[at])
    ends = mean(dataset["margin_linf"].isel(step=-1), "optimizer", "epsilon")
    adam, descent = (ends.sel(optimizer=name) for name in ("adam", "sgd"))
    peak = f"peaks at {float(linf[at]):.3g} (step {int(linf['step'][at])}), ends at {float(linf[-1]):.3g}"
    other = f"l2 margin {float(l2[at]):.3g} then, {float(l2[-1]):.3g} at the end"
    numbers = f"by epsilon the first ends at {shown(adam)}, of gradient descent at {float(descent.max()):.3g}"
    return verdict(turns and (adam > 2 * descent).all(), f"l-infinity margin {peak}; {other}; {numbers}")


def shampoo_raises_the_spectral_margin(dataset: xr.Dataset) -> Verdict:
    """At the end Shampoo's margin by the spectral norm is above gradient descent's and sign descent's."""
    margin = mean(dataset["margin_spectral"].isel(step=-1), "optimizer")
    by_name = {str(name): float(margin.sel(optimizer=name)) for name in axis(dataset, "optimizer")}
    passed = by_name["shampoo"] > max(by_name["steepest_l2"], by_name["steepest_linf"])
    return verdict(passed, ", ".join(f"{name} {value:.3g}" for name, value in by_name.items()))


def kkt_residuals_fall(dataset: xr.Dataset) -> Verdict:
    """From the first fit to the end, stationarity, slackness and the distance to the gradients' cone fall."""
    fitted = mean(dataset["train_error"], "step") == 0
    falls, numbers = [], []
    for name in ("kkt_stationarity", "kkt_slackness", "nnls_residual"):
        later = mean(dataset[name].where(fitted, drop=True), "step", "activation", "depth")
        first, last = later.isel(step=0), later.isel(step=-1)
        falls.append(bool((last < first).all()))
        numbers.append(f"{name} {float(first.mean()):.3g} to {float(last.mean()):.3g}")
    return verdict(all(falls), "; ".join(numbers))


def directions_converge(dataset: xr.Dataset) -> Verdict:
    """Once the summed loss is below 1, the cosine to the last direction rises; the last move is below the largest."""
    part = dataset.where(mean(dataset["margin_l2"], "step") > 0, drop=True)
    cosine = mean(part["direction_cosine"], "step", "activation", "depth")
    moves = mean(part["path_length"], "step", "activation", "depth").diff("step")
    passed = (cosine.diff("step") > -_TOLERANCE).all() & (moves.isel(step=-1) < moves.max("step")).all()
    return verdict(
        passed, f"cosines from {float(cosine.isel(step=0).min()):.3g}; last moves {shown(moves.isel(step=-1))}"
    )


def deep_linear_layers_align(dataset: xr.Dataset) -> Verdict:
    """Linear networks: second over first singular values fall, and adjacent layers' singular vectors align."""
    if "linear" not in axis(dataset, "activation"):
        raise KeyError("linear networks")
    part = dataset.sel(activation="linear")
    ratio = mean(part["second_singular_value"], "step", "depth", "layer")
    hidden = ratio.where(ratio.isel(step=0) > 0.1)
    aligned = part["layer_alignment"].isel(step=-1)
    falls = (hidden.isel(step=-1) < 0.5 * hidden.isel(step=0)).where(hidden.isel(step=-1).notnull(), True).all()
    numbers = f"largest second singular value {float(hidden.isel(step=-1).max()):.3g} of the first"
    return verdict(falls & (float(aligned.min()) > 0.99), f"{numbers}; smallest alignment {float(aligned.min()):.4f}")


def loss_based_steps_raise_margins(dataset: xr.Dataset) -> Verdict:
    """At the end, steps that follow the loss have reached a lower loss and a larger margin than constant ones."""
    _ = axis(dataset, "schedule")
    loss, margin = (mean(dataset[name].isel(step=-1), "schedule") for name in ("train_loss", "margin_layers"))
    ours, constant = "loss_based", "plain"
    passed = loss.sel(schedule=ours) < loss.sel(schedule=constant)
    passed &= margin.sel(schedule=ours) > margin.sel(schedule=constant)
    numbers = f"log loss {float(loss.sel(schedule=ours)):.3g} and {float(loss.sel(schedule=constant)):.3g}"
    pair = f"{float(margin.sel(schedule=ours)):.3g} and {float(margin.sel(schedule=constant)):.3g}"
    return verdict(passed, f"{numbers}, margins {pair} (following the loss, constant)")


def larger_margins_are_further_from_the_boundary(dataset: xr.Dataset) -> Verdict:
    """From the first fit to the end inputs get further from the boundary, furthest with the loss-based steps.

    Test errors stay within .03 meanwhile.
    """
    ends, moves = {}, []
    for name in axis(dataset, "schedule"):
        part = dataset.sel(schedule=name)
        fitted = mean(part["train_error"], "step") == 0
        distance, error = (
            mean(part[key], "step").where(fitted, drop=True) for key in ("boundary_distance", "test_error")
        )
        if not distance.size:
            raise KeyError(f"network that fits, with schedule {name}")
        ends[str(name)] = (float(distance[0]), float(distance[-1]))
        moves.append(float(abs(error[-1] - error[0])))
    numbers = "; ".join(f"{name} {first:.3g} to {last:.3g}" for name, (first, last) in ends.items())
    rises = all(last > first for first, last in ends.values())
    passed = rises and ends["loss_based"][1] > ends["plain"][1] and max(moves) < 0.03
    return verdict(passed, f"distances from the first fit to the end: {numbers}; test errors move by {shown(moves)}")


def norms_grow_logarithmically(dataset: xr.Dataset) -> Verdict:
    """Constant steps, once all is fitted: |theta|^2/log(step) stays within a factor 2, for every batch size."""
    spread = {}
    for batch in axis(dataset, "batch_size"):
        part = dataset.sel(batch_size=batch)
        later = part.sel(step=part["step"] > 1)
        ratio = mean(later["parameter_norm"], "step") ** 2 / np.log(later["step"])
        ratio = ratio.where(mean(later["train_error"], "step") == 0, drop=True).dropna("step")
        if not ratio.size:
            raise KeyError(f"network that fits, at batch size {batch}")
        spread[str(batch)] = float(ratio.max() / ratio.min())
    numbers = ", ".join(f"{batch}: {value:.3g}" for batch, value in spread.items())
    return verdict(all(value < 2 for value in spread.values()), f"largest over smallest ratio by batch size: {numbers}")


def modified_margins_never_fall(dataset: xr.Dataset) -> Verdict:
    """Once positive, the modified margin does not fall by more than a relative 1e-4 a checkpoint."""
    worst = _worst_step(dataset["modified_margin"])
    return verdict(worst >= -_TOLERANCE, f"smallest relative step {worst:.2g}")


def networks_become_homogeneous(dataset: xr.Dataset) -> Verdict:
    """The relative defect in Euler's identity falls to below a third from the first fit on (or is rounding)."""
    fitted = mean(dataset["train_error"], "step") == 0
    others = [str(dim) for dim in dataset["euler_defect"].dims if dim not in ("seed", "member")]
    defect = mean(dataset["euler_defect"].where(fitted, drop=True), *others)
    first, last = defect.isel(step=0), defect.isel(step=-1)
    passed = ((last < first / 3) | (last < 1e-10)).all()
    return verdict(passed, f"defects at the end {shown(last)}, at the first fit {shown(first)}")


def free_neurons_learn_parities(dataset: xr.Dataset) -> Verdict:
    """Stopped at the fit, networks whose neurons turn err less than networks of fixed neurons, at every dimension."""
    error = mean(dataset["test_error"].isel(step=-1), "features", "output")
    free, fixed = (error.sel(output=name) for name in ("mean_field", "random_features"))
    turned = mean(dataset["rotation"].isel(step=-1).sel(output="mean_field"), "features")
    numbers = f"free {shown(free)}, fixed {shown(fixed)} at d = {shown(axis(dataset, 'features'))}"
    return verdict((free < fixed).all(), f"{numbers}; rotation {shown(turned)}")


def tangent_margin_falls_as_one_over_d(dataset: xr.Dataset) -> Verdict:
    """At the start, the slope of the tangent kernel's log margin against log d is -1, within a half."""
    features = np.sort(axis(dataset, "features"))
    part = dataset["tangent_margin"].sel(output="mean_field") if "output" in dataset.dims else dataset["tangent_margin"]
    margin = mean(part.isel(step=0), "features").sel(features=features)
    slope = np.polyfit(np.log(features), np.log(margin.values), 1)[0]
    return verdict(abs(slope + 1) < 0.5, f"slope {slope:.3f}; margins {shown(margin)}")


def adam_reaches_the_linf_margin(dataset: xr.Dataset) -> Verdict:
    """Linear model: steps that fall as t^-1/2 or slower reach over 90 % of the best margin by the largest weight.

    With faster decay less is reached, the less the faster; every share has risen over the last tenth of the steps.
    """
    exponents = np.sort(axis(dataset, "step_exponent"))
    share = mean(dataset["margin_linf_share"], "step_exponent", "step").sel(step_exponent=exponents)
    end, tenth = share.isel(step=-1), share.sel(step=float(share["step"].max()) / 10, method="nearest")
    slow, fast = (
        end.sel(step_exponent=chosen) for chosen in (exponents[exponents <= 0.5], exponents[exponents >= 0.5])
    )
    passed = (slow > 0.9).all() & (fast.diff("step_exponent") < 0).all() & (end > tenth).all()
    numbers = f"shares {shown(end)} at exponents {shown(exponents)}, {shown(tenth)} at a tenth of the steps"
    return verdict(passed, numbers)


def gradient_descent_reaches_the_l2_margin(dataset: xr.Dataset) -> Verdict:
    """Linear model: constant steps reach over 85 % of the best margin by the 2-norm, and of the other under 75 %.

    What is missing of the first falls as 1/log(step): over the last decade of steps, their ratio is within a quarter.
    """
    l2, linf = (mean(dataset[name], "step") for name in ("margin_l2_share", "margin_linf_share"))
    late = l2.sel(step=l2["step"][l2["step"] >= int(l2["step"].max()) / 10])
    missing = (1 - late) * np.log(late["step"])
    passed = float(l2[-1]) > 0.85 and float(linf[-1]) < 0.75 and float(missing.max() / missing.min()) < 1.25
    numbers = f"share of the l2 margin {float(l2[-1]):.4f}, of the l-infinity margin {float(linf[-1]):.3f}"
    return verdict(passed, f"{numbers}; missing share times log(step) {shown(missing)}")


def both_layers_beat_the_output_layer(dataset: xr.Dataset) -> Verdict:
    """At n >= 64, training both layers errs less than training the output layer alone."""
    sizes = [n for n in axis(dataset, "train_size") if n >= 64]
    last = dataset["test_error"].isel(step=-1) if "step" in dataset.dims else dataset["test_error"]
    error = mean(last, "train_size", "output").sel(train_size=sizes)
    both, output = (error.sel(output=name) for name in ("mean_field", "random_features"))
    return verdict((both < output).all(), f"both {shown(both)}, output layer {shown(output)} at n = {shown(sizes)}")


def wide_margin_reaches_a_plateau(dataset: xr.Dataset) -> Verdict:
    """The margin by the variation norm rises with the width, and by less than a quarter over its last doubling."""
    widths = np.sort(axis(dataset, "width"))
    last = dataset["margin_f1"].isel(step=-1) if "step" in dataset.dims else dataset["margin_f1"]
    margin = mean(last, "width").sel(width=widths)
    gain = float(margin[-1] / margin[-2] - 1)
    return verdict(
        float(margin[-1]) > float(margin[0]) and gain < 0.25, f"margins {shown(margin)} at m = {shown(widths)}"
    )


def neurons_keep_to_few_directions(dataset: xr.Dataset) -> Verdict:
    """XOR clusters: neurons stay within .02 rad of their axes, and their norms, 1000 apart, end within a tenth."""
    angle = float(dataset["neuron_angle"].max())
    norm = mean(dataset["neuron_norm"].isel(step=-1), "neuron_0")
    ratio, start = float(norm.max() / norm.min()), mean(dataset["neuron_norm"].isel(step=0), "neuron_0")
    numbers = (
        f"largest angle {angle:.2g}; largest over smallest norm {float(start.max() / start.min()):.3g} at the start"
    )
    return verdict(angle < 0.02 and ratio < 1.1, f"{numbers}, {ratio:.3g} at the end")


def _worst_step(margin: xr.DataArray) -> float:
    """Smallest relative step between checkpoints of a quantity along `step`, from where it is positive."""
    before = margin.shift(step=1).where(lambda m: m > 0)
    steps = (margin - before) / before
    if not steps.notnull().any():
        raise KeyError("checkpoints with a positive margin")
    return float(steps.min())
