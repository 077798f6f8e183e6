"""From chance to the trained network, in steps that are each measured on one task and one class of networks.

chance -> prior (random functions of the infinitely wide network that fit the signs) -> targets (the same network
conditioned on f(X) = alpha Y) -> lazy (the infinitely wide network trained on them by gradient descent) -> features
(trained networks of finite width). Only the last two steps are gradient descent's; the second is a choice of targets.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import Array, Interval, intervals_of
from implicitbias.studies.verdicts import MissingData, last

STEPS = {
    "prior": "gibbs_error",
    "targets": "ray_error",
    "lazy": "lazy_error",
    "features": "test_error",
}
"""Every step, and the error that it ends with; the first starts from chance, the error without any condition."""

NEEDS = tuple(f"{error}_by_point" for error in STEPS.values())
"""The variables of a study that can be decomposed."""


@dataclass(frozen=True)
class Path:
    """The decomposition at one point of a study's grid, with 95 % intervals over draws of training and of test points.

    Attributes:
        at: the point: axis -> value.
        chance: the error of a random class: 1/2, or 1 - 1/C of C classes.
        prior_stds: the label scale in prior standard deviations of an output.
        errors: where each step ends.
        falls: by how much each step lowers the error, and in the end by how much both steps of gradient descent do.
        fractions: the same, as fractions of the whole fall from chance.
        log_ratios: logarithm of the error before each step over that after it; in the end over both of these steps.
        draws: number of draws of training points.
        test_points: number of different test points.

    """

    at: dict[str, object]
    chance: float
    prior_stds: float
    errors: dict[str, Interval]
    falls: dict[str, Interval]
    fractions: dict[str, Interval]
    log_ratios: dict[str, Interval]
    draws: int
    test_points: int


OWN = "gradient descent"
"""The name of the last two steps together, among falls, fractions and ratios."""


def paths(dataset: xr.Dataset, *axes: str) -> Iterator[Path]:
    """The decomposition at every value of these axes, where the study has them, and at the last value of all others.

    Raises:
        MissingData: if the study lacks one of the errors at its test points.
    """
    if missing := [name for name in NEEDS if name not in dataset]:
        raise MissingData(f"no {missing[0]}")
    chosen = dataset[[*NEEDS, "test_index", "prior_std", *(["chance_error"] if "chance_error" in dataset else [])]]
    for dim in map(str, chosen.dims):
        if dim not in {*axes, "seed", "member", "test_point"}:
            chosen = last(chosen, dim)
    there = [axis for axis in axes if axis in chosen.dims]
    for values in np.ndindex(*(chosen.sizes[axis] for axis in there)):
        yield _path(chosen.isel(dict(zip(there, values, strict=True))))


def _path(part: xr.Dataset) -> Path:
    index = part["test_index"]
    chance = float(part["chance_error"].fillna(0.5).mean()) if "chance_error" in part else 0.5  # of labels +-1
    steps = range(len(STEPS))
    before = [len(STEPS), *steps[:-1]]  # chance stands behind the errors
    pairs = [*zip(before, steps, strict=True), (steps[1], steps[-1])]
    names = [*STEPS, OWN]
    statistics = [
        *(partial(_error, end) for end in steps),
        *(partial(_fall, chance, *pair) for pair in pairs),
        *(partial(_fraction, chance, *pair) for pair in pairs),
        *(partial(_log_ratio, chance, *pair) for pair in pairs),
    ]
    found = iter(intervals_of(part, [part[name] for name in NEEDS], statistics))
    errors = {name: next(found).within(0, 1) for name in STEPS}
    levels = [Interval(*map(np.float64, error)) for error in (*errors.values(), (chance,) * 3)]
    return Path(
        at={str(name): value.item() for name, value in part.coords.items() if value.ndim == 0},
        chance=chance,
        prior_stds=float(part["label_scale"]) / float(part["prior_std"].mean()),
        errors=errors,
        falls={name: next(found) for name in names},
        fractions={name: next(found) for name in names},
        log_ratios={
            name: _known(next(found), levels[before], levels[after])
            for name, (before, after) in zip(names, pairs, strict=True)
        },
        draws=part.sizes["seed"],
        test_points=len(np.unique(index.values[index.notnull()])),
    )


def _with_chance(chance: float, means: Array) -> Array:
    return np.concatenate([means, np.full((*means.shape[:-1], 1), chance)], axis=-1)


def _error(end: int, means: Array) -> Array:
    error: Array = means[..., end]
    return error


def _fall(chance: float, before: int, after: int, means: Array) -> Array:
    levels = _with_chance(chance, means)
    fall: Array = levels[..., before] - levels[..., after]
    return fall


def _fraction(chance: float, before: int, after: int, means: Array) -> Array:
    """Of the fall from chance to the trained networks."""
    return _fall(chance, before, after, means) / _fall(chance, len(STEPS), len(STEPS) - 1, means)


def _log_ratio(chance: float, before: int, after: int, means: Array) -> Array:
    levels = _with_chance(chance, means).clip(1e-9)
    ratio: Array = np.log(levels[..., before] / levels[..., after])
    return ratio


def _known(ratio: Interval, before: Interval, after: Interval) -> Interval:
    """The logarithm of a ratio as far as it is known: without an end where an error's interval begins at 0."""
    if before.low > 0 and after.low > 0:
        return ratio
    if np.isnan([before.low, after.low]).any():
        return Interval(np.nan, ratio.centre, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):  # no error at all: infinitely many times fewer
        ends = np.log([before.low / after.high, before.centre / after.centre, before.high / after.low])
    return Interval(*ends.tolist())
