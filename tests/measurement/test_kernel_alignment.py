"""Alignment of the tangent kernel with the labels: known kernels, its definition, and kernels of constrained rows."""

import numpy as np
import pytest
import torch

from implicitbias.measurement.kernel_alignment import (
    layer_tangent_alignment,
    tangent_alignment_by_kind,
    tangent_kernel_alignment,
)
from implicitbias.measurement.tangents import gram, tangents_of
from implicitbias.networks import Network, network_of
from implicitbias.networks.layers import ROWS
from implicitbias.networks.rows import project
from implicitbias.networks.stacked import forward

LABELS = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
LINEAR = network_of({"depth": 1, "activation": "linear"}, 6)  # its tangent kernel is that of the inputs


def alignment(network: Network, weights: list[np.ndarray], inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return tangent_kernel_alignment(tangents_of(network, weights, inputs), labels, network)


def test_a_kernel_whose_features_are_the_labels_is_aligned() -> None:
    """K = y y^T plus a constant, which centring takes away."""
    inputs = np.outer(LABELS, [2.0, 0, 0, 0, 0, 0])
    inputs[:, 1] = 3.0
    assert alignment(LINEAR, [np.ones((4, 1, 6))], inputs, LABELS) == pytest.approx(np.ones(4))


def test_the_identity_and_an_orthogonal_feature() -> None:
    """Of K = I with balanced labels: |H| = sqrt(n - 1); a feature that does not know the labels is not aligned."""
    weights = [np.ones((1, 6))]
    assert alignment(LINEAR, weights, np.eye(6), LABELS) == pytest.approx(1 / np.sqrt(5))
    other = np.outer([1.0, 1, 0, 0, -1, -1], np.eye(6)[0])
    assert alignment(LINEAR, weights, other, LABELS) == pytest.approx(0, abs=1e-12)


def drawn(network: Network, lead: tuple[int, ...] = ()) -> tuple[list[np.ndarray], np.ndarray]:
    """Random weights whose rows obey the network's constraint, and inputs."""
    source = np.random.RandomState(3)
    weights = [torch.tensor(source.randn(*lead, *shape)) for shape in network.shapes]
    for weight in weights[network.trained]:
        project(weight, network.rows)
    return [weight.numpy() for weight in weights], source.randn(6, network.features)


def test_it_is_the_cosine_of_its_definition() -> None:
    network = network_of({"depth": 3, "width": 5}, 4)
    weights, x = drawn(network, (2, 3))
    y = np.array([1.0, 1, 1, -1, 1, -1])
    found = alignment(network, weights, x, y)
    centring = np.eye(6) - 1 / 6
    target = centring @ np.outer(y, y) @ centring
    for at, kernel in zip(np.ndindex(2, 3), gram(tangents_of(network, weights, x)).reshape(-1, 6, 6), strict=True):
        centred = centring @ kernel @ centring
        wanted = (centred * target).sum() / np.linalg.norm(centred) / np.linalg.norm(target)
        assert found[at] == pytest.approx(wanted, rel=1e-10)


def test_layers_are_aligned_as_their_own_kernels() -> None:
    network = network_of({"depth": 3, "width": 5, "output": "signs"}, 4)
    weights, x = drawn(network, (2,))
    tangents = tangents_of(network, weights, x)
    found = layer_tangent_alignment(tangents, LABELS, network)
    assert np.isnan(found[:, 2]).all()  # it is frozen
    for layer in range(2):
        assert found[:, layer] == pytest.approx(tangent_kernel_alignment([tangents[layer]], LABELS, network))
    assert found[:, 0] != pytest.approx(found[:, 1], rel=1e-3)


def test_kinds_of_labels_are_judged_as_if_they_were_alone() -> None:
    network = network_of({"depth": 3, "width": 5}, 4)
    weights, x = drawn(network, (2,))
    kinds = np.array([[0.0, 1, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0]])
    found = tangent_alignment_by_kind(tangents_of(network, weights, x), LABELS, kinds, network)
    for member, kind in np.ndindex(2, 2):
        chosen = kinds[member] == kind
        own = [weight[member] for weight in weights]
        if chosen.any():
            alone = tangent_kernel_alignment(tangents_of(network, own, x[chosen]), LABELS[chosen], network)
            assert found[member, kind] == pytest.approx(float(alone))
    assert np.isnan(found[1, 1])


FAMILIES = {
    "dense": ({"depth": 3, "width": 5}, 4),
    "first bias": ({"depth": 2, "width": 5, "bias": "first"}, 4),
    "frozen signs": ({"depth": 2, "width": 5, "output": "signs"}, 4),
    "convolutions": ({"architecture": "cnn", "depth": 3, "width": 3, "readout": "global_average"}, (2, 4, 4)),
}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_constrained_kernel_is_that_of_the_network_behind_its_projection(family: str, rows: str) -> None:
    """Torch's Jacobian of f(project(W)) where W obeys the constraint: what moves W off it has no effect."""
    parameters, inputs = FAMILIES[family]
    network = network_of(parameters, inputs, rows=rows)
    weights, x = drawn(network)
    fixed = [torch.tensor(weight) for weight in weights]

    def f(*trained: torch.Tensor) -> torch.Tensor:
        projected = []
        for weight in trained:
            row = weight - weight.mean(-1, keepdim=True) if "mean_free" in rows else weight
            projected.append(row / row.norm(dim=-1, keepdim=True) if "unit" in rows else row)
        whole = list(fixed)
        whole[network.trained] = projected
        return forward(network, [weight[None] for weight in whole], torch.tensor(x))[0]

    jacobian = torch.autograd.functional.jacobian(f, tuple(fixed[network.trained]))
    flat = np.hstack([part.reshape(len(x), -1).numpy() for part in jacobian])
    found = gram(tangents_of(network, weights, x), rows)
    assert found == pytest.approx(flat @ flat.T, rel=1e-9, abs=1e-11)
    if rows != "free":
        assert gram(tangents_of(network, weights, x)) != pytest.approx(found, rel=1e-3)


def test_the_kernel_of_wide_constrained_networks_is_their_limit() -> None:
    """The mean over random networks of the projected kernel, against the closed form; the whole kernel is another.

    The closed form is for weights in units of 1/sqrt(fan-in), by which it weighs the layers.
    """
    network = network_of({"depth": 4, "width": 200}, 30, rows="mean_free_unit")
    weights, x = drawn(network, (40,))
    tangents = [t._replace(h=t.h / t.h.shape[-1] ** 0.5) for t in tangents_of(network, weights, x)]
    limit = network.ntk(torch.tensor(x)).numpy()
    means = {rows: gram(tangents, rows).mean(0) for rows in ("free", "mean_free_unit")}
    error = {rows: np.linalg.norm(mean - limit) / np.linalg.norm(limit) for rows, mean in means.items()}
    assert error["mean_free_unit"] < 0.1
    assert error["free"] > 0.3


def test_what_has_no_alignment_is_nan() -> None:
    """A diverged network among others, labels that are all equal, and a kernel that is constant."""
    network = network_of({"depth": 3, "width": 5}, 4, rows="mean_free_unit")
    weights, x = drawn(network, (2,))
    for weight in weights:
        weight[1] = np.nan
    assert np.isnan(alignment(network, weights, x, LABELS)).tolist() == [False, True]
    assert np.isnan(alignment(network, weights, x, np.ones(6))).all()
    assert np.isnan(alignment(LINEAR, [np.ones((1, 6))], np.ones((6, 6)), LABELS))
