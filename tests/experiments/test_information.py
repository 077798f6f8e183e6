"""Information of layers against closed forms, brute force and another library; labels against their symmetry."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.metrics import mutual_info_score

from implicitbias.experiments import information, information_plane, linear_student


def test_bins_give_the_information_of_a_discrete_variable() -> None:
    rng = np.random.default_rng(0)
    values, labels = rng.integers(3, size=(200, 2)), rng.integers(2, size=200)
    on_input, on_label = information.binned_information(values / 2, labels, (0.0, 1.0), 3)
    codes = 3 * values[:, 0] + values[:, 1]
    assert on_input == pytest.approx(mutual_info_score(codes, codes) / math.log(2))
    assert on_label == pytest.approx(mutual_info_score(codes, labels) / math.log(2))
    assert information.binned_information(values, labels, (0.0, 100.0), 3)[0] == 0  # all in one bin
    assert np.isnan(information.binned_information(values, labels, (math.nan, 1.0), 3)).all()


def test_ten_neurons_of_seventy_bins_keep_their_patterns_apart() -> None:
    values = np.random.default_rng(1).random((300, 10))
    values[0], values[1] = 1.0, 0.0
    assert information.binned_information(values, np.zeros(300, int), (0.0, 1.0), 70)[0] == pytest.approx(np.log2(300))


def test_kernel_bound_is_that_of_pairwise_distances() -> None:
    """Of far points I(X; T) = log n; of equal ones 0; and as a sum over pairs otherwise."""
    x = torch.as_tensor(np.random.default_rng(2).normal(size=(1, 12, 3)), dtype=torch.float64)
    y = torch.tensor([0, 1] * 6)
    everything = torch.arange(12)
    far = information.kernel_information(100 * x, y, everything, 0.1)
    assert [float(each) for each in far] == pytest.approx([math.log2(12), 1.0])
    same = information.kernel_information(0 * x, y, everything, 0.1)
    assert [float(each) for each in same] == pytest.approx([0, 0])
    found = information.kernel_information(x, y, everything, 0.5)
    square = ((x[0][:, None] - x[0]) ** 2).sum(-1).numpy()
    kernel = np.exp(-square / (2 * 0.5))
    alike = y.numpy()[:, None] == y.numpy()
    whole = -np.log2(kernel.mean(1)).mean()
    within = -np.log2((kernel * alike).sum(1) / alike.sum(1)).mean()
    assert [float(each) for each in found] == pytest.approx([whole, whole - within])


def test_labels_are_balanced_and_the_icosahedron_may_turn() -> None:
    """Permuting the three coordinates permutes the vertices; their sum is 0, so that signs may change together."""
    signs, labels = information_plane.patterns()
    assert (signs.shape, abs(labels.mean() - 0.5) < 0.01) == ((4096, 12), True)
    assert len(np.unique(signs, axis=0)) == 4096
    place = {tuple(row): label for row, label in zip(signs, labels, strict=True)}
    turned = np.roll(signs, 4, axis=1)
    assert [place[tuple(row)] for row in turned] == labels.tolist()
    assert [place[tuple(row)] for row in -signs] == labels.tolist()
    swapped = signs[:, [1, 0, *range(2, 12)]]
    assert [place[tuple(row)] for row in swapped] != labels.tolist()


def test_networks_learn_and_tanh_saturates() -> None:
    found = information_plane.information_plane(epochs=60, learning_rate=0.3, records=4, draws=2, seed=1)
    assert found["epoch"].values.tolist()[0] == 0
    assert float(found["train_accuracy"].isel(epoch=0).mean()) == pytest.approx(0.5, abs=0.1)
    assert float(found["test_accuracy"].isel(epoch=-1).max()) > 0.9
    information_ = found["input_information"]
    assert (information_ <= 12).all()
    assert (information_.sel(layer=5) < information_.sel(layer=1)).all()
    assert (found["label_information"] <= 1.0001).all()


def test_gaussian_information_is_that_of_the_joint_normal() -> None:
    rng = np.random.default_rng(3)
    weights, teacher = rng.normal(size=(4, 6)), rng.normal(size=(6, 1))
    on_input, on_label = linear_student.gaussian_information(weights, teacher, 0.7, 0.2)
    hidden = np.vstack([weights, teacher.T])
    joint = np.block([[np.eye(6), hidden.T], [hidden, hidden @ hidden.T + np.diag([0.2] * 4 + [0.49])]])

    def entropy(rows: list[int]) -> float:
        return float(multivariate_normal(cov=joint[np.ix_(rows, rows)]).entropy()) / math.log(2)

    x, t, y = list(range(6)), list(range(6, 10)), [10]
    assert float(on_input) == pytest.approx(entropy(x) + entropy(t) - entropy(x + t))
    assert float(on_label) == pytest.approx(entropy(t) + entropy(y) - entropy(t + y))


def test_students_descend_and_learn() -> None:
    """A step is two of half its size, to first order; long training finds the teacher."""
    settings = {"features": 5, "width": 4, "train_size": 9, "draws": 2, "records": 2, "init_scale": 1.0}
    found = linear_student.linear_student(**settings, learning_rate=1e-4, steps=2)
    again = linear_student.linear_student(**settings, learning_rate=2e-4, steps=1)
    assert (found["train_loss"].diff("step") < 0).all()
    assert again["train_loss"].isel(step=-1).values == pytest.approx(found["train_loss"].isel(step=-1).values, rel=1e-6)
    lost = linear_student.linear_student(**settings, learning_rate=1e3, steps=50)
    assert lost["input_information"].isel(step=-1).isnull().all()
    long = linear_student.linear_student(features=5, width=4, train_size=50, steps=4000, draws=2, records=3)
    assert (long["test_loss"].isel(step=-1) < 0.1).all()
    assert (long["input_information"].isel(step=-1) > long["input_information"].isel(step=0)).all()
