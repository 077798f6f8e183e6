"""What a CUDA device computes is what a CPU computes: training, kernels, orthants, posteriors. Skipped without one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import complete
from implicitbias.catalogue import LOSSES, OPTIMIZERS
from implicitbias.networks import network_of
from implicitbias.nngp.estimate import OrthantEstimate
from implicitbias.nngp.evaluate import evaluate
from implicitbias.nngp.orthant import log_probability, taken_settings
from implicitbias.sampling import sample
from implicitbias.tasks.build import build
from implicitbias.training.run import train

DEVICE = "cuda"
pytestmark = pytest.mark.skipif(DEVICE == "cuda" and not torch.cuda.is_available(), reason="no CUDA device")

NETWORKS: dict[str, dict[str, Any]] = {
    "mlp": {"depth": 3, "width": 8},
    "residual": {"depth": 3, "width": 8, "residual": True, "activation": "plain_leaky_relu", "slope": 0.3},
    "biases": {"depth": 3, "width": 8, "bias": "all", "activation": "gelu"},
    "cnn": {"architecture": "cnn", "depth": 3, "width": 8, "readout": "global_average"},
    "resnet": {"architecture": "resnet", "depth": 4, "width": 8},
}


@pytest.fixture(scope="module")
def task() -> xr.Dataset:
    return build(source="digits", labels="3v6", train_size=20, test_size=40, seed=[0, 1], raw_dir=Path())


def assert_same_training(task: xr.Dataset, network: dict[str, Any], **training: Any) -> None:
    """In float64, in which 12 steps amplify the rounding of other orders of summation by little."""
    settings = {"epochs": 3, "batch_size": 5, "dtype": "float64", "members": 3, "learning_rate": 0.002, **training}
    given = {"network": complete.network(**network), "training": complete.training(**settings), "ensemble": {}}
    here, there = (train(task, **given, device=device) for device in ("cpu", DEVICE))
    for name in ("train_output", "test_output"):
        np.testing.assert_allclose(there[name], here[name], rtol=1e-6, atol=1e-8)
    assert (there["stop_reason"] == here["stop_reason"]).all()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_takes_the_same_steps(task: xr.Dataset, optimizer: str) -> None:
    assert_same_training(task, NETWORKS["mlp"], loss="square", optimizer=optimizer)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_has_the_same_gradients(task: xr.Dataset, loss: str) -> None:
    assert_same_training(task, NETWORKS["mlp"], loss=loss, optimizer="sgd")


@pytest.mark.parametrize("network", NETWORKS)
def test_every_architecture_trains_alike(task: xr.Dataset, network: str) -> None:
    assert_same_training(task, NETWORKS[network], loss="logistic", optimizer="adam")


def test_chunks_do_not_change_a_member(task: xr.Dataset) -> None:
    """As on a CPU, but for rounding: the device chooses other kernels for other batches."""
    given = {
        "network": complete.network(**NETWORKS["mlp"]), "ensemble": {},
        "training": complete.training(epochs=3, batch_size=5, dtype="float64", members=8, learning_rate=0.002),
    }  # fmt: skip
    whole, parts = train(task, **given, device=DEVICE), train(task, **given, device=DEVICE, memory_bytes=2**20)
    np.testing.assert_allclose(parts["test_output"], whole["test_output"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("network", ["mlp", "cnn", "resnet"])
def test_kernels_are_the_same(network: str) -> None:
    built = network_of(complete.network(**NETWORKS[network]), (1, 8, 8))
    x, z = (torch.randn(k, 64, generator=torch.Generator().manual_seed(k), dtype=torch.float64) for k in (30, 20))
    for kernel in (built.nngp, built.ntk):
        torch.testing.assert_close(kernel(x.to(DEVICE), z.to(DEVICE)).cpu(), kernel(x, z), rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(kernel(x.to(DEVICE)).cpu(), kernel(x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("method", ["mixture", "tilting", "genz", "ep", "bound"])
def test_orthant_probabilities_are_the_same(method: str) -> None:
    here, there = orthants(40, method)
    assert there.log_probability == pytest.approx(here.log_probability, rel=1e-7)
    assert there.stderr == pytest.approx(here.stderr, rel=1e-4, nan_ok=True)


@pytest.mark.parametrize("method", ["importance", "subset"])
def test_estimators_that_draw_on_the_device_agree_within_their_error(method: str) -> None:
    here, there = orthants(6, method)
    assert abs(there.log_probability - here.log_probability) < 5 * np.hypot(here.stderr, there.stderr)


def orthants(n: int, method: str) -> list[OrthantEstimate]:
    """Of the same labelling, on a CPU and on the device."""
    x = torch.randn(n, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    kernel, labels = complete.mlp(10, depth=3).nngp(x), torch.sign(x[:, 0])
    settings = taken_settings(method, {"seed": 1})
    return [log_probability(kernel.to(d), labels.to(d), method, **settings) for d in ("cpu", DEVICE)]


def test_the_nngp_stage_is_the_same(task: xr.Dataset) -> None:
    settings = {
        "network": complete.network(depth=3, rows="mean_free_unit"), "estimators": ["bound", "mixture"], "draws": 1000,
        "samples": 512, "delta": 0.01, "constant": "tight", "posterior": True, "label_scale": [0.1, 1.0],
        "ray_samples": 50, "lazy": True, "by_point": True,
    }  # fmt: skip
    here, there = (evaluate(task, **settings, device=device) for device in ("cpu", DEVICE))
    for name in here.data_vars:
        if (
            str(name).endswith("_std") and name != "prior_std"
        ):  # of functions drawn by eigenvectors, whose signs are free
            continue
        np.testing.assert_allclose(there[name], here[name], rtol=1e-4, atol=1e-6, err_msg=str(name))


def test_random_networks_are_the_same(task: xr.Dataset) -> None:
    network = complete.network(**NETWORKS["mlp"])
    few = task.isel(train_point=slice(3))
    here, there = (
        sample(few, network=network, sampling={"draws": 300, "flip": True}, device=d) for d in ("cpu", DEVICE)
    )
    np.testing.assert_allclose(there["acceptance"], here["acceptance"], atol=0.01)
    np.testing.assert_allclose(there["test_output"], here["test_output"], rtol=1e-4, atol=1e-5)
