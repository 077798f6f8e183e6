"""Checks of the second version of Bernstein & Yue: large margins, votes, the posterior's centre."""

import numpy as np
import xarray as xr

from implicitbias.studies.verdicts import Lacking, Verdict, axis, mean, shown, verdict


def bayes_is_interpolation(dataset: xr.Dataset) -> Verdict:
    """The mean over seeds, at every n; fewer than 1000 test points cannot show 0.1 points: there it may be one point.

    Bernstein & Yue 2021, second version.
    """
    gap = mean(dataset["spherised_bayes_error"] - dataset["kernel_interpolation_error"], "train_size", "labels")
    largest, smallest_set = float(np.abs(gap).max()), float(dataset["test_points"].min())
    return verdict(
        largest <= max(1e-3, 1.001 / smallest_set),
        f"largest difference {100 * largest:.3f} points on {smallest_set:.0f} test points",
    )


def interpolation_halves_gibbs(dataset: xr.Dataset) -> Verdict:
    """Bernstein & Yue 2021, second version."""
    large = dataset.sel(train_size=[n for n in axis(dataset, "train_size") if n >= 100])
    if not large.sizes["train_size"]:
        raise Lacking("no training size of 100 or more")
    errors = {name: mean(large[name], "train_size") for name in ("kernel_interpolation_error", "spherised_gibbs_error")}
    ratio = (errors["kernel_interpolation_error"] / errors["spherised_gibbs_error"]).values
    return verdict((ratio <= 0.5).all(), f"interpolation over Gibbs {shown(ratio)} at n = {_sizes(large)}")


def vote_beats_member(dataset: xr.Dataset) -> Verdict:
    """Bernstein & Yue 2021, second version."""
    small = _small_margin(dataset)
    one, vote = (mean(small[name], "train_size") for name in ("test_error", "vote_error"))
    return verdict((vote < one).all(), f"one {shown(one)}, vote {shown(vote)} at n = {_sizes(small)}")


def large_margin_acts_as_vote(dataset: xr.Dataset) -> Verdict:
    """Bernstein & Yue 2021, second version."""
    small = _small_margin(dataset)
    one, vote = (mean(small[name], "train_size") for name in ("test_error", "vote_error"))
    scale = float(axis(dataset, "label_scale").max())
    large = mean(dataset["test_error"].sel(targets="labels", label_scale=scale), "train_size")
    numbers = f"large margin {shown(large)}; vote {shown(vote)}, single {shown(one)} at n = {_sizes(dataset)}"
    return verdict((abs(large - vote) < abs(large - one)).all(), numbers)


def networks_err_as_the_posterior(dataset: xr.Dataset) -> Verdict:
    """A draw and the centre: the spherised posterior's Gibbs and Bayes error (Bernstein & Yue 2021, second version)."""
    small = _small_margin(dataset)
    one, vote = (mean(small[name], "train_size") for name in ("test_error", "vote_error"))
    draw, centre = (mean(dataset[f"spherised_{name}_error"], "train_size") for name in ("gibbs", "bayes"))
    passed = (abs(one - draw) < abs(one - centre)) & (abs(vote - centre) < abs(vote - draw))
    numbers = f"single {shown(one)}, draw {shown(draw)}; vote {shown(vote)}, centre {shown(centre)}"
    return verdict(passed.all(), f"{numbers} at n = {_sizes(dataset)}")


def _small_margin(dataset: xr.Dataset) -> xr.Dataset:
    if "spherised" not in axis(dataset, "targets"):
        raise Lacking("no spherised targets")
    return dataset.sel(targets="spherised", label_scale=axis(dataset, "label_scale").min())


def _sizes(dataset: xr.Dataset) -> str:
    return ", ".join(str(n) for n in np.atleast_1d(dataset["train_size"].values))
