"""Intervals that cover draws of training points and of test points alike.

Errors e[s, i] are known for draws s of training points at test points i, which draws may share (all of them, some or
none). Two errors go together if they share the draw or the test point, so the covariance of mean errors is estimated by
the sum over all such pairs. A bootstrap that resamples draws and points has nearly this covariance: it counts pairs
twice that share both, and with ten draws its quantiles lie too near, where Student's do not.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import t as student

from implicitbias.catalogue import SOURCES
from implicitbias.studies.verdicts import MissingData, axis, mean, mean_interval, several_draws

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]
"""From mean errors `(..., K)` to a number each, `(...)`; smooth."""

_STEP = 1e-6  # of the numerical gradient


class Interval(NamedTuple):
    """A 95 % interval; its ends are NaN where there is a single draw of training points."""

    low: float
    centre: float
    high: float

    def within(self, least: float, most: float) -> "Interval":
        """Without what cannot be: the ends are no smaller and no larger than these."""
        return Interval(max(self.low, least), self.centre, min(self.high, most))

    def exp(self) -> "Interval":
        """Of a factor, where this is one of its logarithm."""
        return Interval(*(float(value) for value in np.exp(self)))

    def __str__(self) -> str:
        """The value and its interval: "0.123 (0.101 to 0.145)"."""
        return f"{self.centre:.3g} ({self.low:.3g} to {self.high:.3g})"


def joint_intervals(errors: Array, points: NDArray[np.int64], statistics: Sequence[Statistic]) -> list[Interval]:
    """95 % intervals of statistics of K mean errors, over draws of training points and over test points.

    The half width is the standard error (to first order) times a quantile of Student's t, with Satterthwaite's degrees
    of freedom. The standard error of a mean error is at least one over the number of test points: a sample without any
    error does not show that there is none.

    Args:
        errors: `(K, S, m)` errors (0, 1 or probabilities) of K kinds of networks at the same points.
        points: `(S, m)` which test points these are: equal numbers where two draws share one.
        statistics: each from mean errors `(..., K)` to `(...)`.

    Source: Cameron, Gelbach & Miller 2011, section 2.2 (clusters of two kinds); Satterthwaite 1946.
    """
    draws, count = errors.shape[1], len(np.unique(points))
    means = errors.mean((1, 2))
    gradients = [_gradient(statistic, means) for statistic in statistics]
    of_draws, of_points = _covariances(errors, points)
    found = []
    for statistic, gradient in zip(statistics, gradients, strict=True):
        centre = float(statistic(means))
        if draws < 2:
            found.append(Interval(np.nan, centre, np.nan))
            continue
        first = max(0.0, float(gradient @ of_draws @ gradient))
        second = max(0.0, float(gradient @ of_points @ gradient))
        least = float(np.maximum(1 / count**2 - np.diag(of_draws) - np.diag(of_points).clip(0), 0) @ gradient**2)
        second += least
        freedom = (first + second) ** 2 / max(first**2 / (draws - 1) + second**2 / count, 1e-300)
        half = float(student.ppf(0.975, max(freedom, 1.0)) * np.sqrt(first + second))
        found.append(Interval(centre - half, centre, centre + half))
    return found


def intervals_of(
    dataset: xr.Dataset, errors: Sequence[xr.DataArray], statistics: Sequence[Statistic]
) -> list[Interval]:
    """`joint_intervals` of a study's errors, each a mean over everything but draws and test points.

    Args:
        dataset: with the index of the test points; a study whose parts differ in their number has none where it lacks
            a point.
        errors: K variables over `seed`, `test_point` and others.
        statistics: each from mean errors `(..., K)` to `(...)`.

    Raises:
        MissingData: if there is no test point, or if not all values of the study's other axes have the same ones.
    """
    there, points = known_points(dataset)
    kinds = [mean(each, "seed", "test_point").transpose("seed", "test_point")[:, there].values for each in errors]
    return joint_intervals(np.stack(kinds), points, statistics)


def error_intervals(dataset: xr.Dataset, *errors: xr.DataArray) -> list[Interval]:
    """Intervals of the study's errors themselves, as `intervals_of` takes them, within 0 and 1."""
    return [interval.within(0, 1) for interval in mean_intervals(dataset, *errors)]


def mean_intervals(dataset: xr.Dataset, *values: xr.DataArray) -> list[Interval]:
    """Intervals of means of values by draw and test point."""
    return intervals_of(dataset, values, [partial(of_kind, number) for number in range(len(values))])


def draw_interval(values: xr.DataArray) -> Interval:
    """The interval over draws of training points alone, of what has no test points or other ones in every draw.

    Each draw counts with its mean over everything else.

    Raises:
        MissingData: if there are no two draws.
    """
    several_draws(values)
    return Interval(*mean_interval(mean(values, "seed")))


def count_of_draws(data: xr.DataArray | xr.Dataset) -> int:
    """How many independent draws an experiment has, over its own and over seeds.

    Raises:
        MissingData: if there are no two, without which no interval is known.
    """
    count = len(axis(data, "draw")) * data.sizes.get("seed", 1)
    if count < 2:
        raise MissingData("no two draws")
    return count


def experiment_interval(values: xr.DataArray, judged: Any = ...) -> Interval:
    """The interval over an experiment's draws (or those of them to be judged), each with its mean over all else.

    Raises:
        MissingData: if there are no two.
    """
    count_of_draws(values)
    return Interval(*mean_interval(np.ravel(mean(values, "draw", "seed"))[judged]))


def independent_difference(one: Any, other: Any) -> Interval:
    """The mean of the first values minus that of the second, of as many draws that have nothing in common."""
    first, second = (
        (float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size)))
        for values in (np.asarray(one), np.asarray(other))
    )
    return difference_of_means(first, second, np.size(one))


def difference_of_means(one: tuple[float, float], other: tuple[float, float], draws: float) -> Interval:
    """The first mean minus the second, each (mean, standard error) of as many independent draws (Welch 1947)."""
    (centre, first), (base, second) = one, other
    variance = first**2 + second**2
    freedom = (draws - 1) * variance**2 / max(first**4 + second**4, 1e-300)
    half = float(student.ppf(0.975, max(freedom, 1.0)) * np.sqrt(variance))
    return Interval(centre - base - half, centre - base, centre - base + half)


def difference_interval(dataset: xr.Dataset, one: xr.DataArray, other: xr.DataArray) -> Interval:
    """The interval of the first error minus the second, as `intervals_of` takes them."""
    (found,) = intervals_of(dataset, [one, other], [lambda means: means[..., 0] - means[..., 1]])
    return found


def of_kind(number: int, means: Array) -> Array:
    """A statistic: the mean error of one kind of networks, by its number."""
    mean_error: Array = means[..., number]
    return mean_error


def _covariances(errors: Array, points: NDArray[np.int64]) -> tuple[Array, Array]:
    """Of mean errors: over pairs of the same draw, and over pairs of the same test point in different draws; `(K, K)`.

    Deviations from the means over draws do not hold what all draws have in common, the effects of shared test points:
    they lack one in S of the second part, which has the factor S/(S - 1) instead.
    """
    kinds, draws, size = errors.shape
    scale = draws / max(draws - 1, 1)
    deviations = errors - errors.mean((1, 2), keepdims=True)
    by_draw = deviations.mean(2) / draws
    found, index = np.unique(points, return_inverse=True)
    single = deviations.reshape(kinds, -1) / (draws * size)
    by_point = np.stack([np.bincount(index.ravel(), kind, len(found)) for kind in single])
    return scale * by_draw @ by_draw.T, scale * (by_point @ by_point.T - single @ single.T)


def _gradient(statistic: Statistic, means: Array) -> Array:
    steps = _STEP * np.diag(np.maximum(np.abs(means), 1e-3))
    gradient: Array = (statistic(means + steps) - statistic(means - steps)) / (2 * np.diag(steps))
    return gradient


def known_points(dataset: xr.Dataset) -> tuple[NDArray[np.bool], NDArray[np.int64]]:
    """Where there is a test point, `(test_point,)`, and which every draw has there, as `joint_intervals` takes them.

    Raises:
        MissingData: if there is none, or not all values of the study's other axes have the same ones.
    """
    index = dataset["test_index"]
    there = index.notnull().any([dim for dim in index.dims if dim != "test_point"]).values
    if not there.any():
        raise MissingData("no test points")
    return there, test_points(dataset.isel(test_point=there))


def test_points(dataset: xr.Dataset) -> NDArray[np.int64]:
    """Which test points every draw of training points has, `(seed, test_point)`, as `joint_intervals` takes them.

    Draws of a real source share points, by their index; those of a synthetic one are drawn anew for every seed.

    Raises:
        MissingData: if not all values of the study's other axes have the same points.
    """
    stored = dataset["test_index"].fillna(-1)
    first = stored.isel({dim: 0 for dim in stored.dims if dim not in ("seed", "test_point")})
    if bool((stored != first).any()):
        raise MissingData("other test points at some values of its axes than at others")
    index: NDArray[np.int64] = first.transpose("seed", "test_point").values.astype(np.int64)
    if SOURCES[str(dataset["source"].item())].real:
        return index
    return np.arange(index.size).reshape(index.shape)


test_points.__test__ = False  # type: ignore[attr-defined]  # no test, whatever pytest thinks of the name
