"""Checks of which margin an algorithm maximises, of homogeneity, and of what a margin says."""

from itertools import pairwise

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import draw_interval
from implicitbias.studies.verdicts import (
    TOLERANCE,
    MissingData,
    Verdict,
    arms,
    axis,
    last,
    mean,
    several_draws,
    shown,
    since,
    verdict,
)  # fmt: skip

_FEWEST = 3  # steps between checkpoints from which a monotone quantity is judged
_MARGIN_OF = {"steepest_l2": "l2", "steepest_linf": "linf", "steepest_l1": "l1", "steepest_spectral": "spectral"}


def each_algorithm_wins_its_margin(dataset: xr.Dataset) -> Verdict:
    """From every size of initial weights, the margin in each norm is largest for steepest descent in that norm: its
    ratio to the best other algorithm's is above 1 by its 95 % interval over draws. An algorithm has not won if one of
    its networks does not fit.

    Tsilivis, Vardi & Kempe 2025; from every size of initial weights, by the ratio to the best other algorithm.

    The ratio is paired within draws, by its logarithm. A network with a point on the wrong side has no margin.
    """
    names = [name for name in _MARGIN_OF if name in axis(dataset, "optimizer")]
    passed, numbers = True, []
    for scale, end in arms(last(dataset).sel(optimizer=names), "init_scale"):
        for name in names:
            margins = end[f"margin_{_MARGIN_OF[name]}"]
            others = margins.drop_sel(optimizer=name)
            won, told = _larger(margins.sel(optimizer=name), others.where(others > 0).max("optimizer"))
            passed &= won
            numbers.append(f"{_MARGIN_OF[name]}{f' from {scale}' if scale else ''} {told}")
    return verdict(passed, f"margin over the best other's, 95 % over {several_draws(end)} draws: {'; '.join(numbers)}")


def _larger(one: xr.DataArray, other: xr.DataArray) -> tuple[bool, str]:
    """Whether the ratio of margins is above 1, and its interval over draws, by its logarithm."""
    lacking = int((~(one > 0)).sum())
    if lacking:
        return False, f"none ({lacking} of {one.size} networks do not fit)"
    ratio: xr.DataArray = np.log(one / other.where(other > 0))  # type: ignore[assignment]
    interval = draw_interval(ratio).exp()
    return interval.low > 1, str(interval)


def matched_soft_margins_never_fall(dataset: xr.Dataset) -> Verdict:
    """Between checkpoints, the soft margin in the algorithm's own norm, once it is positive, never falls by over 1e-4
    of itself.

    Lyu & Li 2020, section 4; Tsilivis, Vardi & Kempe 2025: of every step, not of checkpoints alone.
    """
    worst, numbers = [], []
    for name in np.atleast_1d(dataset["optimizer"].values):
        if name in _MARGIN_OF:
            part = dataset.sel(optimizer=name) if "optimizer" in dataset.dims else dataset
            smallest, counts = _smallest_step(part[f"soft_margin_{_MARGIN_OF[name]}"])
            worst.append(smallest)
            numbers.append(f"{name} {smallest:.2g} ({counts})")
    if not worst:
        raise MissingData("no algorithm of steepest descent")
    return verdict(all(value >= -TOLERANCE for value in worst), f"smallest relative step {'; '.join(numbers)}")


def mismatched_soft_margins_may_fall(dataset: xr.Dataset) -> Verdict:
    """As a negative control, for every algorithm there is another's norm in which the soft margin, once it is positive,
    falls by over 1e-4 of itself between two checkpoints.

    The negative control of `matched_soft_margins_never_fall`: the margins can fall, and the check would see it.
    """
    falls = {}
    for name, own in _MARGIN_OF.items():
        if name in axis(dataset, "optimizer"):
            part = dataset.sel(optimizer=name)
            others = [norm for norm in _MARGIN_OF.values() if norm != own and f"soft_margin_{norm}" in dataset]
            falls[name] = np.min([_smallest_step(part[f"soft_margin_{norm}"])[0] for norm in others])
    numbers = "; ".join(f"{name} {step:.2g}" for name, step in falls.items())
    passed = all(step < -TOLERANCE for step in falls.values())
    return verdict(passed, f"smallest relative step {numbers}")


def smaller_initialisation_raises_margins(dataset: xr.Dataset) -> Verdict:
    """Smaller initial weights give an algorithm a larger margin in its own norm: the ratios from one size to the next
    are above 1 by their 95 % intervals over draws. A network that does not fit has no margin.

    Tsilivis, Vardi & Kempe 2025; paired within draws. A network with a point on the wrong side has no margin.
    """
    scales, end = np.sort(axis(dataset, "init_scale")), last(dataset)
    passed, numbers = True, []
    for name in (name for name in _MARGIN_OF if name in axis(dataset, "optimizer")):
        margin = end[f"margin_{_MARGIN_OF[name]}"].sel(optimizer=name)
        for small, large in pairwise(scales):
            rises, told = _larger(margin.sel(init_scale=small), margin.sel(init_scale=large))
            passed &= rises
            numbers.append(f"{name} {small:g} over {large:g} {told}")
    return verdict(passed, f"ratio of margins, 95 % over {several_draws(dataset)} draws: {'; '.join(numbers)}")


def eulers_identity_holds(dataset: xr.Dataset) -> Verdict:
    """Homogeneous networks of degree M satisfy Euler's identity <grad f, theta> = M f, up to a relative error of 1e-10.

    Euler's theorem; the defect is relative to the largest output.
    """
    defect = float(dataset["euler_defect"].max(skipna=False))
    return verdict(defect < 1e-10, f"largest relative defect {defect:.2g}")


def adam_turns_from_linf_to_l2(dataset: xr.Dataset) -> Verdict:
    """With the smallest epsilon, Adam's l-infinity-normalised margin falls from a peak by a tenth while its
    l2-normalised margin rises on; with every epsilon the former ends at over twice that of gradient descent.

    Norms are those of all weights: the largest entry, and the 2-norm.
    """
    part = dataset.sel(optimizer="adam", epsilon=axis(dataset, "epsilon").min())
    linf, l2 = (mean(part[name], "step") for name in ("margin_linf", "margin_l2"))
    at = int(linf.values.argmax())
    turns = float(linf[at]) > 1.1 * float(linf[-1]) and float(l2[-1]) > float(l2[at])
    ends = mean(last(dataset)["margin_linf"], "optimizer", "epsilon")
    adam, descent = (ends.sel(optimizer=name) for name in ("adam", "sgd"))
    peak = f"peaks at {float(linf[at]):.3g} (step {int(linf['step'][at])}), ends at {float(linf[-1]):.3g}"
    other = f"l2 margin {float(l2[at]):.3g} then, {float(l2[-1]):.3g} at the end"
    numbers = f"by epsilon the first ends at {shown(adam)}, of gradient descent at {float(descent.max()):.3g}"
    return verdict(turns and (adam > 2 * descent).all(), f"l-infinity margin {peak}; {other}; {numbers}")


def shampoo_raises_the_spectral_margin(dataset: xr.Dataset) -> Verdict:
    """Shampoo ends with a larger margin in the spectral norm than gradient descent and sign descent.

    Tsilivis, Vardi & Kempe 2025.
    """
    margin = mean(last(dataset)["margin_spectral"], "optimizer")
    by_name = {str(name): float(margin.sel(optimizer=name)) for name in axis(dataset, "optimizer")}
    passed = all(by_name["shampoo"] > by_name[name] for name in ("steepest_l2", "steepest_linf"))
    return verdict(passed, ", ".join(f"{name} {value:.3g}" for name, value in by_name.items()))


def loss_based_steps_raise_margins(dataset: xr.Dataset) -> Verdict:
    """At the end of training, steps that follow the loss have reached 1.5 times the (negative) log loss of constant
    steps, and a larger margin.

    Lyu & Li 2020, section 6.
    """
    _ = axis(dataset, "schedule")
    loss, margin = (mean(last(dataset)[name], "schedule") for name in ("train_loss", "margin_layers"))
    ours, constant = "loss_based", "plain"
    passed = loss.sel(schedule=ours) < 1.5 * loss.sel(schedule=constant).clip(max=0)
    passed &= margin.sel(schedule=ours) > margin.sel(schedule=constant)
    numbers = f"log loss {float(loss.sel(schedule=ours)):.3g} and {float(loss.sel(schedule=constant)):.3g}"
    pair = f"{float(margin.sel(schedule=ours)):.3g} and {float(margin.sel(schedule=constant)):.3g}"
    return verdict(passed, f"{numbers}, margins {pair} (following the loss, constant)")


def larger_margins_are_further_from_the_boundary(dataset: xr.Dataset) -> Verdict:
    """From the first fit to the end of training, inputs move away from the decision boundary, furthest with loss-based
    steps, while test errors change by less than .03.

    Lyu & Li 2020, section 6; from the first checkpoint at which all networks of a schedule fit to the last.
    """
    ends, moves = {}, []
    for name in axis(dataset, "schedule"):
        part = dataset.sel(schedule=name)
        fitted = mean(part["train_error"], "step") == 0
        distance, error = (
            mean(part[key], "step").where(fitted, drop=True) for key in ("boundary_distance", "test_error")
        )
        if not distance.size:
            raise MissingData(f"no checkpoint at which all networks fit, with schedule {name}")
        ends[str(name)] = (float(distance[0]), float(distance[-1]))
        moves.append(float(abs(error[-1] - error[0])))
    numbers = "; ".join(f"{name} {first:.3g} to {last:.3g}" for name, (first, last) in ends.items())
    rises = all(last > first for first, last in ends.values())
    passed = rises and ends["loss_based"][1] > ends["plain"][1] and max(moves) < 0.03
    return verdict(passed, f"distances from the first fit to the end: {numbers}; test errors move by {shown(moves)}")


def modified_margins_never_fall(dataset: xr.Dataset) -> Verdict:
    """Between checkpoints, the modified margin, once it is positive, never falls by over 1e-4 of itself.

    Cai et al. 2025, theorem 3.1: of every step, not of checkpoints alone.
    """
    smallest, counts = _smallest_step(dataset["modified_margin"])
    return verdict(smallest >= -TOLERANCE, f"smallest relative step {smallest:.2g} ({counts})")


def networks_become_homogeneous(dataset: xr.Dataset) -> Verdict:
    """From the first fit on, the relative defect in Euler's identity falls to below a third (or is a rounding error).

    Cai et al. 2025; from the first checkpoint at which all networks fit.
    """
    fitted = mean(dataset["train_error"], "step") == 0
    others = [str(dim) for dim in dataset["euler_defect"].dims if dim not in ("seed", "member")]
    defect = mean(dataset["euler_defect"].where(fitted, drop=True), *others)
    first, last = defect.isel(step=0), defect.isel(step=-1)
    passed = ((last < first / 3) | (last < 1e-10)).all()
    return verdict(passed, f"defects at the end {shown(last)}, at the first fit {shown(first)}")


def adam_reaches_the_linf_margin(dataset: xr.Dataset) -> Verdict:
    """In a linear model, Adam with steps that fall as t^-1/2 or slower reaches over 90 % of the largest
    l-infinity-normalised margin, and less of it the faster the steps fall; all of these fractions still rise.

    Every fraction has risen over the last tenth of the steps.
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
    """In a linear model, gradient descent reaches over 85 % of the largest l2-normalised margin and under 75 % of the
    largest l-infinity-normalised one; what is missing of the former falls as 1/log(step), within a quarter.

    Steps are constant. Over the last decade of steps, the ratio of what is missing to 1/log(step) is within a quarter.
    """
    l2, linf = (mean(dataset[name], "step") for name in ("margin_l2_share", "margin_linf_share"))
    late = since(l2, axis(dataset, "step")[-1] / 10)
    missing = (1 - late) * np.log(late["step"])
    passed = float(l2[-1]) > 0.85 and float(linf[-1]) < 0.75 and float(missing.max() / missing.min()) < 1.25
    numbers = f"share of the l2 margin {float(l2[-1]):.4f}, of the l-infinity margin {float(linf[-1]):.3f}"
    return verdict(passed, f"{numbers}; missing share times log(step) {shown(missing)}")


def _smallest_step(margin: xr.DataArray) -> tuple[float, str]:
    """Smallest relative step between checkpoints from where the margin is positive, and what was compared.

    It is NaN if a network diverges; networks whose margin never becomes positive are counted, and kinds of networks of
    which none does are named.
    """
    before = margin.shift(step=1)
    judged = before > 0
    if judged.sum() < _FEWEST:
        raise MissingData(f"no {_FEWEST} steps between checkpoints from where the margin is positive")
    steps = ((margin - before) / before).where(judged)
    smallest = float(steps.min()) if margin.isel(step=-1).notnull().all() else np.nan
    by_network = judged.any("step")
    kinds = [str(dim) for dim in by_network.dims if dim not in ("seed", "member")]
    silent = [name for name, part in arms(by_network, *kinds) if not part.any()]
    count, size = int(by_network.sum()), by_network.size
    counts = f"{int(judged.sum())} steps of {count} networks"
    counts += f", {size - count} never positive" if count < size else ""
    return smallest, counts + (f", not judged: {', '.join(silent)}" if silent else "")


def random_labels_cost_accuracy_at_equal_margin(dataset: xr.Dataset) -> Verdict:
    """At every target all networks fit, the margins of networks with true and with random labels agree within a
    quarter, and random labels raise the test error by over .1.

    The margin is the normalised one, the mean over networks; compared are the smallest and the largest fraction of
    random labels.
    """
    shares = axis(dataset, "random_share")
    margin, error = (mean(dataset[name], "random_share", "label_scale") for name in ("normalized_margin", "test_error"))
    true, attacked = (margin.sel(random_share=share) for share in (shares.min(), shares.max()))
    gap = error.sel(random_share=shares.max()) - error.sel(random_share=shares.min())
    unfitted = float((dataset["train_error"] > 0).where(dataset["train_error"].notnull(), True).mean())
    passed = unfitted == 0 and (abs(attacked / true - 1) < 0.25).all() and float(gap.min()) > 0.1
    numbers = f"margins {shown(true)} of true and {shown(attacked)} of random labels"
    return verdict(passed, f"gaps in test error {shown(gap)} at {numbers}; {unfitted:.0%} of networks do not fit")


def averages_beat_members(dataset: xr.Dataset) -> Verdict:
    """At every label scale, an average of networks errs no more than a single network, within half a percentage point,
    and at the smallest scale every doubling of their number lowers the error.

    Single networks err most at the smallest scale.
    """
    scales = axis(dataset, "label_scale")
    names = [dim for dim in ("random_share", "label_scale") if dim in dataset.dims]
    error = mean(dataset["average_error"], *names, "averaged").dropna("averaged", how="all")
    gap = error.isel(averaged=-1) - error.isel(averaged=0)
    small = error.sel(label_scale=scales.min())
    passed = (gap <= 0.005).all() and (small.diff("averaged") < 0).all()
    numbers = f"{int(error['averaged'][-1])} minus 1 networks {float(gap.min()):+.3f} to {float(gap.max()):+.3f}"
    return verdict(passed, f"{numbers}; at the smallest scale {shown(small)}")
