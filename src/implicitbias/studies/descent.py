"""Checks of what gradient descent selects: rank, margins, directions."""

import numpy as np
import xarray as xr

from implicitbias.networks.homogeneity import degree
from implicitbias.studies.verdicts import (
    Lacking,
    Verdict,
    arms,
    axis,
    diverged,
    last,
    mean,
    shown,
    verdict,
)

_TOLERANCE = 1e-4  # relative, of monotone quantities: steps are finite
_FEWEST = 3  # steps between checkpoints from which a monotone quantity is judged


def rank_falls_faster_in_high_dimension(dataset: xr.Dataset) -> Verdict:
    """Frei et al. 2023, section 5."""
    share = _rank_share(dataset).sel(init_scale=axis(dataset, "init_scale").min())
    share = share.sel(features=np.sort(axis(dataset, "features")), step=[s for s in axis(dataset, "step") if s >= 10])
    falls = (share.diff("features") < 0).all()
    return verdict(falls, f"shares {shown(share.isel(step=0))} at step {int(share['step'][0])}")


def small_initialisation_lowers_rank(dataset: xr.Dataset) -> Verdict:
    """Frei et al. 2023, section 5: shares of the initial stable rank."""
    scales = axis(dataset, "init_scale")
    share = _rank_share(dataset).isel(step=-1)
    small, large = share.sel(init_scale=scales.min()), share.sel(init_scale=scales.max())
    return verdict((small < 0.1).all() & (large > 0.5).all(), f"smallest {shown(small)}, largest {shown(large)}")


def a_step_takes_the_rank(dataset: xr.Dataset) -> Verdict:
    """Frei et al. 2023, section 5, as computed for its sizes: .0069 is left at a step of .16."""
    if dataset["features"].max() < 10_000:
        raise Lacking("no dimension of 10,000 or more")
    share = _rank_share(dataset.where(dataset["features"] >= 10_000, drop=True)).sel(init_scale=0.02, step=1)
    return verdict((share < 0.01).all(), f"share of the initial stable rank {shown(share)}")


def _rank_share(dataset: xr.Dataset) -> xr.DataArray:
    """Stable rank over its initial value, mean over seeds and members."""
    if 0 not in axis(dataset, "step"):
        raise Lacking("no step 0")
    rank = dataset["stable_rank"]
    return mean(rank / rank.sel(step=0), "features", "init_scale", "step")


def slope_lowers_rank(dataset: xr.Dataset) -> Verdict:
    """Kou, Chen & Gu 2023, section 6."""
    slopes = np.sort(axis(dataset, "slope"))
    rank = mean(last(dataset)["positive_stable_rank"], "slope", "init_scale").sel(slope=slopes)
    return verdict((rank.diff("slope") < 0).all(), f"stable rank {shown(rank)} by slope, then initialisation")


def initialisation_lowers_rank(dataset: xr.Dataset) -> Verdict:
    """Kou, Chen & Gu 2023, section 6."""
    scales = np.sort(axis(dataset, "init_scale"))
    rank = mean(last(dataset)["positive_stable_rank"], "slope", "init_scale").sel(init_scale=scales)
    passed = (rank.diff("init_scale") > 0).all() & (rank.isel(init_scale=0) < 1.1).all()
    return verdict(passed, f"stable rank from the smallest initial weights {shown(rank.isel(init_scale=0))}")


def limit_is_the_convex_optimum(dataset: xr.Dataset) -> Verdict:
    """Frei et al. 2023, theorem 3.2."""
    layer, predictor = (mean(dataset[name], "step") for name in ("optimum_cosine", "svm_cosine"))
    rises = all((cosine.diff("step") > -_TOLERANCE).all() for cosine in (layer, predictor))
    high = min(float(cosine[-1]) for cosine in (layer, predictor)) > 0.99
    return verdict(rises and high, f"first layer {shown(layer)}; predictor {shown(predictor)}")


def limit_has_rank_two(dataset: xr.Dataset) -> Verdict:
    """Frei et al. 2023, theorem 3.2; at the largest dimension the singular value is still far from its limit of 0."""
    ratio = mean(dataset["third_singular_value"].sel(layer=0), "step", "features")
    later = ratio.sel(step=[step for step in axis(dataset, "step") if step > 0])
    end = later.isel(step=-1)
    return verdict((later.diff("step") < 0).all() & (end < 0.02).all(), f"third over first at the end {shown(end)}")


def predictor_is_nearly_the_shortest(dataset: xr.Dataset) -> Verdict:
    """Frei et al. 2023, theorem 3.2: at most 2/(kappa + slope), which is least for as many signs of both kinds."""
    ratio, bound = mean(last(dataset)["svm_norm_ratio"], "features"), 2 / (1 + float(dataset["slope"]))
    return verdict((ratio <= bound).all(), f"norms over the shortest {shown(ratio)}, bound {bound:.3g}")


def margins_equalise(dataset: xr.Dataset) -> Verdict:
    """Kou, Chen & Gu 2023, section 4: the ratio tends to 1 as 1 - c/log t, too slowly for a threshold."""
    ratio = mean(dataset["margin_ratio"], "step")
    later = ratio.sel(step=[step for step in axis(dataset, "step") if step > 0])
    return verdict((later.diff("step") > 0).all(), f"smallest over largest margin {shown(later)}")


def loss_times_steps_is_predicted(dataset: xr.Dataset) -> Verdict:
    """Halves, orthogonal points, last step: loss times step is n m/(eta (1 + slope^2) d), within a tenth.

    With m neurons a half, of which without slope one half is active at a point: 2 n m/(eta d).
    """
    slopes, last = axis(dataset, "slope"), dataset.isel(step=-1)
    found = mean(last["train_loss"], "slope") * int(last["step"])
    size = dataset["train_size"] * dataset["width"] / 2 / (_rate(dataset) * dataset["features"])
    ratio = found / (float(size) / np.where(slopes > 0, 1 + slopes**2, 0.5))
    return verdict((abs(ratio - 1) < 0.1).all(), f"over the prediction {shown(ratio)} at slopes {shown(slopes)}")


def rank_of_halves_is_predicted(dataset: xr.Dataset) -> Verdict:
    """Halves, orthogonal points, last step: stable rank 1 with a slope, within .03, without 2p/(p + 1) within a tenth.

    The half is that of the p points labelled +1.
    """
    slopes, last = axis(dataset, "slope"), dataset.isel(step=-1)
    points = last["positive_share"] * dataset["train_size"]
    predicted = (2 * points / (points + 1)).where(last["slope"] == 0, 1)
    ratio = mean(last["positive_stable_rank"] / predicted, "slope")
    passed = abs(ratio - 1) < np.where(slopes > 0, 0.03, 0.1)
    return verdict(passed.all(), f"over the prediction {shown(ratio)} at slopes {shown(slopes)}")


def weights_grow_as_the_logarithm(dataset: xr.Dataset) -> Verdict:
    """Networks of degree one, constant steps: |W|/log(step) stays within a factor 1.5 over the last two decades."""
    steps = axis(dataset, "step")
    late = mean(dataset["parameter_norm"], "step", "slope").sel(step=steps[steps >= steps[-1] / 100])
    growth = late / np.log(late["step"])
    spread = growth.max("step") / growth.min("step")
    return verdict((spread < 1.5).all(), f"largest over smallest ratio {shown(spread)}")


def _rate(dataset: xr.Dataset) -> float:
    """The learning rate, a number or one over the dimension ("10/d")."""
    value = dataset["learning_rate"].item()
    return float(value[:-2]) / int(dataset["features"]) if isinstance(value, str) else float(value)


def small_initialisation_keeps_rank_low(dataset: xr.Dataset) -> Verdict:
    """Frei et al. 2023, section 5."""
    scales = np.sort(axis(dataset, "init_scale"))
    part = dataset.sel(step=[step for step in axis(dataset, "step") if step > 0])
    low, high = (mean(part["stable_rank"].sel(init_scale=scale), "step") for scale in (scales[0], scales[-1]))
    errors = mean(last(dataset)["test_error"], "init_scale").values
    numbers = f"at the end {float(low[-1]):.3g} and {float(high[-1]):.3g}; test errors {shown(errors)}"
    passed = (low < 1.01 * high).all() and float(low[-1]) < 0.5 * float(high[-1])
    return verdict(passed and np.ptp(errors) < 0.03, numbers)


def neurons_align_before_the_loss_moves(dataset: xr.Dataset) -> Verdict:
    """Min, Mallada & Vidal 2023."""
    loss, aligned = (mean(dataset[name], "step") for name in ("train_loss", "class_alignment"))
    before = aligned.where(loss > 0.9 * loss.isel(step=0), drop=True)
    rank = float(mean(last(dataset)["stable_rank"]))
    numbers = f"alignment {float(before[0]):.3f} at the start, {float(before[-1]):.3f} before the loss falls"
    return verdict(float(before[-1]) > 0.95 and rank < 2, f"{numbers}; stable rank at the end {rank:.3g}")


def loss_falls_as_one_over_t(dataset: xr.Dataset) -> Verdict:
    """Min, Mallada & Vidal 2023: O(1/t), and with logarithms a little less (Lyu & Li 2020, section 4)."""
    steps = axis(dataset, "step")
    late = mean(dataset["train_loss"], "step").sel(step=steps[steps >= steps[-1] / 10])
    if late.size < 4:
        raise Lacking("no four checkpoints in the last decade of steps")
    slope = np.polyfit(np.log(late["step"].values), np.log(late.values), 1)[0]
    return verdict(-1.5 < slope < -1, f"slope {slope:.3f} over {late.size} checkpoints")


def overfitting_is_benign_in_high_dimension(dataset: xr.Dataset) -> Verdict:
    """Karhadkar et al. 2024."""
    features, end = np.sort(axis(dataset, "features")), last(dataset)
    error = mean(end["test_error"], "features").sel(features=features)
    high = error.sel(features=features[features >= 7 * int(dataset["train_size"])])
    if not high.size:
        raise Lacking("no dimension of 7 n or more")
    fitted = bool((end["train_error"] == 0).all())
    falls = (error.diff("features") <= 0).all() & (float(error[0]) > 0.01)
    return verdict(fitted and falls and (high < 0.01).all(), f"test error {shown(error)} at d = {shown(features)}")


def less_signal_suffices_with_more_points(dataset: xr.Dataset) -> Verdict:
    """Karhadkar et al. 2024; the signal at a quarter is interpolated."""
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


_MARGIN_OF = {"steepest_l2": "l2", "steepest_linf": "linf", "steepest_l1": "l1", "steepest_spectral": "spectral"}


def each_algorithm_wins_its_margin(dataset: xr.Dataset) -> Verdict:
    """Tsilivis, Vardi & Kempe 2025."""
    names = [name for name in _MARGIN_OF if name in axis(dataset, "optimizer")]
    end = last(dataset).sel(optimizer=names)
    if "init_scale" in end.dims:
        end = end.sel(init_scale=end["init_scale"].max())
    winners = {}
    for name in names:
        margins = mean(end[f"margin_{_MARGIN_OF[name]}"], "optimizer")
        best = str(margins["optimizer"].values[margins.values.argmax()])
        winners[_MARGIN_OF[name]] = best if margins.notnull().all() else "not all have a margin"
    passed = all(winner == f"steepest_{norm}" for norm, winner in winners.items())
    return verdict(passed, "; ".join(f"{norm}: {winner}" for norm, winner in winners.items()))


def matched_soft_margins_never_fall(dataset: xr.Dataset) -> Verdict:
    """Lyu & Li 2020, section 4; Tsilivis, Vardi & Kempe 2025: of every step, not of checkpoints alone."""
    worst, numbers = [], []
    for name in np.atleast_1d(dataset["optimizer"].values):
        if name in _MARGIN_OF:
            part = dataset.sel(optimizer=name) if "optimizer" in dataset.dims else dataset
            smallest, counts = _smallest_step(part[f"soft_margin_{_MARGIN_OF[name]}"])
            worst.append(smallest)
            numbers.append(f"{name} {smallest:.2g} ({counts})")
    if not worst:
        raise Lacking("no algorithm of steepest descent")
    return verdict(all(value >= -_TOLERANCE for value in worst), f"smallest relative step {'; '.join(numbers)}")


def mismatched_soft_margins_may_fall(dataset: xr.Dataset) -> Verdict:
    """The negative control of `matched_soft_margins_never_fall`: the margins can fall, and the check would see it."""
    falls = {}
    for name, own in _MARGIN_OF.items():
        if name in axis(dataset, "optimizer"):
            part = dataset.sel(optimizer=name)
            others = [norm for norm in _MARGIN_OF.values() if norm != own and f"soft_margin_{norm}" in dataset]
            falls[name] = np.min([_smallest_step(part[f"soft_margin_{norm}"])[0] for norm in others])
    numbers = "; ".join(f"{name} {step:.2g}" for name, step in falls.items())
    passed = all(step < -_TOLERANCE for step in falls.values())
    return verdict(passed, f"smallest relative step {numbers}")


def smaller_initialisation_raises_margins(dataset: xr.Dataset) -> Verdict:
    """Tsilivis, Vardi & Kempe 2025."""
    scales, gains = np.sort(axis(dataset, "init_scale")), {}
    for name, norm in _MARGIN_OF.items():
        if name in axis(dataset, "optimizer"):
            margin = mean(last(dataset)[f"margin_{norm}"].sel(optimizer=name), "init_scale")
            gains[name] = margin.sel(init_scale=scales).values
    numbers = "; ".join(f"{name} {shown(values)}" for name, values in gains.items())
    passed = all((np.diff(values) < 0).all() for values in gains.values())
    return verdict(passed, f"{numbers} from initial weights {shown(scales)}")


def eulers_identity_holds(dataset: xr.Dataset) -> Verdict:
    """Euler's theorem; the defect is relative to the largest output."""
    defect = float(dataset["euler_defect"].max(skipna=False))
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
    """Tsilivis, Vardi & Kempe 2025."""
    margin = mean(last(dataset)["margin_spectral"], "optimizer")
    by_name = {str(name): float(margin.sel(optimizer=name)) for name in axis(dataset, "optimizer")}
    passed = all(by_name["shampoo"] > by_name[name] for name in ("steepest_l2", "steepest_linf"))
    return verdict(passed, ", ".join(f"{name} {value:.3g}" for name, value in by_name.items()))


def kkt_residuals_fall(dataset: xr.Dataset) -> Verdict:
    """Lyu & Li 2020, section 4; the mean over seeds, in every activation and depth, once all networks fit."""
    fitted = mean(dataset["train_error"], "step") == 0
    falls, numbers = [], []
    for name in ("kkt_stationarity", "kkt_slackness", "nnls_residual"):
        later = mean(dataset[name].where(fitted, drop=True), "step", "activation", "depth")
        first, last = later.isel(step=0), later.isel(step=-1)
        falls.append(bool((last < first).all()))
        numbers.append(f"{name} {float(first.mean()):.3g} to {float(last.mean()):.3g}")
    return verdict(all(falls), "; ".join(numbers))


def directions_converge(dataset: xr.Dataset) -> Verdict:
    """Ji & Telgarsky 2020; the mean over seeds, from where their summed losses are below 1."""
    below = (_log_loss(dataset) > 0).all([dim for dim in dataset["train_loss"].dims if dim != "step"])
    cosine = mean(dataset["direction_cosine"].where(below, drop=True), "step", "activation", "depth")
    passed = (cosine.diff("step") > -_TOLERANCE).all() & (cosine.sizes["step"] > 1)
    return verdict(passed, f"from {shown(cosine.isel(step=0))} over {cosine.sizes['step']} checkpoints")


def paths_settle(dataset: xr.Dataset) -> Verdict:
    """Ji & Telgarsky 2020: the path is finite. It is interpolated between the checkpoints, in the logarithm of S."""
    size = _log_loss(dataset).clip(min=1e-9)
    doublings = int(np.log2(float(last(size).min(skipna=False))))
    if doublings < 3:
        raise Lacking("no three doublings of S from 1 on")
    moves = xr.apply_ufunc(
        lambda along, path: np.diff(np.interp(np.arange(doublings + 1), np.log2(along), path)),
        size, dataset["path_length"],
        input_core_dims=[["step"], ["step"]], output_core_dims=[["doubling"]], vectorize=True,
    )  # fmt: skip
    moves = mean(moves, "activation", "depth", "doubling")
    shrink = (moves.isel(doubling=slice(-3, None)).diff("doubling") < 0).all()
    numbers = "; ".join(f"{name} {shown(part)}" for name, part in arms(moves, "activation", "depth"))
    return verdict(shrink, f"moves to S = 2, 4, ... {2**doublings}: {numbers}")


def _log_loss(dataset: xr.Dataset) -> xr.DataArray:
    """S, minus the log of the summed exponential loss."""
    size: xr.DataArray = -dataset["train_loss"] - np.log(float(dataset["train_size"]))
    return size


def deep_linear_layers_align(dataset: xr.Dataset) -> Verdict:
    """Ji & Telgarsky 2020; of layers whose ratio is above a tenth at the start."""
    if "linear" not in axis(dataset, "activation"):
        raise Lacking("no linear networks")
    part = dataset.sel(activation="linear")
    ratio = mean(part["second_singular_value"], "step", "depth", "layer")
    hidden = ratio.where(ratio.isel(step=0) > 0.1)
    aligned = last(part)["layer_alignment"]
    falls = (hidden.isel(step=-1) < 0.5 * hidden.isel(step=0)).where(hidden.isel(step=-1).notnull(), True).all()
    numbers = f"largest second singular value {float(hidden.isel(step=-1).max()):.3g} of the first"
    passed = falls & (float(aligned.min()) > 0.99) & (not diverged(dataset))
    return verdict(passed, f"{numbers}; smallest alignment {float(aligned.min()):.4f}")


def loss_based_steps_raise_margins(dataset: xr.Dataset) -> Verdict:
    """Lyu & Li 2020, section 6."""
    _ = axis(dataset, "schedule")
    loss, margin = (mean(last(dataset)[name], "schedule") for name in ("train_loss", "margin_layers"))
    ours, constant = "loss_based", "plain"
    passed = loss.sel(schedule=ours) < 1.5 * loss.sel(schedule=constant).clip(max=0)
    passed &= margin.sel(schedule=ours) > margin.sel(schedule=constant)
    numbers = f"log loss {float(loss.sel(schedule=ours)):.3g} and {float(loss.sel(schedule=constant)):.3g}"
    pair = f"{float(margin.sel(schedule=ours)):.3g} and {float(margin.sel(schedule=constant)):.3g}"
    return verdict(passed, f"{numbers}, margins {pair} (following the loss, constant)")


def constant_steps_follow_the_rate(dataset: xr.Dataset) -> Verdict:
    """Constant steps, T their sum, H the degree: over the last decade L T (log T)^(2 - 2/H) stays within a factor 2.

    L is the loss, given by its logarithm; H is the depth of a network whose first layer alone has biases.
    """
    _ = axis(dataset, "schedule")
    log_loss = mean(dataset["train_loss"].sel(schedule="plain"), "step")
    late = log_loss.sel(step=log_loss["step"][log_loss["step"] >= int(log_loss["step"].max()) / 10])
    time = np.log(float(dataset["learning_rate"]) * late["step"])
    product = late + time + (2 - 2 / int(dataset["depth"])) * np.log(time)
    spread = float(np.exp(product.max() - product.min()))
    return verdict(spread < 2, f"largest over smallest product {spread:.3g}")


def mean_gradients_align(dataset: xr.Dataset) -> Verdict:
    """Gradient descent, last step: the mean gradient's cosine with the weights is above .95, and the last one's lower.

    From every initial scale; at the kinks of relus the last gradient alone does not align.
    """
    axis(dataset, "optimizer")
    names = ["path_alignment", "alignment_l2"]
    part = last(dataset[names]).sel(optimizer="steepest_l2")
    path, one = (mean(part[name], "init_scale") for name in names)
    return verdict((path > 0.95).all() & (one < path).all(), f"mean gradient {shown(path)}, last one {shown(one)}")


def larger_margins_are_further_from_the_boundary(dataset: xr.Dataset) -> Verdict:
    """Lyu & Li 2020, section 6; from the first checkpoint at which all networks of a schedule fit to the last."""
    ends, moves = {}, []
    for name in axis(dataset, "schedule"):
        part = dataset.sel(schedule=name)
        fitted = mean(part["train_error"], "step") == 0
        distance, error = (
            mean(part[key], "step").where(fitted, drop=True) for key in ("boundary_distance", "test_error")
        )
        if not distance.size:
            raise Lacking(f"no checkpoint at which all networks fit, with schedule {name}")
        ends[str(name)] = (float(distance[0]), float(distance[-1]))
        moves.append(float(abs(error[-1] - error[0])))
    numbers = "; ".join(f"{name} {first:.3g} to {last:.3g}" for name, (first, last) in ends.items())
    rises = all(last > first for first, last in ends.values())
    passed = rises and ends["loss_based"][1] > ends["plain"][1] and max(moves) < 0.03
    return verdict(passed, f"distances from the first fit to the end: {numbers}; test errors move by {shown(moves)}")


def norms_grow_logarithmically(dataset: xr.Dataset) -> Verdict:
    """Schechtman & Schreuder 2025; a root of the step over a decade has an R^2 of .974, the logarithm 1.

    H is the degree of homogeneity; a network counts as fitted from the checkpoint on after which it makes no error.
    """
    power = degree({name: dataset[name].item() for name in ("activation", "depth", "output")})
    passed, numbers = True, []
    for batch in axis(dataset, "batch_size"):
        fits = [_log_growth(one, power) for _, one in arms(dataset.sel(batch_size=batch), "seed", "member")]
        slopes, shares, decades = np.transpose(fits)
        if np.min(decades) < 1:
            raise Lacking(f"only {np.min(decades):.2g} decades of steps after a network's fit, at batch size {batch}")
        passed &= bool((slopes > 0).all() and (shares > 0.98).all())
        numbers.append(f"batch size {batch}: slope {shown(slopes)}, R^2 from {shares.min():.3f}")
    return verdict(passed, f"|theta|^{power} against log step, {'; '.join(numbers)}")


def _log_growth(network: xr.Dataset, power: int) -> tuple[float, float, float]:
    """Slope of |theta|^power against log step, its R^2, and over how many decades, once fitted; NaN if it never is."""
    recorded = network[["parameter_norm", "train_error"]].where(network["step"] > 0).dropna("step")
    errs = np.flatnonzero(recorded["train_error"].values != 0)
    late = recorded.isel(step=slice(errs[-1] + 1 if len(errs) else 0, None))
    if not late.sizes["step"] or diverged(network):
        return np.nan, np.nan, np.nan
    x, y = np.log(late["step"].values), late["parameter_norm"].values ** power
    share = np.corrcoef(x, y)[0, 1] ** 2 if np.ptp(y) > 0 else 0.0
    return np.polyfit(x, y, 1)[0] if len(x) > 1 else np.nan, share, np.ptp(x) / np.log(10)


def modified_margins_never_fall(dataset: xr.Dataset) -> Verdict:
    """Cai et al. 2025, theorem 3.1: of every step, not of checkpoints alone."""
    smallest, counts = _smallest_step(dataset["modified_margin"])
    return verdict(smallest >= -_TOLERANCE, f"smallest relative step {smallest:.2g} ({counts})")


def networks_become_homogeneous(dataset: xr.Dataset) -> Verdict:
    """Cai et al. 2025; from the first checkpoint at which all networks fit."""
    fitted = mean(dataset["train_error"], "step") == 0
    others = [str(dim) for dim in dataset["euler_defect"].dims if dim not in ("seed", "member")]
    defect = mean(dataset["euler_defect"].where(fitted, drop=True), *others)
    first, last = defect.isel(step=0), defect.isel(step=-1)
    passed = ((last < first / 3) | (last < 1e-10)).all()
    return verdict(passed, f"defects at the end {shown(last)}, at the first fit {shown(first)}")


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


def _smallest_step(margin: xr.DataArray) -> tuple[float, str]:
    """Smallest relative step between checkpoints from where the margin is positive, and what was compared.

    It is NaN if a network diverges; networks whose margin never becomes positive are counted, and kinds of networks of
    which none does are named.
    """
    before = margin.shift(step=1)
    judged = before > 0
    if judged.sum() < _FEWEST:
        raise Lacking(f"no {_FEWEST} steps between checkpoints from where the margin is positive")
    steps = ((margin - before) / before).where(judged)
    smallest = float(steps.min()) if margin.isel(step=-1).notnull().all() else np.nan
    by_network = judged.any("step")
    kinds = [str(dim) for dim in by_network.dims if dim not in ("seed", "member")]
    silent = [name for name, part in arms(by_network, *kinds) if not part.any()]
    count, size = int(by_network.sum()), by_network.size
    counts = f"{int(judged.sum())} steps of {count} networks"
    counts += f", {size - count} never positive" if count < size else ""
    return smallest, counts + (f", not judged: {', '.join(silent)}" if silent else "")
