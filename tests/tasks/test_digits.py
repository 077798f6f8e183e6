import numpy as np
import pytest
from sklearn.datasets import load_digits

from implicitbias.catalogue import SOURCES
from implicitbias.tasks.digits import load


@pytest.fixture(scope="module")
def superset():
    return load()


def test_sizes_are_those_of_the_catalogue(superset):
    sizes, zero_one = SOURCES["digits"].sizes, superset.only((0, 1))
    assert (len(superset.train_input), len(superset.test_input)) == sizes(tuple(range(10)))
    assert (len(zero_one.train_input), len(zero_one.test_input)) == sizes((0, 1))
    assert superset.train_input.shape[1] == superset.test_input.shape[1] == 64


def test_every_point_has_norm_sqrt_d(superset):
    for points in (superset.train_input, superset.test_input):
        np.testing.assert_allclose(np.linalg.norm(points, axis=1), 8, rtol=1e-12)


def test_points_are_sklearns_standardised_and_split_by_the_fixed_permutation(superset):
    pixels, digit = load_digits(return_X_y=True)
    order = np.random.RandomState(0).permutation(1797)
    train = pixels[order[:1200]] / 16
    for row, index in ((superset.train_input[7], order[7]), (superset.test_input[-1], order[-1])):
        point = (pixels[index] / 16 - train.mean()) / train.std()
        np.testing.assert_allclose(row, point * 8 / np.linalg.norm(point), rtol=1e-12)
    np.testing.assert_array_equal(superset.train_class, digit[order[:1200]])
    np.testing.assert_array_equal(superset.test_class, digit[order[1200:]])


def test_no_image_is_in_both_halves_and_none_is_lost(superset):
    pixels, digit = load_digits(return_X_y=True)
    counts = np.bincount(superset.train_class) + np.bincount(superset.test_class)
    np.testing.assert_array_equal(counts, np.bincount(digit))
    assert len(np.unique(np.vstack([superset.train_input, superset.test_input]), axis=0)) == len(
        np.unique(pixels, axis=0)
    )


def test_only_keeps_file_order(superset):
    kept = superset.only((0, 1))
    np.testing.assert_array_equal(kept.train_class, [digit for digit in superset.train_class if digit < 2])
    np.testing.assert_array_equal(kept.test_input, superset.test_input[superset.test_class < 2])
