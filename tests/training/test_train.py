"""What the training stage promises about its datasets: weights, outputs, chunks, divergence, what can be left out."""

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from small_task import NETWORK, settings, small_task

from implicitbias.errors import ConfigError
from implicitbias.networks import network_of
from implicitbias.rng import derive_seed
from implicitbias.tasks.build import build
from implicitbias.training.run import train


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(
    ensemble: dict[str, Any] | None = None, task: xr.Dataset | None = None, network: dict[str, Any] | None = None,
    memory_bytes: int | None = None, keep_weights: bool = True, **changes: Any,
) -> xr.Dataset:  # fmt: skip
    return train(
        small_task() if task is None else task, network=NETWORK | (network or {}), training=settings(**changes),
        ensemble=ensemble or {}, memory_bytes=memory_bytes, keep_weights=keep_weights,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("optimizer", "loss", "learning_rate"),
    [("nero", "norm", 0.01), ("sgd", "square", 0.005), ("momentum", "logistic", 0.005), ("adam", "exponential", 0.003)],
)
def test_every_kind_of_training_fits_and_generalises(optimizer: str, loss: str, learning_rate: float, tmp_path) -> None:
    task = build(source="digits", labels="decimal", train_size=60, seed=[0, 1], raw_dir=tmp_path)
    found = run(
        task=task, optimizer=optimizer, loss=loss, learning_rate=learning_rate, decay=0.99, epochs=150, members=2,
        network={"width": 64},
    )  # fmt: skip
    assert (found["train_output"] * task["train_label"] > 0).all()
    test_error = (found["test_output"] * task["test_label"] <= 0).mean()
    assert test_error < 0.3  # four networks on 597 points: chance is 0.5 with a standard error of 0.02


@pytest.mark.parametrize("test_size", [None, 15])
def test_outputs_and_loss_are_those_of_the_weights(test_size, tmp_path) -> None:
    """With a test set for all seeds (None) and with one a seed."""
    task = build(source="digits", labels="binary", train_size=9, test_size=test_size, seed=[3, 4], raw_dir=tmp_path)
    found = run({"label_scale": [0.5, 2.0]}, task, dtype="float64", members=2).isel(step=0)
    network = network_of(NETWORK, 64)
    for seed in (3, 4):
        own, data = found.sel(seed=seed), task.sel(seed=seed)
        weights = [torch.tensor(own[f"weight_{k}"].values.reshape(4, *shape)) for k, shape in enumerate(network.shapes)]
        for name in ("train", "test"):
            expected = network.forward(weights, torch.tensor(data[f"{name}_input"].values))
            np.testing.assert_allclose(own[f"{name}_output"].values.reshape(4, -1), expected, rtol=1e-10)
    residual = found["train_output"] - found["label_scale"] * task["train_label"]
    np.testing.assert_allclose(found["train_loss"], np.sqrt((residual**2).sum("train_point")), rtol=1e-10)


def test_step_zero_is_the_network_of_its_seed() -> None:
    found = run({"init_scale": [1.0, 3.0]}, optimizer="sgd", loss="square", checkpoints=[0], members=2).isel(step=0)
    expected = network_of(NETWORK, 64).initialise([derive_seed("initialisation", 2, 1)], init_scale=3.0)
    for layer in range(3):
        own = found[f"weight_{layer}"].sel(seed=2, init_scale=3.0, member=1)
        np.testing.assert_array_equal(own, expected[layer][0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("memory_bytes", [1, 30_000, 10**6])
def test_chunks_change_no_bit(dtype: str, memory_bytes: int) -> None:
    ensemble = {"label_scale": [0.1, 1.0]}
    chunked = run(ensemble, memory_bytes=memory_bytes, dtype=dtype, epochs=3, checkpoints="log")
    xr.testing.assert_identical(chunked, run(ensemble, dtype=dtype, epochs=3, checkpoints="log"))


@pytest.mark.parametrize(
    ("changes", "copies"),
    [
        ({"optimizer": "nero"}, 0),
        ({"optimizer": "sgd"}, 1),  # 64 features, 20 points: the first layer's start is kept beside it
        ({"optimizer": "nero", "stop": "fitted"}, 1),
        ({"optimizer": "sgd", "until_fit": "nero"}, 1),
        ({"optimizer": "sgd", "schedule": "loss_based", "loss": "log_logistic"}, 2),
    ],
)
def test_copies_of_the_weights_are_counted(changes: dict[str, Any], copies: int, monkeypatch) -> None:
    counted = []

    def bytes_each(*settings: Any) -> int:
        counted.append(settings[-1])
        return 1

    monkeypatch.setattr("implicitbias.training.run.bytes_each", bytes_each)
    run(epochs=1, **changes)
    assert counted == [copies]


def test_diverged_members_keep_what_they_had_before() -> None:
    found = run({"learning_rate": [1e-3, 1e9]}, optimizer="sgd", loss="square", checkpoints=[0, 30])
    for name in ("train_output", "test_output", "train_loss", "frobenius_norm", "weight_1"):
        assert found[name].sel(learning_rate=1e9, step=30).isnull().all(), name
        assert found[name].sel(learning_rate=1e9, step=0).notnull().all(), name
        assert found[name].sel(learning_rate=1e-3).notnull().all(), name


def test_a_diverged_member_errs_in_the_log_which_says_that_it_diverged(capsys) -> None:
    run({"learning_rate": [1e9]}, optimizer="sgd", loss="square", checkpoints=[0, 30])
    line, told = capsys.readouterr().err.splitlines()
    assert "loss nan, error 1.000, 3 of 3 diverged" in line
    assert told == "note: 3 of 3 networks diverged"
    run(optimizer="sgd", loss="square", learning_rate=1e-3)
    assert "diverged" not in capsys.readouterr().err


def test_weights_can_be_left_out() -> None:
    lean, whole = run(keep_weights=False), run()
    assert not [name for name in lean.variables if str(name).startswith(("weight_", "neuron_", "input_"))]
    dims = [f"{kind}_{layer}" for kind in ("neuron", "input") for layer in range(3)]
    assert (lean.attrs.pop("weights"), whole.attrs.pop("weights")) == ("left out", "kept")
    xr.testing.assert_identical(lean, whole.drop_dims(dims))


def test_an_axis_that_members_cannot_differ_in_is_named() -> None:
    with pytest.raises(ConfigError, match="'width'"):
        run({"width": [3, 4]})


def test_networks_that_nero_cannot_train_are_refused() -> None:
    with pytest.raises(ConfigError, match="nero"):
        run(network={"width": 1})
