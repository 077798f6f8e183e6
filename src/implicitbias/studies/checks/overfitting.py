"""Checks of when networks that fit flipped labels do well all the same: on the map of n and d/n."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import Interval, draw_interval, independent_difference
from implicitbias.studies.largest_margin import error_of_average, error_of_largest_margin
from implicitbias.studies.ratios import by_ratio, flip_of, signal_at
from implicitbias.studies.verdicts import MissingData, Verdict, arms, last, mean, several_draws, shown, verdict

_HARMLESS = 0.01  # test error
_HIGH = 7  # d/n from which on Karhadkar et al. 2024 saw no error


def overfitting_is_benign_in_high_dimension(dataset: xr.Dataset) -> Verdict:
    """All flipped labels are fitted, and at every training size the test error is below .01 at every dimension of 7n
    and more, by its 95 % interval over draws. Where the study also has networks that train on, those that stop once
    they fit are judged.

    Karhadkar et al. 2024, figure; networks that stopped once they fitted, if others are there too.
    """
    whole = by_ratio(last(dataset))
    both = "stop" in whole.dims and "fitted" in whole["stop"]
    end = whole.sel(stop="fitted") if both else whole
    high = end["test_error"].sel(ratio=end["ratio"] >= _HIGH)
    if not high.sizes["ratio"]:
        raise MissingData(f"no dimension of {_HIGH} n or more")
    worst = {n: max(_cells(high.sel(train_size=n)), key=lambda each: each.high) for n in _sizes(end)}
    passed = _fitted(end) and all(each.high < _HARMLESS for each in worst.values())
    return verdict(passed, f"largest test error at d >= {_HIGH}n, {_told(worst, end)}")


def overfitting_harms_in_low_dimension(dataset: xr.Dataset) -> Verdict:
    """All flipped labels are fitted, and at d = n the test error is above .01, and above that of the average of the
    labelled points, which does not fit them, by its 95 % interval over draws at every training size.

    Karhadkar et al. 2024, theorem 3.3: the test error is at least exp(-C d/k), k labels flipped.

    The average of the points times their labels, which does not fit them, says what the labels alone would allow.
    """
    end = by_ratio(last(dataset))
    if float(end["ratio"][0]) > 1:
        raise MissingData("no dimension of n")
    low, passed, told = end.isel(ratio=0), _fitted(end), []
    for name, part in arms(low, "stop"):
        found = {n: draw_interval(part["test_error"].sel(train_size=n)) for n in _sizes(end)}
        unfitted = [error_of_average(float(low["ratio"]), n, signal_at(end, n), flip_of(end)) for n in found]
        passed &= all(each.low > max(_HARMLESS, base) for each, base in zip(found.values(), unfitted, strict=True))
        told.append(f"{name}: {_told(found, end)}; without fitting {shown(unfitted)}")
    return verdict(passed, f"test error at d = {float(low['ratio']):g}n, {'; '.join(told)}")


def boundary_is_proportional_to_points(dataset: xr.Dataset) -> Verdict:
    """A dimension in proportion to n is enough, and it need not be n^2 log n: the largest training sets have smaller
    errors than the smallest ones at the ratios d/n that would be equivalent if errors depended on d/(n^2 log n), by the
    95 % interval of the mean difference over draws.

    Karhadkar et al. 2024: d of order n is enough, where earlier papers ask for n^2 log n.

    Had errors been the same at equal d/(n^2 log n), those of the largest training sets at each ratio d/n would be no
    smaller than those of the smallest ones at the ratio that is lower by the factor n log n.
    """
    end = by_ratio(last(dataset))
    small, large = _sizes(end)[0], _sizes(end)[-1]
    factor = large * np.log(large) / (small * np.log(small))
    ratios = end["ratio"].values
    pairs = [(low, ratios[ratios <= low * factor][-1]) for low in ratios if low * factor <= ratios[-1]]
    pairs = [(low, high) for low, high in pairs if high > low]
    if not pairs:
        raise MissingData(f"no two training sizes and ratios d/n that tell n from n^2 log n (a factor {factor:.3g})")
    passed, told = True, []
    for name, part in arms(end["test_error"], "stop"):
        before = part.sel(train_size=small, ratio=[low for low, _ in pairs])
        after = part.sel(train_size=large, ratio=[high for _, high in pairs])
        found, equal = _difference(before, after), _difference(part.sel(train_size=small), part.sel(train_size=large))
        passed &= found.low > 0
        told.append(f"{name}: {found}, and at equal d/n {equal}")
    return verdict(
        passed,
        f"test errors at n = {small} minus those at n = {large}, 95 % over {several_draws(end)} draws, at pairs of d/n"
        f" {', '.join(f'{low:g} and {high:g}' for low, high in pairs)}; {'; '.join(told)}",
    )


def errors_are_those_of_the_largest_margin(dataset: xr.Dataset) -> Verdict:
    """The mean test error of networks trained until the hinge loss is 0 agrees at every training size, over all d/n and
    within its 95 % interval over draws, with the prediction for the linear classifier of largest margin at large n and
    d, without any free constant.

    The prediction has no free constant (see `largest_margin`).
    """
    whole = by_ratio(last(dataset))
    if "stop" not in whole.coords or "no_loss" not in np.atleast_1d(whole["stop"].values):
        raise MissingData("no networks that were trained to no loss")
    end = whole.sel(stop="no_loss") if "stop" in whole.dims else whole
    flip, passed, told = flip_of(end), True, []
    for n in _sizes(end):
        predicted = [error_of_largest_margin(ratio, n, signal_at(end, n), flip) for ratio in end["ratio"].values]
        found = draw_interval(end["test_error"].sel(train_size=n))
        passed = passed and bool(found.low <= np.mean(predicted) <= found.high)
        told.append(f"n = {n}: {found}, predicted {np.mean(predicted):.3g}")
    return verdict(passed, f"test error, mean over d/n, 95 % over {several_draws(end)} draws, {'; '.join(told)}")


def _sizes(dataset: xr.Dataset) -> list[int]:
    return [int(n) for n in dataset["train_size"].values]


def _cells(errors: xr.DataArray) -> Iterator[Interval]:
    return (draw_interval(errors.sel(ratio=ratio)) for ratio in errors["ratio"].values)


def _fitted(dataset: xr.Dataset) -> bool:
    return bool((dataset["train_error"] == 0).all())


def _told(found: dict[int, Interval], dataset: xr.Dataset) -> str:
    numbers = "; ".join(f"n = {n}: {each}" for n, each in found.items())
    largest = float(dataset["train_error"].max(skipna=False))
    return f"95 % over {several_draws(dataset)} draws, {numbers} (largest training error {largest:.2g})"


def _difference(one: xr.DataArray, other: xr.DataArray) -> Interval:
    """Of means over draws that have nothing in common: those of another training size are drawn anew."""
    several_draws(one)
    return independent_difference(mean(one, "seed"), mean(other, "seed"))
