import math

import numpy as np
import pytest
import torch

from implicitbias.nngp.calibration import block_problem, calibrate
from implicitbias.schema import violations


def test_exact_answers_agree_with_direct_simulation():
    checked = 0
    for seed in range(200):
        kernel, labels, log_p = block_problem(seed)
        if log_p < -7 or checked == 5:
            continue
        generator = torch.Generator().manual_seed(seed)
        z = torch.randn(200_000, len(labels), generator=generator, dtype=torch.float64)
        share = float(((z @ torch.linalg.cholesky(kernel).T) * labels > 0).all(1).double().mean())
        assert abs(share - math.exp(log_p)) < 4.5 * math.sqrt(math.exp(log_p) / 200_000)
        checked += 1
    assert checked == 5


def test_mixture_is_calibrated():
    dataset = calibrate(0, problems=30, settings={"samples": 2048})
    assert violations(dataset) == []
    score = np.abs(dataset.score)
    assert float((score < 3).mean()) >= 0.9
    assert float((score < 1).mean()) > 0.4
    assert float(dataset.complexity_stderr.max()) < 0.1


def test_importance_is_not():
    with pytest.warns(Warning, match="draws are effective"):
        dataset = calibrate(0, problems=10, estimator="importance", settings={"draws": 2000})
    assert float(np.abs(dataset.score).max()) > 5


@pytest.mark.slow
def test_mixture_is_calibrated_on_many_problems():
    """The scores have the spread of a t variable with 15 degrees of freedom (sd 1.074, 99.1 % within 3)."""
    score = calibrate(1).score.values
    assert (np.abs(score) < 3).mean() >= 0.97
    assert 0.85 < np.sqrt(np.mean(np.clip(score, -4, 4) ** 2)) < 1.3
    assert abs(np.mean(np.clip(score, -4, 4))) < 0.3
