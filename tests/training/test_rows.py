"""Rows that obey a constraint: where networks start, what training keeps, and what its results say."""

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from small_task import NETWORK, settings, small_task

import complete
from implicitbias.config.load import validate
from implicitbias.config.plan import make_plan
from implicitbias.errors import ConfigError
from implicitbias.networks import network_of
from implicitbias.networks.layers import ROWS
from implicitbias.rng import derive_seed
from implicitbias.schema import parameters_of
from implicitbias.training.run import train

CONSTRAINTS = [rows for rows in ROWS if rows != "free"]


def obeys(weight: np.ndarray, rows: str) -> list[bool]:
    """Whether all rows have mean 0 and norm 1, to rounding, where they should; and neither where they should not."""
    means, norms = abs(weight.mean(-1)), abs(np.linalg.norm(weight, axis=-1) - 1)
    kept = [means.max() < 1e-6, norms.max() < 1e-6]
    assert kept[0] or means.max() > 1e-3
    assert kept[1] or norms.max() > 1e-3
    return [kept[0] == ("mean_free" in rows), kept[1] == ("unit" in rows)]


@pytest.mark.parametrize(
    "parameters",
    [
        {"depth": 3, "width": 8}, {"width": 8, "bias": "all"}, {"width": 8, "output": "signs"},
        {"width": 8, "output": "halves", "bias": "first"}, {"depth": 4, "width": 8, "residual": True},
        {"width": 8, "output": "mean_field"},
        {"architecture": "cnn", "width": 3, "bias": "all", "readout": "global_average"},
        {"architecture": "resnet", "width": 3}, {"architecture": "lenet"}, {"architecture": "lyu_li", "width": 32},
        {"architecture": "pooled_mlp", "factor": 0.5},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("rows", CONSTRAINTS)
def test_initial_weights_obey_the_constraint_on_trained_layers_alone(parameters: dict[str, Any], rows: str) -> None:
    network = network_of(parameters, (1, 16, 16), rows=rows)
    seeds = [3, 4, 5]
    found, free = network.initialise(seeds, 1.7), network.initialise(seeds, 1.7, projected=False)
    trained = range(network.depth)[network.trained]
    for layer, (weight, drawn) in enumerate(zip(found, free, strict=True)):
        if layer in trained:
            assert obeys(weight.numpy(), rows) == [True, True]
            direction = drawn - drawn.mean(-1, keepdim=True) if "mean_free" in rows else drawn
            assert torch.cosine_similarity(weight, direction, dim=-1).min() > 1 - 1e-5
        else:
            assert torch.equal(weight, drawn)
            assert not torch.equal(weight, torch.zeros_like(weight))
    assert (len(trained) < network.depth) == (parameters.get("output") in ("signs", "halves"))


@pytest.mark.parametrize("rows", CONSTRAINTS)
def test_rows_of_zeros_or_of_one_number_are_refused(rows: str) -> None:
    """An output layer that starts at 0 has no direction, and a number that is its own mean is 0."""
    for parameters, inputs, refused in (
        ({"width": 4, "output": "random_features"}, 3, "unit" in rows),
        ({"width": 1}, 3, "mean_free" in rows),
        ({"width": 4}, 1, "mean_free" in rows),
        ({"width": 4, "bias": "first"}, 1, False),
    ):
        if refused:
            with pytest.raises(ConfigError, match=f"rows = '{rows}': layer "):
                network_of(parameters, inputs, rows=rows)
        else:
            weights = network_of(parameters, inputs, rows=rows).initialise([0])
            assert all(bool(weight.isfinite().all()) for weight in weights)


def run(**changes: Any) -> xr.Dataset:
    network = NETWORK | changes.pop("network", {})
    return train(small_task(), network=network, training=settings(**changes), ensemble={})


@pytest.mark.parametrize("bias", ["none", "all"])
@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_training_by_nero_keeps_its_constraint_from_the_start_to_the_end(constraint: str, bias: str) -> None:
    found = run(constraint=constraint, checkpoints=[0, 1, 30], network={"rows": constraint, "bias": bias})
    assert parameters_of(found)["network"]["rows"] == constraint
    for layer in range(3):
        for step in (0, 1, 30):
            assert obeys(found[f"weight_{layer}"].sel(step=step).values, constraint) == [True, True]


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_training_by_nero_starts_at_the_network_of_its_class_and_seed(constraint: str) -> None:
    network = NETWORK | {"rows": constraint}
    found = run(constraint=constraint, checkpoints=[0], members=2, network=network)
    expected = network_of(network, 64).initialise([derive_seed("initialisation", 2, 1)])
    for layer in range(3):
        own = found[f"weight_{layer}"].isel(step=0).sel(seed=2, member=1)
        np.testing.assert_array_equal(own, expected[layer][0])


def test_frozen_layers_are_left_as_they_are_by_training_too() -> None:
    found = run(checkpoints=[0, 30], network={"depth": 2, "output": "signs", "rows": "mean_free_unit"})
    assert (abs(found["weight_1"].values) == np.float32(NETWORK["width"] ** -0.5)).all()
    assert obeys(found["weight_0"].values, "mean_free_unit") == [True, True]


@pytest.mark.parametrize(
    ("training", "rows"),
    [
        ({"optimizer": "nero"}, "mean_free_unit"), ({"optimizer": "nero", "constraint": "mean_free"}, "mean_free"),
        ({"optimizer": "nero", "constraint": "unit"}, "unit"), ({"optimizer": "sgd"}, "free"),
    ],
    ids=str,
)  # fmt: skip
def test_a_planned_run_says_what_its_rows_obey(training: dict[str, Any], rows: str) -> None:
    study = {
        "task": {"source": "digits", "labels": "binary", "train_size": 20, "test_size": 40, "seed": [0, 1, 2]},
        "network": {"width": 12}, "training": training | {"epochs": 2, "learning_rate": 0.01, "batch_size": 10},
        "metrics": ["test_error"],
    }  # fmt: skip
    (job,) = make_plan(validate({"studies": {"one": study}})).jobs["training"].values()
    assert job.parameters["network"] == complete.network(width=12, rows=rows)
    found = train(small_task(), **job.parameters)
    assert parameters_of(found)["network"] == job.parameters["network"]
    for layer in range(2):
        assert obeys(found[f"weight_{layer}"].values, rows) == [True, True]
