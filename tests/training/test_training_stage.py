"""The training stage from outside: known updates, members as if alone, divergence, checkpoints."""

import math
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.linalg import fractional_matrix_power
from small_task import NETWORK, settings, small_task
from torch import Tensor

from implicitbias.catalogue import LOSSES, OPTIMIZERS, SCHEDULES
from implicitbias.schema import violations
from implicitbias.training.run import train

STEEPEST = {
    "steepest_l2": lambda g: (g / g.norm(), g.norm()),
    "steepest_linf": lambda g: (g.sign(), g.abs().sum()),
    "steepest_l1": lambda g: ((g.abs() == g.abs().max()) * g.sign(), g.abs().max()),
}
"""Direction and dual norm of a whole gradient, flattened."""

CLOSE = {"steepest_spectral": {"rtol": 1e-4, "atol": 1e-6}}
"""The reference takes singular values from eigenvalues, their squares, and loses half of the digits."""

RATES = {
    "nero": 0.01, "sgd": 0.05, "momentum": 0.02, "adam": 0.01,
    "steepest_l2": 0.05, "steepest_linf": 1e-4, "steepest_l1": 0.2, "steepest_spectral": 2e-3,
    "agd": 0.5, "shampoo": 0.01,
}  # fmt: skip


def trained(ensemble: dict[str, Any] | None = None, seeds: list[int] | None = None, **changes: Any) -> xr.Dataset:
    task = small_task() if seeds is None else small_task().sel(seed=seeds)
    network = NETWORK | changes.pop("network", {})
    return train(task, network=network, training=settings(**changes), ensemble=ensemble or {})


def weights_of(run: xr.Dataset, step: int, **point: Any) -> list[Tensor]:
    return [torch.tensor(run[f"weight_{layer}"].sel(step=step, **point).values) for layer in range(NETWORK["depth"])]


def outputs(weights: list[Tensor], x: Tensor) -> Tensor:
    """A plain network, one at a time."""
    for weight in weights[:-1]:
        x = 2**0.5 * torch.relu(x @ weight.T)
    return (x @ weights[-1].T).squeeze(-1)


def plain_nero(weights: list[Tensor], steps: int, loss: Any, lr: float, beta: float) -> list[Tensor]:
    """Nero word by word (Liu et al. 2021, algorithm 1), one network, one matrix at a time."""
    squared = [torch.zeros(len(w), 1, dtype=w.dtype) for w in weights]
    for step in range(1, steps + 1):
        weights = [w.detach().requires_grad_() for w in weights]
        gradients = torch.autograd.grad(loss(weights), weights)
        for i, g in enumerate(gradients):
            squared[i] = beta * squared[i] + (1 - beta) * (g**2).sum(1, keepdim=True)
            w = weights[i].detach() - lr * torch.nan_to_num(g / (squared[i] / (1 - beta**step)).sqrt())
            w = w - w.mean(1, keepdim=True)
            weights[i] = w / w.norm(dim=1, keepdim=True)
    return weights


def plain_shampoo(weights: list[Tensor], steps: int, loss: Any, lr: float) -> list[Tensor]:
    """Gupta, Koren & Singer 2018, algorithm 1, one network, roots by scipy."""
    sides = [[1e-4 * np.eye(size) for size in w.shape] for w in weights]
    for _ in range(steps):
        weights = [w.detach().requires_grad_() for w in weights]
        for i, g in enumerate(grad.numpy() for grad in torch.autograd.grad(loss(weights), weights)):
            sides[i] = [sides[i][0] + g @ g.T, sides[i][1] + g.T @ g]
            left, right = (fractional_matrix_power(side, -0.25).real for side in sides[i])
            weights[i] = weights[i].detach() - lr * torch.tensor(left @ g @ right)
    return weights


def plain_agd(weights: list[Tensor], steps: int, loss: Any, lr: float) -> list[Tensor]:
    """Bernstein et al. 2023, algorithm 1, one network, the step times lr."""
    for _ in range(steps):
        weights = [w.detach().requires_grad_() for w in weights]
        gradients = torch.autograd.grad(loss(weights), weights)
        scales = [math.sqrt(len(w) / w.shape[1]) for w in weights]
        size = sum(s * float(g.norm()) for s, g in zip(scales, gradients, strict=True)) / len(weights)
        eta = lr * math.log((1 + math.sqrt(1 + 4 * size)) / 2)
        weights = [
            w.detach() - eta / len(weights) * s * g / g.norm()
            for w, s, g in zip(weights, scales, gradients, strict=True)
        ]
    return weights


def plain_steepest(name: str, weights: list[Tensor], steps: int, loss: Any, lr: float, power: float) -> list[Tensor]:
    """One network; the spectral direction is (G G^T)^(-1/2) G, by the eigenvalues of G G^T.

    Coordinate descent goes by the mean of the last two gradients.
    """
    last = None
    for _ in range(steps):
        weights = [w.detach().requires_grad_() for w in weights]
        gradients = now = torch.autograd.grad(loss(weights), weights)
        if name == "steepest_l1" and last is not None:
            gradients = [(g + old) / 2 for g, old in zip(now, last, strict=True)]
        last = now
        if name == "steepest_spectral":
            ways, dual = [], torch.zeros((), dtype=torch.float64)
            for g in gradients:
                values, vectors = torch.linalg.eigh(g.T @ g if len(g) > g.shape[1] else g @ g.T)
                real = values > 1e-20 * values.max()
                dual = dual + values[real].sqrt().sum()
                root = (vectors[:, real] / values[real].sqrt()) @ vectors[:, real].T
                ways.append(g @ root if len(g) > g.shape[1] else root @ g)
        else:
            way, dual = STEEPEST[name](torch.cat([g.flatten() for g in gradients]))
            ways = [
                part.view_as(g) for part, g in zip(way.split([g.numel() for g in gradients]), gradients, strict=True)
            ]
        weights = [w.detach() - lr * dual**power * way for w, way in zip(weights, ways, strict=True)]
    return weights


@pytest.mark.parametrize("power", [1, 0, -1])
@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name.startswith("steepest")])
def test_steepest_descent_restated(name: str, power: int) -> None:
    run = trained(
        seeds=[0], optimizer=name, power=power, learning_rate=1e-3, decay=1.0, epochs=3, batch_size="full",
        loss="exponential", dtype="float64", checkpoints=[0, 3],
    )  # fmt: skip
    one = small_task().sel(seed=0)
    x, y = torch.tensor(one["train_input"].values), torch.tensor(one["train_label"].values, dtype=torch.float64)
    expected = plain_steepest(
        name, weights_of(run, 0, seed=0, member=0), 3,
        lambda w: torch.logsumexp(-y * outputs(w, x), 0) - math.log(len(y)), 1e-3, power,
    )  # fmt: skip
    for ours, theirs in zip(weights_of(run, 3, seed=0, member=0), expected, strict=True):
        torch.testing.assert_close(ours, theirs, **CLOSE.get(name, {"rtol": 1e-9, "atol": 1e-12}))


def test_log_domain_steps_lower_the_logarithm_of_the_loss_by_the_learning_rate() -> None:
    """Down to a loss of 1e-100, which no power of the loss itself could reach."""
    run = trained(
        seeds=[0], optimizer="steepest_l2", power=-1, learning_rate=0.1, decay=1.0, epochs=2600, batch_size="full",
        loss="exponential", dtype="float64", checkpoints=[2000, 2600],
    )  # fmt: skip
    first, last = run["train_loss"].values.ravel()
    assert last < -230
    assert 0.08 < (first - last) / 600 < 0.1005  # a little is lost at the kinks of relu


def test_a_frozen_output_layer_stays_and_the_others_move() -> None:
    run = trained(seeds=[0], optimizer="sgd", checkpoints="log", epochs=5, network={"depth": 2, "output": "signs"})
    last = run["weight_1"].isel(seed=0, member=0).values
    assert (np.abs(last) == np.float32(NETWORK["width"] ** -0.5)).all()
    assert (last == last[0]).all()
    assert np.abs(np.diff(run["weight_0"].values, axis=2)).max() > 1e-4
    halves = trained(seeds=[0], optimizer="sgd", epochs=1, network={"depth": 2, "output": "halves"})["weight_1"]
    width = NETWORK["width"]
    np.testing.assert_allclose(halves.values.ravel(), np.repeat([2 / width, -2 / width], width // 2), rtol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_equal_those_of_a_plain_implementation(name: str) -> None:
    steps, lr = 5, RATES[name]
    run = trained(
        seeds=[0], optimizer=name, learning_rate=lr, decay=1.0, epochs=steps, batch_size="full", loss="square",
        dtype="float64", checkpoints=[0, steps],
    )  # fmt: skip
    one = small_task().sel(seed=0)
    x, y = torch.tensor(one["train_input"].values), torch.tensor(one["train_label"].values, dtype=torch.float64)
    weights = [w.requires_grad_() for w in weights_of(run, 0, seed=0, member=0)]

    def loss(w: list[Tensor]) -> Tensor:
        return (outputs(w, x) - y).square().mean()

    if name == "nero":
        weights = plain_nero(weights, steps, loss, lr, 0.999)
    elif name == "shampoo":
        weights = plain_shampoo(weights, steps, loss, lr)
    elif name == "agd":
        weights = plain_agd(weights, steps, loss, lr)
    elif name.startswith("steepest"):
        weights = plain_steepest(name, weights, steps, loss, lr, 1)
    else:
        reference = {
            "sgd": lambda: torch.optim.SGD(weights, lr),
            "momentum": lambda: torch.optim.SGD(weights, lr, momentum=0.9),
            "adam": lambda: torch.optim.Adam(weights, lr),
        }[name]()
        for _ in range(steps):
            reference.zero_grad()
            loss(weights).backward()  # type: ignore[no-untyped-call]
            reference.step()
    moved = False
    for ours, theirs, start in zip(
        weights_of(run, steps, seed=0, member=0), weights, weights_of(run, 0, seed=0, member=0), strict=True
    ):
        torch.testing.assert_close(ours, theirs.detach(), **CLOSE.get(name, {"rtol": 1e-9, "atol": 1e-12}))
        moved |= bool((ours - start).abs().max() > 1e-4)
    assert moved


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_member_equals_its_solo_run(name: str) -> None:
    together = trained(
        {"label_scale": [0.1, 1.0, 3.0]}, optimizer=name, learning_rate=RATES[name], members=2, loss="square"
    )
    alone = trained({}, seeds=[1], optimizer=name, learning_rate=RATES[name], label_scale=3.0, members=2, loss="square")
    for variable in ("train_output", "test_output", "weight_0", "weight_2", "train_loss"):
        ours = together[variable].sel(seed=1, label_scale=3.0).values
        np.testing.assert_array_equal(ours, alone[variable].sel(seed=1).values)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_member_equals_its_solo_run_among_a_hundred(schedule: str) -> None:
    """Where torch computes several members at once, and what is left over in another way."""
    loss = "log_logistic" if SCHEDULES[schedule].only else "square"
    rules = {"schedule": schedule, "loss": loss, "optimizer": "sgd", "learning_rate": 0.02, "decay": 0.97}
    rules |= {"step_exponent": 0.3, "epochs": 30, "batch_size": "full"}
    together, alone = trained(members=41, **rules), trained(seeds=[2], members=3, **rules)
    for variable in ("train_output", "weight_0"):
        ours, theirs = together[variable].sel(seed=2, member=[0, 1, 2]), alone[variable].sel(seed=2)
        if loss == "square":
            np.testing.assert_array_equal(ours, theirs)
        else:  # torch's logarithms depend on their place too
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_members_and_seeds_differ_but_label_scales_start_alike() -> None:
    run = trained({"label_scale": [0.1, 1.0]}, members=2, checkpoints=[0])
    first = run["weight_0"].isel(step=0)
    np.testing.assert_array_equal(first.sel(label_scale=0.1), first.sel(label_scale=1.0))
    flat = first.sel(label_scale=1.0).values.reshape(6, -1)
    assert np.linalg.matrix_rank(flat) == 6


def test_nero_keeps_rows_at_mean_zero_and_norm_one() -> None:
    run = trained(checkpoints="log", epochs=20)
    for layer in range(NETWORK["depth"]):
        rows = run[f"weight_{layer}"].values
        assert np.abs(rows.mean(-1)).max() < 1e-6
        assert np.abs(np.linalg.norm(rows, axis=-1) - 1).max() < 1e-6


def test_training_fits_and_its_outputs_reach_the_targets() -> None:
    run = trained({"label_scale": [0.5, 1.0]}, epochs=200, batch_size=10, decay=0.97)
    labels = small_task()["train_label"]
    for scale in (0.5, 1.0):
        output = run["train_output"].sel(label_scale=scale).isel(member=0, step=0)
        assert float(np.abs(output - scale * labels).mean()) < 0.05 * scale


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_falls(loss: str) -> None:
    run = trained(optimizer="sgd", learning_rate=0.005, decay=1.0, loss=loss, checkpoints=[0, 30], epochs=10)
    falls = run["train_loss"].isel(step=1) < run["train_loss"].isel(step=0)
    assert falls.all()


def test_diverged_members_are_nan_named_and_leave_the_others_alone() -> None:
    rates = {"learning_rate": [0.02, 1e9]}
    run = trained(rates, optimizer="sgd", loss="square", checkpoints=[0, 30])
    assert (run["stop_reason"].sel(learning_rate=1e9) == "diverged").all()
    assert (run["stop_reason"].sel(learning_rate=0.02) == "finished").all()
    last = run.isel(step=-1)
    assert last["test_output"].sel(learning_rate=1e9).isnull().all()
    alone = trained(optimizer="sgd", loss="square", learning_rate=0.02, checkpoints=[0, 30])
    np.testing.assert_array_equal(run["weight_0"].sel(learning_rate=0.02), alone["weight_0"])


def test_losses_far_below_the_smallest_float_are_trained_in_the_log_domain() -> None:
    run = trained(
        optimizer="sgd", loss="exponential", learning_rate=0.01, decay=1.0, epochs=200, batch_size="full",
        dtype="float64", checkpoints=[0, 200], network={"activation": "linear", "depth": 2},
    )  # fmt: skip
    assert (run["train_loss"].isel(step=-1) < -800).all()  # a logarithm: the loss itself is below 1e-347
    assert np.isfinite(run["weight_0"]).all()


def test_checkpoints_hold_the_run_as_it_went() -> None:
    long = trained(checkpoints="log", epochs=10)
    assert long["step"].values[0] == 0
    assert long["step"].values[-1] == 10 * 3  # 20 points in batches of 8
    assert (np.diff(long["step"]) > 0).all()
    short = trained(checkpoints=[30], epochs=10)
    np.testing.assert_array_equal(long["weight_1"].sel(step=30), short["weight_1"].sel(step=30))


def test_the_dataset_keeps_the_contract() -> None:
    run = trained({"label_scale": [0.1, 1.0]})
    assert violations(run) == []
    assert run["test_output"].dims == ("seed", "label_scale", "member", "step", "test_point")
    norms = np.sqrt((run["weight_1"].values ** 2).sum((-1, -2)))
    np.testing.assert_allclose(run["frobenius_norm"].sel(layer=1), norms, rtol=1e-5)


def test_float64_runs_are_float64() -> None:
    run = trained(dtype="float64", epochs=1)
    assert run["weight_0"].dtype == np.float64
    assert run["test_output"].dtype == np.float64
