import math

import exact_cones as exact
import exact_orthants
import numpy as np
import pytest
import torch
from torch import Tensor

from complete import mlp
from implicitbias.errors import ConfigError, ConvergenceWarning, NumericalError
from implicitbias.nngp import orthant
from implicitbias.nngp.cone import differences, log_probability
from implicitbias.nngp.cone_ep import cone_propagation
from implicitbias.nngp.cone_structure import cone_of
from implicitbias.nngp.cone_tilting import cone_tilting
from implicitbias.nngp.ep import expectation_propagation
from implicitbias.nngp.tilting import minimax_tilting

BOTH = ("structured", "differences")
METHOD = pytest.mark.parametrize("method", BOTH)


def agrees(estimate, truth, stderr=0.0, floor=1e-6):
    return abs(estimate.log_probability - truth) < 4 * math.hypot(estimate.stderr, stderr) + floor


def labelling(n: int, class_count: int, depth: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A deep kernel, and classes by the nearest of random directions."""
    generator = torch.Generator().manual_seed(seed)
    x, centres = (torch.randn(k, 8, generator=generator, dtype=torch.float64) for k in (n, class_count))
    return mlp(8, depth=depth).nngp(x), (x @ centres.T).argmax(1)


@METHOD
@pytest.mark.parametrize(("n", "class_count"), [(1, 2), (1, 7), (3, 2), (20, 3), (30, 10)])
def test_uncorrelated_points(method, n, class_count):
    classes = torch.randint(class_count, (n,), generator=torch.Generator().manual_seed(n))
    estimate = log_probability(2.5 * torch.eye(n, dtype=torch.float64), classes, method, class_count=class_count)
    assert agrees(estimate, -n * math.log(class_count))
    assert estimate.stderr < 0.02
    assert estimate.upper_bound > -n * math.log(class_count) - 1e-9
    assert estimate.lower_bound < estimate.log_probability + 1e-9


@pytest.mark.parametrize("method", ["importance", "tilting", "genz", "subset"])
def test_every_estimator_knows_uncorrelated_points(method):
    classes = torch.tensor([0, 2, 2, 1])
    settings = {"draws": 10**5} if method == "importance" else {"samples": 2**13}
    estimate = log_probability(torch.eye(4), classes, method, class_count=3, seed=1, **settings)
    assert agrees(estimate, -4 * math.log(3))
    assert estimate.stderr < 0.1


def test_the_bound_is_above_and_expectation_propagation_close():
    kernel, classes = torch.eye(6, dtype=torch.float64), torch.arange(6) % 3
    truth = 6 * math.log(3)
    bound = log_probability(kernel, classes, "bound", class_count=3)
    published = log_probability(kernel, classes, "bound", class_count=3, constant="published")
    assert truth < -bound.log_probability < -published.log_probability < 3 * truth
    assert -log_probability(kernel, classes, "ep", class_count=3).log_probability == pytest.approx(truth, abs=0.1)


def test_samples_of_every_estimator_that_keeps_them():
    kernel, classes = labelling(6, 3)
    known = log_probability(kernel, classes, "structured", class_count=3, keep_samples=True, samples=2**13)
    expected = known.samples @ torch.softmax(known.log_weights, 0)
    for method in ("mixture", "tilting", "genz"):
        estimate = log_probability(kernel, classes, method, class_count=3, keep_samples=True, samples=2**13)
        assert (estimate.samples @ torch.softmax(estimate.log_weights, 0) - expected).abs().max() < 0.05
        assert estimate.samples.mean(1).abs().max() < 1e-12


def test_the_bound_of_two_classes_is_that_of_the_signs():
    kernel, classes = labelling(10, 2)
    kernel = kernel * torch.linspace(0.5, 2, 10).double()[:, None] * torch.linspace(0.5, 2, 10).double()
    bound = log_probability(kernel, classes, "bound", class_count=2)
    signs = orthant.log_probability(kernel, 2 * classes - 1, "bound")
    assert bound.log_probability == pytest.approx(signs.log_probability, rel=1e-9)


def test_differences_that_no_memory_holds_are_refused():
    with pytest.raises(NumericalError, match=r"'ep': 7998 differences .* ask for 10.2 GB; allowed: 8 GB, by fewer"):
        log_probability(torch.eye(2), torch.tensor([0, 1]), "ep", class_count=4000)


@METHOD
@pytest.mark.parametrize("class_count", [2, 3, 10, 40])
def test_one_point_is_of_each_class_alike(method, class_count):
    estimate = log_probability(torch.tensor([[0.3]]), torch.tensor([1]), method, class_count=class_count)
    assert agrees(estimate, -math.log(class_count))


@pytest.mark.parametrize("n", [2, 10, 60])
@pytest.mark.parametrize("depth", [2, 7])
def test_two_classes_are_the_signs_of_the_difference(n, depth):
    kernel, classes = labelling(n, 2, depth)
    known = orthant.log_probability(kernel, 2 * classes - 1)
    estimate = log_probability(kernel, classes, "structured", class_count=2)
    assert agrees(estimate, known.log_probability, known.stderr)
    assert estimate.stderr < 0.05


@pytest.mark.parametrize(("n", "class_count"), [(2, 4), (12, 3), (30, 10), (60, 5)])
def test_the_reference_agrees(n, class_count):
    kernel, classes = labelling(n, class_count)
    fast, slow = (log_probability(kernel, classes, method, class_count=class_count, seed=3) for method in BOTH)
    assert agrees(fast, slow.log_probability, slow.stderr)
    assert max(fast.stderr, slow.stderr) < 0.06
    assert fast.log_probability < fast.upper_bound


@METHOD
def test_small_problems_agree_with_simulation(method):
    rng = np.random.default_rng(0)
    kernel = exact.gaussian_kernel(rng, 4)
    classes = np.array([0, 2, 2, 1])
    truth, stderr = exact.simulated(kernel, classes, 3, rng)
    assert agrees(log_probability(torch.tensor(kernel), torch.tensor(classes), method, class_count=3), truth, stderr)


@METHOD
@pytest.mark.parametrize("loading", [0.3, 0.7, 0.97])
@pytest.mark.parametrize("same", [True, False])
def test_one_factor_a_class_by_quadrature(method, loading, same):
    classes = np.zeros(20, dtype=int) if same else np.arange(20) % 3
    loadings = np.full(20, loading)
    kernel = np.outer(loadings, loadings)
    np.fill_diagonal(kernel, 1)
    estimate = log_probability(torch.tensor(kernel), torch.tensor(classes), method, class_count=3)
    assert agrees(estimate, exact.one_factor(loadings, classes), floor=1e-5)
    assert estimate.stderr < 0.3


def test_the_quadrature_is_right():
    """1/3 for one point, simulation for three; three outputs ask for more than two."""
    assert exact.one_factor(np.array([0.7]), np.array([2])) == pytest.approx(-math.log(3), abs=1e-7)
    loadings = np.array([0.5, 0.8, -0.3])
    three = exact.one_factor(loadings, np.array([0, 1, 2]))
    kernel = np.outer(loadings, loadings) + np.diag(1 - loadings**2)
    truth, stderr = exact.simulated(kernel, np.array([0, 1, 2]), 3, np.random.default_rng(0))
    assert abs(three - truth) < 4 * stderr
    assert exact_orthants.one_factor(loadings)[1] > three


@METHOD
def test_copies_of_a_point_add_nothing(method):
    kernel, classes = labelling(8, 3)
    copies = torch.tensor([0, 1, 1, 2, 3, 4, 5, 6, 7, 0])
    scale = torch.linspace(0.5, 2, 10, dtype=torch.float64)
    copied = kernel[copies][:, copies] * scale[:, None] * scale
    plain = log_probability(kernel, classes, method, class_count=3)
    estimate = log_probability(copied, classes[copies], method, class_count=3, keep_samples=True)
    assert estimate.log_probability == pytest.approx(plain.log_probability, abs=1e-9)
    assert torch.allclose(estimate.samples[0] / estimate.samples[9], torch.tensor(0.5 / 2, dtype=torch.float64))


@METHOD
def test_copies_of_a_point_in_two_classes_are_named(method):
    kernel, classes = labelling(5, 3)
    copies = torch.tensor([0, 1, 2, 3, 4, 2])
    classes = classes[copies]
    classes[5] = (classes[2] + 1) % 3
    with pytest.raises(NumericalError, match=r"points 2 and 5 are equal .* classes \d and \d: the probability is 0"):
        log_probability(kernel[copies][:, copies], classes, method, class_count=3)


@METHOD
def test_names_of_classes_and_scales_of_points_do_not_matter(method):
    kernel, classes = labelling(15, 4)
    estimate = log_probability(kernel, classes, method, class_count=4)
    scale = torch.linspace(0.1, 5, 15, dtype=torch.float64)
    renamed = torch.tensor([2, 0, 3, 1])[classes]
    other = log_probability(kernel * scale[:, None] * scale, renamed, method, class_count=4, seed=1)
    assert agrees(other, estimate.log_probability, estimate.stderr)


@METHOD
def test_a_class_without_points_still_competes(method):
    kernel, classes = labelling(3, 2)
    rng = np.random.default_rng(1)
    truth, stderr = exact.simulated(kernel.numpy(), classes.numpy(), 4, rng)
    assert agrees(log_probability(kernel, classes, method, class_count=4), truth, stderr)


@METHOD
def test_samples_are_centred_and_have_their_classes(method):
    kernel, classes = labelling(10, 3)
    estimate = log_probability(kernel, classes, method, class_count=3, keep_samples=True, samples=1024)
    assert estimate.samples.shape == (10, 3, len(estimate.log_weights))
    assert torch.equal(estimate.samples.argmax(1), classes[:, None].expand(-1, len(estimate.log_weights)))
    assert estimate.samples.mean(1).abs().max() < 1e-12
    assert len(estimate.log_weights) % estimate.groups == 0
    assert log_probability(kernel, classes, method, class_count=3).samples is None


def test_the_samples_of_both_methods_have_the_same_mean():
    kernel, classes = labelling(12, 3)
    means = []
    for method in BOTH:
        estimate = log_probability(kernel, classes, method, class_count=3, keep_samples=True, samples=2**14)
        means.append(estimate.samples @ torch.softmax(estimate.log_weights, 0))
    assert (means[0] - means[1]).abs().max() < 0.03


def test_covariance_of_the_differences():
    kernel, classes = labelling(4, 3)
    covariance, which = differences(kernel, classes, 3)
    outputs = (
        torch.linalg.cholesky(kernel) @ torch.randn(3, 4, 200_000, generator=torch.Generator().manual_seed(0)).double()
    )
    i, c = which // 3, which % 3
    d = outputs[classes[i], i] - outputs[c, i]
    assert torch.allclose(torch.cov(d), covariance, atol=0.05)
    assert (classes[i] != c).all()


def test_propagation_by_structure_is_that_of_the_differences():
    kernel, classes = labelling(12, 3)
    cone = cone_of(kernel / kernel.diagonal().sqrt()[:, None] / kernel.diagonal().sqrt(), classes, 3)
    sites = cone_propagation(cone, tolerance=1e-10, cap=500)
    covariance, which = differences(kernel, classes, 3)
    deviation = covariance.diagonal().sqrt()
    correlation = covariance / deviation[:, None] / deviation
    dense = expectation_propagation(correlation, torch.zeros(len(which), dtype=torch.float64), 1e-10, 500)
    place = torch.cat([block.points * 3 + block.number for block in cone.blocks])
    order = torch.argsort(place)
    mean = torch.cat([one.mean for one in sites.classes])[order]
    variance = torch.cat([one.variance for one in sites.classes])[order]
    prior = math.sqrt(2)  # of a difference of two outputs of unit variance
    assert torch.allclose(mean / prior, dense.mean, atol=1e-7)
    assert torch.allclose(variance / prior**2, dense.covariance.diagonal(), atol=1e-7)
    tau, nu = (torch.cat([getattr(one, name) for one in sites.classes])[order] for name in ("tau", "nu"))
    assert torch.allclose(tau * prior**2, dense.tau, rtol=1e-5)
    assert torch.allclose(nu * prior, dense.nu, rtol=1e-5)
    determinant = torch.logdet(torch.eye(len(which), dtype=torch.float64) + correlation * dense.tau)
    normaliser = 0.5 * dense.nu @ dense.covariance @ dense.nu - 0.5 * determinant
    assert sites.log_normaliser == pytest.approx(float(normaliser), abs=1e-6)


def test_where_own_outputs_are_known_the_tilting_is_that_of_the_orthant():
    kernel, _ = labelling(10, 2)
    deviation = kernel.diagonal().sqrt()
    a = kernel / deviation[:, None] / deviation
    cone = cone_of(a, torch.zeros(10, dtype=torch.long), 2)
    tiny = cone.own_covariance * 1e-16
    saddle = cone_tilting(type(cone)(tiny, cone.blocks))
    expected = minimax_tilting(a, torch.zeros(10, dtype=torch.float64))
    assert saddle.upper_bound == pytest.approx(float(expected.upper_bound), abs=1e-6)
    assert torch.allclose(saddle.tilts[0], expected.tilt, atol=1e-6)


def test_mirrored_points_of_different_classes_are_possible():
    """x and -x under a linear kernel: the largest output at x is the smallest at -x."""
    kernel = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
    estimate = log_probability(kernel, torch.tensor([0, 2]), class_count=3)
    assert agrees(estimate, -math.log(6), floor=1e-4)
    with pytest.raises(NumericalError, match="rank 1, and no 3 functions in its range"):
        log_probability(kernel, torch.tensor([1, 1]), class_count=3)


def smooth(nugget: float) -> tuple[Tensor, Tensor]:
    """Smooth functions of the plane, nearly singular but for the nugget."""
    x, directions = (torch.randn(k, 2, generator=torch.Generator().manual_seed(k)).double() for k in (40, 3))
    return torch.exp(-(torch.cdist(x, x) ** 2) / 8) + nugget * torch.eye(40), (x @ directions.T).argmax(1)


@pytest.mark.parametrize("nugget", [1e-7, 1e-5])
def test_nearly_singular_kernels(nugget):
    kernel, classes = smooth(nugget)
    fast, slow = (log_probability(kernel, classes, method, class_count=3) for method in BOTH)
    assert agrees(fast, slow.log_probability, slow.stderr)
    assert fast.stderr < 0.3


@pytest.mark.filterwarnings("ignore::implicitbias.errors.ConvergenceWarning")
def test_the_default_method_suits_the_problem():
    kernel, classes = labelling(20, 3)
    assert log_probability(kernel, classes, class_count=3) == log_probability(
        kernel, classes, "differences", class_count=3
    )
    kernel, classes = labelling(26, 80)
    many = (
        log_probability(kernel, classes, method, class_count=80, samples=64) for method in ("mixture", "structured")
    )
    assert len({estimate.log_probability for estimate in many}) == 1
    kernel, classes = smooth(0)
    with pytest.raises(
        NumericalError, match="too nearly singular to be inverted class by class; use method differences"
    ):
        log_probability(kernel, classes, "structured", class_count=3)
    assert log_probability(kernel, classes, class_count=3).stderr < 0.05


def test_a_target_for_the_standard_error():
    kernel, classes = labelling(20, 3)
    estimate = log_probability(
        kernel, classes, "structured", class_count=3, samples=256, target_stderr=0.02, keep_samples=True
    )
    assert estimate.stderr <= 0.02
    assert len(estimate.log_weights) > 256
    with pytest.warns(ConvergenceWarning, match=r"not the 1e-06 asked for"):
        log_probability(kernel, classes, "structured", class_count=3, samples=256, cap=256, target_stderr=1e-6)


def test_few_effective_samples_are_told():
    problem = exact.random_problem(183)
    with pytest.warns(ConvergenceWarning, match=r"structured: .* of 512 samples are effective.* method differences"):
        log_probability(problem.kernel, problem.classes, "structured", class_count=problem.class_count, samples=512)
    known = log_probability(problem.kernel, problem.classes, class_count=problem.class_count, samples=2048)
    assert agrees(known, problem.log_probability)
    assert known.effective_sample_size > 200


def test_the_seed_decides_the_numbers():
    kernel, classes = labelling(10, 3)
    one, same, other = (log_probability(kernel, classes, "structured", class_count=3, seed=seed) for seed in (5, 5, 6))
    assert one.log_probability == same.log_probability != other.log_probability


def test_error_bars_are_honest():
    scores = np.abs(exact.calibrate(20, samples=512, first=1000))
    assert (scores < 3).sum() >= 19
    assert (scores < 2).sum() >= 16


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::implicitbias.errors.ConvergenceWarning")
def test_error_bars_are_honest_on_many_problems():
    assert (np.abs(exact.calibrate(100, samples=2048)) < 3).mean() >= 0.98


@pytest.mark.parametrize(
    ("classes", "class_count", "message"),
    [
        ([0, 1, 3], 3, r"point 2 has class 3; allowed: whole numbers from 0 to 2"),
        ([0, -1, 1], 3, r"point 1 has class -1; allowed: whole numbers from 0 to 2"),
        ([0, 1.5, 1], 3, r"point 1 has class 1.5; allowed"),
        ([0, math.nan, 1], 3, r"point 1 has class nan; allowed"),
        ([0, 0, 0], 1, r"class_count is 1; allowed: 2 or more"),
        ([0, 1], 2, r"kernel of shape \(3, 3\) with classes of shape \(2,\); allowed: \(n, n\) and \(n,\)"),
        ([[0, 1, 1]], 2, r"kernel of shape \(3, 3\) with classes of shape \(1, 3\)"),
    ],
)
def test_wrong_classes(classes, class_count, message):
    with pytest.raises(NumericalError, match=message):
        log_probability(torch.eye(3), torch.tensor(classes), class_count=class_count)


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        ([[1.0, 0.5], [0.4, 1.0]], "not symmetric"),
        ([[1.0, 2.0], [2.0, 1.0]], "points 0 and 1 have correlation 2"),
        ([[1.0, 0.0], [0.0, 0.0]], "point 1 has prior variance 0"),
        ([[1.0, math.nan], [math.nan, 1.0]], "not finite"),
    ],
)
def test_wrong_kernels(kernel, message):
    with pytest.raises(NumericalError, match=message):
        log_probability(torch.tensor(kernel), torch.tensor([0, 1]), class_count=3)


def test_a_kernel_that_is_no_covariance():
    kernel = torch.tensor([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    with pytest.raises(NumericalError, match="not positive semi-definite"):
        log_probability(kernel, torch.tensor([0, 1, 2]), class_count=3)


def test_unknown_methods_and_too_many_outputs():
    with pytest.raises(ConfigError, match=r"no method 'mixtur' \(did you mean 'mixture'\?\); allowed"):
        log_probability(torch.eye(2), torch.tensor([0, 1]), "mixtur", class_count=2)
    with pytest.raises(NumericalError, match=r"2 points with 20000 outputs; allowed: 21201 outputs in all"):
        log_probability(torch.eye(2), torch.tensor([0, 1]), "structured", class_count=20000)
