"""The complexity is the summed log loss of predicting one label after the other."""

import math

import exact_orthants as exact
import pytest
import torch

from implicitbias.nngp.orthant import log_probability
from implicitbias.nngp.prequential import predictive_log_losses


def random_problem(seed):
    """A random covariance of any scale and rank n, labels that are random or those of a random function."""
    generator = torch.Generator().manual_seed(seed)
    n, d = (int(torch.randint(low, high, (), generator=generator)) for low, high in ((4, 14), (2, 20)))
    x = torch.randn(n, d, generator=generator, dtype=torch.float64)
    noise = float(torch.rand((), generator=generator)) + 0.02
    scale = torch.exp(torch.randn(n, generator=generator, dtype=torch.float64))
    kernel = (x @ x.T / d + noise * torch.eye(n, dtype=torch.float64)) * scale[:, None] * scale[None, :]
    f = torch.linalg.cholesky(kernel) @ torch.randn(n, generator=generator, dtype=torch.float64)
    coins = torch.randn(n, generator=generator, dtype=torch.float64)
    return kernel, torch.sign(f if seed % 2 else coins)


@pytest.mark.parametrize("seed", range(12))
def test_summed_log_losses_are_differences_of_complexities(seed):
    kernel, labels = random_problem(seed)
    losses, stderrs = predictive_log_losses(kernel, labels, seed=seed)
    assert losses.shape == stderrs.shape == labels.shape
    for m in (0, 1, len(labels) // 2):
        whole, part = (log_probability(kernel[:k, :k], labels[:k], seed=100 + seed) if k else None for k in (
            len(labels), m))  # fmt: skip
        difference = -whole.log_probability + (part.log_probability if part else 0.0)
        variance = whole.stderr**2 + (part.stderr**2 if part else 0.0) + float((stderrs[m:] ** 2).sum())
        assert abs(float(losses[m:].sum()) - difference) < 4.5 * math.sqrt(variance) + 1e-9
        assert math.sqrt(variance) < 0.05  # so that the comparison says something


def test_two_and_three_labels_have_the_losses_of_the_arcsine_law():
    kernel, labels = random_problem(3)
    a = kernel / kernel.diagonal().sqrt()[:, None] / kernel.diagonal().sqrt()[None, :] * labels[:, None] * labels
    losses, stderrs = predictive_log_losses(kernel[:3, :3], labels[:3])
    first, second = -exact.two(float(a[0, 1])), -exact.three(a)
    assert float(losses[0]) == math.log(2)
    for k, expected in ((1, first - math.log(2)), (2, second - first)):
        assert abs(float(losses[k]) - expected) < 4 * float(stderrs[k]) + 1e-9


def test_known_labels_are_not_predicted_and_copies_of_a_point_cost_nothing():
    kernel, labels = random_problem(5)
    whole, _ = predictive_log_losses(kernel, labels)
    rest, _ = predictive_log_losses(kernel, labels, first=2)
    assert torch.equal(rest, whole[2:])
    twice = [0, 1, 1, 2]
    losses, _ = predictive_log_losses(kernel[twice][:, twice], labels[twice])
    assert float(losses[2]) < 1e-3
    assert float(losses[3]) == pytest.approx(float(whole[2]), abs=0.02)
