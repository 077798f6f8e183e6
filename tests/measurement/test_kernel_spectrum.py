"""The spectrum of the tangent kernel: kernels whose eigenvalues are known, layer by layer, and diverged networks."""

import numpy as np
import pytest

from implicitbias.measurement.kernel_spectrum import layer_tangent_rank, tangent_kernel_rank, tangent_trace_ratio
from implicitbias.measurement.tangents import gram, tangents_of
from implicitbias.networks import network_of

LINEAR = network_of({"depth": 1, "activation": "linear"}, 6)  # its tangent kernel is that of the inputs
WEIGHTS = [np.ones((1, 6))]


def test_the_identity_has_all_directions_but_the_mean() -> None:
    tangents = tangents_of(LINEAR, WEIGHTS, np.eye(6))
    assert tangent_kernel_rank(tangents, LINEAR) == pytest.approx(5)
    ratios = tangent_trace_ratio(tangents, np.array([1, 4, 16]), LINEAR)
    assert ratios == pytest.approx([0.2, 0.8, 1])


def test_two_directions_of_known_weight() -> None:
    """Eigenvalues 9 and 1 of centred orthogonal features: exp of the entropy of (.9, .1)."""
    first, second = np.array([1.0, -1, 1, -1, 0, 0]) / 2, np.array([1.0, 1, -1, -1, 0, 0]) / 2
    inputs = np.zeros((6, 6))
    inputs[:, 0], inputs[:, 1], inputs[:, 2] = 3 * first, second, 7.0  # the last is constant, and centred away
    tangents = tangents_of(LINEAR, WEIGHTS, inputs)
    assert tangent_kernel_rank(tangents, LINEAR) == pytest.approx(np.exp(-0.9 * np.log(0.9) - 0.1 * np.log(0.1)))
    assert tangent_trace_ratio(tangents, np.array([1, 4]), LINEAR) == pytest.approx([0.9, 1])


def test_layers_have_ranks_of_their_own_and_frozen_ones_none() -> None:
    network = network_of({"depth": 3, "width": 5, "output": "signs"}, 4)
    source = np.random.RandomState(1)
    weights = [source.randn(2, *shape) for shape in network.shapes]
    tangents = tangents_of(network, weights, source.randn(7, 4))
    found = layer_tangent_rank(tangents, network)
    assert found.shape == (2, 3)
    assert np.isnan(found[:, 2]).all()
    centring = np.eye(7) - 1 / 7
    for layer, member in np.ndindex(2, 2):
        values = np.linalg.eigvalsh(centring @ gram([tangents[layer]])[member] @ centring).clip(0)
        p = values[values > 1e-12 * values.max()] / values.sum()
        assert found[member, layer] == pytest.approx(np.exp(-(p * np.log(p)).sum()))
    assert tangent_kernel_rank(tangents, network) != pytest.approx(found[:, 0], rel=1e-3)


def test_what_has_no_spectrum_is_nan() -> None:
    """A diverged network among others, and a kernel that is constant."""
    weights = [np.stack([np.ones((1, 6)), np.full((1, 6), np.nan)])]
    network = network_of({"depth": 2, "width": 4}, 6)
    both = [np.random.RandomState(2).randn(2, *shape) for shape in network.shapes]
    for weight in both:
        weight[1] = np.nan
    tangents = tangents_of(network, both, np.eye(6))
    assert np.isnan(tangent_kernel_rank(tangents, network)).tolist() == [False, True]
    constant = tangents_of(LINEAR, weights, np.ones((6, 6)))
    assert np.isnan(tangent_kernel_rank(constant, LINEAR)).all()
