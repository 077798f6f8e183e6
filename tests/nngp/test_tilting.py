"""The saddle point is the same wherever its search begins."""

import pytest
import torch

from implicitbias.nngp.balance import Weighted, doubled
from implicitbias.nngp.ep import expectation_propagation
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
    assert near.upper_bound == pytest.approx(far.upper_bound, abs=1e-10)
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


def test_samples_are_doubled_until_the_standard_error_is_small_enough():
    asked = []

    def estimate(samples):
        asked.append(samples)
        return Weighted(torch.zeros(1, samples), torch.zeros(samples), -1.0, 1 / samples)

    assert doubled(estimate, 10, 1 / 70, cap=1000, stacklevel=1).stderr == 1 / 80
    assert asked == [10, 20, 40, 80]
