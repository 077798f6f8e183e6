import math

import exact_orthants as exact
import numpy as np
import pytest
import torch

from implicitbias.errors import ConvergenceWarning
from implicitbias.nngp.importance import importance
from implicitbias.nngp.orthant import log_probability


def test_it_is_exact_for_independent_signs():
    estimate = importance(torch.eye(20, dtype=torch.float64), torch.ones(20), draws=100)
    assert estimate.log_probability == pytest.approx(-20 * math.log(2), abs=1e-12)
    assert estimate.effective_sample_size == pytest.approx(100)


def test_it_is_right_in_few_dimensions():
    a, truth = exact.one_factor(np.array([0.5, -0.4, 0.6]))
    estimate = importance(a, torch.ones(3), draws=200_000)
    assert abs(estimate.log_probability - truth) < 4 * estimate.stderr
    assert estimate.stderr < 0.01
    assert estimate.lower_bound < truth


def test_it_is_the_published_formula():
    """The same draws put through the formula as printed."""
    a = exact.one_factor(np.array([0.5, -0.4, 0.6, 0.1]))[0]
    labels = torch.tensor([1, -1, 1, 1], dtype=torch.float64)
    z = torch.randn(4, 1000, generator=torch.Generator().manual_seed(3), dtype=torch.float64).abs()
    inner = torch.linalg.det(a) ** 0.25 * torch.linalg.inv(a) - torch.eye(4, dtype=torch.float64)
    c = labels[:, None] * z
    log_mean = torch.logsumexp(-0.5 * (c * (inner @ c)).sum(0), 0) - math.log(1000)
    estimate = importance(a, labels, draws=1000, seed=3)
    assert estimate.log_probability == pytest.approx(float(log_mean) - 4 * math.log(2), abs=1e-12)


def test_it_has_not_converged_where_labels_have_structure():
    a, truth = exact.one_factor(np.full(100, 0.9))
    with pytest.warns(ConvergenceWarning, match="importance: .* of 20000 samples are effective"):
        estimate = importance(a, torch.ones(100), draws=20_000)
    assert estimate.effective_sample_size < 20
    assert truth - estimate.log_probability > 5
    mixture = log_probability(a, torch.ones(100))
    assert abs(mixture.log_probability - truth) < 4 * mixture.stderr
