import itertools
import math

import exact_orthants as exact
import numpy as np
import pytest
import torch
from scipy import stats

from complete import mlp
from implicitbias.errors import ConfigError, ConvergenceWarning, NumericalError
from implicitbias.nngp.balance import SCRAMBLES, sobol
from implicitbias.nngp.orthant import log_probabilities, log_probability

METHODS = ("mixture", "tilting", "genz")


def agrees(estimate, truth, floor=1e-9):
    return abs(estimate.log_probability - truth) < 4 * estimate.stderr + floor


def deep(n, seed=0, depth=7, structured=True):
    """A deep kernel on the sphere with labels that are linear in the input, or random."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 20, generator=generator, dtype=torch.float64)
    x *= math.sqrt(20) / x.norm(dim=1, keepdim=True)
    labels = x[:, 0] if structured else torch.randn(n, generator=generator, dtype=torch.float64)
    return mlp(x.shape[1], depth=depth).nngp(x), torch.sign(labels)


@pytest.mark.parametrize("method", [*METHODS, "ep"])
@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_independent_signs(method, n):
    labels = torch.sign(torch.randn(n, generator=torch.Generator().manual_seed(n)))
    estimate = log_probability(3 * torch.eye(n, dtype=torch.float64), labels, method)
    assert estimate.log_probability == pytest.approx(-n * math.log(2), abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rho", [-0.99, -0.5, 0.3, 0.9, 0.999])
def test_two_points_by_the_arcsine_law(method, rho):
    estimate = log_probability(exact.equicorrelated(2, rho), torch.ones(2), method)
    assert agrees(estimate, exact.two(rho))
    assert estimate.stderr < 0.02
    flipped = log_probability(exact.equicorrelated(2, rho), torch.tensor([1, -1]), method)
    assert agrees(flipped, exact.two(-rho))


def test_three_points_by_the_arcsine_law():
    x = torch.randn(3, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    a = x @ x.T
    a = a / a.diagonal().sqrt()[:, None] / a.diagonal().sqrt()[None, :]
    estimate = log_probability(a, torch.ones(3))
    assert agrees(estimate, exact.three(a))
    assert estimate.stderr < 2e-3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [5, 50])
def test_correlation_one_half_gives_one_over_n_plus_one(method, n):
    estimate = log_probability(exact.equicorrelated(n, 0.5), torch.ones(n), method)
    assert agrees(estimate, -math.log(n + 1))
    assert estimate.stderr < (0.01 if method == "mixture" else 0.1)


@pytest.mark.parametrize("n", [10, 100, 300])
@pytest.mark.parametrize("rho", [0.1, 0.5, 0.9, 0.99])
def test_equicorrelated_points_by_quadrature(n, rho):
    a, truth = exact.one_factor(np.full(n, math.sqrt(rho)))
    estimate = log_probability(a, torch.ones(n))
    assert agrees(estimate, truth)
    assert estimate.stderr < 0.02
    assert estimate.lower_bound - 0.01 < truth <= estimate.upper_bound
    assert estimate.effective_sample_size > 1000


@pytest.mark.parametrize("n", [30, 300])
def test_one_factor_with_mixed_signs_by_quadrature(n):
    rng = np.random.default_rng(n)
    a, truth = exact.one_factor(rng.uniform(-0.95, 0.95, n))
    estimate = log_probability(a, torch.ones(n))
    assert agrees(estimate, truth)
    assert estimate.stderr < 0.01


@pytest.mark.parametrize("n", [4, 6])
def test_deep_kernels_agree_with_scipy(n):
    kernel, labels = deep(n)
    a = (kernel * labels[:, None] * labels[None, :]).numpy()
    truth = math.log(stats.multivariate_normal(cov=a, abseps=1e-8, releps=1e-8, maxpts=10**6, seed=0).cdf(np.zeros(n)))
    assert agrees(log_probability(kernel, labels), truth, floor=2e-5)


def test_methods_agree_on_a_deep_kernel_and_ep_is_near():
    kernel, labels = deep(60)
    found = {method: log_probability(kernel, labels, method, samples=8192) for method in METHODS}
    best = found["mixture"]
    for method in ("tilting", "genz"):
        spread = math.hypot(best.stderr, found[method].stderr)
        assert abs(best.log_probability - found[method].log_probability) < 4 * spread
        assert best.stderr < found[method].stderr
    assert abs(log_probability(kernel, labels, "ep").log_probability - best.log_probability) < 0.5
    assert math.isnan(log_probability(kernel, labels, "ep").stderr)


@pytest.mark.parametrize("structured", [True, False])
def test_direct_simulation_of_the_prior(structured):
    """Share of 400,000 prior draws with the labels' signs, or their mirror image."""
    kernel, labels = deep(8, structured=structured)
    generator = torch.Generator().manual_seed(5)
    z = torch.randn(400_000, len(labels), generator=generator, dtype=torch.float64)
    signs = torch.sign(z @ torch.linalg.cholesky(kernel).T) * labels
    hits = float(((signs > 0).all(1) | (signs < 0).all(1)).sum())
    truth, spread = math.log(hits / 800_000), 1 / math.sqrt(hits)
    assert hits > 300
    estimate = log_probability(kernel, labels)
    assert abs(estimate.log_probability - truth) < 4 * math.hypot(estimate.stderr, spread)


def test_error_bars_are_honest():
    """60 random solvable problems, each with its own seed: errors in standard errors are those of a t variable."""
    problems = [exact.solvable(number) for number in range(60)]
    scores = []
    for number, (kernel, labels, truth) in enumerate(problems):
        estimate = log_probability(kernel, labels, samples=2048, seed=number)
        scores.append((estimate.log_probability - truth) / (estimate.stderr + 1e-7))
    scores = np.array(scores)
    assert (np.abs(scores) < 3).mean() >= 0.95  # 99.1 % expected of t with 15 degrees of freedom
    assert (np.abs(scores) < 1).mean() > 0.5  # 67 % expected
    assert np.abs(scores).max() < 6


def test_scale_order_and_mirror_image_do_not_matter():
    kernel, labels = deep(20)
    plain = log_probability(kernel, labels)
    scale = torch.linspace(0.1, 30, 20, dtype=torch.float64)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(3))
    scaled = log_probability(kernel * scale[:, None] * scale[None, :], labels)
    assert scaled.log_probability == pytest.approx(plain.log_probability, abs=1e-9)
    assert log_probability(kernel, -labels).log_probability == pytest.approx(plain.log_probability, abs=1e-9)
    permuted = log_probability(kernel[order][:, order], labels[order])
    assert agrees(permuted, plain.log_probability)
    assert permuted.stderr < 2e-3


def test_equal_labels_are_no_special_case():
    kernel, _ = deep(30)
    estimate = log_probability(kernel, torch.ones(30))
    assert -30 * math.log(2) < estimate.log_probability < math.log(0.5)
    assert agrees(
        estimate, log_probability(kernel, torch.ones(30), "tilting", samples=2**15, seed=9).log_probability, 0.02
    )


def test_probabilities_far_below_the_smallest_double():
    n = 1200
    a, truth = exact.one_factor(np.resize([0.3, -0.3], n))
    assert truth < math.log(1e-300)
    estimate = log_probability(a, torch.ones(n), samples=1024)
    assert agrees(estimate, truth)
    assert estimate.stderr < 0.05


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9, 1e-11])
def test_near_duplicates(gap):
    """Two points that almost coincide: with opposite labels P = arccos(1 - gap)/2 pi."""
    a = exact.equicorrelated(2, 1 - gap)
    same, opposite = log_probability(a, torch.ones(2)), log_probability(a, torch.tensor([1, -1]))
    assert agrees(same, exact.two(1 - gap))
    assert agrees(opposite, math.log(math.acos(1 - gap) / (2 * math.pi)), floor=1e-4)
    assert opposite.stderr < 0.01


def test_growth_reaches_the_standard_error_asked_for_or_warns():
    kernel, labels = deep(40)
    coarse = log_probability(kernel, labels, samples=256)
    target = coarse.stderr / 4
    fine = log_probability(kernel, labels, samples=256, target_stderr=target)
    assert fine.stderr <= target < coarse.stderr
    with pytest.warns(ConvergenceWarning, match="256 samples, not the 1e-09 asked for"):
        capped = log_probability(kernel, labels, samples=256, target_stderr=1e-9, cap=500)
    assert capped.log_probability == coarse.log_probability


def test_same_seed_same_estimate():
    kernel, labels = deep(15)
    first, again = (log_probability(kernel, labels, seed=4) for _ in range(2))
    assert first.log_probability == again.log_probability
    assert log_probability(kernel, labels, seed=5).log_probability != first.log_probability


def test_samples_lie_on_the_orthant_and_have_the_right_mean():
    """Two points: E[f1 | both positive] = sd1 (1 + rho)/(2 sqrt(2 pi)) / P (Rosenbaum 1961)."""
    rho, scale = 0.6, torch.tensor([2.0, 0.5], dtype=torch.float64)
    kernel = exact.equicorrelated(2, rho) * scale[:, None] * scale[None, :]
    labels = torch.tensor([-1, -1])
    estimate = log_probability(kernel, labels, samples=16384, keep_samples=True)
    assert estimate.samples.shape == (2, 16384)
    assert (estimate.samples < 0).all()
    weights = torch.softmax(estimate.log_weights, 0)
    expected = -scale * (1 + rho) / (2 * math.sqrt(2 * math.pi)) / math.exp(exact.two(rho))
    assert torch.allclose(estimate.samples @ weights, expected, rtol=3e-3)
    assert log_probability(kernel, labels).samples is None


def test_groups_of_samples_give_the_standard_error():
    kernel, labels = deep(25)
    estimate = log_probability(kernel, labels, keep_samples=True)
    means = torch.exp(estimate.log_weights - estimate.log_probability).reshape(estimate.groups, -1).mean(1)
    assert float(means.mean()) == pytest.approx(1, abs=1e-12)
    assert float(means.std()) / math.sqrt(estimate.groups) == pytest.approx(estimate.stderr, rel=1e-9)


def test_sobol_points_fill_the_open_cube_evenly():
    points = sobol(3, 64, seed=1)
    assert points.shape == (3, SCRAMBLES * 64)
    assert 0 < points.min() < points.max() < 1
    for scramble in points.reshape(3, SCRAMBLES, 64).unbind(1):  # one point in each of 64 equal intervals
        assert torch.equal((scramble * 64).long().sort(1).values, torch.arange(64).expand(3, 64))


def test_unknown_method_is_named():
    with pytest.raises(ConfigError, match=r"no estimator 'mixtur' \(did you mean 'mixture'\?\)"):
        log_probability(torch.eye(2), torch.ones(2), "mixtur")


def test_a_batch_broadcasts_kernels_against_labels():
    x = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    kernels = torch.stack([mlp(points.shape[1], depth=3).nngp(points) for points in x])
    labels = torch.randn(3, 1, 6, generator=torch.Generator().manual_seed(1)).sign()
    batch = log_probabilities(kernels, labels)
    assert batch.log_probability.shape == (3, 2)
    for i, j in itertools.product(range(3), range(2)):
        alone = log_probability(kernels[j], labels[i, 0], samples=2**14)
        gap = abs(float(batch.log_probability[i, j]) - alone.log_probability)
        assert gap < 4.5 * math.hypot(float(batch.stderr[i, j]), alone.stderr)
        assert float(batch.upper_bound[i, j]) >= float(batch.log_probability[i, j])
    assert len(set(batch.stderr.ravel().tolist())) == 6  # random numbers of its own for each


def test_all_labellings_of_a_batch_share_out_the_whole_probability():
    kernel = mlp(3, depth=4).nngp(torch.randn(5, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64))
    labels = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=5)))
    batch = log_probabilities(kernel, labels)
    total, stderr = batch.log_probability.exp().sum(), (batch.log_probability.exp() * batch.stderr).norm()
    assert abs(float(total) - 1) < 4.5 * float(stderr)
    assert float(stderr) < 1e-3
    ep = log_probabilities(kernel, labels, "ep").log_probability
    assert float((ep - batch.log_probability).abs().max()) < 0.2


def test_an_impossible_element_of_a_batch_is_named():
    kernels = torch.stack([torch.eye(2), torch.ones(2, 2)]).double()
    with pytest.raises(NumericalError, match=r"batch index \(1,\): points 0 and 1 are equal"):
        log_probabilities(kernels, torch.tensor([1.0, -1.0]))


SHIFTED = (*METHODS, "subset")


@pytest.mark.parametrize("method", [*SHIFTED, "ep"])
def test_shifted_independent_signs(method):
    mean = torch.tensor([-3.0, -0.5, 0.0, 0.7, 40.0, -9.0], dtype=torch.float64)
    labels, variance = torch.tensor([1.0, -1, 1, 1, 1, -1]), torch.tensor([1.0, 4, 1, 0.25, 9, 1], dtype=torch.float64)
    truth = float(stats.norm.logcdf((labels * mean / variance.sqrt()).numpy()).sum())
    estimate = log_probability(torch.diag(variance), labels, method, mean=mean)
    stderr = 0 if method == "ep" else estimate.stderr
    assert abs(estimate.log_probability - truth) < 4 * stderr + 1e-4


@pytest.mark.parametrize("method", SHIFTED)
@pytest.mark.parametrize("seed", range(3))
def test_shifted_orthants_agree_with_scipy(method, seed):
    kernel, labels = deep(5, seed, depth=3)
    mean = torch.randn(5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    signs = labels.numpy()
    truth = stats.multivariate_normal((signs * -mean.numpy()), kernel.numpy() * np.outer(signs, signs)).cdf(np.zeros(5))
    estimate = log_probability(kernel, labels, method, mean=mean)
    assert agrees(estimate, math.log(truth), floor=1e-4)
    if method in ("mixture", "tilting"):
        assert estimate.upper_bound >= math.log(truth) - 1e-6


@pytest.mark.parametrize(("n", "rho", "shift"), [(50, 0.5, -2.0), (200, 0.9, 1.0), (200, 0.1, -1.0), (100, 0.5, 3.0)])
def test_shifted_equicorrelated_points_by_quadrature(n, rho, shift):
    """P = E prod Phi((shift + sqrt(rho) x)/sqrt(1 - rho))."""
    x = np.linspace(-14, 14, 20001)
    logs = n * stats.norm.logcdf((shift + math.sqrt(rho) * x) / math.sqrt(1 - rho)) + stats.norm.logpdf(x)
    truth = float(np.logaddexp.reduce(logs)) + math.log(x[1] - x[0])
    kernel = torch.full((n, n), rho, dtype=torch.float64).fill_diagonal_(1)
    estimate = log_probability(kernel, torch.ones(n), mean=torch.full((n,), shift))
    assert agrees(estimate, truth)
    assert estimate.stderr < 0.02
    assert estimate.upper_bound >= truth
    if rho <= 0.5:  # at .9 EP is off by a nat
        ep = log_probability(kernel, torch.ones(n), "ep", mean=torch.full((n,), shift))
        assert abs(ep.log_probability - truth) < 0.5


def test_samples_of_a_shifted_orthant_have_the_mean_of_rejection():
    kernel, labels = deep(3, 5, depth=2)
    mean = torch.tensor([0.5, -0.4, 0.2], dtype=torch.float64)
    estimate = log_probability(kernel, labels, mean=mean, keep_samples=True)
    assert bool((estimate.samples * labels[:, None] > 0).all())
    weights = torch.softmax(estimate.log_weights, 0)
    z = torch.randn(3, 400_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    f = mean[:, None] + torch.linalg.cholesky(kernel) @ z
    kept = f[:, (f * labels[:, None] > 0).all(0)]
    stderr = kept.std(1) / math.sqrt(kept.shape[1])
    assert bool(((estimate.samples @ weights - kept.mean(1)).abs() < 5 * stderr + 2e-3).all())


def test_copies_of_a_point_with_different_means_keep_the_hardest_condition():
    kernel, labels = deep(4, 1)
    mean = torch.tensor([0.3, -0.2, 0.1, 0.6], dtype=torch.float64)
    copies = [0, 1, 2, 3, 3]
    shifted = torch.cat([mean, mean[3:] + labels[3] * 0.5])  # a copy whose condition is easier
    plain = log_probability(kernel, labels, mean=mean)
    merged = log_probability(kernel[copies][:, copies], labels[copies], mean=shifted, keep_samples=True)
    assert merged.log_probability == plain.log_probability
    gap = merged.samples[4] - merged.samples[3]
    assert torch.allclose(gap, labels[3].double() * 0.5 * torch.ones_like(gap))


@pytest.mark.parametrize("method", ["importance", "bound"])
def test_methods_of_centred_gaussians_refuse_a_mean(method):
    with pytest.raises(ConfigError, match=f"{method}.*centred"):
        log_probability(torch.eye(2, dtype=torch.float64), torch.ones(2), method, mean=torch.ones(2))


def test_a_mean_of_the_wrong_shape_is_refused():
    with pytest.raises(NumericalError, match=r"shape \(3,\); allowed: \(2,\)"):
        log_probability(torch.eye(2, dtype=torch.float64), torch.ones(2), mean=torch.ones(3))


def test_a_singular_kernel_with_a_mean_may_be_possible_or_not():
    """Two opposite points: centred, their signs cannot agree; shifted up, they can."""
    kernel = torch.tensor([[1.0, -0.8, 0.6], [-0.8, 1.0, 0.0], [0.6, 0.0, 1.0]], dtype=torch.float64)
    kernel = torch.linalg.cholesky(kernel.new_tensor([[1.0, 0.3], [0.3, 1.0]]))
    root = torch.stack([kernel[0], kernel[1], -(kernel[0] + kernel[1])])
    singular, up = root @ root.T, torch.ones(3)
    with pytest.raises(NumericalError, match="no function in its range"):
        log_probability(singular, up)
    mean = torch.full((3,), 1.0, dtype=torch.float64)
    z = torch.randn(2, 400_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    share = float(((root @ z + 1) > 0).all(0).double().mean())
    found = log_probability(singular, up, mean=mean)
    assert (
        abs(found.log_probability - math.log(share))
        < 4.5 * math.sqrt((1 - share) / share / 400_000) + 4 * found.stderr + 1e-3
    )


@pytest.mark.parametrize("samples", [0, -5, 1.5, True, "many", None, math.nan])
def test_what_is_no_number_of_samples_is_refused(samples):
    for method in (*METHODS, "subset"):
        with pytest.raises(ConfigError, match=r"samples = .*; allowed: a whole number, at least 1"):
            log_probability(torch.eye(3), torch.ones(3), method, samples=samples)
    with pytest.raises(ConfigError, match=r"draws = .*; allowed: a whole number, at least 1"):
        log_probability(torch.eye(3), torch.ones(3), "importance", draws=samples)


@pytest.mark.parametrize("target", [0, -1.0, math.nan, "small"])
def test_what_is_no_standard_error_is_refused(target):
    with pytest.raises(ConfigError, match="target_stderr"):
        log_probability(torch.eye(3), torch.ones(3), target_stderr=target)


ALL = (*METHODS, "importance", "subset", "ep", "bound")


@pytest.mark.parametrize("method", ALL)
def test_arrays_lists_and_whole_numbers_are_taken(method):
    kernel = [[2.0, 0.3, 0.1], [0.3, 1.0, 0.0], [0.1, 0.0, 1.0]]
    expected = log_probability(torch.tensor(kernel, dtype=torch.float64), torch.tensor([1.0, -1, 1]), method)
    for labels in ([1, -1, 1], np.array([1, -1, 1]), torch.tensor([1, -1, 1])):
        assert log_probability(np.array(kernel), labels, method).log_probability == expected.log_probability
        assert log_probability(kernel, labels, method).log_probability == expected.log_probability
    whole = log_probability(torch.eye(3, dtype=torch.int64), torch.ones(3), method).log_probability
    assert whole == log_probability(torch.eye(3), torch.ones(3), method).log_probability


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize(
    ("kernel", "labels", "message"),
    [
        (np.eye(3), np.ones((3, 1)), r"labels of shape \(3, 1\); allowed: \(n,\)"),
        (np.ones(3), np.ones(3), r"kernel of shape \(3,\)"),
        (np.ones((3, 2, 2)), np.ones(3), r"kernel of shape \(3, 2, 2\)"),
        (np.eye(1), 1.0, r"labels of shape \(\)"),
        (np.eye(2) * 1j, np.ones(2), "cannot be read as real numbers"),
        ("kernel", np.ones(2), "cannot be read as real numbers"),
        ([[1.0, 0.0], [1.0]], np.ones(2), "cannot be read as real numbers"),
    ],
)
def test_what_is_no_kernel_is_refused_in_words(method, kernel, labels, message):
    with pytest.raises(NumericalError, match=message):
        log_probability(kernel, labels, method)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_default_dtype_does_not_matter(dtype):
    kernel, labels = deep(5)
    expected = [log_probability(kernel, labels, method).log_probability for method in METHODS]
    torch.set_default_dtype(dtype)
    try:
        assert [log_probability(kernel, labels, method).log_probability for method in METHODS] == expected
    finally:
        torch.set_default_dtype(torch.float32)
