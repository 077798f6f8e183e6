"""Checks of what the size of the steps does at equal targets: test errors, margins and features."""

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import Array, Interval, Statistic, intervals_of
from implicitbias.studies.verdicts import Lacking, Verdict, arms, axis, last, mean, mean_interval, verdict

_KINDS = ("width", "constraint")
"""Axes whose values are judged one by one."""

_LEAST = 1e-4  # an error below this counts as this in a ratio


def larger_steps_find_better_functions(dataset: xr.Dataset) -> Verdict:
    """At equal targets; the factor was set on other draws."""
    return _above(3, {name: _fall(part) for name, part in arms(dataset, *_KINDS)})


def either_half_of_the_projection_suffices(dataset: xr.Dataset) -> Verdict:
    """Neither is what makes the effect; the factor was set on other draws."""
    found = dict(arms(dataset, "constraint"))
    return _above(2, {name: _fall(found[name]) for name in ("mean_free", "unit")})


def margins_are_equal_across_learning_rates(dataset: xr.Dataset) -> Verdict:
    """Of networks of equal norms: the means over networks of one draw, and Student's interval over draws."""
    axis(dataset, "learning_rate")
    furthest, widest = [], 0.0
    for name, part in arms(last(dataset), *_KINDS):
        margins = mean(part["smallest_margin"], "learning_rate", "seed")
        ratios = margins / margins.mean("learning_rate", skipna=False)
        ends = [mean_interval(ratios.sel(learning_rate=rate).values) for rate in ratios["learning_rate"]]
        low, high = np.min([end[0] for end in ends]), np.max([end[2] for end in ends])
        furthest.append(f"{name}: {float(margins.mean()):.3g} times {low:.3f} to {high:.3f}".strip(": "))
        widest = max(widest, 1 - low, high - 1) if np.isfinite(low + high) else np.nan
    return verdict(widest < 0.05, f"smallest margins over all rates, with their intervals: {'; '.join(furthest)}")


def the_effect_does_not_shrink_with_width(dataset: xr.Dataset) -> Verdict:
    """The factor by which the error falls, from the smallest to the best rate, at both ends of the widths."""
    widths = np.sort(axis(dataset, "width"))
    errors = [one for width in (widths[-1], widths[0]) for one in _ends(dataset.sel(width=width))]
    change, *falls = _ratios(
        dataset, errors, lambda e: _log_ratio(e[..., :2]) - _log_ratio(e[..., 2:]),
        lambda e: _log_ratio(e[..., :2]), lambda e: _log_ratio(e[..., 2:]),
    )  # fmt: skip
    wide, narrow = falls
    numbers = f"error falls by a factor of {wide} at width {widths[-1]}, {narrow} at {widths[0]}; their ratio {change}"
    return verdict(change.low > 2 / 3, numbers)


def small_steps_tend_to_the_lazy_limit(dataset: xr.Dataset) -> Verdict:
    """Infinitely small steps of an infinitely wide network (Jacot, Gabriel & Hongler 2018; Lee et al. 2019).

    The prior conditioned on the same targets stands beside it, unjudged.
    """
    part = dataset.sel(width=axis(dataset, "width").max()) if "width" in dataset.dims else dataset
    smallest, _ = _ends(part)
    errors = [smallest, part["lazy_error_by_point"], part["ray_error_by_point"]]
    to_lazy, to_posterior = _ratios(
        part, errors, lambda e: _log_ratio(e[..., [0, 1]]), lambda e: _log_ratio(e[..., [0, 2]])
    )
    error, lazy, posterior = (float(mean(each)) for each in errors)
    return verdict(
        0.8 < to_lazy.low <= to_lazy.high < 1.2,
        f"networks {error:.3f}, lazy limit {lazy:.3f}, posterior {posterior:.3f}; networks over lazy limit {to_lazy},"
        f" over posterior {to_posterior}",
    )


def alignment_rises_more_with_larger_steps(dataset: xr.Dataset) -> Verdict:
    """Baratin et al. 2021; test points play no part in the alignment on training points."""
    rates = axis(dataset, "learning_rate")
    steps = axis(dataset, "step")
    passed, numbers = True, []
    for name, part in arms(dataset, *_KINDS):
        alignment = mean(part["tangent_kernel_alignment"], "learning_rate", "seed", "step")
        rise = alignment.sel(step=steps.max()) - alignment.sel(step=steps.min())
        largest, smallest = (rise.sel(learning_rate=rate).values for rate in (rates.max(), rates.min()))
        own, more = Interval(*mean_interval(largest)), Interval(*mean_interval(largest - smallest))
        passed &= own.low > 0 and more.low > 0
        numbers.append(f"{name}: {own}, {more} more than at the smallest".strip(": "))
    return verdict(passed, f"rise at the largest learning rate: {'; '.join(numbers)}")


def _ends(dataset: xr.Dataset) -> list[xr.DataArray]:
    """Errors by test point after training, at the smallest learning rate and at the best one.

    The best rate depends on the width. For every draw it is that with the lowest error in all other draws, so that no
    network is chosen by its own error.

    Raises:
        Lacking: if there are not two draws and two learning rates.
    """
    if len(axis(dataset, "seed")) < 2:
        raise Lacking("no two draws of training points")
    rates = axis(dataset, "learning_rate")
    errors = mean(last(dataset)["test_error_by_point"], "learning_rate", "seed", "test_point")
    by_draw = mean(errors, "learning_rate", "seed")
    of_others = by_draw.sum("seed", skipna=False) - by_draw
    best = of_others.fillna(np.inf).argmin("learning_rate")  # a rate at which networks diverge is not the best
    return [errors.sel(learning_rate=rates.min()), errors.isel(learning_rate=best)]


def _fall(dataset: xr.Dataset) -> Interval:
    """The error at the smallest learning rate over that at the best."""
    return _ratios(dataset, _ends(dataset), _log_ratio)[0]


def _log_ratio(errors: Array) -> Array:
    logs: Array = np.log(np.maximum(errors, _LEAST))
    return logs[..., 0] - logs[..., 1]


def _ratios(dataset: xr.Dataset, errors: list[xr.DataArray], *logarithms: Statistic) -> list[Interval]:
    """Intervals of ratios, by those of their logarithms."""
    axis(dataset, "seed")
    return [Interval(*np.exp(interval)) for interval in intervals_of(dataset, errors, logarithms)]


def _above(factor: float, falls: dict[str, Interval]) -> Verdict:
    told = "; ".join(f"{name}: {fall}".strip(": ") for name, fall in falls.items())
    numbers = f"error at the smallest learning rate over that at the best: {told}"
    return verdict(all(fall.low > factor for fall in falls.values()), numbers)
