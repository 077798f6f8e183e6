"""The saddle point is the same wherever its search begins."""

import pytest
import torch

from implicitbias.nngp.balance import Weighted, doubled
from implicitbias.nngp.ep import expectation_propagation
from implicitbias.nngp.gaussian import hazard
from implicitbias.nngp.standardise import standardised
from implicitbias.nngp.tilting import gge_order, minimax_tilting


def problem(n, features, seed, ridge=0.0):
    """Correlations and means in the order of sampling."""
    x = torch.randn(n, features, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    orthant = standardised(x @ x.T / features + ridge * torch.eye(n), x[:, 0].sign())
    order = gge_order(orthant.correlation, orthant.mean)
    return orthant.correlation[order][:, order], orthant.mean[order]


@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_where_the_search_begins_does_not_matter(shift):
    a, mean = problem(40, 30, seed=1, ridge=0.1)
    mean = mean + shift
    sites = expectation_propagation(a, mean, tolerance=1e-2)
    near, far = minimax_tilting(a, mean, expected=sites.mean), minimax_tilting(a, mean)
    assert float(near.upper_bound) == pytest.approx(float(far.upper_bound), abs=1e-10)
    assert torch.allclose(near.tilt, far.tilt, atol=1e-5)


def test_from_the_mean_it_takes_fewer_steps():
    a, mean = problem(40, 30, seed=1, ridge=0.1)
    sites = expectation_propagation(a, mean, tolerance=1e-2)
    assert minimax_tilting(a, mean, expected=sites.mean, cap=4).upper_bound < 0
    assert minimax_tilting(a, mean, cap=4).upper_bound == 0  # not reached


def test_a_nearly_singular_kernel_has_its_saddle_point_too():
    a, mean = problem(64, 30, seed=10)
    sites = expectation_propagation(a, mean, tolerance=1e-2)
    assert minimax_tilting(a, mean).upper_bound == 0  # lost on the way
    assert minimax_tilting(a, mean, expected=sites.mean).upper_bound < -20


def test_a_bad_place_to_begin_is_left_for_the_usual_one():
    a, mean = problem(20, 30, seed=2, ridge=0.1)
    usual = minimax_tilting(a, mean)
    assert minimax_tilting(a, mean, expected=mean.new_full(mean.shape, torch.nan)).upper_bound == usual.upper_bound


def stack(n):
    """One of its members is nearly singular: its search from the usual place is lost on the way."""
    members = [
        problem(n, features, seed, ridge) for features, seed, ridge in ((n // 2, 10, 0.0), (n, 1, 0.1), (n, 2, 1))
    ]
    return [torch.stack(each) for each in zip(*members, strict=True)]


def test_a_stack_has_the_saddle_points_of_its_members():
    a, mean = stack(64)
    sites = expectation_propagation(a, mean, tolerance=1e-2)
    for expected in (None, sites.mean, sites.mean.where(torch.tensor([True, False, True])[:, None], torch.nan)):
        together = minimax_tilting(a, mean, expected)
        assert (together.upper_bound < 0).tolist() == [expected is not None, True, True]
        for i in range(3):
            one = minimax_tilting(a[i], mean[i], None if expected is None else expected[i])
            assert torch.allclose(together.upper_bound[i], one.upper_bound, rtol=1e-9)
            assert i == 0 or torch.allclose(together.tilt[i], one.tilt, rtol=1e-9)


def test_a_stack_has_the_orders_of_its_members():
    """Also where it takes more than one block of points."""
    x = torch.randn(3, 150, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    covariance = x @ x.mT + torch.eye(150)
    deviation = covariance.diagonal(dim1=1, dim2=2).sqrt()
    a, mean = covariance / deviation[:, :, None] / deviation[:, None, :], 0.1 * x[:, :, 0]
    together = gge_order(a, mean)
    assert torch.equal(together.sort(1).values, torch.arange(150).expand(3, 150))
    for i in range(3):
        assert torch.equal(together[i], gge_order(a[i], mean[i]))


def test_every_next_point_is_the_least_likely_one():
    """By the conditional mean and variance of every point, given those before at their expected values."""
    a, mean = problem(90, 40, seed=3, ridge=0.1)
    order = gge_order(a, mean).tolist()
    lower = torch.linalg.cholesky(a[order][:, order])
    z = torch.zeros(90, dtype=torch.float64)
    for i in range(90):
        centre = mean[order] + lower[:, :i] @ z[:i]
        deviation = (1 - lower[:, :i].square().sum(1)).clamp(min=1e-14).sqrt()
        assert int(torch.argmin((centre / deviation)[i:])) == 0
        z[i] = hazard(-centre[i] / lower[i, i])


def test_samples_are_doubled_until_the_standard_error_is_small_enough():
    asked = []

    def estimate(samples):
        asked.append(samples)
        stderr = torch.tensor(1 / samples, dtype=torch.float64)
        return Weighted([torch.zeros(1, 1, samples)], torch.zeros(samples), torch.tensor(-1.0), stderr)

    assert doubled(estimate, 10, 1 / 70, cap=1000, stacklevel=1).stderr == 1 / 80
    assert asked == [10, 20, 40, 80]
