"""Checks of what the size of the steps does at equal targets: each can fail, and its interval is what decides."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed, reverse

from implicitbias.catalogue import CHECKS
from implicitbias.studies.checks import run_check
from implicitbias.studies.intervals import joint_intervals
from implicitbias.studies.learning_rate import ends
from implicitbias.studies.verdicts import mean_interval

FALL, WIDTH, LAZY = (
    "larger_steps_find_better_functions", "the_effect_does_not_shrink_with_width", "small_steps_tend_to_the_lazy_limit",
)  # fmt: skip
MARGINS, ALIGNMENT = "margins_are_equal_across_learning_rates", "alignment_rises_more_with_larger_steps"
HALVES = "either_half_of_the_projection_suffices"


def only_at(dim: str, value: object, change: Callable[[xr.DataArray], xr.DataArray]) -> Callable[..., xr.DataArray]:
    """A change at one value of a dimension."""
    return lambda data: data.where(data[dim] != value, change(data))


def best_like(rate: float) -> Callable[[xr.DataArray], xr.DataArray]:
    """The values at larger learning rates than this one are those at this one."""
    return lambda data: data.where(data["learning_rate"] < rate, like(rate)(data))


def like(rate: float) -> Callable[[xr.DataArray], xr.DataArray]:
    """The values at one learning rate, at all of them."""
    return lambda data: data.sel(learning_rate=rate, drop=True).broadcast_like(data).transpose(*data.dims)


SPOILED = {
    FALL: changed(test_error_by_point=only_at("width", 64, best_like(0.01))),
    WIDTH: changed(test_error_by_point=only_at("width", 256, best_like(0.01))),
    LAZY: changed(lazy_error_by_point=lambda data: data * 0.7),
    MARGINS: changed(smallest_margin=only_at("learning_rate", 0.1, lambda data: 1.12 * data)),
    ALIGNMENT: changed(tangent_kernel_alignment=reverse("learning_rate")),
}


@pytest.fixture
def constraint(learning_rate: xr.Dataset) -> xr.Dataset:
    """The same study of Nero's projection and of its halves."""
    one = learning_rate.isel(width=0)
    kinds = xr.IndexVariable("constraint", ["mean_free_unit", "mean_free", "unit"])
    return xr.concat([one, one, one], kinds, data_vars="all", coords="minimal", join="exact")


def test_every_check_of_learning_rates_is_tested() -> None:
    assert {name for name, entry in CHECKS.items() if ".learning_rate:" in entry.function} == {*SPOILED, HALVES}


@pytest.mark.parametrize("name", SPOILED)
def test_checks_decide(name: str, learning_rate: xr.Dataset) -> None:
    assert_check_decides(name, learning_rate, SPOILED[name])


@pytest.mark.parametrize("half", ["mean_free", "unit"])
def test_both_halves_have_to_suffice(half: str, constraint: xr.Dataset) -> None:
    assert_check_decides(HALVES, constraint, changed(test_error_by_point=only_at("constraint", half, best_like(0.01))))
    assert run_check(HALVES, constraint.sel(constraint=["mean_free_unit", half])).outcome == "not run"


def test_the_first_checkpoint_is_not_judged(learning_rate: xr.Dataset) -> None:
    """Before training nobody fits, margins are 0 and errors a half."""
    for name in (FALL, WIDTH, LAZY, MARGINS):
        assert run_check(name, learning_rate.isel(step=-1)) == run_check(name, learning_rate)
    assert run_check(ALIGNMENT, learning_rate.isel(step=-1)).numbers == "this study has no axis step"


def test_the_interval_is_over_draws_and_test_points(learning_rate: xr.Dataset) -> None:
    """exp of that of the log ratio; with few draws or test points the same means do not pass."""
    ends = learning_rate["test_error_by_point"].sel(width=64, learning_rate=[0.001, 0.1]).isel(step=-1)
    errors = ends.transpose("learning_rate", "seed", "test_point").values
    (log,) = joint_intervals(errors, learning_rate["test_index"].values, [lambda e: np.log(e[..., 0] / e[..., 1])])
    numbers = run_check(FALL, learning_rate).numbers
    assert f"64: {np.exp(log.centre):.3g} ({np.exp(log.low):.3g} to {np.exp(log.high):.3g})" in numbers
    assert run_check(FALL, learning_rate.isel(seed=[0, 1], test_point=range(40))).outcome == "failed"
    for part in ({"seed": 0}, {"learning_rate": 0}):
        assert run_check(FALL, learning_rate.isel(part)).outcome == "not run"
    assert run_check(FALL, learning_rate.isel(seed=[0])).numbers == "this study has no two draws of training points"


def test_the_best_rate_of_a_draw_is_that_of_the_others(learning_rate: xr.Dataset) -> None:
    """Errors that are 0 at one learning rate and 1 at the others, at different rates in one draw and in all others."""
    data = learning_rate["test_error_by_point"].isel(width=0)
    zero = xr.where(data["seed"] == 3, 0.01, 0.1)
    errors = 1.0 - (data["learning_rate"] == zero) + 0 * data
    _, best = ends(learning_rate.assign(test_error_by_point=errors.transpose(*data.dims)))
    assert best.mean("test_point").values.tolist() == [0, 0, 0, 1, 0, 0]


def test_a_rate_that_is_too_large_is_not_the_best(learning_rate: xr.Dataset) -> None:
    """At half of the best rate's error, or NaN where networks diverge, larger steps still find better functions."""
    larger = learning_rate.isel(learning_rate=[-1]).assign_coords(learning_rate=[0.4])
    for worse in (0.5, np.nan):
        further = changed(test_error_by_point=lambda data, worse=worse: 0 * data + worse)(larger)
        whole = xr.concat([learning_rate, further], "learning_rate", data_vars="minimal", join="exact")
        assert run_check(FALL, whole) == run_check(FALL, learning_rate)


def test_the_interval_of_margins_is_paired_within_draws(learning_rate: xr.Dataset) -> None:
    """Draws whose margins differ by half do not matter, as long as the rates of a draw agree."""
    factor = xr.DataArray([1.0, 1.5, 0.7, 1.2, 1.0, 0.8], dims="seed")
    assert run_check(MARGINS, changed(smallest_margin=lambda data: data * factor)(learning_rate)).outcome == "passed"
    noise = xr.DataArray(np.random.RandomState(1).randn(3, 6), dims=("learning_rate", "seed"))
    noisy = changed(smallest_margin=lambda data: data * (1 + 0.08 * noise))(learning_rate)
    assert run_check(MARGINS, noisy).outcome == "failed"


def test_the_rise_of_the_alignment_is_between_first_and_last_checkpoint(learning_rate: xr.Dataset) -> None:
    data = learning_rate["tangent_kernel_alignment"].sel(width=256, learning_rate=0.1)
    low, centre, high = mean_interval((data.sel(step=800) - data.sel(step=0)).values)
    assert f"256: {centre:.3g} ({low:.3g} to {high:.3g})" in run_check(ALIGNMENT, learning_rate).numbers
    equal = changed(tangent_kernel_alignment=like(0.1))(
        learning_rate
    )  # it rises, but no more than at the smallest rate
    assert run_check(ALIGNMENT, equal).outcome == "failed"


def test_other_limits_are_told_beside_the_judged_one(learning_rate: xr.Dataset) -> None:
    assert "posterior 0.36" in run_check(LAZY, learning_rate).numbers
    assert run_check(LAZY, learning_rate.drop_vars("lazy_error_by_point")).numbers == (
        "this study has no lazy_error_by_point"
    )


def test_errors_at_different_test_points_are_not_compared(learning_rate: xr.Dataset) -> None:
    index = learning_rate["test_index"].expand_dims(width=learning_rate["width"])
    assert run_check(WIDTH, learning_rate.assign(test_index=index)) == run_check(WIDTH, learning_rate)
    other = learning_rate.assign(test_index=index + (index["width"] == 64))
    assert "other test points" in run_check(WIDTH, other).numbers
