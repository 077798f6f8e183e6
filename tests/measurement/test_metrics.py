import numpy as np
import pytest

from implicitbias.measurement import errors
from implicitbias.measurement.margins import normalized_margin, smallest_margin
from implicitbias.measurement.norms import weight_norm
from implicitbias.measurement.outputs import output_scale
from implicitbias.measurement.rank import positive_share, stable_rank
from implicitbias.networks import network_of

NAN = float("nan")


@pytest.mark.parametrize("error", [errors.train_error, errors.test_error])
def test_error_by_hand(error) -> None:
    outputs = np.array([[1.0, -2.0, 3.0, 0.0], [NAN, NAN, NAN, NAN], [1.0, NAN, 1.0, 1.0], [1.0, 1.0, -1.0, 2.0]])
    labels = np.array([1.0, 1.0, -1.0, 1.0])
    assert error(outputs * labels) == pytest.approx([0.75, NAN, NAN, 0.0], nan_ok=True)


def test_vote_error_by_hand() -> None:
    """Three networks on four points; a tie is wrong, a diverged network has no vote."""
    outputs = np.array([[1.0, -9.0, 1.0, -1.0], [2.0, 1.0, -5.0, -1.0], [-9.0, 2.0, 1.0, -1.0]])
    labels = np.array([[1.0, 1.0, -1.0, 1.0]])
    assert errors.vote_error(outputs, labels) == pytest.approx(0.5)
    two = np.stack([outputs[0], np.full(4, NAN), outputs[2]])
    assert errors.vote_error(two, labels) == pytest.approx(1.0)  # ties on the first two points
    assert np.isnan(errors.vote_error(np.full((3, 4), NAN), labels))
    both = errors.vote_error(np.stack([outputs, two]), labels[None])
    assert both == pytest.approx([0.5, 1.0])


def test_average_error_by_hand() -> None:
    """As the vote, but by the sum of outputs: the loudest network decides; a diverged one is left out."""
    outputs = np.array([[1.0, -9.0, 1.0, -1.0], [2.0, 1.0, -5.0, -1.0], [-9.0, 2.0, 1.0, -1.0]])
    labels = np.array([[1.0, 1.0, -1.0, 1.0]])
    three = np.array([3])
    assert errors.average_error(outputs, labels, three) == pytest.approx([0.75])  # only the third point's sum is right
    two = np.stack([outputs[0], np.full(4, NAN), outputs[1]])
    assert errors.average_error(two, labels, three) == pytest.approx([0.5])
    assert np.isnan(errors.average_error(np.full((3, 4), NAN), labels, three)).all()
    both = errors.average_error(np.stack([outputs, two]), labels[None], three)
    assert both[..., 0] == pytest.approx([0.75, 0.5])


def test_positive_share_is_that_of_the_labels_for_every_network() -> None:
    labels = np.array([[1.0, -1.0, 1.0, 1.0]])
    outputs = np.array([[0.0] * 4, [1.0] * 4, [NAN] * 4])
    assert positive_share(outputs, labels) == pytest.approx([0.75, 0.75, NAN], nan_ok=True)


def test_average_error_of_fewer_networks_is_a_mean_over_groups() -> None:
    """One by one the mean error; of four by twos the mean of two; NaN where there are fewer networks than that."""
    outputs = np.array([[3.0, -1.0], [-1.0, -1.0], [-1.0, 5.0], [2.0, -1.0], [NAN, NAN]])
    labels = np.array([[1.0, 1.0]])
    found = errors.average_error(outputs, labels, np.array([1, 2, 4, 8]))
    assert found == pytest.approx([(0.5 + 1 + 0.5 + 0.5) / 4, (0.5 + 0) / 2, 0, NAN], nan_ok=True)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5)])
def test_stable_rank(shape) -> None:
    """Of a given spectrum, of rank one, of the identity, of a stack, and of a network that has diverged."""
    source = np.random.RandomState(0)
    left, right = np.linalg.qr(source.randn(shape[0], 4))[0], np.linalg.qr(source.randn(shape[1], 4))[0]
    spectrum = np.array([3.0, 2.0, 1.0, 0.5])
    matrix = left * spectrum @ right.T
    assert stable_rank([matrix]) == pytest.approx((spectrum**2).sum() / 9)
    assert stable_rank([7e-9 * matrix, np.eye(3)]) == pytest.approx((spectrum**2).sum() / 9)
    assert stable_rank([np.outer(left[:, 0], right[:, 0])]) == pytest.approx(1)
    assert stable_rank([np.eye(5)]) == pytest.approx(5)
    stack = stable_rank([np.stack([matrix, np.full(shape, np.nan), 2 * left @ right.T])])
    assert stack == pytest.approx([(spectrum**2).sum() / 9, NAN, 4], nan_ok=True)


def test_smallest_margin_by_hand() -> None:
    """The second network is wrong at the second point; the third has diverged."""
    outputs = np.array([[0.3, -0.1, 0.2], [0.3, 0.4, 0.2], [0.3, NAN, 0.2]])
    found = smallest_margin(outputs * [1.0, -1.0, 1.0])
    assert found == pytest.approx([0.1, -0.4, NAN], nan_ok=True)


def test_normalized_margin_by_hand() -> None:
    """A network 2 -> 3 -> 1 on two points of norms 5 and 2."""
    outputs, labels = np.array([10.0, -6.0]), np.array([1.0, -1.0])
    inputs = np.array([[3.0, 4.0], [0.0, 2.0]])
    norms, shapes = np.array([2.0, 0.5]), np.array([[3, 2], [1, 3]])
    expected = min(10 / 5, 6 / 2) / (2 / 2**0.5 * 0.5 / 1)
    assert normalized_margin(outputs * labels, inputs, norms, shapes) == pytest.approx(expected)
    assert normalized_margin(-outputs * labels, inputs, norms, shapes) == pytest.approx(-3 / 2 * expected)


def test_normalized_margin_does_not_see_the_scale_of_weights_or_inputs() -> None:
    source = np.random.RandomState(0)
    outputs, labels, inputs = source.randn(4, 6), np.sign(source.randn(6)), source.randn(6, 3)
    norms, shapes = source.rand(4, 2) + 1, np.array([[5, 3], [1, 5]])
    margin = normalized_margin(outputs * labels, inputs, norms, shapes)
    assert normalized_margin(8 * outputs * labels, inputs, norms * [2, 4], shapes) == pytest.approx(margin)
    assert normalized_margin(3 * outputs * labels, 3 * inputs, norms, shapes) == pytest.approx(margin)


def test_nan_stays_nan() -> None:
    outputs, inputs = np.array([[1.0, NAN], [1.0, 2.0]]), np.ones((2, 3))
    shapes = np.array([[1, 3]])
    margin = normalized_margin(outputs, inputs, np.ones((2, 1)), shapes)
    assert np.isnan(margin).tolist() == [True, False]
    assert np.isnan(output_scale(outputs, network_of({}, 1))).tolist() == [True, False]


def test_output_scale_and_weight_norm() -> None:
    assert output_scale(np.array([[1.0, -3.0], [0.0, 0.5]]), network_of({}, 1)).tolist() == [2.0, 0.25]
    several = np.array([[[1.0, -3.0], [0.0, 0.5]]])
    assert output_scale(several, network_of({}, 1, outputs=2)).tolist() == [4.5 / 4]
    norms = np.array([[1.0, 2.0]])
    assert np.array_equal(weight_norm(norms), norms)
