"""Checks of what the size of the steps does at equal targets: test errors, margins and features."""

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import Interval
from implicitbias.studies.learning_rate import ends, fall, log_ratio, ratios
from implicitbias.studies.verdicts import Verdict, arms, axis, last, mean, mean_interval, verdict

_KINDS = ("width", "constraint")
"""Axes whose values are judged one by one."""


def larger_steps_find_better_functions(dataset: xr.Dataset) -> Verdict:
    """At every width, the test error at the smallest learning rate is over 3 times that at the best one (chosen on the
    other draws), by its 95 % interval over draws of training and test points.

    At equal targets; the factor was set on other draws.
    """
    return _above(3, {name: fall(part) for name, part in arms(dataset, *_KINDS)})


def either_half_of_the_projection_suffices(dataset: xr.Dataset) -> Verdict:
    """With rows of mean 0 alone, and with rows of norm 1 alone, the test error at the smallest learning rate is over
    twice that at the best, by its 95 % interval over draws of training and test points.

    Neither is what makes the effect; the factor was set on other draws.
    """
    found = dict(arms(dataset, "constraint"))
    return _above(2, {name: fall(found[name]) for name in ("mean_free", "unit")})


def margins_are_equal_across_learning_rates(dataset: xr.Dataset) -> Verdict:
    """At every learning rate, the smallest margin is within 5 % of its mean over all learning rates, by the 95 %
    interval over draws.

    Of networks of equal norms: the means over networks of one draw, and Student's interval over draws.
    """
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
    """The ratio of the test errors at the smallest and the best learning rate is, for the widest networks, over two
    thirds of that for the narrowest, by its 95 % interval over draws of training and test points.

    The factor by which the error falls, from the smallest to the best rate, at both ends of the widths.
    """
    widths = np.sort(axis(dataset, "width"))
    errors = [one for width in (widths[-1], widths[0]) for one in ends(dataset.sel(width=width))]
    change, *falls = ratios(
        dataset, errors, lambda e: log_ratio(e[..., :2]) - log_ratio(e[..., 2:]),
        lambda e: log_ratio(e[..., :2]), lambda e: log_ratio(e[..., 2:]),
    )  # fmt: skip
    wide, narrow = falls
    numbers = f"error falls by a factor of {wide} at width {widths[-1]}, {narrow} at {widths[0]}; their ratio {change}"
    return verdict(change.low > 2 / 3, numbers)


def small_steps_tend_to_the_lazy_limit(dataset: xr.Dataset) -> Verdict:
    """At the smallest learning rate, the widest networks err as often as the infinitely wide network trained by
    gradient descent, within a fifth, by the 95 % interval of the ratio over draws of training and test points.

    Infinitely small steps of an infinitely wide network (Jacot, Gabriel & Hongler 2018; Lee et al. 2019).

    The prior conditioned on the same targets stands beside it, unjudged.
    """
    part = dataset.sel(width=axis(dataset, "width").max()) if "width" in dataset.dims else dataset
    smallest, _ = ends(part)
    errors = [smallest, part["lazy_error_by_point"], part["ray_error_by_point"]]
    to_lazy, to_posterior = ratios(
        part, errors, lambda e: log_ratio(e[..., [0, 1]]), lambda e: log_ratio(e[..., [0, 2]])
    )
    error, lazy, posterior = (float(mean(each)) for each in errors)
    return verdict(
        0.8 < to_lazy.low <= to_lazy.high < 1.2,
        f"networks {error:.3f}, lazy limit {lazy:.3f}, posterior {posterior:.3f}; networks over lazy limit {to_lazy},"
        f" over posterior {to_posterior}",
    )


def alignment_rises_more_with_larger_steps(dataset: xr.Dataset) -> Verdict:
    """At the largest learning rate the alignment of the tangent kernel with the labels rises during training, and it
    rises by more than at the smallest: both differences are above 0 by their 95 % intervals over draws.

    Baratin et al. 2021; test points play no part in the alignment on training points.
    """
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


def _above(factor: float, falls: dict[str, Interval]) -> Verdict:
    told = "; ".join(f"{name}: {fall}".strip(": ") for name, fall in falls.items())
    numbers = f"error at the smallest learning rate over that at the best: {told}"
    return verdict(all(fall.low > factor for fall in falls.values()), numbers)
