"""Checks of the decomposition: their intervals decide, for the points where the prediction is made."""

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed

from implicitbias.catalogue import CHECKS
from implicitbias.studies.checks import run_check

ADDS, ROOM, TARGETS = (
    "gradient_descent_adds_little_at_large_label_scales", "small_targets_leave_room_for_gradient_descent",
    "large_targets_beat_the_orthant_average",
)  # fmt: skip
LARGE, SMALL = "label_scale == 1", "label_scale == 0.1"


def test_every_check_of_the_decomposition_is_tested() -> None:
    assert {name for name, entry in CHECKS.items() if ".decomposition:" in entry.function} == {ADDS, ROOM, TARGETS}


def where(scale: float, depth: int, by: float):
    return lambda data: data + by * (data["label_scale"] == scale) * (data["depth"] == depth)


@pytest.mark.parametrize(
    ("name", "variable", "spoil"),
    [
        (ADDS, "test_error_by_point", where(1.0, 2, 0.06)),
        (ADDS, "test_error_by_point", where(1.0, 7, -0.06)),
        (ROOM, "test_error_by_point", where(0.1, 7, 0.16)),
        (TARGETS, "ray_error_by_point", where(1.0, 2, 0.11)),
    ],
)
def test_one_network_against_the_prediction_is_enough_to_fail(name, variable, spoil, decomposed: xr.Dataset) -> None:
    assert_check_decides(name, decomposed, changed(**{variable: spoil}))


@pytest.mark.parametrize("name", [ADDS, ROOM, TARGETS])
def test_what_one_draw_cannot_show_is_not_claimed(name: str, decomposed: xr.Dataset) -> None:
    assert run_check(name, decomposed.isel(seed=[0])).outcome == "not run"


def test_a_difference_within_the_interval_does_not_pass(decomposed: xr.Dataset) -> None:
    """The same means, but draws that differ by more than the difference."""
    noisy = decomposed["seed"] % 2 - 0.5
    spoil = changed(ray_error_by_point=lambda data: data + 0.6 * noisy)
    assert run_check(TARGETS, decomposed).outcome == "passed"
    assert run_check(TARGETS, spoil(decomposed)).outcome == "failed"


def test_the_numbers_hold_the_interval(decomposed: xr.Dataset) -> None:
    found = run_check(ROOM, decomposed)
    assert "depth 7 0.25 (" in found.numbers
    assert np.isnan(run_check(ADDS, decomposed).numbers.count("nan") or np.nan)
