"""Eigenspaces of kernels on rows of patches: parts and eigenvalues in closed form, and what is learned end to end."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from implicitbias.catalogue import CHECKS
from implicitbias.experiments import eigenspaces
from implicitbias.networks import network_of
from implicitbias.studies.checks import run_check

TOPOLOGIES = ["mlp", "cnn", "cnn_global_average"]
PARTS = eigenspaces.parts(8)


def test_parts_are_orthonormal_products_at_all_places() -> None:
    x = eigenspaces.points(np.random.default_rng(0), 100_000, 8, 3)
    assert np.allclose((x**2).sum(-1), 3)
    values = eigenspaces.components(x, PARTS)
    assert np.allclose(values.T @ values / len(x), np.eye(5), atol=0.02)
    assert np.abs(values.mean(0)).max() < 0.02
    first = x[0, :, 0]
    assert values[0, 2] == pytest.approx(sum(first[i] * first[i + 4] for i in range(4)) / 2)
    assert values[0, 4] == pytest.approx(sum(first[i] * first[i + 2] * first[i + 4] for i in range(4)) / 2)


def test_eigenvalues_of_a_linear_network_are_those_of_its_covariance() -> None:
    """K(x, z) = x.z/D on patches of d coordinates of variance 1: 1/D on functions of order 1, 0 on all others."""
    network = network_of({"depth": 1}, 8 * 3)
    values = np.mean(
        [eigenspaces.eigenvalues(network, "nngp", np.random.default_rng(seed), 8, 3) for seed in range(60)], axis=0
    )
    assert values[0] == pytest.approx(1 / 24, rel=0.3)
    assert np.abs(values[1:]).max() < 1e-12


def test_convolutions_do_not_see_interactions_beyond_their_reach() -> None:
    """Two layers see a patch and its neighbours: of two patches four places apart nothing is ever learned."""
    network = eigenspaces._network("cnn", 8, 2, 2)
    near, far = eigenspaces.eigenvalues(network, "nngp", np.random.default_rng(1), 8, 2)[1:3]
    assert near > 1e-4
    assert abs(far) < 1e-12


@pytest.fixture(scope="module")
def learned() -> xr.Dataset:
    small = {"patches": 6, "depth": 4, "train_size": 128, "test_size": 200, "draws": 6}
    found = [eigenspaces.eigenspaces(topology=each, **small) for each in TOPOLOGIES]
    return xr.concat(found, "topology").assign_coords(topology=TOPOLOGIES)


def test_kernels_learn_what_their_architecture_is_made_for(learned: xr.Dataset) -> None:
    assert learned["points"].values.tolist() == [16, 32, 64, 128]
    of = {name: learned["learned"].sel(topology=name, points=128).mean("draw") for name in TOPOLOGIES}
    near, far = ({name: float(each.sel(component=f"order 2, {where}")) for name, each in of.items()}
        for where in ("near", "far"))  # fmt: skip
    assert abs(near["mlp"] - far["mlp"]) < 0.15
    assert near["cnn"] > far["cnn"] + 0.2
    assert near["cnn_global_average"] > 0.85
    values = learned["eigenvalue"].mean("draw").sel(topology=["mlp", "cnn"])
    ratio = values.sel(component="order 2, near") / values.sel(component="order 2, far")
    assert 0.5 < float(ratio[0]) < 2
    assert float(ratio[1]) > 4


def made_up() -> xr.Dataset:
    """Fractions that obey all claims, with a spread over draws."""
    parts = list(PARTS)
    of = {"mlp": (0.9, 0.5, 0.5, 0.2, 0.2), "cnn": (0.9, 0.6, 0.3, 0.4, 0.1)}
    of["cnn_global_average"] = tuple(value + 0.08 for value in of["cnn"])
    spread = 0.02 * np.random.default_rng(2).normal(size=(3, 5, 2, 6))
    base = np.array([of[name] for name in TOPOLOGIES])[..., None]
    values = base[..., None] + spread
    factors = np.exp(spread[:, :, 0])
    return xr.Dataset(
        {
            "learned": (("topology", "component", "points", "draw"), values),
            "eigenvalue": (("topology", "component", "draw"), 10 ** (4 * base) * factors),
        },
        {"topology": TOPOLOGIES, "component": parts, "points": [16, 32], "draw": range(6)},
    )


def _plus(part: str, topology: str, more: float) -> Callable[[xr.Dataset], xr.Dataset]:
    def spoil(dataset: xr.Dataset) -> xr.Dataset:
        here = (dataset["component"] == part) & (dataset["topology"] == topology)
        return dataset.assign(learned=dataset["learned"] + more * here)

    return spoil


SPOILED = {
    "perceptrons_learn_by_order_alone": [
        _plus("order 2, far", "mlp", -0.1), _plus("order 3, near", "mlp", 0.3), _plus("order 1", "mlp", -0.4),
    ],
    "convolutions_learn_near_interactions_first": [
        _plus("order 2, near", "cnn", -0.3), _plus("order 3, far", "cnn", 0.3), _plus("order 2, far", "cnn", 0.1),
        _plus("order 3, near", "cnn", 0.2),
    ],
    "an_average_over_places_saves_points": [
        _plus(part, "cnn_global_average", -0.08) for part in ("order 1", "order 2, far", "order 3, near")
    ],
    "eigenvalues_tell_what_is_learned_first": [
        _plus("order 2, far", "cnn", 0.1), lambda dataset: dataset.assign(eigenvalue=dataset["eigenvalue"] * 0 + 1),
        lambda dataset: dataset.assign(eigenvalue=1 / dataset["eigenvalue"]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, entry in CHECKS.items() if ".eigenspaces:" in entry.function])
def test_checks_pass_on_what_obeys_and_fail_on_what_does_not(name: str) -> None:
    dataset = made_up()
    found = run_check(name, dataset)
    assert found.outcome == "passed", found.numbers
    for spoil in SPOILED[name]:
        assert run_check(name, spoil(dataset)).outcome == "failed"
    assert run_check(name, dataset.map(lambda data: data * np.nan)).outcome == "failed"
    assert run_check(name, dataset.isel(draw=[0])).outcome == "not run"
    assert run_check(name, xr.Dataset()).outcome == "not run"
