"""What theory says of trained networks, tested on small ones: constants, traps, and flows."""

import math

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.integrate import solve_ivp
from small_task import settings

import complete
from complete import mlp
from implicitbias.losses import logistic
from implicitbias.measurement.measure import measure
from implicitbias.networks.stacked import forward, initialise
from implicitbias.optimizers import steepest
from implicitbias.tasks.build import build
from implicitbias.training.flow import gradient_flow
from implicitbias.training.run import train


def run(task: xr.Dataset, network: dict, metrics: list[str], **training: object) -> xr.Dataset:
    chosen = settings(**{"batch_size": "full", "loss": "logistic", "dtype": "float64", "decay": 1.0} | training)
    network = complete.network(**network)
    return measure(task, train(task, network=network, training=chosen, ensemble={}), metrics).squeeze(drop=True)


def points(source: str, **parameters: float) -> xr.Dataset:
    return build(source=source, test_size=10, seed=[0], raw_dir=None, **parameters)


@pytest.mark.parametrize(("slope", "constant"), [(0.5, 0.825), (0.1, 1.021)])
def test_loss_times_steps_of_a_leaky_network_has_a_known_limit(slope: float, constant: float) -> None:
    """L t -> n m/(eta (1 + slope^2)) mean(|x|^-2) (Kou, Chen & Gu 2023, theorem 4.2), eta = n m/R^2, R the longest |x|.

    The constants are those of another draw of the points, of which R^2 is a per cent or so away.
    """
    task = points("gaussian", features=5000, train_size=10)
    squares = (task["train_input"].values[0] ** 2).sum(-1)
    m, rate = 100, 10 * 100 / squares.max()
    found = run(
        task, {"activation": "plain_leaky_relu", "slope": slope, "width": 2 * m, "output": "halves"},
        ["train_loss", "positive_stable_rank", "parameter_norm"],
        optimizer="sgd", learning_rate=rate, init="normal", init_scale=1e-6, epochs=10000,
        checkpoints=[10, 100, 1000, 10000],
    )  # fmt: skip
    predicted = 10 * m / (rate * (1 + slope**2)) * (1 / squares).mean()
    products = found["train_loss"].values * found["step"].values
    assert products[-1] == pytest.approx(predicted, rel=0.02)
    assert predicted == pytest.approx(constant, rel=0.08)
    rank = found["positive_stable_rank"].values
    assert (np.diff(rank) < 0).all()
    assert rank[-1] < 1.01
    growth = found["parameter_norm"].values / np.log(found["step"].values)
    assert growth.max() / growth.min() < 3  # |W| = Theta(log t)


def test_relu_halves_on_orthogonal_points_have_a_known_rank() -> None:
    """Stable rank 2 n_j/(n_j + 1) with n_j points of the half's label (Kou, Chen & Gu 2023, theorem 4.5).

    On exactly orthogonal points; on nearly orthogonal ones neurons wake up again and the rank is lower.
    """
    ranks = {}
    for source in ("orthogonal", "gaussian"):
        task = points(source, features=2000, train_size=10)
        positive = int((task["train_label"].values == 1).sum())
        network = {"activation": "plain_relu", "width": 400, "output": "halves"}
        found = run(
            task, network, ["positive_stable_rank", "train_error"], optimizer="sgd",
            learning_rate=1.0, init="normal", init_scale=1e-7, epochs=2000,
        )  # fmt: skip
        assert float(found["train_error"]) == 0
        ranks[source] = float(found["positive_stable_rank"]), 2 * positive / (positive + 1)
    measured, predicted = ranks["orthogonal"]
    assert measured == pytest.approx(predicted, rel=0.1)
    measured, predicted = ranks["gaussian"]
    assert measured < 0.9 * predicted


def test_exact_leaky_networks_do_not_end_at_rank_one() -> None:
    """Whole first layer: to 2 (1 + slope^2)/(1 + slope)^2 for balanced signs and labels; a smooth one lags behind."""
    task = points("orthogonal", features=3000, train_size=12)
    task["train_label"][:] = np.where(np.arange(12) % 2, 1, -1)
    ranks = {}
    for name in ("plain_leaky_relu", "smooth_leaky_relu"):
        found = run(
            task, {"activation": name, "slope": 0.1, "width": 64, "output": "halves"}, ["stable_rank"], optimizer="sgd",
            learning_rate=0.1, init="normal", init_scale=1e-7, epochs=10000, checkpoints=[10, 100, 1000, 10000],
        )  # fmt: skip
        ranks[name] = found["stable_rank"].values
    exact, smooth = ranks["plain_leaky_relu"], ranks["smooth_leaky_relu"]
    assert (np.diff(exact) > 0).all()
    assert 1.55 < exact[-1] < 2 * 1.01 / 1.21
    assert smooth[0] < 1.06
    assert (smooth < exact - 0.2).all()


@pytest.mark.parametrize("of_two", [True, False])
def test_the_mean_of_two_gradients_breaks_coordinate_descents_cycles(of_two: bool, monkeypatch) -> None:
    """By one gradient unit steps go forth and back across a kink for ever; by the mean of two the loss falls on."""
    if not of_two:
        plain = steepest._steepest
        monkeypatch.setattr(steepest, "_steepest", lambda *settings, of_two: plain(*settings))
    task = build(source="sparse_teacher", features=10, train_size=20, test_size=10, seed=[2], raw_dir=None)
    found = run(
        task, {"activation": "plain_relu", "width": 16}, ["train_loss"], optimizer="steepest_l1", power=0,
        learning_rate=0.05, loss="exponential", init="uniform", epochs=2000, checkpoints=[1000, 2000],
    )  # fmt: skip
    before, after = found["train_loss"].values
    assert (after < before - 20) == of_two
    assert of_two or after == pytest.approx(before, abs=0.1)


def test_a_limited_decrease_is_the_decrease_of_a_log_domain_step() -> None:
    """Far below the fit, the log loss falls by the limit every step, down to losses of 1e-100 and below."""
    task = points("two_gaussians", features=20, train_size=10, mean_exponent=1.0)
    found = run(
        task, {"activation": "plain_relu", "width": 8}, ["train_loss", "soft_margin_l2"], optimizer="steepest_l2",
        decrease=0.1, learning_rate=0.1, loss="exponential", epochs=4000, checkpoints=[2000, 3000, 4000],
    )  # fmt: skip
    fall = np.diff(found["train_loss"].values) / 1000
    assert fall == pytest.approx([-0.1, -0.1], rel=0.02)
    assert found["train_loss"].values[-1] < math.log(1e-100)
    assert np.isfinite(found["soft_margin_l2"].values).all()


NETWORK = mlp(3, activation="tanh", width=6)


def flow_problem() -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(0)
    x = torch.randn(8, 3, dtype=torch.float64, generator=source)
    return initialise(NETWORK, [1], dtype=torch.float64), x, x[:, 0].sign()


def test_gradient_descent_follows_the_flow_at_first_order() -> None:
    """The distance to gradient flow at time 2 halves with the step."""
    weights, x, y = flow_problem()
    (end,) = gradient_flow(NETWORK, weights, x, y, loss=logistic, times=[2.0])
    errors = []
    for steps in (200, 400):
        own = [weight.clone().requires_grad_(True) for weight in weights]
        for _ in range(steps):
            loss = logistic(forward(NETWORK, own, x[None]), y[None], torch.ones(1, dtype=torch.float64)).sum()
            gradients = torch.autograd.grad(loss, own)
            with torch.no_grad():
                for weight, gradient in zip(own, gradients, strict=True):
                    weight -= 2.0 / steps * gradient
        errors.append(math.sqrt(sum(float((a - b).square().sum().detach()) for a, b in zip(own, end, strict=True))))
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.05)
    assert errors[1] < 0.01


def test_gradient_flow_of_a_linear_model_is_scipys() -> None:
    source = torch.Generator().manual_seed(3)
    x = torch.randn(6, 2, dtype=torch.float64, generator=source)
    y = x[:, 0].sign()
    network = mlp(2, depth=1, activation="linear")
    weights = initialise(network, [0], dtype=torch.float64)
    found = gradient_flow(network, weights, x, y, loss=logistic, times=[1.0, 5.0])

    def slope(_: float, w: np.ndarray) -> np.ndarray:
        q = y.numpy() * (x.numpy() @ w)
        return (y.numpy() / (1 + np.exp(q))) @ x.numpy() / 6

    reference = solve_ivp(slope, (0, 5), weights[0].ravel().numpy(), t_eval=[1.0, 5.0], rtol=1e-10, atol=1e-12).y.T
    for ours, theirs in zip(found, reference, strict=True):
        assert ours[0].ravel().numpy() == pytest.approx(theirs, rel=1e-6)


def test_gradient_flow_keeps_two_homogeneous_layers_balanced() -> None:
    """|w_j|^2 - v_j^2 of every neuron is conserved (Min, Mallada & Vidal 2023), for leaky relu."""
    weights, x, y = flow_problem()
    network = mlp(3, activation="plain_leaky_relu", slope=0.3, width=6)
    (end,) = gradient_flow(network, weights, x, y, loss=logistic, times=[3.0])
    gaps = [(w[0].square().sum(1) - v[0, 0].square()).numpy() for w, v in (weights, end)]
    assert gaps[1] == pytest.approx(gaps[0], abs=1e-5)
    assert not np.allclose(end[0], weights[0], atol=0.05)
