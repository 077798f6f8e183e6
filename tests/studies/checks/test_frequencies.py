"""Checks of the frequencies of classifiers: each passes on data that obey it, and fails on spoiled data."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed, reverse, study

from implicitbias.studies.checks import run_check

STEPS, SIZES, DRAWS = [0, 10, 20], [50, 200], np.array([0.98, 1, 1.03])
DIMS = ("train_size", "step", "path_kind", "seed", "path_frequency")
WITHIN = np.array([[0.01, 0.02, 0.01], [0.01, 0.01, 0.001]])
BETWEEN = np.array([[0.01, 0.02, 0.1], [0.01, 0.03, 0.3]])
PATHS = study(
    {
        "train_size": SIZES, "step": STEPS, "path_kind": ["within", "between"], "seed": range(3),
        "path_frequency": [0.5, 2.0, 4.0],
    },
    **{
        name: (DIMS, (np.stack([WITHIN, BETWEEN], -1)[..., None] * DRAWS)[..., None] * np.array([5, 1, 0.5]))
        for name in ("path_spectrum", "test_path_spectrum")
    },
)  # fmt: skip
FREQUENCIES = np.array([0.25, 1.0, 4.0])
RATES = np.array([1.0, 0.3, 0.1])
TIMES = np.arange(0, 50, 5)
WAVES = study(
    {"train_size": SIZES, "seed": range(3), "frequency": FREQUENCIES, "step": TIMES},
    fitted=(
        ("train_size", "seed", "frequency", "step"),
        (DRAWS[:, None, None] * (1 - np.exp(-RATES[:, None] * TIMES))) * np.ones((2, 1, 1, 1)),
    ),
    fitted_test=(
        ("train_size", "seed", "frequency", "step"),
        (DRAWS[:, None] * np.array([[[0.9, 0.3, 0.02]], [[0.9, 0.5, 0.02]]]))[..., None]
        * np.linspace(0, 1, len(TIMES)),
    ),
)


def without_high(data: xr.DataArray) -> xr.DataArray:
    """The kinds of paths differ at low frequencies alone."""
    return data.where(data["path_frequency"] < 2, 0.01)


CASES: list[tuple[str, xr.Dataset, Callable[[xr.Dataset], xr.Dataset]]] = [
    ("paths_between_classes_have_higher_frequencies", PATHS, changed(path_spectrum=reverse("path_kind"))),
    ("paths_between_classes_have_higher_frequencies", PATHS, changed(test_path_spectrum=without_high)),
    ("training_raises_frequencies_between_classes", PATHS, changed(path_spectrum=reverse("step"))),
    ("training_raises_frequencies_between_classes", PATHS, changed(test_path_spectrum=without_high)),
    ("training_lowers_frequencies_within_classes", PATHS, changed(path_spectrum=reverse("path_kind"))),
    ("training_lowers_frequencies_within_classes_at_test_points", PATHS,
     changed(test_path_spectrum=reverse("path_kind"))),
    ("more_points_set_classes_apart", PATHS, changed(path_spectrum=reverse("train_size"))),
    ("more_points_set_classes_apart", PATHS, changed(path_spectrum=lambda s: s.where(s["path_kind"] == "within", 0.1))),
    ("more_points_set_classes_apart_at_test_points", PATHS, changed(test_path_spectrum=reverse("train_size"))),
    ("fast_waves_are_fitted_later", WAVES, changed(fitted=reverse("frequency"))),
    ("only_slow_waves_reach_test_points", WAVES, changed(fitted_test=reverse("frequency"))),
    ("only_slow_waves_reach_test_points", WAVES, changed(fitted_test=lambda fitted: fitted + 0.1)),
    ("more_points_carry_faster_waves", WAVES, changed(fitted_test=reverse("train_size"))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "dataset", "spoil"), CASES)
def test_checks_decide(name: str, dataset: xr.Dataset, spoil: Callable[[xr.Dataset], xr.Dataset]) -> None:
    assert_check_decides(name, dataset, spoil)


def test_training_ends_where_this_size_has_its_last_checkpoint() -> None:
    """Small training sets have fewer steps; what comes later is NaN."""
    name = "training_raises_frequencies_between_classes"
    longer = PATHS.reindex(step=[*STEPS, 40])
    assert run_check(name, longer) == run_check(name, PATHS)


def test_a_wave_that_is_never_fitted_comes_last() -> None:
    lost = changed(fitted=lambda fitted: fitted.where(fitted["frequency"] < 4, 0.0))(WAVES)
    assert run_check("fast_waves_are_fitted_later", lost).outcome == "passed"
    first = changed(fitted=lambda fitted: fitted.where(fitted["frequency"] > 0.5, 0.0))(WAVES)
    assert run_check("fast_waves_are_fitted_later", first).outcome == "failed"
