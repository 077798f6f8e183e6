"""Complexities against depth, draw by draw."""

import numpy as np
import pytest
import xarray as xr

from implicitbias.schema import describe, variable
from implicitbias.studies.depth_curve import complexity_beyond, reference_depth
from implicitbias.studies.verdicts import MissingData


def study(depths: list[int]) -> xr.Dataset:
    values = 10.0 * np.arange(3)[:, None] + np.array(depths) ** 2
    complexity = variable(("seed", "depth"), values, "complexity", "nat", "test")
    dataset = xr.Dataset({"complexity": complexity}, {"seed": range(3), "depth": depths})
    return describe(dataset, "study", {"nngp": {"estimators": ["mixture"]}})


def test_differences_are_paired_within_draws_and_sorted() -> None:
    beyond = complexity_beyond(study([7, 1, 2]), 2)
    assert beyond["depth"].values.tolist() == [1, 2, 7]
    np.testing.assert_array_equal(beyond, np.tile([-3.0, 0.0, 45.0], (3, 1)))


def test_the_reference_has_one_hidden_layer_or_is_the_shallowest() -> None:
    assert reference_depth(study([7, 1, 2])) == 2
    assert reference_depth(study([7, 3, 5])) == 3


def test_what_is_lacking_is_named() -> None:
    with pytest.raises(MissingData, match="depth 3"):
        complexity_beyond(study([1, 2]), 3)
    with pytest.raises(MissingData, match="no axis depth"):
        reference_depth(study([1, 2]).isel(depth=0))
