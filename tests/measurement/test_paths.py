"""Frequencies along paths: a path by its cosine sums, pairs of the right kind, and networks one by one."""

import numpy as np
import pytest
import torch

from implicitbias.measurement.paths import path_spectrum
from implicitbias.networks import Network, network_of
from implicitbias.networks.stacked import forward

KINDS = np.array(["within", "between"])
FREQUENCIES = np.arange(1, 9) / 2
LINEAR = network_of({"depth": 1, "activation": "linear"}, 1)


def spectrum(
    network: Network, weights: list[np.ndarray], inputs: np.ndarray, labels: np.ndarray, scale: float = 1.0
) -> np.ndarray:
    scales = np.full(weights[0].shape[:-2], scale)
    return path_spectrum(weights, inputs, labels, scales, network, KINDS, FREQUENCIES)


def drawn(network: Network, lead: tuple[int, ...] = ()) -> list[np.ndarray]:
    source = np.random.RandomState(3)
    return [2 * source.randn(*lead, *shape) for shape in network.shapes]


@pytest.mark.parametrize("outputs", [1, 3])
def test_one_path_by_its_cosine_sums(outputs: int) -> None:
    """Of two points there is one path between them, and none within a class."""
    network = network_of({"depth": 3, "width": 7}, 4, outputs=outputs)
    weights, x = drawn(network), np.random.RandomState(1).randn(2, 4)
    labels = np.array([-1.0, 1]) if outputs == 1 else np.array([0.0, 2])
    found = spectrum(network, weights, x, labels, scale=0.7)
    assert np.isnan(found[0]).all()
    t = (np.arange(16) + 0.5) / 16
    points = torch.tensor(x[0] + t[:, None] * (x[1] - x[0]))
    logits = forward(network, [torch.tensor(weight[None]) for weight in weights], points[None])[0].numpy() / 0.7
    p = 1 / (1 + np.exp(-logits)) if outputs == 1 else np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    for frequency, value in zip(FREQUENCIES, found[1], strict=True):
        part = 2 * (p.reshape(16, -1) * np.cos(2 * np.pi * frequency * t)[:, None]).mean(0)
        assert value == pytest.approx((part**2).sum() / 2, rel=1e-9, abs=1e-15)
    assert found[1, 0] > 1e-6


def test_paths_join_points_of_the_right_kind() -> None:
    """All points of a class are the same: nothing varies within, and between there is one path."""
    labels = np.array([-1.0, 1, 1, -1, 1])
    within, between = spectrum(LINEAR, [np.full((1, 1), 3.0)], labels[:, None], labels)
    assert within == pytest.approx(np.zeros(8), abs=1e-20)
    alone = spectrum(LINEAR, [np.full((1, 1), 3.0)], labels[:2, None], labels[:2])[1]
    assert between == pytest.approx(alone, rel=1e-9, abs=1e-20)
    assert between[0] > 0.05


def test_a_lone_point_of_its_class_is_on_no_path_within() -> None:
    """It differs from all others, which are alike."""
    labels, inputs = np.array([1.0, 1, 1, -1]), np.array([2.0, 2, 2, -5])
    within, _ = spectrum(LINEAR, [np.full((1, 1), 3.0)], inputs[:, None], labels)
    assert within == pytest.approx(np.zeros(8), abs=1e-20)


def test_networks_are_measured_as_if_alone_and_diverged_ones_are_nan() -> None:
    """Two draws of points, with three networks each; the points are shared by none."""
    network = network_of({"depth": 2, "width": 5}, 3)
    weights = drawn(network, (2, 3))
    source = np.random.RandomState(5)
    inputs, labels = source.randn(2, 1, 6, 3), np.sign(source.randn(2, 1, 6))
    labels[..., :2] = [1, -1]
    weights[0][1, 2] = np.nan
    found = spectrum(network, weights, inputs, labels)
    assert found.shape == (2, 3, 2, 8)
    assert np.isnan(found[1, 2]).all()
    for draw, member in ((0, 0), (0, 2), (1, 1)):
        own = [weight[draw, member] for weight in weights]
        assert found[draw, member] == pytest.approx(spectrum(network, own, inputs[draw, 0], labels[draw, 0]))
