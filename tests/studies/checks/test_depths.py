"""Checks of depths pass and fail by paired intervals over draws of points, and say when they cannot run."""

import numpy as np
import pytest
import xarray as xr

from implicitbias.catalogue import CHECKS
from implicitbias.schema import describe, variable
from implicitbias.studies.checks import run_check

DEPTHS = [1, 2, 3, 5, 7]
CURVE = np.array([20.0, 1.0, 0.0, 3.0, 6.0])  # the truth: falls, then rises
ROWS = {"free": 1.0, "mean_free_unit": 2.0}
CHECKS_OF_THE_CURVE = ["complexity_falls_and_rises_with_depth", "seven_layers_are_more_complex_than_two"]


def curve(values: np.ndarray = CURVE, noise: float = 1.0, draws: int = 10, labels: str = "decimal") -> xr.Dataset:
    """A study of one estimator; draws differ by tens of nats, differences between depths by `noise`."""
    rng = np.random.default_rng(0)
    shape = (len(ROWS), draws, len(DEPTHS))
    paired = 100 + 30 * rng.normal(size=(1, draws, 1)) + noise * rng.normal(size=shape)
    complexity = paired + np.array(list(ROWS.values()))[:, None, None] * values
    dataset = xr.Dataset(
        {"complexity": variable(("rows", "seed", "depth"), complexity, "complexity", "nat", "test")},
        {"rows": list(ROWS), "seed": range(draws), "depth": DEPTHS, "labels": labels},
    )
    return describe(dataset, "study", {"nngp": {"estimators": ["mixture"]}})


def orders(published: float, true: float, noise: float = 1.0, draws: int = 10) -> xr.Dataset:
    """Complexities at two depths that differ by so much according to two estimators."""
    rng = np.random.default_rng(1)
    values = 100 + 30 * rng.normal(size=(draws, 1, 1)) + noise * rng.normal(size=(draws, 2, 2))
    values[:, 1] += np.array([published, true])
    dataset = xr.Dataset(
        {"complexity": variable(("seed", "depth", "estimator"), values, "complexity", "nat", "test")},
        {"seed": range(draws), "depth": [2, 7], "estimator": ["importance", "mixture"], "labels": "decimal"},
    )
    return describe(dataset, "study", {"nngp": {"estimators": ["importance", "mixture"]}})


def test_every_check_is_tested() -> None:
    ours = {name for name, entry in CHECKS.items() if ".depths:" in entry.function}
    assert ours == {*CHECKS_OF_THE_CURVE, "order_of_depths_turns"}


@pytest.mark.parametrize("name", CHECKS_OF_THE_CURVE)
def test_a_curve_that_falls_and_rises(name: str) -> None:
    found = run_check(name, curve())
    assert found.outcome == "passed", found.numbers
    assert "free" in found.numbers
    assert "10 draws" in found.numbers
    assert run_check(name, curve(-CURVE)).outcome == "failed"
    assert run_check(name, curve(noise=30.0)).outcome == "failed"  # the same curve, but it is not sure
    assert run_check(name, curve(draws=1)).outcome == "not run"
    assert run_check(name, curve(labels="random")).outcome == "not run"
    assert run_check(name, curve().sel(depth=[2, 5])).outcome == "not run"


@pytest.mark.parametrize("values", [[0.0, 1.0, 2.0, 3.0, 4.0], [20.0, 10.0, 5.0, 2.0, 0.0], [20.0, 1.0, 0.0, 4.0, 2.0]])
def test_curves_that_do_not_turn_at_three(values: list[float]) -> None:
    assert run_check("complexity_falls_and_rises_with_depth", curve(10 * np.array(values))).outcome == "failed"


def test_only_decimal_labels_are_said_to_turn() -> None:
    """Beside them labels whose complexity rises from the linear network on."""
    both = xr.concat(
        [curve(), curve(np.arange(5.0))], xr.DataArray(["decimal", "binary"], dims="labels", name="labels")
    )
    both = both.assign_attrs(curve().attrs)
    assert run_check("complexity_falls_and_rises_with_depth", both).outcome == "passed"
    assert run_check("complexity_falls_and_rises_with_depth", both.sel(labels=["binary"])).outcome == "not run"


def test_order_of_depths() -> None:
    name = "order_of_depths_turns"
    assert run_check(name, orders(-5, 5)).outcome == "passed"
    assert run_check(name, orders(5, 5)).outcome == "failed"
    assert run_check(name, orders(-5, -5)).outcome == "failed"
    assert run_check(name, orders(-5, 5, noise=20.0)).outcome == "failed"
    assert run_check(name, orders(-5, 5, draws=3, noise=3.0)).outcome == "failed"  # three draws are too few to say so
    assert run_check(name, orders(-5, 5, draws=1)).outcome == "not run"
    assert run_check(name, orders(-5, 5).isel(depth=0)).outcome == "not run"
    assert run_check(name, curve()).outcome == "not run"
