import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from implicitbias.studies.intervals import joint_intervals, test_points

ERRORS = (0.17, 0.09, 0.07)
STATISTICS = {
    "error": lambda e: e[..., 0],
    "difference": lambda e: e[..., 0] - e[..., 1],
    "fraction": lambda e: (0.5 - e[..., 0]) / (0.5 - e[..., 2]),
    "log ratio": lambda e: np.log(e[..., 0].clip(1e-4) / e[..., 2].clip(1e-4)),
}


def points_of(kind, draws, size, rng):
    """Draws that have all test points in common, half of them, or none."""
    if kind == "own":
        return np.arange(draws * size).reshape(draws, size)
    if kind == "shared":
        return np.tile(np.arange(size), (draws, 1))
    return np.stack([rng.permutation(2 * size)[:size] for _ in range(draws)])


def simulated(kind, draws, size, of_draw, of_point, rng):
    """Errors 0 and 1 of three kinds of networks whose expectations are ERRORS.

    An error happens where a normal variable, the sum of an effect of the draw, one of the point and one of both, is
    below a threshold; the three kinds have half of the effects' variance in common.
    """
    points = points_of(kind, draws, size, rng)

    def effect(*shape):
        return np.sqrt(0.5) * (rng.standard_normal(shape) + rng.standard_normal((len(ERRORS), *shape)))

    latent = of_draw * effect(draws)[..., None] + of_point * effect(points.max() + 1)[:, points]
    latent += effect(draws, size)
    threshold = norm.ppf(ERRORS) * np.sqrt(of_draw**2 + of_point**2 + 1)
    return (latent < threshold[:, None, None]).astype(float), points


@pytest.mark.parametrize("kind", ["shared", "half", "own"])
@pytest.mark.parametrize(("of_draw", "of_point"), [(0.05, 1.0), (0.2, 0.7), (0.2, 0.0)])
def test_intervals_cover_draws_and_test_points(kind, of_draw, of_point):
    """Of 95 % intervals 92 to 98 % hold the truth; 1000 repetitions have a standard error of .7 %."""
    rng = np.random.default_rng(1)
    truth = {name: statistic(np.array(ERRORS)) for name, statistic in STATISTICS.items()}
    covered = dict.fromkeys(STATISTICS, 0.0)
    for _ in range(1000):
        found = joint_intervals(*simulated(kind, 10, 200, of_draw, of_point, rng), list(STATISTICS.values()))
        for name, interval in zip(STATISTICS, found, strict=True):
            covered[name] += (interval.low <= truth[name] <= interval.high) / 1000
    assert all(0.92 <= value <= 0.98 for value in covered.values()), covered


def test_intervals_over_draws_alone_would_not_cover_shared_test_points():
    """The test above can fail: with test points taken as every draw's own the intervals are far too short."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(300):
        errors, points = simulated("shared", 10, 200, 0.05, 1.0, rng)
        alone = np.arange(points.size).reshape(points.shape)
        (interval,) = joint_intervals(errors, alone, [STATISTICS["error"]])
        covered += interval.low <= ERRORS[0] <= interval.high
    assert covered / 300 < 0.8


def test_intervals_cover_the_error_of_a_learner_on_a_task_with_a_known_answer():
    """The mean of ten labelled points as a linear classifier of two Gaussian clusters: its error is Phi(-w.mu/|w|)."""
    rng = np.random.default_rng(2)
    mean = np.full(5, 0.6)

    def learn(draws):
        return mean + rng.standard_normal((draws, 5)) / np.sqrt(10)

    directions = learn(200_000)
    truth = norm.cdf(-(directions @ mean) / np.linalg.norm(directions, axis=1)).mean()
    covered, repetitions = 0, 1000
    for _ in range(repetitions):
        test = mean + rng.standard_normal((300, 5))  # shared, and turned so that every label is +1
        errors = (learn(10) @ test.T <= 0).astype(float)
        (interval,) = joint_intervals(errors[None], np.tile(np.arange(300), (10, 1)), [lambda e: e[..., 0]])
        covered += interval.low <= truth <= interval.high
    assert 0.92 <= covered / repetitions <= 0.98


def test_the_covariance_is_that_of_a_bootstrap_of_draws_and_points():
    """Of errors whose effects of draws and points dominate, so that what a plain bootstrap counts twice is little."""
    rng = np.random.default_rng(3)
    draws, size = 40, 150
    points = np.tile(np.arange(size), (draws, 1))
    errors = (
        rng.standard_normal(draws)[:, None] + rng.standard_normal(size) + 0.1 * rng.standard_normal((draws, size))
    )[None]
    (interval,) = joint_intervals(errors, points, [lambda e: e[..., 0]])
    resampled = [
        errors[0][np.ix_(rng.integers(draws, size=draws), rng.integers(size, size=size))].mean() for _ in range(4000)
    ]
    assert (interval.high - interval.low) / (2 * 2 * np.std(resampled)) == pytest.approx(1, abs=0.08)


def test_a_sample_without_errors_does_not_prove_that_there_are_none():
    (interval,) = joint_intervals(np.zeros((1, 10, 120)), np.tile(np.arange(120), (10, 1)), [lambda e: e[..., 0]])
    assert interval.centre == 0
    assert interval.high >= 1 / 120


def test_one_draw_has_no_interval():
    (interval,) = joint_intervals(np.full((1, 1, 5), 0.25), np.arange(5)[None], [lambda e: e[..., 0]])
    assert interval.centre == 0.25
    assert np.isnan([interval.low, interval.high]).all()


@pytest.mark.parametrize(("source", "shared"), [("digits", True), ("gaussian", False)])
def test_draws_of_real_sources_share_points_by_their_index(source, shared):
    dataset = xr.Dataset({"test_index": (("seed", "test_point"), [[3, 4], [4, 5]])}, {"source": source})
    assert len(np.unique(test_points(dataset))) == (3 if shared else 4)
