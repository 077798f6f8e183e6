"""Checks of which functions networks prefer, and of small systems that are computed whole."""

import numpy as np
import xarray as xr
from scipy.stats import pearsonr

from implicitbias.studies.verdicts import Verdict, axis, mean, rank_correlation, shown, verdict


def descent_follows_the_regularised_flow(dataset: xr.Dataset) -> Verdict:
    """Distances to the flow of the loss are of order 1 in the step, to the regularised one of order 2 (+-.15, +-.2)."""
    steps = axis(dataset, "step_size")
    orders = [
        np.polyfit(np.log(steps), np.log(mean(dataset[name], "step_size").values), 1)[0]
        for name in ("distance", "modified_distance")
    ]
    passed = abs(orders[0] - 1) <= 0.15 and abs(orders[1] - 2) <= 0.2
    return verdict(passed, f"orders {orders[0]:.3f} and {orders[1]:.3f}")


def larger_steps_find_flatter_slopes(dataset: xr.Dataset) -> Verdict:
    """At equal loss, the mean squared gradient falls as the step grows, for the mean over seeds."""
    steps = np.sort(axis(dataset, "step_size"))
    square = mean(dataset["mean_square_gradient"], "step_size").sel(step_size=steps)
    return verdict((square.diff("step_size") < 0).all(), f"mean square {shown(square)} at steps {shown(steps)}")


def kinks_stay_where_they_start(dataset: xr.Dataset) -> Verdict:
    """Without offset, fewer wide than narrow networks have a kink that leaves; the median loss is within 1 % of 2."""
    widths = np.sort(axis(dataset, "width"))
    part = dataset.sel(offset=0.0) if "offset" in dataset.dims else dataset
    share = mean(part["event_frequency"], "width").sel(width=widths)
    noise = np.sqrt((mean(part["event_frequency_stderr"], "width") ** 2).sel(width=widths[[0, -1]]).sum())
    loss = float(mean(part["median_loss"], "width").sel(width=widths[-1]))
    passed = share[0] - share[-1] > 2 * noise and abs(loss - 2) < 0.02
    return verdict(passed, f"shares {shown(share)} at widths {shown(widths)}; median loss {loss:.4f}")


def an_offset_moves_kinks(dataset: xr.Dataset) -> Verdict:
    """With the largest offset, the share of networks with a kink that leaves stays above .05 at every width."""
    offset = axis(dataset, "offset").max()
    share = mean(dataset["event_frequency"].sel(offset=offset), "width")
    return verdict(float(share.min()) > 0.05, f"shares {shown(share)} at offset {offset:g}")


def better_guesses_are_better(dataset: xr.Dataset) -> Verdict:
    """Cosines rise from weights to activations, to masked ones, to guesses through the next layer's weights."""
    order = ["weights", "activations", "masked activations", "through the next layer"]
    cosine = mean(dataset["cosine"], "guess").sel(guess=order)
    return verdict((cosine.diff("guess") > 0).all(), f"cosines {shown(cosine)}")


def frequent_functions_are_simple(dataset: xr.Dataset) -> Verdict:
    """The largest probability at each complexity falls with complexity: rank correlation below -.8."""
    probability, bits = dataset["probability"].values.ravel(), dataset["complexity"].values.ravel()
    levels = np.unique(bits[~np.isnan(bits)])
    envelope = [probability[bits == level].max() for level in levels]
    if len(levels) < 5:
        raise KeyError("five levels of complexity")
    correlation = rank_correlation(levels, envelope)
    return verdict(correlation < -0.8, f"rank correlation {correlation:.3f} over {len(levels)} levels of complexity")


def prior_is_far_from_uniform(dataset: xr.Dataset) -> Verdict:
    """The most frequent function is seen in over 1 % of draws; ranks 10 to 1000 follow a power law (R^2 > .9)."""
    probability = mean(dataset["probability"], "rank")
    part = probability.sel(rank=(probability["rank"] >= 10) & (probability["rank"] <= 1000)).dropna("rank")
    if part.size < 10:
        raise KeyError("ten functions of ranks 10 to 1000")
    x, y = np.log(part["rank"].values), np.log(part.values)
    slope = np.polyfit(x, y, 1)[0]
    fit = pearsonr(x, y).statistic ** 2 if np.ptp(y) > 0 else 0.0
    top = float(probability.max())
    return verdict(top > 0.01 and fit > 0.9, f"largest {top:.3g}; slope {slope:.2f} in rank with R^2 {fit:.3f}")


def low_frequencies_come_first(dataset: xr.Dataset) -> Verdict:
    """Rank correlation of frequency and first step of at least .9, whatever the amplitudes."""
    first = mean(dataset["first_step"], "frequency", "rising").fillna(np.inf)
    kinds = np.atleast_1d(first["rising"].values) if "rising" in first.coords else [None]
    found = [
        rank_correlation(first["frequency"], first.sel(rising=kind) if "rising" in first.dims else first)
        for kind in kinds
    ]
    return verdict(min(found) >= 0.9, f"rank correlations {shown(found)}")


def low_frequencies_survive_noise(dataset: xr.Dataset) -> Verdict:
    """After a move of the weights by 2, more is left of the lowest three frequencies than of the highest three."""
    robust = dataset["robust"]
    left = mean((robust / robust.sel(radius=0)).sel(radius=2.0), "frequency").values
    low, high = left[:3].mean(), left[-3:].mean()
    return verdict(low > high, f"left of the lowest {low:.3f}, of the highest {high:.3f}")


def sobolev_loss_turns_the_order(dataset: xr.Dataset) -> Verdict:
    """Half times rise with the degree at the lowest order of the loss, and fall at the highest (rank correlations)."""
    orders = axis(dataset, "sobolev")
    half = mean(dataset["half_time"], "sobolev", "degree")
    low, high = (rank_correlation(half["degree"], half.sel(sobolev=order)) for order in (orders.min(), orders.max()))
    return verdict(low > 0.9 and high < -0.9, f"rank correlations {low:.3f} and {high:.3f}")
