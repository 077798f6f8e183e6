"""Complexities of nested training sets: predictive log losses, and the bound given the first labels."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from implicitbias.nngp.bounds import pac_bayes_given_first
from implicitbias.schema import describe, variable
from implicitbias.studies.learning_curve import bound_given_first, predictive_log_loss
from implicitbias.studies.verdicts import MissingData

SIZES = [50, 5, 20]  # not in rising order
COMPLEXITY = np.array([[20.0, 4.0, 12.0], [26.0, 3.0, 10.0]])  # (seed, train_size)


def study(**task: Any) -> xr.Dataset:
    complexity = variable(("seed", "train_size"), COMPLEXITY, "complexity", "nat", "test")
    settings = {"source": "digits", "centred": False, "random_share": 0.0, **task}
    parameters = {"task": settings, "nngp": {"delta": 0.05, "estimators": ["mixture"]}}
    dataset = xr.Dataset({"complexity": complexity}, {"seed": [0, 1], "train_size": SIZES})
    return describe(
        dataset.assign_coords({key: value for key, value in task.items() if np.ndim(value) == 0}), "study", parameters
    )


def test_log_losses_are_differences_of_complexities_per_label() -> None:
    loss = predictive_log_loss(study())
    assert loss["train_size"].values.tolist() == [5, 20, 50]
    assert loss["first"].values.tolist() == [0, 5, 20]
    np.testing.assert_allclose(loss.sel(seed=0), [4 / 5, 8 / 15, 8 / 30])
    np.testing.assert_allclose(loss.sel(seed=1), [3 / 5, 7 / 15, 16 / 30])


def test_the_bound_is_the_best_over_the_smaller_sizes_each_with_its_part_of_delta() -> None:
    bound = bound_given_first(study())
    assert np.isnan(bound.sel(train_size=5)).all()
    one = pac_bayes_given_first(10.0, 3.0, 20, 5, 0.05)
    assert float(bound.sel(train_size=20, seed=1)) == pytest.approx(one)
    both = [pac_bayes_given_first(26.0, c, 50, m, 0.05, choices=2) for m, c in ((5, 3.0), (20, 10.0))]
    assert float(bound.sel(train_size=50, seed=1)) == pytest.approx(min(both))
    assert both[0] != both[1]


def test_delta_may_be_an_axis() -> None:
    one = study()
    several = xr.concat([one, one], xr.DataArray([0.05, 0.5], dims="delta", name="delta")).assign_attrs(one.attrs)
    bound = bound_given_first(several.assign_coords(delta=[0.05, 0.5]))
    xr.testing.assert_allclose(
        bound.sel(delta=0.05, drop=True), bound_given_first(one).transpose(*bound.sel(delta=0.05).dims)
    )
    assert (bound.sel(delta=0.5) < bound.sel(delta=0.05)).sel(train_size=[20, 50]).all()


@pytest.mark.parametrize(
    "task", [{"centred": True}, {"random_share": 0.5}, {"source": "gaussian"}, {"random_share": [0.0, 1.0]}]
)
def test_training_sets_that_are_not_nested_are_refused(task: dict[str, Any]) -> None:
    for function in (predictive_log_loss, bound_given_first):
        with pytest.raises(MissingData, match="nested"):
            function(study(**task))


def test_other_estimators_and_single_sizes_are_refused() -> None:
    with pytest.raises(MissingData, match="mixture"):
        predictive_log_loss(study().expand_dims(estimator=["bound"]))
    with pytest.raises(MissingData, match="train_size"):
        predictive_log_loss(study().isel(train_size=0))
