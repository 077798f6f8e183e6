"""Checks of benign overfitting, each on a map that obeys it, and on spoiled ones."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed, study

from implicitbias.catalogue import CHECKS
from implicitbias.studies.checks import run_check
from implicitbias.studies.largest_margin import error_of_largest_margin

RATIOS, SIZES, DRAWS = [1, 3, 8], [30, 90], 6
PREDICTED = np.array([[error_of_largest_margin(ratio, n, 5 / n, 0.1) for ratio in RATIOS] for n in SIZES])
SPREAD = 1 + 0.3 * np.linspace(-1, 1, DRAWS)  # of draws, with mean 1
MAP = study(
    {"stop": ["fitted", "no_loss"], "train_size": SIZES, "features": [f"{r}n" for r in RATIOS], "seed": range(DRAWS)},
    test_error=(
        ("stop", "train_size", "features", "seed"),
        np.array([0.4, 1.0])[:, None, None, None] * PREDICTED[..., None] * SPREAD,
    ),
    train_error=(("stop", "train_size", "features", "seed"), np.zeros((2, 2, 3, DRAWS))),
).assign_coords(signal="5/n", flip=0.1)


def in_the_square(error: xr.DataArray) -> xr.DataArray:
    """Errors that depend on d/(n^2 log n), those of n = 30 as they are."""
    large = error.copy()
    places = np.array(RATIOS) / (90 * np.log(90) / (30 * np.log(30)))
    for stop, small in enumerate(error.values[:, 0].mean(-1)):
        large.values[stop, 1] = np.interp(places, RATIOS, small)[:, None] * SPREAD
    return large


def one_noisy_cell(error: xr.DataArray) -> xr.DataArray:
    """The same mean in the last cell of the largest training sets, all of it of one draw."""
    noisy = error.copy()
    noisy.values[0, 1, 2] = 0
    noisy.values[0, 1, 2, 0] = 0.03
    return noisy


CASES: list[tuple[str, Callable[[xr.Dataset], xr.Dataset]]] = [
    ("overfitting_is_benign_in_high_dimension", changed(test_error=lambda error: error + 0.01)),
    ("overfitting_is_benign_in_high_dimension", changed(test_error=one_noisy_cell)),
    ("overfitting_is_benign_in_high_dimension", changed(train_error=lambda error: error + 0.1)),
    ("overfitting_harms_in_low_dimension", changed(test_error=lambda error: 0.05 * error)),
    ("overfitting_harms_in_low_dimension", changed(test_error=lambda error: error.where(error["seed"] == 0, 0))),
    ("overfitting_harms_in_low_dimension", changed(train_error=lambda error: error + 0.1)),
    ("boundary_is_proportional_to_points", changed(test_error=in_the_square)),
    ("errors_are_those_of_the_largest_margin", changed(test_error=lambda error: 1.6 * error)),
    ("errors_are_those_of_the_largest_margin", changed(test_error=lambda error: 0.5 * error)),
]


@pytest.mark.parametrize(("name", "spoil"), CASES, ids=[name for name, _ in CASES])
def test_check(name: str, spoil: Callable[[xr.Dataset], xr.Dataset]) -> None:
    assert_check_decides(name, MAP, spoil)


def test_every_check_of_this_topic_is_tested() -> None:
    assert {name for name, _ in CASES} == {name for name, entry in CHECKS.items() if ".overfitting:" in entry.function}


def test_dimensions_as_numbers_are_ratios_too() -> None:
    one = MAP.sel(train_size=30).assign_coords(features=[30, 90, 240])
    assert run_check("overfitting_is_benign_in_high_dimension", one).outcome == "passed"
    other = MAP.assign_coords(features=[90, 270, 720])
    assert "other multiples" in run_check("overfitting_is_benign_in_high_dimension", other).numbers


def test_what_is_lacking_is_said() -> None:
    assert "7 n" in run_check("overfitting_is_benign_in_high_dimension", MAP.isel(features=[0, 1])).numbers
    assert "dimension of n" in run_check("overfitting_harms_in_low_dimension", MAP.isel(features=[1, 2])).numbers
    assert "n^2 log n" in run_check("boundary_is_proportional_to_points", MAP.isel(train_size=[0])).numbers
    assert "no loss" in run_check("errors_are_those_of_the_largest_margin", MAP.sel(stop="fitted")).numbers


def test_the_weak_side_of_a_fit_is_what_the_labels_allow() -> None:
    """Where the average of the points errs as much, it is not fitting that harms."""
    assert run_check("overfitting_harms_in_low_dimension", MAP.assign_coords(signal="0.2/n")).outcome == "failed"
