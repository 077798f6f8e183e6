"""Attention: data by their definition, gradients against autograd, optima against independent solvers."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from implicitbias.experiments import self_attention as attention
from implicitbias.measurement.optima import hard_margin, smallest_nuclear_norm


def sequences(draws: int = 2) -> attention.Sequences:
    return attention.drawn(draws, 3, 4, 5, torch.Generator().manual_seed(0))


def test_loss_and_gradient_are_those_of_autograd() -> None:
    """The mean logistic loss of the attention on the optimal token less its value at attention 1, by its definition."""
    data = sequences()
    weight = torch.randn(2, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    ahead = torch.einsum("bntd,bde,bne->bnt", data.ahead, weight, data.query)
    own = 1 / (1 + (-ahead).exp().sum(-1))
    excess = torch.nn.functional.softplus(-own).mean(1) - np.log1p(np.exp(-1))
    (gradient,) = torch.autograd.grad(excess.sum(), weight)
    found = attention.attended(weight.detach(), data)
    torch.testing.assert_close(found.gradient * found.scale.exp(), gradient)
    torch.testing.assert_close(found.log_excess.exp(), excess.detach())
    torch.testing.assert_close(found.attention, own.detach().amin(1))


def test_losses_too_small_for_numbers_have_logarithms() -> None:
    """With margins s the excess loss is sigmoid(-1) times the mean sum of exp(-s margin): its logarithm falls by s."""
    data = sequences()
    best = torch.stack([torch.as_tensor(hard_margin(each.flatten(1).numpy())).reshape(5, 5) for each in data.features])
    near, far = (attention.attended(size * best, data) for size in (2000.0, 3000.0))
    torch.testing.assert_close(near.log_excess - far.log_excess, torch.full((2,), 1000.0, dtype=torch.float64))
    assert torch.isfinite(far.gradient).all()
    assert (far.gradient.flatten(1).norm(dim=1) > 0).all()


def test_tokens_are_as_defined() -> None:
    """Optimal tokens are a unit vector plus y u, others unit vectors at right angles to u; the query is the first."""
    data = attention.drawn(500, 3, 4, 5, torch.Generator().manual_seed(2))
    ahead, query = data.ahead, data.query
    assert set(ahead[..., 0].flatten().tolist()) == {-1.0, 1.0}
    assert torch.equal(ahead[..., 0], ahead[..., :1, 0].expand(-1, -1, 3))
    signal = query[..., 0] != 0
    assert float(signal.double().mean()) == pytest.approx(1 / 4, abs=0.04)
    torch.testing.assert_close(query.square().sum(-1), 1.0 + signal.double())
    torch.testing.assert_close(data.features[0, 4], torch.outer(ahead[0, 1, 1], query[0, 1]))


def test_smallest_nuclear_norm_against_another_solver() -> None:
    """As factors: the smallest (|A|^2 + |B|^2)/2 over A B^T = W, by sequential quadratic programming (scipy)."""
    features = np.random.default_rng(0).standard_normal((6, 3, 4))
    found = smallest_nuclear_norm(features)
    assert (features * found).sum((1, 2)).min() == pytest.approx(1)

    def product(x: np.ndarray) -> np.ndarray:
        return x[:9].reshape(3, 3) @ x[9:].reshape(4, 3).T

    limit = {"type": "ineq", "fun": lambda x: (features * product(x)).sum((1, 2)) - 1}
    starts = [np.random.default_rng(seed).standard_normal(21) for seed in range(5)]
    others = [minimize(lambda x: x @ x / 2, x, constraints=limit, options={"maxiter": 1000}) for x in starts]
    best = min((other for other in others if other.success), key=lambda other: other.fun)
    assert np.linalg.norm(found, "nuc") == pytest.approx(best.fun, rel=1e-5)
    np.testing.assert_allclose(found, product(best.x), atol=1e-3)
    assert (
        np.linalg.norm(found, "nuc") < np.linalg.norm(hard_margin(features.reshape(6, -1)).reshape(3, 4), "nuc") - 0.01
    )


def test_smallest_nuclear_norm_of_one_constraint_and_of_none_that_can_be_met() -> None:
    """<F, W> >= 1 alone: the leading singular pair over the spectral norm."""
    one = np.array([[[3.0, 0.0], [0.0, 1.0]]])
    np.testing.assert_allclose(smallest_nuclear_norm(one), [[1 / 3, 0], [0, 0]], atol=1e-5)
    assert np.isnan(smallest_nuclear_norm(np.concatenate([one, -one]))).all()


def test_rules_find_their_solutions() -> None:
    found = attention.self_attention(sequences=2, tokens=4, features=5, steps=1500, draws=6)
    end = found.isel(step=-1).mean("draw")
    assert (end["frobenius_distance"].sel(rule=["normalised", "Polyak"]) < 0.005).all()
    assert float(end["frobenius_distance"].sel(rule="gradient descent")) > 0.01
    assert float(end["nuclear_distance"].sel(rule="normalised, factors")) < 0.02
    assert (end["attention"].drop_sel(rule="gradient descent") > 0.999).all()
    loss = found["log_excess_loss"].sel(rule="Polyak", draw=0)
    assert float(loss[-1]) < -700  # below what numbers hold
