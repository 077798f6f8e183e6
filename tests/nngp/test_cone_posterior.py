import math

import pytest
import torch
from torch import Tensor

from complete import mlp
from implicitbias.errors import NumericalError
from implicitbias.networks.kernels import nngp_kernel, nngp_variance
from implicitbias.nngp import cone, cone_posterior, orthant, posterior
from implicitbias.nngp.cone_posterior import average, class_probabilities, kernel_interpolation
from implicitbias.nngp.gaussian import ndtr
from implicitbias.nngp.posterior import TestBlock, prepare


def problem(n: int, m: int, class_count: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training and test inputs with the classes of the nearest of random directions."""
    generator = torch.Generator().manual_seed(seed)
    x, z, centres = (torch.randn(k, 6, generator=generator, dtype=torch.float64) for k in (n, m, class_count))
    return x, (x @ centres.T).argmax(1), z, (z @ centres.T).argmax(1)


def block_of(x: Tensor, z: Tensor, test_classes: Tensor) -> TestBlock:
    network = mlp(6, depth=3)
    return prepare(nngp_kernel(network, x), nngp_kernel(network, x, z), nngp_variance(network, z), test_classes)


def cone_average(x, y, z, test_classes, class_count, **settings):
    kernel = mlp(6, depth=3).nngp(x)
    estimate = cone.log_probability(kernel, y, class_count=class_count, keep_samples=True, **settings)
    return average(block_of(x, z, test_classes), estimate.samples, estimate.log_weights, estimate.groups)


def test_class_probabilities_of_two_are_the_normal_distribution():
    means = torch.linspace(-6, 6, 25, dtype=torch.float64).reshape(1, 1, -1) * torch.tensor([[[1.0], [-0.5]]])
    expected = ndtr((means[:, 0] - means[:, 1]) / math.sqrt(2))
    assert torch.allclose(class_probabilities(means)[:, 0], expected, atol=1e-6)


@pytest.mark.parametrize("class_count", [2, 3, 10, 100])
def test_class_probabilities_add_up_to_one(class_count):
    generator = torch.Generator().manual_seed(0)
    means = 3 * torch.randn(4, class_count, 50, generator=generator, dtype=torch.float64)
    probabilities = class_probabilities(means)
    assert torch.allclose(probabilities.sum(1), torch.ones(4, 50, dtype=torch.float64), atol=2e-6)
    equal = class_probabilities(torch.full((1, class_count, 1), 7.0, dtype=torch.float64))
    assert torch.allclose(equal, torch.tensor(1 / class_count, dtype=torch.float64), atol=1e-6)
    shifted = class_probabilities(means + 100 * means[:, :1])
    assert torch.allclose(shifted, probabilities, atol=1e-9)


def test_class_probabilities_by_simulation():
    means = torch.tensor([1.0, 0.2, -1.5, 0.9], dtype=torch.float64)
    outputs = means + torch.randn(400_000, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    seen = torch.bincount(outputs.argmax(1), minlength=4) / 400_000
    assert torch.allclose(class_probabilities(means[None, :, None])[0, :, 0], seen.double(), atol=3e-3)


def test_two_classes_agree_with_the_binary_posterior():
    x, y, z, test_classes = problem(25, 40, 2)
    estimate = orthant.log_probability(mlp(6, depth=3).nngp(x), 2 * y - 1, keep_samples=True, samples=2**14)
    signs = 2 * test_classes - 1
    known = posterior.average(block_of(x, z, signs), estimate.samples, estimate.log_weights, estimate.groups)
    errors = cone_average(x, y, z, test_classes, 2, samples=2**13)
    of_true = errors.probability[torch.arange(40), test_classes]
    stderr = torch.hypot(errors.probability_stderr[:, 0], known.probability_stderr)
    assert ((of_true - known.probability).abs() < 4.5 * stderr + 1e-6).all()
    assert abs(errors.gibbs - known.gibbs) < 4 * math.hypot(errors.gibbs_stderr, known.gibbs_stderr)
    assert abs(errors.bayes - known.bayes) < 4 * math.hypot(errors.bayes_stderr, known.bayes_stderr) + 1e-9
    assert (stderr < 0.02).all()


def test_small_problems_agree_with_simulation():
    x, y, z, test_classes = problem(3, 4, 3, seed=2)
    kernel = mlp(6, depth=3).nngp(torch.cat([x, z]))
    generator = torch.Generator().manual_seed(0)
    draws = torch.randn(3, 7, 10**6, generator=generator, dtype=torch.float64)
    largest = (torch.linalg.cholesky(kernel) @ draws).argmax(0)
    kept = largest[3:, (largest[:3] == y[:, None]).all(0)]
    seen = torch.stack([(kept == c).double().mean(1) for c in range(3)], 1)
    stderr = (seen * (1 - seen) / kept.shape[1]).sqrt()
    errors = cone_average(x, y, z, test_classes, 3)
    assert kept.shape[1] > 10_000
    assert ((errors.probability - seen).abs() < 4.5 * torch.hypot(stderr, errors.probability_stderr)).all()
    assert (errors.probability_stderr < 5e-3).all()


def test_no_training_point_near_leaves_chance():
    """Uncorrelated with the training points, a test point has every class with probability 1/C."""
    samples = torch.randn(2, 4, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    cross, one = torch.zeros(2, 3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    block = prepare(torch.eye(2, dtype=torch.float64), cross, one, torch.tensor([0, 1, 3]))
    errors = average(block, samples, torch.zeros(64, dtype=torch.float64), 16)
    assert errors.gibbs == pytest.approx(0.75, abs=1e-6)
    assert errors.gibbs_stderr < 1e-9
    assert torch.allclose(errors.probability, torch.tensor(0.25, dtype=torch.float64), atol=1e-6)


def test_training_points_are_predicted_with_certainty():
    x, y, _, _ = problem(10, 1, 4)
    errors = cone_average(x, y, x, y, 4)
    assert errors.gibbs < 1e-3
    assert errors.bayes == 0
    assert cone_average(x, y, x, (y + 1) % 4, 4).gibbs > 1 - 1e-3


def test_many_test_points_in_blocks_agree_with_few(monkeypatch):
    x, y, z, test_classes = problem(10, 30, 3)
    whole = cone_average(x, y, z, test_classes, 3, samples=512)
    monkeypatch.setattr(cone_posterior, "_BLOCK", 3000)
    parts = cone_average(x, y, z, test_classes, 3, samples=512)
    assert torch.allclose(whole.probability, parts.probability, atol=1e-14)
    assert whole.gibbs_stderr == pytest.approx(parts.gibbs_stderr, rel=1e-9)


def test_standard_errors_are_honest():
    x, y, z, test_classes = problem(15, 200, 3)
    runs = [cone_average(x, y, z, test_classes, 3, seed=seed, samples=256) for seed in range(20)]
    for name in ("gibbs", "bayes"):
        values = torch.tensor([getattr(run, name) for run in runs])
        reported = torch.tensor([getattr(run, f"{name}_stderr") for run in runs]).square().mean().sqrt()
        assert 0.5 < float(values.std() / reported) < 2
    probabilities = torch.stack([run.probability for run in runs])
    reported = torch.stack([run.probability_stderr for run in runs]).square().mean(0).sqrt()
    assert 0.7 < float((probabilities.std(0) / reported).median()) < 1.4


def test_kernel_interpolation_is_regression_on_the_classes():
    x, y, z, test_classes = problem(40, 100, 4)
    block = block_of(x, z, test_classes)
    network = mlp(6, depth=3)
    targets = torch.nn.functional.one_hot(y, 4).double()
    outputs = nngp_kernel(network, x, z).T @ torch.linalg.solve(nngp_kernel(network, x), targets - 0.25)
    assert kernel_interpolation(block, y, 4) == float((outputs.argmax(1) != test_classes).double().mean()) < 0.5
    assert kernel_interpolation(block_of(x, x, y), y, 4) == 0


def test_classes_of_test_points_are_checked():
    x, y, z, _ = problem(5, 2, 3)
    with pytest.raises(NumericalError, match=r"point 1 has class 3; allowed: whole numbers from 0 to 2"):
        cone_average(x, y, z, torch.tensor([0, 3]), 3, samples=128)
    with pytest.raises(NumericalError, match=r"point 0 has class -1"):
        kernel_interpolation(block_of(x, z, torch.tensor([-1, 1])), y, 3)
