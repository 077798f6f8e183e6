"""Checks of which functions networks prefer: simple ones, of low frequency, of small slope."""

from itertools import pairwise

import numpy as np
import xarray as xr
from scipy.stats import pearsonr

from implicitbias.studies.intervals import Interval, draw_interval
from implicitbias.studies.verdicts import (
    MissingData,
    Verdict,
    arms,
    axis,
    experiment_setting,
    last,
    mean,
    mean_interval,
    rank_correlation,
    rank_interval,
    several_draws,
    shown,
    trend,
    verdict,
)


def descent_follows_the_regularised_flow(dataset: xr.Dataset) -> Verdict:
    """The distance of gradient descent to the flow of the loss is of order 1 in the step (within .15), and that to the
    flow of the regularised loss is of order 2 (within .2), by the 95 % intervals over draws.

    Barrett & Dherin 2021; orders are slopes of log distances on log steps, draw by draw.
    """
    steps = axis(dataset, "step_size")
    first, second = (
        Interval(*mean_interval(np.polyfit(np.log(steps), np.log(_by_step(dataset[name], steps)), 1)[0]))
        for name in ("distance", "modified_distance")
    )
    passed = 0.85 <= first.low <= first.high <= 1.15 and 1.8 <= second.low <= second.high <= 2.2
    return verdict(passed, f"orders {first} and {second}, 95 % over {several_draws(dataset)} draws")


def larger_steps_find_flatter_slopes(dataset: xr.Dataset) -> Verdict:
    """At equal loss, the mean squared gradient falls from each step size to the next larger one, by the 95 % intervals
    over draws.

    Barrett & Dherin 2021; from each step to the next larger one, draw by draw.
    """
    steps = np.sort(axis(dataset, "step_size"))
    falls = -np.diff(np.log(_by_step(dataset["mean_square_gradient"], steps)), axis=0)
    found = [Interval(*mean_interval(fall)) for fall in falls]
    passed = bool(found) and all(fall.low > 0 for fall in found)
    return verdict(
        passed,
        f"the logarithm of the mean square falls by {', '.join(map(str, found))} between steps {shown(steps)}, 95 %"
        f" over {several_draws(dataset)} draws",
    )


def _by_step(values: xr.DataArray, steps: np.ndarray) -> np.ndarray:
    """Values `(steps, draws)`, means over everything else."""
    by_step: np.ndarray = mean(values, "step_size", "seed").transpose("step_size", "seed").sel(step_size=steps).values
    return by_step


def frequent_functions_are_simple(dataset: xr.Dataset) -> Verdict:
    """Among functions that are seen at least ten times, the more complex are rarer: the rank correlation of complexity
    and probability is below 0 by its 95 % interval over functions.

    Valle-Perez, Camargo & Louis 2019.

    Of functions whose probability is known, to about a third. The largest probability at a complexity also depends on
    how many functions have this complexity, so that it falls even where the two have nothing to do with each other.
    """
    seen = dataset["probability"] * experiment_setting(dataset, "draws")
    known = (seen >= 9.5).values.ravel()
    probability, bits = (dataset[name].values.ravel()[known] for name in ("probability", "complexity"))
    low, correlation, high = rank_interval(bits, probability)
    if not np.isfinite(low):
        raise MissingData("no five functions that are seen ten times")
    simple, common = bits[probability.argmax()], float(np.median(bits))
    return verdict(
        high < 0,
        f"rank correlation {correlation:.3f}, 95 % interval {low:.3f} to {high:.3f}, over {known.sum()} functions; the"
        f" most frequent one has {simple:.3g} bits, their median {common:.3g}",
    )


def prior_is_far_from_uniform(dataset: xr.Dataset) -> Verdict:
    """The most frequent function is seen in over 1 % of draws, and the ranks 10 to 1000 follow Zipf's law: a power law
    (R^2 above .9) of slope -1, within a quarter.

    Mingard et al. 2021, and Zipf's law, which has a slope of -1; of at least ten functions of these ranks.
    """
    probability = mean(dataset["probability"], "rank")
    part = probability.sel(rank=(probability["rank"] >= 10) & (probability["rank"] <= 1000)).dropna("rank")
    if part.size < 10:
        raise MissingData("no ten functions of ranks 10 to 1000")
    x, y = np.log(part["rank"].values), np.log(part.values)
    slope = np.polyfit(x, y, 1)[0]
    fit = pearsonr(x, y).statistic ** 2 if np.ptp(y) > 0 else 0.0
    top = float(probability.max())
    passed = top > 0.01 and fit > 0.9 and abs(slope + 1) < 0.25
    return verdict(passed, f"largest {top:.3g}; slope {slope:.2f} in rank with R^2 {fit:.3f}")


def low_frequencies_come_first(dataset: xr.Dataset) -> Verdict:
    """Lower frequencies are learned earlier, and those that are never learned are the highest, whatever the amplitudes:
    in every network the rank correlation of frequency and first step is above 0 by its 95 % interval over frequencies.

    Rahaman et al. 2019, section 3; of every network. Frequencies that are never learned come last, all at once.
    """
    passed, numbers = True, []
    for name, first in arms(dataset["first_step"], "rising"):
        networks = first.transpose(..., "frequency").values.reshape(-1, first.sizes["frequency"])
        learned = (~np.isnan(networks)).sum(1)
        if learned.min() < 2:
            raise MissingData("no two frequencies that are learned")
        found = [rank_interval(first["frequency"], np.nan_to_num(own, nan=np.inf)) for own in networks]
        passed &= all(low > 0 for low, _, _ in found)
        told = ", ".join(f"{correlation:.3f} ({low:.3f} to {high:.3f})" for low, correlation, high in found)
        numbers.append(f"{_amplitudes(name)}{told}, {shown(learned)} of {networks.shape[1]} learned")
    return verdict(passed, f"rank correlations, 95 % over frequencies: {'; '.join(numbers)}")


def low_frequencies_survive_noise(dataset: xr.Dataset) -> Verdict:
    """After a move of the weights by 2, more of the target is left (in phase) in the lower half of the learned
    frequencies than in the upper half, whatever the amplitudes: the differences are above 0 by their 95 % intervals
    over directions.

    Rahaman et al. 2019, section 3; of frequencies that are never learned there is nothing to lose.

    What is left is in phase with the target: noise has amplitudes at all frequencies, the largest at the lowest, but
    its phases are random. Draws are directions of the noise in one network's weights.
    """
    passed, numbers = True, []
    for name, part in arms(dataset[["robust", "first_step"]], "rising"):
        robust = mean(part["robust"], "frequency", "radius", "direction")
        left = (robust / robust.sel(radius=0).mean("direction")).sel(radius=2.0)
        left = left.where(mean(part["first_step"], "frequency").notnull(), drop=True)
        half = left.sizes["frequency"] // 2
        if half < 2:
            raise MissingData("no four frequencies that are learned")
        low, high = (
            left.isel(frequency=chosen).mean("frequency", skipna=False).values
            for chosen in (slice(half), slice(-half, None))
        )
        more = Interval(*mean_interval(low - high))
        passed &= more.low > 0
        numbers.append(
            f"{_amplitudes(name)}{low.mean():.3f} of the lowest {half}, {high.mean():.3f} of the highest {half}, {more}"
            " more"
        )
    count = dataset.sizes["direction"]
    return verdict(passed, f"left of the learned frequencies, 95 % over {count} directions: {'; '.join(numbers)}")


def _amplitudes(rising: str) -> str:
    return {"0": "equal amplitudes ", "1": "rising amplitudes "}.get(rising, "")


def eigenvalues_fall_with_the_degree_squared(dataset: xr.Dataset) -> Verdict:
    """The tangent kernel's eigenvalues on the circle fall as the power -2 of the degree, within .1, over the upper half
    of the degrees.

    Yu, Yang & Townsend 2023: as the power -d on the sphere in d dimensions, and this is the circle.
    """
    eigenvalue = mean(dataset["eigenvalue"], "degree")
    late = eigenvalue.sel(degree=eigenvalue["degree"] > float(eigenvalue["degree"].max()) / 2)
    slope = np.polyfit(np.log(late["degree"].values), np.log(late.values), 1)[0]
    falls = (eigenvalue.diff("degree") < 0).all()
    return verdict(falls & (abs(slope + 2) < 0.1), f"slope {slope:.3f} over the upper half of the degrees")


def sobolev_loss_turns_the_order(dataset: xr.Dataset) -> Verdict:
    """Half-times rise with the degree at the lowest order of the Sobolev loss and fall with it at the highest: their
    rank correlations are above .9 and below -.9.

    Yu, Yang & Townsend 2023: rank correlations above .9 and below -.9.
    """
    orders = axis(dataset, "sobolev")
    half = mean(dataset["half_time"], "sobolev", "degree")
    low, high = (rank_correlation(half["degree"], half.sel(sobolev=order)) for order in (orders.min(), orders.max()))
    return verdict(low > 0.9 and high < -0.9, f"rank correlations {low:.3f} and {high:.3f}")


def trained_networks_follow_the_sobolev_loss(dataset: xr.Dataset) -> Verdict:
    """In trained networks, the ratio of the half-times of the highest and the lowest degree falls from every order of
    the Sobolev loss to the next, by the 95 % intervals of its logarithm over networks.

    Yu, Yang & Townsend 2023; the kernel's ratios stand beside, unjudged.
    """
    orders = np.sort(axis(dataset, "sobolev"))
    degrees = axis(dataset, "trained_degree")
    ends = [degrees.min(), degrees.max()]
    trained: xr.DataArray
    kernel: xr.DataArray
    trained, kernel = (  # type: ignore[assignment]
        np.log(dataset[name].sel({dim: ends[1]}) / dataset[name].sel({dim: ends[0]}))
        for name, dim in (("trained_half_time", "trained_degree"), ("half_time", "degree"))
    )
    falls = [draw_interval(trained.sel(sobolev=low) - trained.sel(sobolev=high)) for low, high in pairwise(orders)]
    ratios = [draw_interval(trained.sel(sobolev=order)).exp() for order in orders]
    limit = [float(np.exp(mean(kernel.sel(sobolev=order)))) for order in orders]
    return verdict(
        all(fall.low > 0 for fall in falls) and len(falls) > 0,
        f"half-time of degree {ends[1]} over that of degree {ends[0]}: {'; '.join(map(str, ratios))} at orders"
        f" {shown(orders)} (95 % over networks), in the kernel's limit {shown(limit)}",
    )


def trained_networks_follow_the_prior(dataset: xr.Dataset) -> Verdict:
    """Functions that are frequent among random networks that fit are frequent among trained ones: over the functions
    (at least five) that ten networks of both kinds compute, the rank correlation of their frequencies is above 0 by its
    95 % interval.

    Mingard et al. 2021; of at least five functions.
    """
    pairs = []
    for part in _each(dataset, "seed"):
        shares = np.stack([part[f"{kind}_probability"].values for kind in ("bayes", "sgd")])
        counts = shares * np.array([[float(part[f"{kind}_count"])] for kind in ("bayes", "sgd")])
        pairs.append(shares[:, (counts >= 9.5).all(0)])
    both = np.concatenate(pairs, axis=1)
    if both.shape[1] < 5:
        return Verdict("not run", f"only {both.shape[1]} functions are common among both kinds of networks")
    low, correlation, high = rank_interval(*both)
    found = f"{correlation:.3f} ({low:.3f} to {high:.3f}) over {both.shape[1]} functions"
    return verdict(low > 0, f"rank correlation {found}")


def trained_networks_are_no_posterior_draws(dataset: xr.Dataset) -> Verdict:
    """Trained networks that fit are more accurate than random ones that fit, so that stochastic gradient descent does
    not sample from the prior's posterior: the difference is above 0 by its 95 % interval over targets.

    Against Mingard et al. 2021, who found stochastic gradient descent to choose functions nearly as the prior does.

    Every draw has a target and training inputs of its own, and all other inputs are test inputs.
    """
    bayes, sgd = dataset["bayes_accuracy"], dataset["sgd_accuracy"]
    gap = draw_interval(sgd - bayes)
    return verdict(
        gap.low > 0,
        f"accuracy of trained networks {float(mean(sgd)):.3f}, of random ones {float(mean(bayes)):.3f}, difference"
        f" {gap}, 95 % over {several_draws(dataset)} targets",
    )


def complexity_falls_with_regularisation(dataset: xr.Dataset) -> Verdict:
    """Where training errors are at most .01, geometric complexity falls with the learning rate and with weight decay:
    both rank correlations (about the mean) are below 0 by their 95 % intervals.

    Dherin et al. 2022; of networks that have not fitted, or have diverged, the slopes say nothing.
    """
    end = last(dataset)
    fitted = end["train_error"] <= 0.01
    slopes: xr.DataArray = np.log(end["geometric_complexity"].where(fitted))  # type: ignore[assignment]
    passed, numbers = True, []
    for name in ("learning_rate", "weight_decay"):
        axis(dataset, name)
        low, correlation, high = trend(slopes, name)
        passed &= high < 0
        numbers.append(f"{name.replace('_', ' ')} {correlation:.3f} ({low:.3f} to {high:.3f})")
    return verdict(passed, f"rank correlations with {', '.join(numbers)}; {int(fitted.sum())} of {fitted.size} fit")


def complexity_falls_with_depth(dataset: xr.Dataset) -> Verdict:
    """At initialisation, deeper networks have a lower geometric complexity.

    Dherin et al. 2022.
    """
    depths = np.sort(axis(dataset, "depth"))
    start = mean(dataset["geometric_complexity"].sel(step=0), "depth").sel(depth=depths)
    return verdict((start.diff("depth") < 0).all(), f"{shown(start)} at depths {shown(depths)}")


def _each(dataset: xr.Dataset, dim: str) -> list[xr.Dataset]:
    return [dataset.sel({dim: value}) for value in dataset[dim].values] if dim in dataset.dims else [dataset]
