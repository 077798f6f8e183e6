"""Local volumes: exact stars and cones, stacked networks, constraints on rows, and what is refused or left out."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import multivariate_normal, ncx2

from implicitbias.config.load import validate
from implicitbias.errors import ConfigError
from implicitbias.losses import margins
from implicitbias.measurement.arrays import Array
from implicitbias.measurement.local_volume import volumes
from implicitbias.measurement.star import log_radial_integral, log_star_measure
from implicitbias.measurement.tangents import tangents_of
from implicitbias.networks.network import Network, network_of
from implicitbias.networks.stacked import initialise

RNG = np.random.default_rng(0)


def measured(network: Network, weights: list[Array], inputs: Array, targets: Array) -> tuple[Array, Array]:
    return volumes(network, weights, inputs, targets, tangents_of(network, weights, inputs, targets, margins))


def agrees(found: Array, true: Array) -> bool:
    """Within four standard errors, none of which is so large that it says nothing."""
    value, stderr = found
    return bool((stderr < 0.35).all() and (np.abs(value - true) < 4 * stderr + 1e-9).all())


@pytest.mark.parametrize("dimension", [2, 10, 300])
def test_radial_integrals_are_those_of_quadrature(dimension: int) -> None:
    for quadratic, linear, end in ((1.0, 0.0, np.inf), (1.0, -3.0, 2.0), (4.0, 2.0, 0.3), (1.0, 5.0, np.inf)):
        mode = (np.sqrt(linear**2 + 4 * quadratic * (dimension - 1)) - linear) / (2 * quadratic)
        top = min(mode, end)

        def log(r: float, quadratic: float = quadratic, linear: float = linear) -> float:
            return float((dimension - 1) * np.log(max(r, 1e-300)) - quadratic * r**2 / 2 - linear * r)

        true, _ = quad(lambda r, top=top: np.exp(log(r) - log(top)), 0, min(end, mode + 20), points=[top])
        found = log_radial_integral(dimension, *(np.array([x]) for x in (quadratic, linear, end)))
        assert found[0] == pytest.approx(np.log(true) + log(top), abs=1e-6)


@pytest.mark.parametrize("dimension", [2, 10, 40])
def test_the_measure_of_a_ball_is_a_noncentral_chi_squared_probability(dimension: int) -> None:
    centres = RNG.normal(size=(3, dimension))
    radii = np.array([0.3, 0.7, 1.5]) * dimension**0.5

    def inside(points: Array) -> Array:
        return np.linalg.norm(points - centres[:, None], axis=-1) < radii[:, None]

    true = ncx2.logcdf(radii**2, dimension, (centres**2).sum(-1))
    assert agrees(log_star_measure(inside, centres, np.zeros((3, 1, dimension)), 200), true)


def test_a_quadratic_bowl_has_the_measure_of_its_ellipsoid() -> None:
    """Around the origin: {z: sum of h_i z_i^2 < 1} under N(0, I), by a million draws of the prior."""
    curvature = np.array([0.2, 0.5, 1.0, 3.0, 8.0])
    draws = np.random.default_rng(1).normal(size=(1_000_000, 5))
    true = np.log(((draws**2) @ curvature < 1).mean())
    centre = np.zeros((1, 5))
    slopes = np.diag(curvature**0.5)[None]
    found = log_star_measure(lambda points: (points**2) @ curvature < 1, centre, slopes, 400)
    assert agrees(found, np.array([true]))


def test_the_measure_of_everything_is_one() -> None:
    centres = RNG.normal(size=(2, 30)) * 3
    found = log_star_measure(lambda points: np.ones(points.shape[:2], bool), centres, RNG.normal(size=(2, 4, 30)), 200)
    assert agrees(found, np.zeros(2))


@pytest.mark.parametrize(("points", "features"), [(2, 6), (2, 60), (4, 10)])
def test_all_that_fits_in_a_linear_model_is_the_star_of_any_network_that_fits(points: int, features: int) -> None:
    """A cone sees all of itself from each of its points: the local volume is the probability of the orthant."""
    inputs = RNG.normal(size=(points, features))
    targets = np.sign(RNG.normal(size=points))
    along = targets[:, None] * inputs
    network = network_of({"architecture": "mlp", "depth": 1}, features)
    drawn = (np.abs(RNG.normal(size=(3, points))) + 0.3) @ np.linalg.pinv(along).T
    found = measured(network, [drawn[:, None]], inputs, targets)
    true = multivariate_normal(np.zeros(points), along @ along.T).logcdf(np.zeros(points))
    assert agrees(np.stack(found), np.full(3, true))


def test_networks_that_do_not_fit_have_no_volume_and_others_are_what_they_are_alone() -> None:
    network = network_of({"architecture": "mlp", "depth": 2, "width": 4}, 6)
    weights = [layer.numpy() for layer in initialise(network, range(40), dtype=torch.float64)]
    inputs, targets = RNG.normal(size=(3, 6)), np.array([1.0, -1.0, 1.0])
    both = measured(network, weights, inputs, targets)
    hidden = np.maximum(np.einsum("khd,nd->knh", weights[0], inputs), 0)
    fits = (np.einsum("kh,knh->kn", weights[1][:, 0], hidden) * targets > 0).all(1)
    assert 0 < fits.sum() < 40
    np.testing.assert_array_equal(np.isfinite(both[0]), fits)
    first = int(np.flatnonzero(fits)[0])
    alone = measured(network, [layer[first : first + 1] for layer in weights], inputs, targets)
    np.testing.assert_allclose(alone[0], both[0][first], rtol=1e-9)
    assert (both[0][fits] < 0.1).all()


@pytest.mark.parametrize("rows", ["free", "unit", "mean_free_unit"])
def test_a_local_volume_is_a_part_of_what_random_networks_of_the_class_fit(rows: str) -> None:
    """With one point half of the prior fits, which has its star from a network of large margin mostly whole."""
    network = network_of({"architecture": "mlp", "depth": 2, "width": 6}, 5, rows=rows)
    weights = [layer.numpy() for layer in initialise(network, range(30), dtype=torch.float64)]
    values, stderrs = measured(network, weights, RNG.normal(size=(1, 5)), np.array([1.0]))
    known = ~np.isnan(values) & (stderrs < 0.3)
    assert known.sum() > 5
    assert (values[known] < np.log(0.5) + 4 * stderrs[known]).all()
    assert values[known].max() > np.log(0.5) - 1


def test_several_classes_fit_where_the_own_output_is_the_largest() -> None:
    network = network_of({"architecture": "mlp", "depth": 1}, 4, outputs=3)
    inputs, targets = RNG.normal(size=(1, 4)), np.eye(3)[[1]]
    weight = (targets - 1 / 3).T @ inputs
    values, stderrs = measured(network, [weight[None]], inputs, targets)
    assert agrees(np.stack([values, stderrs]), np.array([np.log(1 / 3)]))


def config(metrics: list[str], **network: object) -> dict[str, object]:
    return {
        "studies": {
            "s": {
                "task": {"source": "digits", "labels": "decimal", "train_size": 4},
                "network": {"depth": 2, "width": 4, **network},
                "training": {"epochs": 2},
                "metrics": metrics,
            }
        }
    }


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (config(["local_log_volume_stderr"]), "standard error of 'local_log_volume'"),
        (config(["local_log_volume"], bias="all"), "bias"),
        (config(["local_log_volume"], output="signs"), "output"),
    ],
)
def test_what_has_no_local_volume_is_refused(values: dict[str, object], problem: str) -> None:
    validate(config(["local_log_volume", "local_log_volume_stderr"]))
    with pytest.raises(ConfigError, match=problem):
        validate(values)
