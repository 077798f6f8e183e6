import numpy as np
import pytest
import torch
from scipy import integrate, special, stats

from implicitbias.nngp.gaussian import hazard, log_ndtr, log_ndtr_sum, ndtr, truncated

T = torch.tensor([-1e6, -1e3, -200, -38.5, -37, -30.001, -29.999, -8, -1, 0, 1, 8, 40], dtype=torch.float64)


def test_normal_cdf_agrees_with_scipy_into_the_tails():
    assert np.allclose(log_ndtr(T), special.log_ndtr(T.numpy()), rtol=1e-13, atol=1e-16)
    assert np.allclose(ndtr(T), special.ndtr(T.numpy()), rtol=1e-12, atol=0)


def test_arguments_are_left_alone():
    t = T.clone()
    u = torch.full_like(t, 0.3)
    log_ndtr(t), ndtr(t), hazard(t), truncated(t, u)
    assert torch.equal(t, T)
    assert torch.equal(u, torch.full_like(t, 0.3))


@pytest.mark.parametrize("t", [-40.0, -3.0, 0.0, 2.0, 20.0, 1e5])
def test_hazard_is_the_density_over_the_tail(t):
    expected = np.exp(stats.norm.logpdf(t) - stats.norm.logsf(t))
    assert float(hazard(torch.tensor(t, dtype=torch.float64))) == pytest.approx(expected, rel=1e-6, abs=1e-300)


def test_hazard_is_the_mean_beyond_t():
    mass = integrate.quad(stats.norm.pdf, 1, 12)[0]
    mean = integrate.quad(lambda x: x * stats.norm.pdf(x), 1, 12)[0] / mass
    assert float(hazard(torch.tensor(1.0, dtype=torch.float64))) == pytest.approx(mean, rel=1e-9)


@pytest.mark.parametrize("u", [2.0**-31, 1e-3, 0.5, 1 - 2.0**-31])
def test_truncated_normal_inverts_its_cdf(u):
    """ln P[normal > v] = ln u + ln Phi(t), and v >= -t, at any distance."""
    t = T[T < 5]
    v = truncated(t, torch.full_like(t, u))
    assert (v >= -t).all()
    wanted = np.log(u) + stats.norm.logcdf(t.numpy())
    assert np.allclose(stats.norm.logsf(v.numpy()), wanted, rtol=1e-12, atol=1e-9)
    excess = (v + t)[t < -100] * -t[t < -100]  # far out the excess is exponential with rate -t
    assert np.allclose(excess, -np.log(u), rtol=2e-3, atol=1e-3)


def test_truncated_normal_has_the_right_mean():
    u = (torch.arange(20000, dtype=torch.float64) + 0.5) / 20000
    for t in (-35.0, -5.0, 0.0, 3.0):
        sample = truncated(torch.full_like(u, t), u)
        assert float(sample.mean()) == pytest.approx(float(hazard(torch.tensor(-t, dtype=torch.float64))), abs=2e-4)


@pytest.mark.parametrize("lowest", [-5.0, -20.0, -200.0])
def test_a_sum_of_logarithms_is_exact_where_the_product_underflows_too(lowest: float) -> None:
    t = torch.linspace(lowest, 4, 120, dtype=torch.float64).reshape(4, 10, 3)
    exact = special.log_ndtr(t.numpy()).sum(1)
    assert np.allclose(log_ndtr_sum(t, 1), exact, rtol=1e-13, atol=1e-14)
