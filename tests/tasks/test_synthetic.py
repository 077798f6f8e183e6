"""Every synthetic source against its definition: moments, geometry, labels, flips."""

from pathlib import Path

import numpy as np
import pytest

from implicitbias.catalogue import SOURCES
from implicitbias.schema import parameters_of, violations
from implicitbias.tasks.build import build

SYNTHETIC = [name for name, source in SOURCES.items() if not source.real]


def drawn(source, train_size=400, seed=(0, 1), test_size=200, **parameters):
    return build(
        source=source, train_size=train_size, test_size=test_size, seed=list(seed), raw_dir=Path("none"), **parameters
    )


def points(found, half="train"):
    return found[f"{half}_input"].values[0], found[f"{half}_label"].values[0].astype(float)


@pytest.mark.parametrize("source", SYNTHETIC)
def test_seeds_differ_halves_differ_and_flips_are_counted(source):
    found = drawn(source)
    assert violations(found) == []
    assert not np.array_equal(found.train_input[0], found.train_input[1])
    assert not np.array_equal(found.train_input[0, :200], found.test_input[0])
    assert set(np.unique(found.train_label)) == set(np.unique(found.test_label)) == {-1, 1}
    again = drawn(source, seed=(1,))
    np.testing.assert_array_equal(again.train_input[0], found.train_input[1])
    turned = drawn(source, flip=0.15)
    np.testing.assert_array_equal(turned.train_input, found.train_input)
    np.testing.assert_array_equal(turned.test_label, found.test_label)
    assert ((turned.train_label != found.train_label).sum("train_point") == 60).all()
    assert parameters_of(turned)["flip"] == 0.15


def test_gaussian():
    x, y = points(drawn("gaussian", 4000, features=20))
    assert np.abs(x.mean(0)).max() < 5 / np.sqrt(4000)
    assert np.abs(np.cov(x.T) - np.eye(20)).max() < 0.12
    assert np.abs(x.T @ y / 4000).max() < 5 / np.sqrt(4000)


def test_orthogonal():
    x, _ = points(drawn("orthogonal", 40, features=64))
    assert np.abs(x @ x.T - 64 * np.eye(40)).max() < 1e-10


def test_two_gaussians():
    found = drawn("two_gaussians", 4000, features=81, mean_exponent=0.5)
    x, y = points(found)
    mean = (y[:, None] * x).mean(0)
    assert np.linalg.norm(mean) == pytest.approx(9, abs=0.15)
    assert np.abs(np.cov((x - y[:, None] * mean).T) - np.eye(81)).max() < 0.12
    test_x, test_y = points(found, "test")
    assert ((test_x @ mean) * test_y > 0).mean() > 0.99  # one mean for both halves


def test_common_signal():
    x, y = points(drawn("common_signal", 4000, features=300, deviation=0.5))
    mean = (y[:, None] * x).mean(0)
    assert mean.std() == pytest.approx(0.5, rel=0.15)
    assert (x - y[:, None] * mean).std() == pytest.approx(0.5, rel=0.01)


def test_signal_and_noise():
    x, y = points(drawn("signal_and_noise", 4000, features=50, signal=0.3))
    mean = (y[:, None] * x).mean(0)
    assert mean @ mean == pytest.approx(0.3, abs=0.02)
    assert (x**2).sum(1).mean() == pytest.approx(0.3 + 0.7 * 49 / 50, abs=0.02)
    noise = x - y[:, None] * mean
    assert (noise @ mean).std() < 0.1 * np.linalg.norm(mean) * noise.std()


def test_xor_clusters():
    x, y = points(drawn("xor_clusters", 4000, spread=0.01))
    axis = np.where(y > 0, 1, 0)
    assert np.abs(np.abs(x[np.arange(4000), axis]) - 1).max() <= 0.02
    assert np.abs(x[np.arange(4000), 1 - axis]).max() <= 0.02
    signs = np.sign(x[np.arange(4000), axis])
    assert np.abs([signs.mean(), y.mean(), (signs * y).mean()]).max() < 0.08


def test_disc_grid():
    x, y = points(drawn("disc_grid", 4000, features=6, grid=3))
    assert (x[:, -1] == 1).all()
    assert np.abs(x[:, :5]).max() <= 0.5
    cell = np.rint(((x[:, :2] + 0.5) * 8 - 1) / 3)  # centres at (1 + 3 i)/8 - 1/2
    assert set(map(tuple, cell)) == {(i, j) for i in range(3) for j in range(3)}
    assert np.linalg.norm(x[:, :2] - ((1 + 3 * cell) / 8 - 0.5), axis=1).max() <= 1 / 8
    by_disc = {disc: set(y[(cell == disc).all(1)]) for disc in set(map(tuple, cell))}
    assert all(len(labels) == 1 for labels in by_disc.values())
    assert sum(labels == {-1.0} for labels in by_disc.values()) == 4


def test_sparse_teacher():
    """Few coordinates matter: a quadratic fit in the active ones explains the label, the others do not move it."""
    x, y = points(drawn("sparse_teacher", 20_000, features=200, teacher=2, active=2))
    correlation = np.abs(x.T @ y) / len(y)
    second = np.abs((x**2 - 1).T @ y) / len(y)
    moved = (correlation > 5 / np.sqrt(len(y))) | (second > 5 * np.sqrt(2) / np.sqrt(len(y)))
    assert 1 <= moved.sum() <= 4


@pytest.mark.parametrize("active", [2, 3])
def test_sparse_parity(active):
    x, y = points(drawn("sparse_parity", 1000, features=25, active=active))
    assert set(np.unique(np.abs(x))) == {0.2}
    np.testing.assert_array_equal(np.sign(x[:, :active]).prod(1), y)
