"""Checks of the second version of Bernstein & Yue: large margins, votes, the posterior's centre."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import Interval, difference_interval, draw_interval
from implicitbias.studies.verdicts import MissingData, Verdict, arms, axis, mean, several_draws, shown, verdict

_NEAR = 0.05


def bayes_is_interpolation(dataset: xr.Dataset) -> Verdict:
    """The spherised posterior's Bayes error is that of kernel interpolation, within 0.1 percentage points (or one test
    point).

    The mean over seeds, at every n; fewer than 1000 test points cannot show 0.1 points: there it may be one point.

    Bernstein & Yue 2021, second version.
    """
    gap = mean(dataset["spherised_bayes_error"] - dataset["kernel_interpolation_error"], "train_size", "labels")
    largest, smallest_set = float(np.abs(gap).max()), float(dataset["test_points"].min())
    return verdict(
        largest <= max(1e-3, 1.001 / smallest_set),
        f"largest difference {100 * largest:.3f} points on {smallest_set:.0f} test points",
    )


def interpolation_halves_gibbs(dataset: xr.Dataset) -> Verdict:
    """At n >= 100, kernel interpolation errs at most half as often as a draw of the spherised posterior.

    Bernstein & Yue 2021, second version.
    """
    large = dataset.sel(train_size=[n for n in axis(dataset, "train_size") if n >= 100])
    if not large.sizes["train_size"]:
        raise MissingData("no training size of 100 or more")
    errors = {name: mean(large[name], "train_size") for name in ("kernel_interpolation_error", "spherised_gibbs_error")}
    ratio = (errors["kernel_interpolation_error"] / errors["spherised_gibbs_error"]).values
    return verdict((ratio <= 0.5).all(), f"interpolation over Gibbs {shown(ratio)} at n = {_sizes(large)}")


def vote_beats_member(dataset: xr.Dataset) -> Verdict:
    """At every n, networks trained to spherised targets err less by majority vote than one by one: the differences are
    above 0 by their 95 % intervals over draws of training and test points.

    Bernstein & Yue 2021, second version.
    """
    found = {n: difference_interval(part, one, vote) for n, part, one, vote in _small_margins(dataset)}
    return _verdict(all(gap.low > 0 for gap in found.values()), {"one network minus the vote": found})


def large_margin_acts_as_vote(dataset: xr.Dataset) -> Verdict:
    """At every n, single networks of large, equal margins err as often as the majority vote of networks trained to
    spherised targets, within .05, and less than a single one of these, by the 95 % intervals over draws of training and
    test points.

    Bernstein & Yue 2021, second version; acting alike says nothing unless single networks act differently.
    """
    scale = axis(dataset, "label_scale").max()
    alike, better = {}, {}
    for n, part, one, vote in _small_margins(dataset):
        large = part["test_error_by_point"].sel(targets="labels", label_scale=scale)
        alike[n], better[n] = difference_interval(part, large, vote), difference_interval(part, one, large)
    passed = all(_near(gap) for gap in alike.values()) and all(gap.low > 0 for gap in better.values())
    return _verdict(passed, {"large margin minus the vote": alike, "one of small margin minus large margin": better})


def networks_err_as_the_posterior(dataset: xr.Dataset) -> Verdict:
    """At every n, a network trained to spherised targets errs as often as a draw of the spherised posterior, and the
    vote of such networks as often as the posterior's centre, both within .05 by the 95 % intervals over draws of
    training points.

    A draw and the centre: the spherised posterior's Gibbs and Bayes error (Bernstein & Yue 2021, second version).

    The posterior's errors are not known by test point: the intervals are over draws of training points, on one test
    set.
    """
    single, centre = {}, {}
    for n, part, one, vote in _small_margins(dataset):
        single[n] = draw_interval(mean(one, "seed") - part["spherised_gibbs_error"])
        centre[n] = draw_interval(mean(vote, "seed") - part["spherised_bayes_error"])
    passed = all(_near(gap) for found in (single, centre) for gap in found.values())
    return _verdict(passed, {"one network minus a draw": single, "the vote minus the centre": centre})


def _small_margins(dataset: xr.Dataset) -> Iterator[tuple[str, xr.Dataset, xr.DataArray, xr.DataArray]]:
    """Of every n the study, and by test point the errors of networks of small spherised targets and of their vote.

    Raises:
        MissingData: without such networks, several of them, or two draws of training points.
    """
    if "spherised" not in axis(dataset, "targets"):
        raise MissingData("no spherised targets")
    axis(dataset, "member")
    several_draws(dataset)
    scale = axis(dataset, "label_scale").min()
    for n, part in arms(dataset, "train_size"):
        errors = part["test_error_by_point"].sel(targets="spherised", label_scale=scale)
        wrong = errors.mean("member", skipna=False)
        yield n or str(part["train_size"].item()), part, errors, (wrong >= 0.5).where(wrong.notnull()).astype(float)


def _near(gap: Interval) -> bool:
    return -_NEAR < gap.low <= gap.high < _NEAR


def _verdict(passed: bool, found: dict[str, dict[str, Interval]]) -> Verdict:
    told = (f"{what} {', '.join(f'{gap} at n = {n}' for n, gap in gaps.items())}" for what, gaps in found.items())
    return verdict(passed, f"differences of test errors, 95 % intervals: {'; '.join(told)}")


def _sizes(dataset: xr.Dataset) -> str:
    return ", ".join(str(n) for n in np.atleast_1d(dataset["train_size"].values))
