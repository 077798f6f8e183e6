import math

import numpy as np
import pytest
import torch

from implicitbias.errors import ConfigError, NumericalError
from implicitbias.nngp.bounds import bound, closed, pac_bayes
from implicitbias.nngp.orthant import log_probability


def problem(n=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 2 * n, generator=generator, dtype=torch.float64)
    return x @ x.T / (2 * n), torch.sign(torch.randn(n, generator=generator, dtype=torch.float64))


@pytest.mark.parametrize(("constant", "c"), [("tight", math.log(2) - 0.5), ("published", 0.2)])
def test_closed_bound_of_the_identity(constant, c):
    """K = I: C1 = n(c + 1/2), and with the tight constant that is n ln 2, the truth."""
    labels = torch.tensor([1, -1, 1, 1, -1])
    assert closed(torch.eye(5, dtype=torch.float64), labels, constant) == pytest.approx(5 * (c + 0.5), abs=1e-12)


def test_closed_bound_is_the_formula():
    kernel, labels = problem()
    k, y, n = kernel.numpy(), labels.numpy(), 12
    inverse = np.linalg.inv(k)
    root = np.linalg.det(k) ** (1 / n)
    expected = n / 5 + root * ((0.5 - 1 / np.pi) * np.trace(inverse) + y @ inverse @ y / np.pi)
    assert closed(kernel, labels, "published") == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_closed_bound_lies_above_the_truth(seed):
    kernel, labels = problem(seed=seed)
    estimate = log_probability(kernel, labels)
    assert closed(kernel, labels) > -estimate.log_probability + 4 * estimate.stderr
    assert bound(kernel, labels).log_probability == -closed(kernel, labels)


def test_closed_bound_ignores_the_scale_of_the_kernel():
    kernel, labels = problem()
    assert closed(7 * kernel, labels) == pytest.approx(closed(kernel, labels), rel=1e-12)


def test_closed_bound_refuses_what_it_cannot_do():
    with pytest.raises(NumericalError, match="singular"):
        closed(torch.ones(3, 3, dtype=torch.float64), torch.ones(3))
    with pytest.raises(ConfigError, match="did you mean 'tight'"):
        closed(torch.eye(3, dtype=torch.float64), torch.ones(3), "tigth")


def test_pac_bayes_bound_is_the_formula():
    assert pac_bayes(170.5, 500) == pytest.approx(1 - math.exp(-(170.5 + math.log(1000 / 0.01)) / 499), abs=1e-14)
    assert pac_bayes(170.5, 500) == pytest.approx(0.306, abs=1e-3)  # decimal, L = 7 on MNIST
    assert pac_bayes(30.143, 500) == pytest.approx(0.080, abs=1e-3)


def test_pac_bayes_bound_grows_with_complexity_and_confidence_and_is_vacuous_for_one_point():
    assert pac_bayes(10, 50) < pac_bayes(20, 50) < pac_bayes(20, 50, delta=1e-6) < 1
    assert pac_bayes(0.7, 1) == 1
