"""Checks of frequencies of classifiers, along paths and in labels (Fridovich-Keil, Gontijo-Lopes & Roelofs 2022)."""

import numpy as np
import xarray as xr

from implicitbias.studies.half_times import half_times
from implicitbias.studies.intervals import Interval, draw_interval
from implicitbias.studies.verdicts import (
    Verdict,
    arms,
    axis,
    mean,
    mean_interval,
    rank_correlation,
    several_draws,
    verdict,
)

HIGH = 2.0  # cycles a path: from here on frequencies are high
_ENDS = {"training points": "path_spectrum", "test points": "test_path_spectrum"}


def paths_between_classes_have_higher_frequencies(dataset: xr.Dataset) -> Verdict:
    """At every training size, predictions vary more, at frequencies of two cycles a path and more, along paths between
    classes than along paths within one, between training points and between test points: the differences are above 0 by
    their 95 % intervals over draws.

    At the end of training, at every training size, draw by draw.
    """
    more = {}
    for points in _ENDS:
        for name, high in arms(_high(dataset, points), "train_size"):
            end = _trained(high)[-1]
            more[_told(points, name)] = draw_interval(end.sel(path_kind="between") - end.sel(path_kind="within"))
    return _verdict(all(one.low > 0 for one in more.values()), "mean square at high frequencies, more", more)


def training_raises_frequencies_between_classes(dataset: xr.Dataset) -> Verdict:
    """At every training size, the variation at high frequencies along paths between classes rises from the first
    checkpoint after the start to the last, by the 95 % interval of the factor over draws.

    From the first checkpoint after the start to the last, draw by draw.
    """
    rises = {
        _told(points, name): rise for points in _ENDS for name, rise in _by_time(dataset, points, "between").items()
    }
    return _verdict(all(rise.low > 1 for rise in rises.values()), "mean square at high frequencies, factor", rises)


def training_lowers_frequencies_within_classes(dataset: xr.Dataset) -> Verdict:
    """At every training size, the variation at high frequencies along paths within a class between training points
    falls from the first checkpoint after the start to the last, by the 95 % interval of the factor over draws.

    From the first checkpoint after the start to the last, along paths between training points.
    """
    return _smooths(dataset, "training points")


def training_lowers_frequencies_within_classes_at_test_points(dataset: xr.Dataset) -> Verdict:
    """At every training size, the variation at high frequencies along paths within a class between test points falls
    from the first checkpoint after the start to the last, by the 95 % interval of the factor over draws.

    The same along paths between test points.
    """
    return _smooths(dataset, "test points")


def more_points_set_classes_apart(dataset: xr.Dataset) -> Verdict:
    """From the smallest to the largest training size, the variation at high frequencies at the end of training rises
    along paths between classes and falls along paths within one, between training points: both by their 95 % intervals
    over draws.

    At the end of training, from the smallest training set to the largest: paths between training points.
    """
    return _sets_apart(dataset, "training points")


def more_points_set_classes_apart_at_test_points(dataset: xr.Dataset) -> Verdict:
    """From the smallest to the largest training size, the variation at high frequencies at the end of training rises
    along paths between classes and falls along paths within one, between test points: both by their 95 % intervals over
    draws.

    The same along paths between test points, which are the same for all training sizes.
    """
    return _sets_apart(dataset, "test points")


def fast_waves_are_fitted_later(dataset: xr.Dataset) -> Verdict:
    """At every training size, waves of higher frequency in the labels are half fitted later: the mean rank correlation
    of frequency and half-time is above 0 by its 95 % interval over draws.

    Spearman's correlation of frequency and half-time in every draw; a wave that is never fitted comes last.
    """
    axis(dataset, "frequency")
    several_draws(dataset)
    correlations = {}
    for name, part in arms(dataset["fitted"], "train_size"):
        curves = mean(part, "seed", "frequency", "step").transpose("seed", "frequency", "step")
        times = half_times(curves.values, axis(part, "step"))
        times = np.where(np.isnan(times) & ~np.isnan(curves.values).any(-1), np.inf, times)
        each = [rank_correlation(curves["frequency"], own) for own in times]
        correlations[_told("", name)] = Interval(*mean_interval(each)).within(-1, 1)
    return _verdict(all(one.low > 0 for one in correlations.values()), "rank correlations", correlations)


def only_slow_waves_reach_test_points(dataset: xr.Dataset) -> Verdict:
    """At every training size, predictions at test points hold over half of the slowest wave in the labels and under a
    tenth of the fastest at the end of training, both by their 95 % intervals over draws.

    At the end of training: over half of the slowest wave, under a tenth of the fastest.
    """
    frequencies = axis(dataset, "frequency")
    end = dataset["fitted_test"].sel(step=axis(dataset, "step").max())
    passed, found = True, dict[str, Interval]()
    for name, part in arms(end, "train_size"):
        slow, fast = (draw_interval(part.sel(frequency=one)) for one in (frequencies.min(), frequencies.max()))
        passed &= slow.low > 0.5 and fast.high < 0.1
        found |= {_told("slowest", name): slow, _told("fastest", name): fast}
    return _verdict(passed, "fraction of the wave at test points", found)


def more_points_carry_faster_waves(dataset: xr.Dataset) -> Verdict:
    """From the smallest to the largest training size, predictions at test points hold more of the waves, on average
    over frequencies, by the 95 % interval of the difference over draws.

    At the end of training: what test points have of the waves, on the mean over frequencies, draw by draw.
    """
    sizes = axis(dataset, "train_size")
    end = dataset["fitted_test"].sel(step=axis(dataset, "step").max()).mean("frequency", skipna=False)
    more = draw_interval(end.sel(train_size=sizes.max()) - end.sel(train_size=sizes.min()))
    numbers = f"mean fraction at test points, at n = {sizes.max()} more than at {sizes.min()} by"
    return _verdict(more.low > 0, numbers, {"": more})


def _high(dataset: xr.Dataset, points: str) -> xr.DataArray:
    """Mean squares at high frequencies."""
    spectrum = dataset[_ENDS[points]]
    frequencies = axis(spectrum, "path_frequency")
    return spectrum.sel(path_frequency=frequencies[frequencies >= HIGH]).sum("path_frequency", skipna=False)


def _trained(values: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """At the first checkpoint after the start and at the last, of those that this part of the study has."""
    steps = axis(values, "step")
    there = values.sel(step=steps[steps > 0]).dropna("step", how="all")
    return there.isel(step=0), there.isel(step=-1)


def _by_time(dataset: xr.Dataset, points: str, kind: str) -> dict[str, Interval]:
    """By which factor the high frequencies of one kind of paths change during training, by training size."""
    factors = {}
    for name, high in arms(_high(dataset, points).sel(path_kind=kind), "train_size"):
        first, end = _trained(high)
        factors[name] = _factor(end, first)
    return factors


def _factor(one: xr.DataArray, other: xr.DataArray) -> Interval:
    ratio: xr.DataArray = np.log(one / other)  # type: ignore[assignment]
    return draw_interval(ratio).exp()


def _smooths(dataset: xr.Dataset, points: str) -> Verdict:
    falls = {_told(points, name): fall for name, fall in _by_time(dataset, points, "within").items()}
    return _verdict(all(fall.high < 1 for fall in falls.values()), "mean square at high frequencies, factor", falls)


def _sets_apart(dataset: xr.Dataset, points: str) -> Verdict:
    sizes = axis(dataset, "train_size")
    high = _high(dataset, points)
    ends = {size: _trained(high.sel(train_size=size))[-1] for size in (sizes.min(), sizes.max())}
    factors = {
        f"{kind} classes": _factor(ends[sizes.max()].sel(path_kind=kind), ends[sizes.min()].sel(path_kind=kind))
        for kind in ("between", "within")
    }
    passed = factors["between classes"].low > 1 and factors["within classes"].high < 1
    numbers = f"mean square at high frequencies between {points}, at n = {sizes.max()} over that at {sizes.min()},"
    return _verdict(passed, numbers, factors)


def _told(what: str, size: str) -> str:
    return ", ".join(([what] if what else []) + ([f"n = {size}"] if size else []))


def _verdict(passed: bool, what: str, intervals: dict[str, Interval]) -> Verdict:
    told = "; ".join(f"{name}: {interval}" if name else str(interval) for name, interval in intervals.items())
    return verdict(passed, f"{what} {told} (95 % over draws)")
