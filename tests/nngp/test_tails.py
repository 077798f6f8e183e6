"""Shifted orthants far out, where ln P is millions of nats and means may be beyond all others."""

import math

import exact_orthants as exact
import numpy as np
import pytest
import torch
from scipy import special, stats

from implicitbias.errors import NumericalError
from implicitbias.nngp import mixture
from implicitbias.nngp.ep import expectation_propagation
from implicitbias.nngp.gaussian import excess, log_truncated_density
from implicitbias.nngp.orthant import log_probability

WITH_BARS = ("mixture", "tilting", "genz")
EPS = np.finfo(float).eps


def means(rng, n):
    """Distances of 1 to 10,000 deviations to either side, and now and then one without end."""
    distance = 10 ** rng.uniform(0, 4, n) * rng.choice([-1, 1], n)
    return np.where(rng.random(n) < 0.1, 1e155, distance)


@pytest.mark.parametrize("method", [*WITH_BARS, "ep"])
@pytest.mark.parametrize("seed", range(12))
def test_independent_points(method, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    mean, labels, deviation = means(rng, n), rng.choice([-1.0, 1.0], n), np.exp(rng.normal(0, 2, n))
    truth = float(special.log_ndtr(mean).sum())
    found = log_probability(np.diag(deviation**2), labels, method, mean=mean * labels * deviation)
    stderr = 1e-5 if method == "ep" else found.stderr
    assert abs(found.log_probability - truth) < 4 * stderr + 4 * EPS * abs(truth)
    assert found.stderr < 1e-3 or method == "ep"


@pytest.mark.parametrize("method", [*WITH_BARS, "ep"])
@pytest.mark.parametrize("mean", [-30, -60, -300, -1e3, -5e3, -1e4, -1e6, -1e8, 1e3, 1e8, 1e155])
@pytest.mark.parametrize("n", [1, 3])
def test_equal_distances(method, mean, n):
    truth = n * float(special.log_ndtr(mean))
    found = log_probability(torch.eye(n), torch.ones(n), method, mean=torch.full((n,), mean, dtype=torch.float64))
    assert abs(found.log_probability - truth) < 1e-5 + 8 * EPS * abs(truth)


def scores(method, problems):
    """Errors in standard errors, which hold at least the rounding of the truth itself."""
    found = []
    for number, (rho, mean) in enumerate(problems):
        estimate = log_probability([[1, rho], [rho, 1]], [1, 1], method, mean=mean, seed=number)
        truth = exact.shifted_two(rho, np.minimum(mean, 1e6))
        found.append((estimate.log_probability - truth) / (estimate.stderr + 4 * EPS * abs(truth) + 1e-9))
    return np.abs(found)


def pairs(number, seed):
    rng = np.random.default_rng(seed)
    return [(rng.uniform(-0.99, 0.99), means(rng, 2)) for _ in range(number)]


@pytest.mark.parametrize("method", ["mixture", "tilting"])
def test_two_points_at_random_distances(method):
    found = scores(method, pairs(60, seed=0))
    assert found.max() < 6
    assert (found < 3).mean() >= 0.95


@pytest.mark.parametrize("method", ["mixture", "tilting"])
@pytest.mark.parametrize("rho", [-0.9, -0.5, 0.5, 0.9])
@pytest.mark.parametrize("mean", [-60.0, -300.0, -1e3, -5e3, -1e4])
def test_two_points_at_equal_distances(method, rho, mean):
    assert scores(method, [(rho, np.array([mean, mean]))])[0] < 4.5


def test_the_exact_answer_is_that_of_scipy_near_the_mean():
    for rho, mean in [(0.5, (0.0, 0.0)), (-0.5, (-3.0, -2.0)), (0.9, (-1.0, 4.0))]:
        truth = stats.multivariate_normal(np.negative(mean), [[1, rho], [rho, 1]]).logcdf([0, 0])
        assert exact.shifted_two(rho, mean) == pytest.approx(truth, abs=1e-7)


@pytest.mark.parametrize("method", WITH_BARS)
def test_what_no_double_can_hold_is_said(method):
    with pytest.raises(NumericalError, match="below -1e308"):
        log_probability(torch.eye(2), torch.ones(2), method, mean=[-1e155, 0.0])


def test_subset_simulation_gives_up_where_it_would_never_end():
    with pytest.raises(NumericalError, match="10000 levels"):
        log_probability(torch.eye(1), torch.ones(1), "subset", mean=[-1e4], samples=64)


def test_a_mean_without_end_keeps_the_samples_where_they_are():
    found = log_probability(torch.eye(2), [1, -1], mean=[1e155, 0.0], keep_samples=True)
    assert torch.equal(found.samples[0], torch.full_like(found.samples[0], 1e155))
    assert bool((found.samples[1] < 0).all())


def test_how_exact_the_sites_are_does_not_matter(monkeypatch):
    """The weights stay those of the density that was sampled."""
    a, truth = exact.one_factor(np.array([0.6, -0.5, 0.8, 0.3, -0.7]))

    def spoilt(*arguments, **settings):
        sites = expectation_propagation(*arguments, **settings)
        noise = torch.linspace(0.7, 1.4, len(sites.tau), dtype=torch.float64)
        return type(sites)(sites.tau * noise, sites.nu / noise, sites.mean + 0.1, sites.covariance, math.nan)

    monkeypatch.setattr(mixture, "expectation_propagation", spoilt)
    found = log_probability(a, torch.ones(5))
    assert abs(found.log_probability - truth) < 4 * found.stderr
    assert found.stderr < 0.01


def test_moments_of_a_tail_keep_their_digits():
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(60):
        for t in (-5.0, 0.0, 3.0, 30.0, 99.0, 101.0, 1e3, 1e5):
            high = mpmath.mpf(t)
            h = mpmath.npdf(high) / (mpmath.erfc(high / mpmath.sqrt(2)) / 2)
            mean, variance = excess(torch.tensor([t], dtype=torch.float64))
            assert float(mean) == pytest.approx(float(h - high), rel=1e-9)
            assert float(variance) == pytest.approx(float(1 + high * h - h * h), rel=1e-7)


@pytest.mark.parametrize("t", [-1e8, -1e3, -31.0, -29.0, -1.0, 0.0, 5.0])
def test_truncated_density_integrates_to_one(t):
    v = torch.linspace(0, (40 + max(t, 0)) / max(1, -t), 20_001, dtype=torch.float64)
    density = torch.exp(log_truncated_density(v, torch.full_like(v, t))) / math.sqrt(2 * math.pi)
    assert float(torch.trapezoid(density, v)) == pytest.approx(1, abs=1e-5)


def test_sites_of_a_stack_are_those_of_its_members():
    """Each with as many updates as it has alone: far out, and a matrix that is no covariance, which spoils no other."""
    off = torch.tensor([0.5, 1 - 1e-6, -0.9, -2.0], dtype=torch.float64)
    a = torch.eye(2, dtype=torch.float64) + off[:, None, None] * (1 - torch.eye(2, dtype=torch.float64))
    mean = torch.tensor([[0.0, 0.3], [-1.0, 1.0], [-400.0, 2.0], [0.0, 0.0]], dtype=torch.float64)
    together = expectation_propagation(a, mean)
    for i in range(4):
        for one, each in zip(expectation_propagation(a[i], mean[i]), together, strict=True):
            assert torch.allclose(each[i], one, rtol=1e-8, atol=1e-12, equal_nan=True)
    assert [bool(each) for each in torch.isnan(together.mean).any(1)] == [False, False, False, True]
    assert bool(torch.isnan(together.log_probability[3]))
