"""A network that has diverged is NaN in every metric, and no other network of its run notices."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import xarray as xr

import complete
from implicitbias.catalogue import METRICS
from implicitbias.measurement.measure import measure
from implicitbias.schema import describe, variable
from implicitbias.training.run import train

TRAINING = complete.training(
    optimizer="sgd", learning_rate=0.01, loss="logistic", epochs=2, batch_size="full", members=2, dtype="float64",
    checkpoints=[0, 2],
)  # fmt: skip
NETWORKS = [
    complete.network(width=4, activation="leaky_relu", **given)
    for given in (
        {},
        {"output": "mean_field"},
        {"output": "signs"},
        {"output": "random_features"},
        {"depth": 1},
    )
]


def task(classes: int) -> xr.Dataset:
    source = np.random.RandomState(0)
    labels = source.randint(classes, size=12) if classes else np.sign(source.randn(12))
    data = xr.Dataset(
        {
            "train_input": variable(("seed", "train_point", "feature"), source.randn(1, 5, 6), "training input"),
            "train_label": variable(("seed", "train_point"), labels[None, :5], "training label"),
            "test_input": variable(("test_point", "feature"), source.randn(7, 6), "test input"),
            "test_label": variable(("seed", "test_point"), labels[None, 5:], "test label"),
            "test_index": variable(("seed", "test_point"), np.arange(7)[None], "index of the test point"),
        },
        {"seed": [8], "train_point": range(5), "test_point": range(7), "feature": range(6)},
    )
    return describe(data.assign_coords({"class": list("abc")} if classes else {}), "a task", {"source": "gaussian"})


def goes_with(name: str, classes: int) -> Mapping[str, Any] | None:
    """A network that a metric can be measured on."""
    labels = "digit" if classes else "random"
    return next((n for n in NETWORKS if not METRICS[name].misfit({**n, **TRAINING, "labels": labels})), None)


CASES = [(name, classes) for name in METRICS for classes in (0, 3) if goes_with(name, classes)]


def test_every_metric_is_tried() -> None:
    assert {name for name, _ in CASES} == set(METRICS)


@pytest.fixture(scope="module")
def runs() -> dict[Any, Any]:
    return {}


def a_run(runs: dict[Any, Any], name: str, classes: int) -> tuple[xr.Dataset, xr.Dataset]:
    network = goes_with(name, classes)
    key = NETWORKS.index(dict(network)), classes
    if key not in runs:
        data = task(classes)
        runs[key] = data, train(data, network=network, training=TRAINING, ensemble={})
    return runs[key]


def first_member(run: xr.Dataset, change: Any) -> xr.Dataset:
    """The run with other numbers for its first network."""
    changed = run.copy(deep=True)
    for name, data in changed.data_vars.items():
        if data.dtype.kind == "f":
            changed[name][{"member": 0}] = change(data.isel(member=0))
    changed["stop_reason"][..., 0] = "diverged"
    return changed


@pytest.mark.parametrize(("name", "classes"), CASES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_diverged_network_is_nan_and_leaves_the_others_alone(name: str, classes: int, runs: dict[Any, Any]) -> None:
    data, run = a_run(runs, name, classes)
    found = measure(data, first_member(run, lambda values: np.nan * values), [name])
    alone = measure(data, run.isel(member=[1]), [name])
    if METRICS[name].over_networks:
        known = alone[name].notnull()  # a mean of two is one of the network that is left
        assert found[name].where(known).identical(alone[name])
    else:
        assert np.isnan(found[name].isel(member=0)).all()
        xr.testing.assert_allclose(found[name].isel(member=[1]).drop_attrs(), alone[name].drop_attrs(), rtol=1e-9)
    assert found["stop_reason"].values.ravel()[0] == "diverged"


@pytest.mark.parametrize(("name", "classes"), CASES)
@pytest.mark.parametrize("factor", [1e200, 0.0])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_weights_beyond_all_bounds_end_no_job(name: str, classes: int, factor: float, runs: dict[Any, Any]) -> None:
    """Squares overflow before weights do; and of weights that are 0 nothing is known."""
    data, run = a_run(runs, name, classes)
    found = measure(data, first_member(run, lambda values: factor * values), [name])
    alone = measure(data, run.isel(member=[1]), [name])
    if not METRICS[name].over_networks:
        xr.testing.assert_allclose(found[name].isel(member=[1]).drop_attrs(), alone[name].drop_attrs(), rtol=1e-9)
