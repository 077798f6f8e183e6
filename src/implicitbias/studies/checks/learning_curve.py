"""Checks of the PAC-Bayes bound whose prior knows the first labels."""

import xarray as xr

from implicitbias.studies.intervals import Interval, draw_interval, joint_intervals, test_points
from implicitbias.studies.learning_curve import bound_given_first
from implicitbias.studies.verdicts import (
    Verdict,
    arms,
    estimated_by,
    last,
    mean,
    several_draws,
    structured,
    verdict,
)  # fmt: skip


def first_points_tighten_the_bound(dataset: xr.Dataset) -> Verdict:
    """With true labels at the largest n, the PAC-Bayes bound whose prior knows the first m labels lies below the plain
    one (by the 95 % interval over draws) and above the Gibbs error (over draws of training and test points).

    Means over depths. The difference between two bounds does not depend on test points; that to an error does.
    """
    several_draws(dataset)
    part = estimated_by(structured(dataset), "mixture")
    part = last(part.assign(given_first=bound_given_first(part)).sortby("train_size"), "train_size")
    passed, numbers = True, []
    for name, arm in arms(part, "labels", "rows"):
        tighter = draw_interval(arm["given_first"] - arm["pac_bayes_bound"])
        slack = _above_gibbs(arm)
        passed &= tighter.high < 0 < slack.low
        numbers.append(f"{name or 'labels'}: minus the plain bound {tighter}, minus the Gibbs error {slack}")
    size = int(part["train_size"])
    return verdict(passed, f"bound given the first labels, n = {size}, 95 % intervals: {'; '.join(numbers)}")


def _above_gibbs(arm: xr.Dataset) -> Interval:
    """The bound minus the Gibbs error, over draws of training points and over test points."""
    slack = mean(arm["given_first"] - arm["gibbs_error_by_point"], "seed", "test_point")
    slack = slack.transpose("seed", "test_point").dropna("test_point")  # some kinds of labels have fewer test points
    others = {dim: 0 for dim in arm["test_index"].dims if dim not in ("seed", "test_point")}  # the same points for all
    points = test_points(arm.isel(others).sel(test_point=slack["test_point"]))
    [interval] = joint_intervals(slack.values[None], points, [lambda means: means[..., 0]])
    return interval
