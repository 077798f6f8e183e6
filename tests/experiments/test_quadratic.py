"""Quadratic regression with large steps: the map's closed forms, descent by autograd, and the phases end to end."""

from math import log

import numpy as np
import pytest
import torch
import xarray as xr

from implicitbias.catalogue import CHECKS
from implicitbias.experiments import quadratic
from implicitbias.studies.checks import run_check

MODELS, DESIGNS = ["phase_retrieval", "network"], ["orthogonal", "gaussian"]


@pytest.fixture(scope="module")
def phases() -> xr.Dataset:
    small = {"features": 4, "width": 3, "train_size": 24, "step_sizes": 22, "draws": 12, "steps": 1200}
    rows = [
        xr.concat([quadratic.quadratic_regression(model=model, design=each, **small) for each in DESIGNS], "design")
        for model in MODELS
    ]
    whole = xr.concat(rows, "model").assign_coords(model=MODELS, design=DESIGNS)
    return whole.assign(averaged_test_loss=0.9 * whole["test_loss"])  # twelve draws are too few for what averaging does


def test_the_map_is_three_times_the_angle_at_its_end() -> None:
    """With a = 2, z + 2 = 4 cos^2 t becomes 4 cos^2 3t: chaos with the exponent ln 3 and a mean residual of 0."""
    angle = np.linspace(0, 3, 50)
    end = quadratic.cubic(4 * np.cos(angle) ** 2 - 2, np.array(2.0))
    assert np.allclose(end, 4 * np.cos(3 * angle) ** 2 - 2)
    start = np.random.default_rng(0).uniform(0.1, 1.9, (1, 20))
    found = quadratic.iterate(np.array([2 - 1e-9]), start, 3000)
    assert found["lyapunov"].mean() == pytest.approx(log(3), abs=0.02)
    assert (found["period"] == 0).all()


def test_the_map_settles_at_its_own_rate_and_then_cycles() -> None:
    a, start = np.array([0.2, 0.7, 1.1, 2.05]), np.random.default_rng(1).uniform(0.2, 1.8, (4, 5))
    with np.errstate(all="ignore"):
        found = quadratic.iterate(a, start, 900)
    for row in (0, 1):
        assert np.allclose(found["lyapunov"][row], log(abs(1 - 2 * a[row])))
    assert (found["period"][:3] == [[1], [1], [2]]).all()
    one, two = found["residual"][2, -2:]  # (1 - z)(1 - z') = 1 on a cycle of two
    assert (1 - one) * (1 - two) == pytest.approx(1)
    assert (found["diverged"] == [[0], [0], [0], [1]]).all()
    assert np.isnan(found["period"][3]).all()


@pytest.mark.parametrize(("design", "width"), [("orthogonal", 1), ("gaussian", 3)])
def test_steps_are_gradient_descent_relative_to_the_curvature(design: str, width: int) -> None:
    x, teacher = quadratic._points(np.random.default_rng(2), design, 1, 4, 9)
    a, start, steps = np.array([0.6]), np.array([[0.8]]), 70
    found = quadratic.descend(np.random.default_rng(3), x, teacher, a, start, width, steps)["residual"][0]
    inputs, own = torch.tensor(x[0]), torch.tensor(teacher[0])
    y = (inputs @ own) ** 2

    def loss(weights: torch.Tensor) -> torch.Tensor:
        return len(weights) * (((inputs @ weights.T) ** 2).mean(1) - y).square().mean() / 4

    hessian = torch.autograd.functional.hessian(lambda w: loss(w[None]), own)
    rate = a[0] * 2 / torch.linalg.eigvalsh(hessian)[-1]
    weights = torch.tensor(np.random.default_rng(3).normal(size=(1, 1, width, 4))[0, 0])
    weights *= (0.8 * y.max() / ((inputs @ weights.T) ** 2).mean(1).max()).sqrt()
    for step in range(steps - 1):
        weights.requires_grad_(True)
        (gradient,) = torch.autograd.grad(loss(weights), weights)
        weights = (weights - rate * gradient).detach()
        residual = float((((inputs @ weights.T) ** 2).mean(1) - y)[y.argmax()] / y.max() * a[0])
        if steps - 2 - step < 64:
            assert residual == pytest.approx(found[step - steps + 1], rel=1e-7, abs=1e-12)


def test_losses_are_means_over_gaussian_inputs() -> None:
    generator = np.random.default_rng(4)
    root, teacher = generator.normal(size=(3, 3)), np.array([[0.6, 0.8, 0.0]])
    x = generator.normal(size=(400_000, 3))
    labels = (x @ teacher[0]) ** 2
    wanted = ((((x @ root.T) ** 2).sum(1) - labels) ** 2).mean() / (labels**2).mean()
    assert float(quadratic.test_loss((root.T @ root)[None], teacher)[0]) == pytest.approx(wanted, rel=0.03)


def test_averages_are_of_predictions_along_the_last_third() -> None:
    """On a cycle of two a point's averaged prediction is the mean of two; one point and one weight tell it all."""
    x, teacher = np.ones((1, 1, 1)), np.ones((1, 1))
    found = quadratic.descend(np.random.default_rng(0), x, teacher, np.array([1.1]), np.array([[0.5]]), 1, 600)
    one, two = found["residual"][0, -2:] / 1.1
    assert found["averaged_test_loss"].item() == pytest.approx(((one + two) / 2) ** 2)
    assert found["test_loss"].item() in (pytest.approx(one**2), pytest.approx(two**2))


def test_periods_are_those_of_all_points_together() -> None:
    step = np.arange(64)
    two, three = (np.where(step % length == 0, 1.0, 0.0) for length in (2, 3))
    visits = np.stack([np.stack([two, three], -1), np.stack([two, 0 * two], -1), np.stack([two, step], -1)], 1)
    assert quadratic.period(visits).tolist() == [6, 2, 0]


def test_models_have_the_phases(phases: xr.Dataset) -> None:
    for name in (name for name, entry in CHECKS.items() if ".quadratic:" in entry.function):
        found = run_check(name, phases)
        assert found.outcome == "passed", (name, found.numbers)


SPOILED = {
    "the_cubic_map_has_five_phases": [
        {"map_rises": lambda rises: rises * 0},
        {"map_period": lambda period: period.where(period != 2, 1)},
        {"map_lyapunov": lambda exponent: exponent - 2},
        {"map_diverged": lambda diverged: diverged * 0},
    ],
    "orthogonal_data_follow_the_cubic_map": [
        {"lyapunov": lambda exponent: 1.1 * exponent},
        {"period": lambda period: period.where(period != 0, 2)},
        {"rises": lambda rises: rises * 0 + 1},
    ],
    "generic_data_have_the_phases": [
        {"lyapunov": lambda exponent: exponent * 0},
        {"lyapunov": lambda exponent: exponent + 1},
        {"period": lambda period: period * 0 + 1},
        {"diverged": lambda diverged: diverged * 0 + 0.5},
    ],
    "averaging_steps_lowers_the_test_loss": [
        {"averaged_test_loss": lambda loss: loss * 1.2},
        {"test_loss": lambda loss: loss + 30 * (loss["draw"] - 5.5)},
    ],
}


@pytest.mark.parametrize("name", SPOILED)
def test_checks_fail_on_other_dynamics(name: str, phases: xr.Dataset) -> None:
    for changes in SPOILED[name]:
        spoiled = phases.assign({key: change(phases[key]) for key, change in changes.items()})
        assert run_check(name, spoiled).outcome == "failed", changes.keys()
    assert run_check(name, phases.map(lambda data: data * np.nan)).outcome == "failed"
    assert run_check(name, xr.Dataset()).outcome == "not run"
    assert run_check(name, phases.isel(relative_step=slice(3))).outcome == "not run"
