import math

import pytest
import torch

from complete import mlp
from implicitbias.errors import NumericalError
from implicitbias.nngp.orthant import log_probability
from implicitbias.nngp.standardise import distinct, standardised


def points(n=6, d=9, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_standard_form_is_the_labels_times_the_correlations():
    kernel = points() @ points().T
    labels = torch.tensor([1, -1, 1, 1, -1, 1])
    orthant = standardised(kernel, labels)
    assert torch.allclose(orthant.correlation * orthant.scale[:, None] * orthant.scale[None, :], kernel, atol=1e-12)
    assert torch.equal(torch.sign(orthant.scale), labels.double())
    assert orthant.kept.tolist() == orthant.twin.tolist() == list(range(6))


def test_copies_with_equal_labels_change_nothing():
    x = points()
    copies = torch.tensor([0, 1, 1, 2, 3, 0, 4, 5, 1])
    labels = torch.tensor([1, -1, 1, 1, -1, 1])
    plain = log_probability(mlp(9, depth=3).nngp(x), labels)
    kernel = mlp(9, depth=3).nngp(x[copies])
    copied = log_probability(kernel, labels[copies], keep_samples=True)
    assert copied.log_probability == pytest.approx(plain.log_probability, abs=1e-9)
    assert distinct(kernel, labels[copies]).tolist() == [0, 1, 3, 4, 6, 7]
    assert torch.allclose(copied.samples[1], copied.samples[8], rtol=1e-12)
    assert (copied.samples * labels[copies][:, None] > 0).all()


def test_mirrored_points_count_as_copies_of_the_opposite_label():
    x = torch.cat([points(2), -points(2)[:1]])
    kernel = mlp(9, depth=1).nngp(x)
    expected = log_probability(kernel[:2, :2], torch.tensor([1, 1])).log_probability
    assert log_probability(kernel, torch.tensor([1, 1, -1])).log_probability == pytest.approx(expected, abs=1e-9)
    with pytest.raises(NumericalError, match="points 0 and 2 are equal"):
        log_probability(kernel, torch.tensor([1, 1, 1]))


@pytest.mark.parametrize("method", ["mixture", "importance", "ep"])
def test_copies_with_opposite_labels_are_named(method):
    x = points()[torch.tensor([0, 1, 2, 3, 1])]
    with pytest.raises(NumericalError, match=r"points 1 and 4 are equal under the kernel.*the probability is 0"):
        log_probability(mlp(9, depth=7).nngp(x), torch.tensor([1, 1, 1, 1, -1]), method)


def test_singular_kernel_with_a_possible_labelling():
    """Six lines through the plane: P is an angle over 2 pi."""
    angles = torch.tensor([0.1, 0.5, 1.0, 2.0, 2.5, 3.0], dtype=torch.float64)
    x = torch.stack([angles.cos(), angles.sin()], 1)
    labels = torch.sign(torch.cos(angles - 1.3))
    # the possible functions form a cone around the direction 1.3, bounded by the nearest normals of the six lines
    normals = torch.cat([angles + math.pi / 2, angles - math.pi / 2])
    offsets = torch.remainder(normals - 1.3 + math.pi, 2 * math.pi) - math.pi
    width = float(offsets[offsets > 0].min() - offsets[offsets < 0].max())
    estimate = log_probability(x @ x.T, labels)
    assert abs(estimate.log_probability - math.log(width / (2 * math.pi))) < 4 * estimate.stderr + 1e-4
    assert estimate.stderr < 0.02


def test_singular_kernel_with_an_impossible_labelling():
    x = points(30, 3)
    labels = torch.sign(points(30, 1, seed=7)[:, 0])
    with pytest.raises(NumericalError, match="rank 3 to rounding, and no function in its range has these signs"):
        log_probability(x @ x.T, labels)


@pytest.mark.parametrize(
    ("kernel", "labels", "message"),
    [
        (torch.eye(3), torch.ones(2), r"shape \(3, 3\) with 2 labels"),
        (torch.zeros(0, 0), torch.ones(0), "n >= 1"),
        (torch.eye(3), torch.tensor([1, 0, 1]), "label 1 is 0; allowed: \\+1 and -1"),
        (torch.diag(torch.tensor([1, math.nan])), torch.ones(2), "not finite"),
        (torch.diag(torch.tensor([1.0, 0.0])), torch.ones(2), "point 1 has prior variance 0"),
        (torch.tensor([[1.0, 0.5], [0.0, 1.0]]), torch.ones(2), "not symmetric"),
        (torch.tensor([[1.0, 1.5], [1.5, 1.0]]), torch.ones(2), "points 0 and 1 have correlation 1.5"),
        (torch.tensor([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]), torch.ones(3), "not positive semi-definite"),
    ],
)
def test_what_is_no_problem_of_this_kind_is_refused(kernel, labels, message):
    with pytest.raises(NumericalError, match=message):
        standardised(kernel, labels)


def test_symmetry_is_judged_on_the_scale_of_each_pair():
    kernel = torch.diag(torch.tensor([1e12, 1e-12, 1.0, 1.0], dtype=torch.float64))
    standardised(kernel, torch.ones(4))
    for i, j, size in ((2, 3, 0.9), (1, 3, 1e-7), (0, 1, 1e-5)):
        wrong = kernel.clone()
        wrong[i, j] = size
        with pytest.raises(NumericalError, match=rf"not symmetric: K\[{i}, {j}\] = {size:.9g}, K\[{j}, {i}\] = 0"):
            standardised(wrong, torch.ones(4))
