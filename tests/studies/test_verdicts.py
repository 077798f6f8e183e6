"""What checks are written with."""

import numpy as np
import xarray as xr
from scipy.stats import ttest_1samp

from implicitbias.studies.verdicts import last, mean_interval, rank_correlation, rank_interval


def test_rank_intervals_cover() -> None:
    """95 % of intervals from 30 pairs hold the rank correlation of the bivariate normal, 6/pi asin(rho/2)."""
    rng, truth = np.random.default_rng(0), 6 / np.pi * np.arcsin(0.6 / 2)
    held = 0
    for _ in range(400):
        x, noise = rng.normal(size=(2, 30))
        low, middle, high = rank_interval(x, 0.6 * x + 0.8 * noise)
        assert low < middle < high
        held += low <= truth <= high
    assert 0.91 <= held / 400 <= 0.99
    assert rank_correlation([1, 1, 1], [1, 2, 3]) == 0
    assert np.isnan(rank_interval([1, 2, 3], [1, 2, 3])[0])


def test_intervals_of_means_are_students() -> None:
    """SciPy's one-sample test has the same interval; of one draw there is none."""
    draws = np.random.default_rng(0).normal(1, 2, 5)
    low, centre, high = mean_interval(draws)
    wanted = ttest_1samp(draws, 0).confidence_interval(0.95)
    np.testing.assert_allclose([low, centre, high], [wanted.low, draws.mean(), wanted.high])
    low, centre, high = mean_interval([3.0])
    assert np.isnan([low, high]).all()
    assert centre == 3


def test_a_study_of_one_checkpoint_is_at_its_last() -> None:
    steps = xr.Dataset({"error": (("seed", "step"), [[3.0, 1.0], [4.0, 2.0]])})
    np.testing.assert_array_equal(last(steps)["error"], [1, 2])
    xr.testing.assert_identical(last(last(steps)), last(steps))
