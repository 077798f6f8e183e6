"""The bound given the first labels is judged over draws of training points, and over test points."""

import numpy as np
import xarray as xr

from implicitbias.schema import describe, variable
from implicitbias.studies.checks import run_check
from implicitbias.studies.learning_curve import bound_given_first

NAME = "first_points_tighten_the_bound"
SIZES, DRAWS, POINTS = [50, 100, 200], 5, 40


def study(*, tighter: float = 0.05, slack: float = 0.15, noise: float = 0.005, draws: int = DRAWS) -> xr.Dataset:
    """A plain bound that is higher than the one given the first labels, and a Gibbs error that is lower, by so much."""
    rng = np.random.default_rng(3)
    complexity = np.array([25.0, 38.0, 58.0]) + rng.normal(size=(draws, 2, 1))
    dims = ("seed", "depth", "train_size")
    parameters = {
        "task": {"source": "digits", "centred": False, "random_share": 0.0},
        "nngp": {"delta": 0.01, "estimators": ["mixture"]},
    }
    coords = {"seed": range(draws), "depth": [2, 7], "train_size": SIZES, "labels": "decimal", "source": "digits"}
    dataset = xr.Dataset({"complexity": variable(dims, complexity, "complexity", "nat", "test")}, coords)
    dataset = describe(dataset, "study", parameters)
    bound = bound_given_first(dataset).transpose(*dims).fillna(0.9).values
    errors = bound[..., None] - slack + noise * rng.normal(size=(*bound.shape, POINTS))
    index = np.tile(np.arange(POINTS), (*bound.shape, 1))
    return dataset.assign(
        pac_bayes_bound=variable(dims, bound + tighter + noise * rng.normal(size=bound.shape), "bound", source="test"),
        gibbs_error_by_point=variable((*dims, "test_point"), errors, "Gibbs error", source="test"),
        test_index=variable((*dims, "test_point"), index, "index", source="test"),
    )


def test_it_passes_where_the_bound_is_between() -> None:
    found = run_check(NAME, study())
    assert found.outcome == "passed", found.numbers
    assert "n = 200" in found.numbers


def test_it_fails_where_the_bound_is_not_tighter_or_does_not_hold_or_is_not_known_well() -> None:
    assert run_check(NAME, study(tighter=-0.05)).outcome == "failed"
    assert run_check(NAME, study(slack=-0.05)).outcome == "failed"
    assert run_check(NAME, study(noise=0.5)).outcome == "failed"


def test_it_is_sure_of_nothing_that_few_test_points_decide() -> None:
    """All draws err on the same two of forty points: over draws there is no doubt, over points there is."""
    one = study(slack=0.15)
    errors = one["gibbs_error_by_point"]
    level = float(one["pac_bayes_bound"].sel(train_size=200).mean()) - 0.05
    few = xr.zeros_like(errors)
    few[{"test_point": slice(0, round((level - 0.02) * POINTS))}] = 1.0
    assert run_check(NAME, one.assign(gibbs_error_by_point=few)).outcome == "failed"


def test_test_points_that_labels_lack_are_left_out() -> None:
    one = study()
    short = one["gibbs_error_by_point"].where(one["test_point"] < 25)
    assert run_check(NAME, one.assign(gibbs_error_by_point=short)).outcome == "passed"


def test_it_says_what_it_lacks() -> None:
    assert run_check(NAME, study(draws=1)).outcome == "not run"
    centred = run_check(NAME, study().assign_coords(centred=True))
    assert centred.outcome == "not run"
    assert "nested" in centred.numbers
    without = run_check(NAME, study().drop_vars("gibbs_error_by_point"))
    assert without.outcome == "not run"
    assert "gibbs_error_by_point" in without.numbers
    assert run_check(NAME, study().assign_coords(labels="random")).outcome == "not run"
