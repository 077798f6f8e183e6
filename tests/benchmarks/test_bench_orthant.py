"""Speed of the infinite-width parts on synthetic deep kernels; `make bench` runs them, the test run skips them."""

import math
import time

import pytest
import torch

from complete import mlp
from implicitbias.networks.kernels import nngp_kernel, nngp_variance
from implicitbias.nngp import cone, cone_posterior
from implicitbias.nngp.importance import importance
from implicitbias.nngp.mixture import mixture
from implicitbias.nngp.orthant import log_probabilities
from implicitbias.nngp.posterior import average, prepare, spherised

pytestmark = pytest.mark.filterwarnings("ignore::implicitbias.errors.ConvergenceWarning")

NETWORK = mlp(100, depth=7)


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def inputs(n, d=100, seed=0):
    x = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return x * math.sqrt(d) / x.norm(dim=1, keepdim=True)


def labels_of(x):
    return torch.sign(x[:, 0])


def test_mixture_against_the_published_estimator(benchmark):
    """n = 500, 4096 points against 10^6 draws: time and what it buys."""
    x = inputs(500)
    kernel, labels = nngp_kernel(NETWORK, x), labels_of(x)
    estimate = benchmark.pedantic(mixture, (kernel, labels), rounds=3, warmup_rounds=1)
    start = time.perf_counter()
    published = importance(kernel, labels, draws=10**6)
    seconds = time.perf_counter() - start
    benchmark.extra_info |= {
        "importance_seconds": seconds,
        "speedup": seconds / benchmark.stats.stats.min,
        "mixture": f"{-estimate.log_probability:.3f} +- {estimate.stderr:.3f} nats",
        "importance": f"{-published.log_probability:.3f} nats",
        "effective_samples": [round(estimate.effective_sample_size), round(published.effective_sample_size, 1)],
    }
    print(benchmark.extra_info)
    assert estimate.stderr < 0.05


def test_mixture_of_1000_points(benchmark):
    x = inputs(1000)
    kernel, labels = nngp_kernel(NETWORK, x), labels_of(x)
    estimate = benchmark.pedantic(mixture, (kernel, labels), rounds=3, warmup_rounds=1)
    assert estimate.stderr < 0.1


def test_mixture_of_2000_points(benchmark):
    x = inputs(2000)
    kernel, labels = nngp_kernel(NETWORK, x), labels_of(x)
    estimate = benchmark.pedantic(mixture, (kernel, labels), rounds=3, warmup_rounds=1)
    assert estimate.stderr < 0.1


@pytest.mark.parametrize("n", [5, 20])
def test_200_small_problems_together(benchmark, n):
    x = inputs(200 * n).reshape(200, n, -1)
    kernels, labels = torch.stack([nngp_kernel(NETWORK, points) for points in x]), x[:, :, 0].sign()
    benchmark.pedantic(log_probabilities, (kernels, labels), rounds=3, warmup_rounds=1)
    start = time.perf_counter()
    for kernel, signs in zip(kernels, labels, strict=True):
        mixture(kernel, signs)
    benchmark.extra_info["one_after_the_other_seconds"] = time.perf_counter() - start
    print(benchmark.extra_info)


def classes_of(x):
    return x[:, :10].argmax(1)


@pytest.mark.parametrize("n", [200, 500])
def test_cone_of_ten_classes(benchmark, n):
    """200 points by the orthant of their 1800 differences, 500 by the structure."""
    x = inputs(n)
    kernel = nngp_kernel(NETWORK, x)
    estimate = benchmark.pedantic(cone.log_probability, (kernel, classes_of(x)), {"class_count": 10}, rounds=1)
    print(f"{-estimate.log_probability:.3f} +- {estimate.stderr:.3f} nats")
    assert estimate.stderr < 0.1


def test_posterior_of_ten_classes_at_2000_test_points(benchmark):
    x, z = inputs(200), inputs(2000, seed=1)
    kernel = nngp_kernel(NETWORK, x)
    block = prepare(kernel, nngp_kernel(NETWORK, x, z), nngp_variance(NETWORK, z), classes_of(z))
    estimate = cone.log_probability(kernel, classes_of(x), class_count=10, keep_samples=True)
    errors = benchmark.pedantic(
        cone_posterior.average, (block, estimate.samples, estimate.log_weights, estimate.groups), rounds=1
    )
    assert errors.gibbs < 0.9


def test_posterior_of_10000_test_points(benchmark):
    x, z = inputs(500), inputs(10_000, seed=1)
    kernel, labels = nngp_kernel(NETWORK, x), labels_of(x)
    block = prepare(kernel, nngp_kernel(NETWORK, x, z), nngp_variance(NETWORK, z), labels_of(z))
    estimate = mixture(kernel, labels, keep_samples=True)
    errors = benchmark.pedantic(
        average, (block, estimate.samples, estimate.log_weights, estimate.groups), rounds=3, warmup_rounds=1
    )
    assert errors.gibbs < 0.5


def test_spherised_posterior_of_10000_test_points(benchmark):
    x, z = inputs(500), inputs(10_000, seed=1)
    kernel, labels = nngp_kernel(NETWORK, x), labels_of(x)
    block = prepare(kernel, nngp_kernel(NETWORK, x, z), nngp_variance(NETWORK, z), labels_of(z))
    errors = benchmark.pedantic(spherised, (block, labels, 4096, 0), rounds=3, warmup_rounds=1)
    assert errors.gibbs < 0.5


def test_kernel_of_5000_points(benchmark):
    x = inputs(5000, d=784)
    kernel = benchmark.pedantic(nngp_kernel, (mlp(784, depth=7), x), rounds=3, warmup_rounds=1)
    assert kernel.shape == (5000, 5000)
