"""The predicted error of the classifier of largest margin: against support vector machines, and where it is known."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.svm import LinearSVC

from implicitbias.studies.largest_margin import (
    boundary,
    error_of_average,
    error_of_largest_margin,
    errors_in_the_limit,
)
from implicitbias.tasks.synthetic import signal_and_noise


@pytest.mark.parametrize("ratio", [2, 4])
def test_it_is_that_of_large_support_vector_machines(ratio: int) -> None:
    """400 points; a hard margin is a penalty that is large."""
    n, signal, flip, errors = 400, 5 / 400, 0.1, []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        x, y = signal_and_noise(rng, n + 2000, features=ratio * n, signal=signal)
        seen = y[:n].copy()
        seen[: int(flip * n)] *= -1
        machine = LinearSVC(loss="hinge", C=1e4, fit_intercept=False, max_iter=20_000, tol=1e-3).fit(x[:n], seen)
        assert (machine.predict(x[:n]) == seen).all()
        errors.append((machine.predict(x[n:]) != y[n:]).mean())
    predicted = errors_in_the_limit(ratio, signal * n, np.array([flip]), signal).item()
    assert np.mean(errors) == pytest.approx(predicted, abs=4 * np.std(errors, ddof=1) / 2 + 0.003)


def test_a_very_high_dimension_averages_the_points() -> None:
    """Then all points are support vectors of equal weight, up to flipped ones: interpolation, in closed form."""
    ratio, strength, rate = 1e6, 1e-4, 0.1
    found = errors_in_the_limit(ratio, strength, np.array([rate])).item()
    assert found == pytest.approx(norm.cdf(-np.sqrt(ratio) * strength * (1 - 2 * rate)), rel=0.02)


def test_errors_rise_with_flips_and_fall_with_dimension_and_signal() -> None:
    of_rates = errors_in_the_limit(3.0, 5.0, np.array([0.0, 0.1, 0.2, 0.3]))
    assert (np.diff(of_rates) > 0).all()
    assert (np.diff([errors_in_the_limit(r, 5.0, np.array([0.1])).item() for r in (1.0, 2.0, 4.0)]) < 0).all()
    assert (np.diff([errors_in_the_limit(2.0, s, np.array([0.1])).item() for s in (1.0, 2.0, 4.0)]) < 0).all()


def test_without_flips_a_strong_signal_is_all_that_is_found() -> None:
    """There is no noise along it."""
    assert errors_in_the_limit(2.0, 50.0, np.array([0.0])).item() < 1e-8


def test_the_boundary_is_where_the_error_is_at_the_level() -> None:
    at = boundary(50, 0.1, 0.1, 0.01)
    assert error_of_largest_margin(at, 50, 0.1, 0.1) == pytest.approx(0.01, rel=0.02)


def test_there_is_no_boundary_without_signal_or_where_all_is_signal() -> None:
    assert np.isnan(boundary(20, 0.0, 0.1, 0.01))
    assert np.isnan(boundary(20, 1.0, 0.1, 0.01))


def test_the_average_of_many_points() -> None:
    """Without flips: Phi(-s sqrt(n d)/(1 - s))."""
    n, ratio, signal = 300, 2, 0.02
    rng, errors = np.random.default_rng(0), []
    for _ in range(5):
        x, y = signal_and_noise(rng, n + 2000, features=ratio * n, signal=signal)
        errors.append((y[n:] * (x[n:] @ (y[:n] @ x[:n])) < 0).mean())
    assert np.mean(errors) == pytest.approx(error_of_average(ratio, n, signal, 0.0), abs=0.004)
