"""Many small orthants together have the numbers that each has alone."""

import warnings

import exact_orthants as exact
import numpy as np
import pytest
import torch

from implicitbias.errors import ConfigError, ConvergenceWarning, NumericalError
from implicitbias.nngp import many, orthant
from implicitbias.nngp.estimate import log_mean
from implicitbias.nngp.orthant import OrthantEstimates, log_probabilities, log_probability
from implicitbias.rng import derive_seed


def problems(count, n, seed=0):
    """Random kernels of unequal scales, and random labels."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, n, 2 * n + 3, generator=generator, dtype=torch.float64)
    x *= torch.rand(count, n, 1, generator=generator).add(0.1)
    return x @ x.mT, torch.randn(count, n, generator=generator, dtype=torch.float64).sign()


def alone(kernels, labels, seed=0, **settings):
    """`(b, 5)`, each member by itself with the random numbers that it has in the batch."""
    rows = []
    for position, (kernel, signs) in enumerate(zip(kernels, labels, strict=True)):
        own = derive_seed("orthant batch", seed, position)
        estimate = log_probability(kernel, signs, seed=own, **settings)
        rows.append([getattr(estimate, name) for name in OrthantEstimates._fields])
    return torch.tensor(rows, dtype=torch.float64)


def together(kernels, labels, **settings):
    return torch.stack([*log_probabilities(kernels, labels, **settings)], -1)


@pytest.mark.parametrize(("n", "samples"), [(1, 512), (2, 4096), (3, 100), (8, 1000), (20, 512), (41, 256)])
def test_a_member_has_the_numbers_that_it_has_alone(n, samples):
    kernels, labels = problems(7, n)
    batch, single = (f(kernels, labels, seed=3, samples=samples) for f in (together, alone))
    assert torch.allclose(batch, single, rtol=1e-11, atol=1e-14)
    other = together(kernels, labels, seed=4, samples=samples)
    if n > 1:  # the comparison sees other random numbers
        assert not torch.allclose(batch[:, 0], other[:, 0], rtol=1e-9)


def test_ordinary_members_are_not_solved_alone(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("solved alone")

    monkeypatch.setattr(orthant, "log_probability", refuse)
    kernels, labels = problems(3, 5)
    assert bool(torch.isfinite(together(kernels, labels, samples=256)).all())
    with pytest.raises(AssertionError, match="solved alone"):
        log_probabilities(kernels, labels, samples=256, target_stderr=1.0)


@pytest.mark.parametrize("members", [1, 3])
def test_a_member_does_not_depend_on_the_others(monkeypatch, members):
    """However they are divided; among them some whose searches take longer."""
    kernels, labels = problems(10, 6)
    kernels[4] = torch.full((6, 6), 0.9999, dtype=torch.float64).fill_diagonal_(1)
    labels[4] = torch.tensor([1, -1, 1, -1, 1, 1])
    whole = together(kernels, labels, samples=512)
    monkeypatch.setattr(many, "_MEMBERS", members)
    monkeypatch.setattr(many, "_NUMBERS", 1)
    assert torch.allclose(together(kernels, labels, samples=512), whole, rtol=1e-11, atol=1e-14)
    seeds = [derive_seed("orthant batch", 0, position) for position in range(10)]
    found, solved = many.mixtures(kernels[5:6], labels[5:6], seeds[5:6], 512)
    assert bool(solved)
    assert torch.allclose(found[0], whole[5], rtol=1e-11, atol=1e-14)


def test_what_is_out_of_the_ordinary_is_solved_alone():
    kernels, labels = problems(4, 5)
    kernels[1, 3], kernels[1, :, 3] = kernels[1, 2], kernels[1, :, 2]  # equal points,
    kernels[1, 3, 3], labels[1, 3] = kernels[1, 2, 2], labels[1, 2]
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    kernels[2], labels[2] = x @ x.T, x[:, 0].sign()  # and a singular kernel
    seeds = [derive_seed("orthant batch", 0, position) for position in range(4)]
    _, solved = many.mixtures(kernels, labels, seeds, 512)
    assert solved.tolist() == [True, False, False, True]
    found, single = together(kernels, labels, samples=512), alone(kernels, labels, samples=512)
    assert torch.allclose(found[[0, 1, 3]], single[[0, 1, 3]], rtol=1e-11, atol=1e-14)
    assert abs(float(found[2, 0] - single[2, 0])) < 0.1 * float(single[2, 1])  # rounding is amplified here


def test_a_batch_may_have_no_ordinary_member_or_none_at_all():
    labels = torch.ones(2, 3, dtype=torch.float64)
    found = log_probabilities(torch.ones(3, 3), labels, samples=256)  # one point three times
    assert torch.allclose(found.log_probability, labels.new_full((2,), -0.6931471805599453))
    assert log_probabilities(torch.eye(3), labels[:0]).stderr.shape == (0,)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda kernels, _: kernels[2].fill_(torch.nan), r"batch index \(2,\): the kernel has entries"),
        (lambda kernels, _: kernels[2, 0, 1].add_(1), r"batch index \(2,\): the kernel is not symmetric"),
        (lambda kernels, _: kernels[2, 1, 1].mul_(-1), r"batch index \(2,\): point 1 has prior variance"),
        (lambda _, labels: labels[2, 0].zero_(), r"batch index \(2,\): label 0 is 0"),
    ],
)
def test_what_is_no_problem_is_refused_as_alone(spoil, message):
    kernels, labels = problems(3, 4)
    spoil(kernels, labels)
    with pytest.raises(NumericalError, match=message):
        log_probabilities(kernels, labels, samples=256)


def test_what_is_no_number_of_samples_is_refused():
    with pytest.raises(ConfigError, match="samples = 0"):
        log_probabilities(*problems(2, 3), samples=0)


def test_error_bars_of_a_batch_are_honest():
    """One-factor kernels by quadrature: the errors in standard errors have a spread of one."""
    rng = np.random.default_rng(5)
    exactly = [exact.one_factor(rng.uniform(-0.9, 0.9, 12)) for _ in range(60)]
    kernels, truth = torch.stack([a for a, _ in exactly]), torch.tensor([t for _, t in exactly])
    found = log_probabilities(kernels, torch.ones(12, dtype=torch.float64), samples=1024)
    scores = (found.log_probability - truth) / found.stderr
    assert 0.8 < float(scores.square().mean().sqrt()) < 1.3
    assert float(scores.abs().max()) < 4.5
    assert bool((found.upper_bound >= truth).all())


def test_few_effective_samples_of_a_member_are_warned_of(monkeypatch):
    kernels, labels = problems(3, 6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log_probabilities(kernels, labels, samples=256)

    def spoilt(log_weights):
        found = log_mean(log_weights)
        found[2][1] = 12.0
        return found

    monkeypatch.setattr(many, "log_mean", spoilt)
    with pytest.warns(ConvergenceWarning, match=r"mixture: 12.0 of 256 samples are effective"):
        log_probabilities(kernels, labels, samples=256)
