import math

import numpy as np
import pytest
import torch

from implicitbias.errors import ConfigError, NumericalError
from implicitbias.nngp.bounds import bound, closed, pac_bayes, pac_bayes_given_first
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


def test_bound_given_the_first_labels_is_the_formula_and_without_them_the_plain_one():
    expected = 1 - math.exp(-(90.0 - 60.0 + math.log(2 * 3 * 150 / 0.01)) / 149)
    assert pac_bayes_given_first(90.0, 60.0, 200, 50, choices=3) == pytest.approx(expected, abs=1e-14)
    assert pac_bayes_given_first(90.0, 0.0, 200, 0, delta=0.05) == pac_bayes(90.0, 200, delta=0.05)
    assert pac_bayes_given_first(90.0, 89.0, 200, 199) == 1


def lines_in_the_plane(n, repeats, seed):
    """Labels sign(w x) of a linear function in the plane, whose orthants and posterior are known exactly.

    The prior is a direction drawn uniformly from the circle. The directions that fit n points drawn uniformly are an
    arc about the true direction: C is -ln of its part of the circle, and the Gibbs error the mean angle from the truth
    over pi.

    Returns:
        For every number of points from 0 to n, `(repeats, n + 1)`: complexities and Gibbs errors.
    """
    angles = np.random.default_rng(seed).uniform(0, np.pi, (repeats, n))  # of the boundaries, from the true direction
    right = np.minimum.accumulate(np.column_stack([np.full(repeats, np.pi), angles]), axis=1)
    left = np.minimum.accumulate(np.column_stack([np.full(repeats, np.pi), np.pi - angles]), axis=1)
    arc = left + right
    return -np.log(arc / (2 * np.pi)), (left**2 + right**2) / (2 * arc * np.pi)


@pytest.mark.parametrize("delta", [0.01, 0.2])
def test_bound_given_the_first_labels_holds_where_everything_is_known(delta):
    """For every single m, and for the best of several, in at least 1 - delta of the draws of points."""
    n, repeats, sizes = 40, 4000, [2, 5, 10, 20, 30]
    complexity, gibbs = lines_in_the_plane(n, repeats, seed=1)

    def given(m, choices):
        pairs = zip(complexity[:, n], complexity[:, m], strict=True)
        return np.array([pac_bayes_given_first(whole, part, n, m, delta, choices) for whole, part in pairs])

    allowed = delta + 3 * math.sqrt(delta * (1 - delta) / repeats)
    for m in sizes:
        assert (gibbs[:, n] > given(m, 1)).mean() <= allowed
    best = np.min([given(m, len(sizes)) for m in sizes], axis=0)
    assert (gibbs[:, n] > best).mean() <= allowed
    plain = np.array([pac_bayes(whole, n, delta) for whole in complexity[:, n]])
    assert best.min() > 0
    assert (gibbs[:, n] > plain).mean() <= allowed


def test_the_known_task_would_show_a_wrong_bound():
    """Without the term for confidence the same bound fails on more than a tenth of the draws."""
    n, m = 40, 20
    complexity, gibbs = lines_in_the_plane(n, 4000, seed=1)
    wrong = -np.expm1(-(complexity[:, n] - complexity[:, m]) / (n - m))
    assert (gibbs[:, n] > wrong).mean() > 0.1


def test_first_labels_tighten_the_bound_where_learning_is_fast_at_the_start():
    """Random labels but for the last: predicting them costs ln 2 each, and the rest nothing."""
    fast = pac_bayes_given_first(50 * math.log(2), 50 * math.log(2), 200, 50)
    assert fast < 0.5 * pac_bayes(50 * math.log(2), 200)
    steady = pac_bayes_given_first(200 * math.log(2), 50 * math.log(2), 200, 50)
    assert steady > pac_bayes(200 * math.log(2), 200) > 0.5
