"""Slabs, masks, balls and Boolean targets: data by their definition, outcomes where they are known."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from implicitbias.experiments import ball, boolean, pruning, simplicity


@pytest.mark.parametrize("slabs", [1, 5, 7])
def test_a_coordinate_alone_decides_the_label(slabs: int) -> None:
    """Slabs of equal width, 2 gamma = .2 apart, of alternating labels, that fill [-1, 1]; the middle one negative."""
    rng = np.random.default_rng(0)
    labels = 2.0 * rng.integers(2, size=20_000) - 1
    x = simplicity.slab_coordinate(rng, slabs, labels)
    order = np.argsort(x)
    gaps = np.flatnonzero(np.diff(x[order]) > 0.15)
    pieces = np.split(order, gaps + 1)
    assert len(pieces) == max(slabs, 2)
    assert np.diff(x[order])[gaps] == pytest.approx(0.2, abs=0.01)
    signs = [labels[piece] for piece in pieces]
    assert all((sign == sign[0]).all() for sign in signs)
    if slabs == 1:
        assert [sign[0] for sign in signs] == [-1, 1]
    assert np.ptp(x) == pytest.approx(2, abs=0.01)
    if slabs > 1:
        assert signs[slabs // 2][0] == -1
        assert all(a[0] == -b[0] for a, b in pairwise(signs))
        second = [np.mean(x[labels == sign] ** 2) for sign in (1, -1)]
        assert second[0] == pytest.approx(second[1], rel=0.03)  # no quadratic feature gives the label away


def test_noise_hides_the_linear_coordinate_of_its_share_of_points() -> None:
    x, y = simplicity.slabs(np.random.default_rng(1), (1, 7), 20_000, 3, noise=0.3)
    inside = np.abs(x[:, 0]) < 0.1
    assert inside.mean() == pytest.approx(0.3, abs=0.02)
    assert (x[~inside, 0] * y[~inside] > 0).all()
    assert abs((x[inside, 0] * y[inside] > 0).mean() - 0.5) < 0.05


def test_networks_see_the_linear_coordinate_alone() -> None:
    found = simplicity.simplicity_bias(data="lms_5", train_size=4000, test_size=2000, epochs=20)
    assert float(found["accuracy"]) > 0.95
    assert abs(float(found["simple_randomized_auc"]) - 0.5) < 0.08
    assert float(found["complex_randomized_auc"]) > 0.98


def test_masks_keep_their_share_and_cost_what_they_must() -> None:
    whole, half, none = (pruning.pruning(keep=keep, features=200, width=20, steps=300) for keep in (1.0, 0.5, 0.002))
    assert float(whole["signal_neurons"]) == 40
    assert abs(float(half["signal_neurons"]) - 20) < 4 * float(half["signal_neurons_stderr"])
    assert float(whole["test_error"]) < 0.02
    assert float(none["test_error"]) > 0.4


def test_the_ball_holds_half_of_the_points_and_two_layers_find_it() -> None:
    found = ball.ball_indicator(features=5, width=100, train_size=500, steps=1500, draws=2)
    loss = found["test_loss"]
    assert (found["best_test_loss"] <= loss).all()
    assert (found["best_test_loss"] < 0.27).all()  # a constant half has .25
    assert float(loss.sel(network="two hidden layers")) < 0.7 * float(loss.sel(network="one hidden layer"))


def test_random_and_trained_networks_that_fit() -> None:
    """All bits of both kinds' functions at the training inputs are the target's: accuracy 1 where all are given."""
    found = boolean.boolean_posterior(inputs=3, train_size=8, draws=20_000, runs=20, epochs=2000, seed=1)
    assert float(found["bayes_count"]) > 0
    assert float(found["sgd_count"]) > 0
    assert found.sizes["rank"] == 1
    assert found["bayes_probability"].item() == found["sgd_probability"].item() == 1
    some = boolean.boolean_posterior(inputs=4, train_size=8, draws=20_000, runs=50, epochs=500, kept=10**6)
    for kind in ("bayes", "sgd"):
        assert float(some[f"{kind}_probability"].sum()) == pytest.approx(1)
        assert 0.4 < float(some[f"{kind}_accuracy"]) <= 1


def test_the_target_has_both_signs() -> None:
    target = boolean._target(boolean._network(5, 10), boolean._corners(5), 0)
    assert 1 / 32 <= float(target.float().mean()) <= 31 / 32
    assert target.dtype == torch.bool


def test_pruned_networks_are_trained_as_autograd_would() -> None:
    generator = torch.Generator().manual_seed(3)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    mask = (torch.rand(2, 4, 30, generator=generator) < 0.6).double()
    start, y, noise = 0.1 * normal(2, 4, 30) * mask, normal(2, 5).sign(), normal(2, 5, 30) / 30**0.5
    noise[..., 0] = 0
    along, output = 0.7 * y[..., None], torch.tensor([0.5, 0.5, -0.5, -0.5], dtype=torch.float64)
    weight = start.clone().requires_grad_(True)
    for _ in range(30):
        patches = torch.cat([torch.zeros_like(noise), noise]).reshape(2, 2, 5, 30).clone()
        patches[0, ..., 0] = along[..., 0]
        outputs = (torch.relu(patches @ weight.mT).sum(0) @ output) * y
        (gradient,) = torch.autograd.grad(torch.nn.functional.softplus(-outputs).mean(1).sum(), weight)
        with torch.no_grad():
            weight -= 2.0 * gradient * mask
    found = pruning.trained(start, mask, output, y, along, noise, 2.0, 30)
    assert torch.allclose(found, weight.detach(), atol=1e-12)
    assert not torch.allclose(found, start, atol=0.1)
