"""Checks of the complexity against depth: differences between depths on the same points, over draws of points."""

import numpy as np
import xarray as xr

from implicitbias.studies.depth_curve import complexity_beyond
from implicitbias.studies.intervals import draw_interval
from implicitbias.studies.verdicts import (
    MissingData,
    Verdict,
    arms,
    axis,
    estimated_by,
    last,
    several_draws,
    structured,
    verdict,
)  # fmt: skip


def order_of_depths_turns(dataset: xr.Dataset) -> Verdict:
    """With true labels at the largest n, the published estimator gives the deepest network a lower complexity than the
    shallowest, and the true probability a higher one: the paired differences are below and above 0 by their 95 %
    intervals over draws.

    The published estimator: Bernstein & Yue 2021, section 4; the truth: the mixture's probability.
    """
    depths = np.sort(axis(dataset, "depth"))
    part = _judged(dataset)
    passed, numbers = True, []
    for name, arm in arms(part, "labels", "rows"):
        gaps = {}
        for estimator in ("importance", "mixture"):
            complexity = estimated_by(arm, estimator)["complexity"]
            gaps[estimator] = draw_interval(complexity.sel(depth=depths[-1]) - complexity.sel(depth=depths[0]))
        passed &= gaps["importance"].high < 0 < gaps["mixture"].low
        numbers.append(f"{_named(name)}published estimator {gaps['importance']}, truth {gaps['mixture']}")
    return verdict(
        passed, f"C at depth {depths[-1]} minus depth {depths[0]}, nats, {_draws(part)}: {'; '.join(numbers)}"
    )


def complexity_falls_and_rises_with_depth(dataset: xr.Dataset) -> Verdict:
    """With decimal labels, complexity is not monotone in depth: it is lower at depth 3 than for linear networks (depth
    1), and from depth 3 on it rises at every step: the paired differences are above 0 by their 95 % intervals over
    draws.

    That depth 3 is lowest was computed on 500 points of MNIST beforehand; whether depth 2 is above it is not judged.

    It is said of decimal labels only: zeros and ones are told apart by a linear function, whose prior is the best.
    """
    if "decimal" not in np.atleast_1d(dataset["labels"].values):
        raise MissingData("no decimal labels")
    part = _judged(dataset.sel(labels="decimal") if "labels" in dataset.dims else dataset)
    beyond = complexity_beyond(part, 3)
    if 1 not in beyond["depth"] or beyond["depth"].max() < 4:
        raise MissingData("no linear networks (depth 1), or none deeper than 3")
    passed, numbers = True, []
    for name, arm in arms(beyond, "rows"):
        linear = draw_interval(arm.sel(depth=1))
        steps = [draw_interval(step) for _, step in arm.sel(depth=arm["depth"] >= 3).diff("depth").groupby("depth")]
        smallest = min(steps, key=lambda step: step.low)
        passed &= linear.low > 0 and smallest.low > 0
        numbers.append(
            f"{_named(name)}depth 1 {linear}, deepest {draw_interval(arm.isel(depth=-1))}, smallest step {smallest}"
        )
    return verdict(passed, f"C minus that at depth 3, nats, {_draws(part)}: {'; '.join(numbers)}")


def seven_layers_are_more_complex_than_two(dataset: xr.Dataset) -> Verdict:
    """With true labels, complexity is higher at depth 7 than at depth 2: the paired differences are above 0 by their 95
    % intervals over draws.

    The depths of Bernstein & Yue 2021, section 4.
    """
    part = _judged(dataset)
    beyond = complexity_beyond(part, 2)
    if 7 not in beyond["depth"]:
        raise MissingData("no networks of depth 7")
    found = {name: draw_interval(arm) for name, arm in arms(beyond.sel(depth=7), "labels", "rows")}
    numbers = "; ".join(f"{_named(name)}{interval}" for name, interval in found.items())
    return verdict(
        all(interval.low > 0 for interval in found.values()),
        f"C at depth 7 minus depth 2, nats, {_draws(part)}: {numbers}",
    )


def _judged(dataset: xr.Dataset) -> xr.Dataset:
    """True labels at the largest training set, if there are two draws of points or more."""
    several_draws(dataset)
    part = structured(dataset)
    return last(part.sortby("train_size"), "train_size") if "train_size" in part.dims else part


def _draws(dataset: xr.Dataset) -> str:
    return f"95 % over {dataset.sizes['seed']} draws"


def _named(arm: str) -> str:
    return f"{arm}: " if arm else ""
