import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from implicitbias.experiments.calibration import FAMILIES, calibrate, random_problem
from implicitbias.schema import violations


def test_exact_answers_agree_with_direct_simulation():
    """The three smallest of each family that are not too rare to be seen."""
    checked = dict.fromkeys(FAMILIES, 0)
    for seed in range(400):
        problem = random_problem(seed)
        if problem.log_probability < -7 or checked[problem.family] == 3:
            continue
        generator = torch.Generator().manual_seed(seed)
        z = torch.randn(100_000, len(problem.labels), generator=generator, dtype=torch.float64)
        f = z @ torch.linalg.cholesky(problem.kernel).T
        share = float((f * problem.labels > 0).all(1).double().mean())
        p = math.exp(problem.log_probability)
        assert abs(share - p) < 4.5 * math.sqrt(p / 100_000)
        checked[problem.family] += 1
    assert set(checked.values()) == {3}


def test_exact_answers_agree_with_scipy():
    checked = 0
    for seed in range(100):
        problem = random_problem(seed)
        if not 2 <= len(problem.labels) <= 5:
            continue
        signs = problem.labels.numpy()
        covariance = problem.kernel.numpy() * np.outer(signs, signs)
        p = multivariate_normal(cov=covariance, allow_singular=True).cdf(np.zeros(len(signs)))
        assert problem.log_probability == pytest.approx(math.log(p), abs=2e-3)
        checked += 1
    assert checked >= 20


def test_problems_span_the_sizes():
    sizes = [len(random_problem(seed).labels) for seed in range(200)]
    assert min(sizes) == 1
    assert max(sizes) > 700
    assert max(sizes) <= 1000


def test_mixture_is_calibrated():
    dataset = calibrate("mixture", problems=60, samples=2048)
    assert violations(dataset) == []
    score = np.abs(dataset.score)
    assert float((score < 3).mean()) >= 0.95
    assert 0.45 < float((score < 1).mean()) < 0.95
    assert float(dataset.complexity_stderr.max()) < 0.1


def test_importance_is_not():
    dataset = calibrate("importance", problems=30, samples=2000)
    assert float((np.abs(dataset.score) < 3).mean()) < 0.9


def test_estimators_are_set_the_same_problems():
    one, other = calibrate("tilting", problems=5, samples=256), calibrate("genz", problems=5, samples=256)
    assert np.array_equal(one.exact_complexity, other.exact_complexity)
    assert not np.array_equal(one.complexity, other.complexity)


@pytest.mark.parametrize(("estimator", "freedom"), [("mixture", 31), ("subset", 15), ("importance", 255)])
def test_each_estimator_has_its_own_degrees_of_freedom(estimator, freedom):
    dataset = calibrate(estimator, problems=3, samples=256)
    known = dataset.degrees_of_freedom.dropna("problem")
    assert known.size
    assert (known == freedom).all()


@pytest.mark.slow
def test_mixture_is_calibrated_on_many_problems():
    """The scores have the spread of a t variable with 31 degrees of freedom (sd 1.03, 99.5 % within 3)."""
    score = calibrate("mixture", seed=1).score.values
    assert (np.abs(score) < 3).mean() >= 0.98
    assert 0.85 < np.sqrt(np.mean(np.clip(score, -4, 4) ** 2)) < 1.3
    assert abs(np.mean(np.clip(score, -4, 4))) < 0.3
