"""Kernels that are singular, or so nearly that rounding matters: ln P within the error that is stated, or a refusal."""

import itertools
import math
import warnings

import exact_orthants as exact
import numpy as np
import pytest
import torch

from implicitbias.errors import ConvergenceWarning, NumericalError
from implicitbias.nngp.orthant import log_probability

SIGNS = list(itertools.product([1, -1], repeat=3))[:4]


def nearly_flat(squared_angle, lift, place=0.5):
    """Three unit vectors within an angle d, the third `place` d along and `lift` d above the plane of the others.

    Returns:
        Their kernel, and a function from signs to ln P by the arcsine law in 60 digits.
    """
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(60):
        d = mpmath.sqrt(squared_angle)
        rows = [[1, 0, 0], [mpmath.cos(d), mpmath.sin(d), 0], [mpmath.cos(place * d), mpmath.sin(place * d), lift * d]]
        rows = [[x / mpmath.sqrt(sum(y * y for y in row)) for x in row] for row in rows]
        cosines = {
            (i, j): sum(x * y for x, y in zip(rows[i], rows[j], strict=True)) for i, j in ((0, 1), (0, 2), (1, 2))
        }
    x = torch.tensor([[float(value) for value in row] for row in rows], dtype=torch.float64)

    def truth(signs):
        with mpmath.workdps(60):
            total = sum(mpmath.asin(signs[i] * signs[j] * c) for (i, j), c in cosines.items())
            return float(mpmath.log(mpmath.mpf(1) / 8 + total / (4 * mpmath.pi)))

    return x @ x.T, truth


@pytest.mark.parametrize("squared_angle", [2e-6, 2e-8, 2e-9, 2e-10])
@pytest.mark.parametrize("signs", SIGNS)
def test_three_nearly_equal_vectors(squared_angle, signs):
    kernel, truth = nearly_flat(squared_angle, 0.01)
    found = log_probability(kernel, signs)
    assert abs(found.log_probability - truth(signs)) < 4 * found.stderr
    assert found.stderr < 0.05


@pytest.mark.parametrize("seed", range(20))
def test_three_nearly_equal_vectors_at_random(seed):
    """Either the answer within its error, or the statement that rounding decides it; which only thin events may get."""
    rng = np.random.default_rng(seed)
    kernel, truth = nearly_flat(10 ** rng.uniform(-11, -4), 10 ** rng.uniform(-3, 0), rng.uniform(0.1, 0.9))
    for signs in SIGNS:
        try:
            found = log_probability(kernel, signs)
        except NumericalError as error:
            said, held = str(error), truth(signs) < -14
        else:
            said, held = "rounding", abs(found.log_probability - truth(signs)) < 4.5 * found.stderr
        assert "rounding" in said
        assert held


@pytest.mark.parametrize("seed", range(12))
def test_the_jitter_is_part_of_the_standard_error(seed):
    """Wedges of the plane, down to where their borders count as one."""
    rng = np.random.default_rng(seed)
    n, thickness = int(rng.integers(3, 12)), 10 ** rng.uniform(-5.7, -1)
    angle = rng.uniform(-math.pi / 2 + 0.1, math.pi / 2 - 0.1, n)
    angle[:2] = [-math.pi / 2 + thickness / 2, math.pi / 2 - thickness / 2]  # normals of the wedge's borders
    x = torch.tensor(np.stack([np.cos(angle), np.sin(angle)], 1) * np.exp(rng.normal(0, 1, (n, 1))))
    labels = torch.tensor(rng.choice([-1.0, 1.0], n))
    x = x * labels[:, None]
    truth = exact.in_the_plane(x, labels)
    found = log_probability(x @ x.T, labels)
    assert abs(found.log_probability - truth) < 4.5 * found.stderr


def test_few_effective_samples_are_warned_of():
    """Tilting alone, on many points of low rank."""
    x = torch.randn(500, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with pytest.warns(ConvergenceWarning, match=r"tilting: .* of 4096 samples are effective"):
        found = log_probability(x @ x.T, x[:, 0].sign(), "tilting")
    assert found.effective_sample_size < 100


def test_many_effective_samples_are_not():
    x = torch.randn(60, 100, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for method in ("mixture", "tilting"):
            log_probability(x @ x.T, x[:, 0].sign(), method)
            log_probability(x[:5] @ x[:5].T, x[:5, 0].sign(), method, samples=1)  # 64 or 128, most of them effective
