"""Checks of which functions networks prefer, and of small systems that are computed whole."""

import numpy as np
import xarray as xr
from scipy.stats import pearsonr

from implicitbias.studies.verdicts import (
    Lacking,
    Verdict,
    arms,
    axis,
    mean,
    rank_correlation,
    shown,
    stderr_of_mean,
    verdict,
)


def descent_follows_the_regularised_flow(dataset: xr.Dataset) -> Verdict:
    """Barrett & Dherin 2021."""
    steps = axis(dataset, "step_size")
    orders = [
        np.polyfit(np.log(steps), np.log(mean(dataset[name], "step_size").values), 1)[0]
        for name in ("distance", "modified_distance")
    ]
    passed = abs(orders[0] - 1) <= 0.15 and abs(orders[1] - 2) <= 0.2
    return verdict(passed, f"orders {orders[0]:.3f} and {orders[1]:.3f}")


def larger_steps_find_flatter_slopes(dataset: xr.Dataset) -> Verdict:
    """Barrett & Dherin 2021."""
    steps = np.sort(axis(dataset, "step_size"))
    square = mean(dataset["mean_square_gradient"], "step_size").sel(step_size=steps)
    return verdict((square.diff("step_size") < 0).all(), f"mean square {shown(square)} at steps {shown(steps)}")


def kinks_stay_where_they_start(dataset: xr.Dataset) -> Verdict:
    """Holzmüller & Steinwart 2020; fewer: by two standard errors of the difference. The median is the widest's."""
    widths = np.sort(axis(dataset, "width"))
    part = dataset.sel(offset=0.0) if "offset" in dataset.dims else dataset
    share = mean(part["event_frequency"], "width").sel(width=widths)
    noise = np.sqrt((stderr_of_mean(part["event_frequency_stderr"], "width") ** 2).sel(width=widths[[0, -1]]).sum())
    loss = float(mean(part["median_loss"], "width").sel(width=widths[-1]))
    passed = share[0] - share[-1] > 2 * noise and abs(loss - 2) < 0.02
    return verdict(passed, f"shares {shown(share)} at widths {shown(widths)}; median loss {loss:.4f}")


def an_offset_moves_kinks(dataset: xr.Dataset) -> Verdict:
    """Holzmüller & Steinwart 2020."""
    offset = axis(dataset, "offset").max()
    share = mean(dataset["event_frequency"].sel(offset=offset), "width")
    return verdict((share > 0.05).all(), f"shares {shown(share)} at offset {offset:g}")


def better_guesses_are_better(dataset: xr.Dataset) -> Verdict:
    """Singhal et al. 2023."""
    order = ["weights", "activations", "masked activations", "through the next layer"]
    cosine = mean(dataset["cosine"], "guess").sel(guess=order)
    return verdict((cosine.diff("guess") > 0).all(), f"cosines {shown(cosine)}")


def frequent_functions_are_simple(dataset: xr.Dataset) -> Verdict:
    """Valle-Perez, Camargo & Louis 2019; of at least five levels of complexity."""
    probability, bits = dataset["probability"].values.ravel(), dataset["complexity"].values.ravel()
    levels = np.unique(bits[~np.isnan(bits)])
    envelope = [probability[bits == level].max() for level in levels]
    if len(levels) < 5:
        raise Lacking("no five levels of complexity")
    correlation = rank_correlation(levels, envelope)
    return verdict(correlation < -0.8, f"rank correlation {correlation:.3f} over {len(levels)} levels of complexity")


def prior_is_far_from_uniform(dataset: xr.Dataset) -> Verdict:
    """Mingard et al. 2021, and Zipf's law, which has a slope of -1; of at least ten functions of these ranks."""
    probability = mean(dataset["probability"], "rank")
    part = probability.sel(rank=(probability["rank"] >= 10) & (probability["rank"] <= 1000)).dropna("rank")
    if part.size < 10:
        raise Lacking("no ten functions of ranks 10 to 1000")
    x, y = np.log(part["rank"].values), np.log(part.values)
    slope = np.polyfit(x, y, 1)[0]
    fit = pearsonr(x, y).statistic ** 2 if np.ptp(y) > 0 else 0.0
    top = float(probability.max())
    passed = top > 0.01 and fit > 0.9 and abs(slope + 1) < 0.25
    return verdict(passed, f"largest {top:.3g}; slope {slope:.2f} in rank with R^2 {fit:.3f}")


def low_frequencies_come_first(dataset: xr.Dataset) -> Verdict:
    """Rahaman et al. 2019, section 3; what is never learned has no place in the order and is not judged."""
    correlations, counts = [], []
    for _, first in arms(mean(dataset["first_step"], "frequency", "rising"), "rising"):
        known = first.dropna("frequency")
        counts.append(f"{known.size} of {first.size}")
        correlations.append(rank_correlation(known["frequency"], known) if known.size >= 5 else np.nan)
    passed = (np.array(correlations) >= 0.9).all()
    return verdict(passed, f"rank correlations {shown(correlations)} over {', '.join(counts)} frequencies learned")


def low_frequencies_survive_noise(dataset: xr.Dataset) -> Verdict:
    """Rahaman et al. 2019, section 3; of frequencies that are never learned there is nothing to lose."""
    numbers, passed = [], True
    for _, part in arms(dataset[["robust", "first_step"]], "rising"):
        left = mean((part["robust"] / part["robust"].sel(radius=0)).sel(radius=2.0), "frequency")
        known = left.where(mean(part["first_step"], "frequency").notnull(), drop=True)
        half = known.size // 2
        if half < 2:
            raise Lacking("no four frequencies that are learned")
        low, high = float(known[:half].mean()), float(known[-half:].mean())
        passed &= low > high
        numbers.append(f"{low:.3f} of the lowest {half}, {high:.3f} of the highest {half}")
    return verdict(passed, f"left of the learned frequencies: {'; '.join(numbers)}")


def eigenvalues_fall_with_the_degree_squared(dataset: xr.Dataset) -> Verdict:
    """Yu, Yang & Townsend 2023: as the power -d on the sphere in d dimensions, and this is the circle."""
    eigenvalue = mean(dataset["eigenvalue"], "degree")
    late = eigenvalue.sel(degree=eigenvalue["degree"] > float(eigenvalue["degree"].max()) / 2)
    slope = np.polyfit(np.log(late["degree"].values), np.log(late.values), 1)[0]
    falls = (eigenvalue.diff("degree") < 0).all()
    return verdict(falls & (abs(slope + 2) < 0.1), f"slope {slope:.3f} over the upper half of the degrees")


def sobolev_loss_turns_the_order(dataset: xr.Dataset) -> Verdict:
    """Yu, Yang & Townsend 2023: rank correlations above .9 and below -.9."""
    orders = axis(dataset, "sobolev")
    half = mean(dataset["half_time"], "sobolev", "degree")
    low, high = (rank_correlation(half["degree"], half.sel(sobolev=order)) for order in (orders.min(), orders.max()))
    return verdict(low > 0.9 and high < -0.9, f"rank correlations {low:.3f} and {high:.3f}")
