import math

import exact_orthants as exact
import pytest
import torch
from torch import Tensor

from complete import mlp
from implicitbias.errors import NumericalError
from implicitbias.networks.kernels import nngp_kernel, nngp_variance
from implicitbias.nngp import posterior
from implicitbias.nngp.orthant import log_probability
from implicitbias.nngp.posterior import (
    TestBlock,
    average,
    kernel_interpolation,
    lazy,
    prepare,
    ray,
    ray_spread,
    spherised,
)

NETWORK = mlp(6, depth=3)


def problem(n: int, m: int, d: int = 6, seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training and test inputs with labels that a linear rule gives."""
    generator = torch.Generator().manual_seed(seed)
    x, z = (torch.randn(k, d, generator=generator, dtype=torch.float64) for k in (n, m))
    return x, torch.sign(x[:, 0]), z, torch.sign(z[:, 0])


def block_of(x: Tensor, z: Tensor, test_labels: Tensor, depth: int = 3) -> TestBlock:
    network = mlp(x.shape[1], depth=depth)
    return prepare(nngp_kernel(network, x), nngp_kernel(network, x, z), nngp_variance(network, z), test_labels)


def orthant_average(x, y, z, test_labels, depth=3, **settings):
    estimate = log_probability(mlp(x.shape[1], depth=depth).nngp(x), y, keep_samples=True, **settings)
    return average(block_of(x, z, test_labels, depth), estimate.samples, estimate.log_weights, estimate.groups)


@pytest.mark.parametrize("seed", range(4))
def test_two_training_points_by_the_arcsine_law(seed):
    x, y, z, test_labels = problem(2, 5, seed=seed)
    errors = orthant_average(x, y, z, test_labels, seed=seed)
    for k in range(5):
        points = torch.cat([x, z[k : k + 1]])
        kernel = NETWORK.nngp(points)
        labels = torch.cat([y, test_labels[k : k + 1]])
        a = kernel / kernel.diagonal().sqrt()[:, None] / kernel.diagonal().sqrt()[None, :]
        a = a * labels[:, None] * labels[None, :]
        expected = math.exp(exact.three(a) - exact.two(float(a[0, 1])))
        assert abs(float(errors.probability[k]) - expected) < 4 * float(errors.probability_stderr[k]) + 1e-9
    assert (errors.probability_stderr < 2e-3).all()


def test_ratio_of_orthant_probabilities_as_in_the_paper():
    """P of n + 1 signs over P of n signs, point by point (Bernstein & Yue 2021, section 5)."""
    x, y, z, test_labels = problem(8, 6)
    errors = orthant_average(x, y, z, test_labels, samples=16384)
    base = log_probability(NETWORK.nngp(x), y, samples=16384, seed=1)
    for k in range(6):
        kernel = NETWORK.nngp(torch.cat([x, z[k : k + 1]]))
        joint = log_probability(kernel, torch.cat([y, test_labels[k : k + 1]]), samples=16384, seed=2)
        ratio = math.exp(joint.log_probability - base.log_probability)
        stderr = ratio * math.hypot(joint.stderr, base.stderr)
        assert abs(float(errors.probability[k]) - ratio) < 4 * math.hypot(stderr, float(errors.probability_stderr[k]))
        assert stderr < 2e-3
    assert errors.gibbs == pytest.approx(1 - float(errors.probability.mean()), abs=1e-12)
    assert errors.bayes == float((errors.probability < 0.5).double().mean())


def test_standard_errors_are_honest():
    x, y, z, test_labels = problem(20, 40)
    runs = [orthant_average(x, y, z, test_labels, seed=seed, samples=512) for seed in range(20)]
    gibbs = torch.tensor([run.gibbs for run in runs])
    reported = torch.tensor([run.gibbs_stderr for run in runs]).square().mean().sqrt()
    assert 0.5 < float(gibbs.std() / reported) < 2
    probabilities = torch.stack([run.probability for run in runs])
    reported = torch.stack([run.probability_stderr for run in runs]).square().mean(0).sqrt()
    assert 0.7 < float((probabilities.std(0) / reported).median()) < 1.4


def test_standard_error_of_the_vote_is_honest():
    """On many test points and few samples, so that some votes are close."""
    x, y, z, test_labels = problem(20, 1000)
    runs = [orthant_average(x, y, z, test_labels, seed=seed, samples=256) for seed in range(30)]
    bayes = torch.tensor([run.bayes for run in runs])
    reported = torch.tensor([run.bayes_stderr for run in runs]).square().mean().sqrt()
    assert 0.6 < float(bayes.std() / reported) < 1.5


def test_many_test_points_in_blocks_agree_with_few(monkeypatch):
    x, y, z, test_labels = problem(10, 50)
    whole = orthant_average(x, y, z, test_labels)
    monkeypatch.setattr(posterior, "_BLOCK", 7)
    parts = orthant_average(x, y, z, test_labels)
    assert torch.allclose(whole.probability, parts.probability, atol=1e-14)
    assert whole.gibbs_stderr == pytest.approx(parts.gibbs_stderr, rel=1e-9)


def test_training_points_are_predicted_with_certainty():
    x, y, _, _ = problem(10, 1)
    errors = orthant_average(x, y, x, y)
    assert errors.gibbs < 1e-4
    assert errors.bayes == 0
    assert orthant_average(x, y, x, -y).gibbs > 1 - 1e-4


def test_one_training_point_truncated_and_spherised_are_the_same():
    """With n = 1 both are the prior given one sign: p = 1/2 + asin(rho)/pi."""
    x, y, z, test_labels = problem(1, 4)
    kernel = NETWORK.nngp(torch.cat([x, z]))
    rho = kernel[0, 1:] / (kernel[0, 0] * kernel.diagonal()[1:]).sqrt() * y * test_labels
    expected = 0.5 + torch.arcsin(rho) / math.pi
    truncated = orthant_average(x, y, z, test_labels)
    sphere = spherised(block_of(x, z, test_labels), y, 2**14, seed=0)
    for errors in (truncated, sphere):
        assert ((errors.probability - expected).abs() < 4 * errors.probability_stderr + 1e-9).all()
        assert (errors.probability_stderr < 0.01).all()


def test_spherised_bayes_classifier_is_near_kernel_interpolation():
    x, y, z, test_labels = problem(60, 2000, d=10)
    block = block_of(x, z, test_labels, depth=7)
    sphere = spherised(block, y, 4096, seed=0)
    assert abs(sphere.bayes - kernel_interpolation(block, y)) < 0.02
    assert sphere.bayes < sphere.gibbs < 0.5


def test_kernel_interpolation_is_the_sign_of_the_interpolant():
    x, y, z, test_labels = problem(12, 300)
    interpolant = NETWORK.nngp(z, x) @ torch.linalg.inv(NETWORK.nngp(x)) @ y
    expected = float((torch.sign(interpolant) != test_labels).double().mean())
    assert kernel_interpolation(block_of(x, z, test_labels), y) == pytest.approx(expected)
    assert 0 < expected < 0.5


def test_ray_runs_from_chance_to_kernel_interpolation():
    x, y, z, test_labels = problem(12, 300)
    block = block_of(x, z, test_labels)
    errors = ray(block, y, [1e-9, 1.0, 1e9]).mean(1)
    assert errors.tolist() == pytest.approx([0.5, float(errors[1]), kernel_interpolation(block, y)], abs=1e-6)
    assert 0.5 > errors[1] > errors[2]


def test_ray_is_the_mean_and_spread_of_drawn_functions():
    x, y, z, test_labels = problem(6, 30)
    kernel, cross = NETWORK.nngp(x), NETWORK.nngp(x, z)
    block = block_of(x, z, test_labels)
    covariance = NETWORK.nngp(z) - cross.T @ torch.linalg.solve(kernel, cross)
    alpha, draws = 0.7, 40_000
    normal = torch.distributions.MultivariateNormal(
        alpha * cross.T @ torch.linalg.solve(kernel, y), covariance + 1e-12 * torch.eye(30, dtype=torch.float64)
    )
    torch.manual_seed(0)
    drawn = (normal.sample((draws,)) * test_labels < 0).double().mean(1)
    assert abs(float(ray(block, y, [alpha]).mean()) - float(drawn.mean())) < 4 * float(drawn.std()) / math.sqrt(draws)
    spread = float(ray_spread(block, y, [alpha], covariance, draws, seed=1)[0])
    assert spread == pytest.approx(float(drawn.std()), rel=0.03)


def test_lazy_network_is_the_prior_moved_by_the_tangent_kernel():
    """f* = f0* + Theta*^T Theta^-1 (alpha Y - f0), f0 drawn from the prior on training and test points."""
    x, y, z, test_labels = problem(6, 30)
    kernel, tangent = NETWORK.nngp(torch.cat([x, z])), NETWORK.ntk(torch.cat([x, z]))
    alpha, draws = 0.7, 40_000
    torch.manual_seed(0)
    prior = torch.linalg.cholesky(kernel) @ torch.randn(36, draws, dtype=torch.float64)
    moved = prior[6:] + tangent[6:, :6] @ torch.linalg.solve(tangent[:6, :6], alpha * y[:, None] - prior[:6])
    drawn = (moved * test_labels[:, None] < 0).double()
    block = lazy(kernel[:6, :6], kernel[:6, 6:], kernel.diagonal()[6:], tangent[:6, :6], tangent[:6, 6:], test_labels)
    errors = ray(block, y, [alpha])[0]
    assert ((errors - drawn.mean(1)).abs() < 5 * drawn.std(1) / math.sqrt(draws) + 1e-4).all()
    assert errors.mean() < 0.45
    posterior_errors = ray(block_of(x, z, test_labels), y, [alpha])[0]
    assert abs(float(errors.mean() - posterior_errors.mean())) > 0.002  # gradient descent is not conditioning


def test_lazy_network_whose_tangent_kernel_is_its_covariance_is_the_posterior():
    """As when the last layer alone is trained."""
    x, y, z, test_labels = problem(6, 30)
    kernel, cross = NETWORK.nngp(x), NETWORK.nngp(x, z)
    trained = lazy(kernel, cross, nngp_variance(NETWORK, z), 2 * kernel, 2 * cross, test_labels)
    assert torch.allclose(ray(trained, y, [0.3]), ray(block_of(x, z, test_labels), y, [0.3]), atol=1e-9)


def test_wide_networks_trained_by_small_steps_err_as_the_lazy_network():
    """400 networks of two layers in NTK parametrisation and width 512, by gradient descent on the squared loss."""
    x, y, z, test_labels = problem(5, 40)
    network = mlp(6, depth=2)
    kernel, tangent = network.nngp(torch.cat([x, z])), network.ntk(torch.cat([x, z]))
    block = lazy(kernel[:5, :5], kernel[:5, 5:], kernel.diagonal()[5:], tangent[:5, :5], tangent[:5, 5:], test_labels)
    torch.manual_seed(1)
    first = torch.randn(400, 512, 6, requires_grad=True)
    second = torch.randn(400, 512, requires_grad=True)

    def outputs(points: Tensor) -> Tensor:
        hidden = torch.relu(points.float() @ first.mT / math.sqrt(6)) * math.sqrt(2)
        return (hidden @ second[:, :, None])[..., 0] / math.sqrt(512)

    rate = 1 / float(torch.linalg.eigvalsh(tangent[:5, :5])[-1])
    for _ in range(150):
        loss = ((outputs(x) - 0.7 * y.float()) ** 2).sum() / 2
        gradients = torch.autograd.grad(loss, (first, second))
        with torch.no_grad():
            first -= rate * gradients[0]
            second -= rate * gradients[1]
    wrong = (outputs(z) * test_labels < 0).double()
    assert bool(((outputs(x) - 0.7 * y).abs() < 0.02).all())
    stderr = float(wrong.mean(1).std()) / math.sqrt(400)
    assert abs(float(wrong.mean()) - float(ray(block, y, [0.7]).mean())) < 3 * stderr + 0.003


def test_spread_of_two_points_by_the_arcsine_law():
    """At alpha = 0 each of two test points errs half the time; cov of the two events is asin(rho)/2 pi."""
    x, y, z, _ = problem(3, 2)
    labels = torch.ones(2, dtype=torch.float64)
    block = block_of(x, z, labels)
    covariance = NETWORK.nngp(z) - NETWORK.nngp(z, x) @ block.projection
    rho = float(covariance[0, 1] / block.deviation.prod())
    expected = math.sqrt(1 / 8 + math.asin(rho) / (4 * math.pi))
    assert float(ray_spread(block, y, [0.0], covariance, 40_000, seed=0)[0]) == pytest.approx(expected, rel=0.02)


def test_singular_training_kernel_is_refused():
    x, _, z, test_labels = problem(4, 3)
    with pytest.raises(NumericalError, match="singular"):
        block_of(x[[0, 1, 2, 2]], z, test_labels)
