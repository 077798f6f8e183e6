"""Study datasets with known numbers, shared by the tests of checks, figures and report."""

import signal
from collections.abc import Iterator

import matplotlib as mpl

mpl.use("Agg")
import numpy as np
import pytest
import torch
import xarray as xr

from implicitbias.config.models import follow_tables
from implicitbias.extensions.files import use
from implicitbias.schema import describe, variable, with_stderr

torch.set_num_threads(1)  # as jobs do: two threads stall each other when tests run side by side
# Tests in the background would inherit that an interrupt is ignored, and so would what they start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long tests go first, those before all that mostly wait for a cluster: others compute meanwhile."""
    items.sort(key=lambda item: ("test_slurm" not in item.nodeid, "tests/workflow" not in item.nodeid))


@pytest.fixture(autouse=True)
def _without_extensions() -> Iterator[None]:
    """A test leaves the tables as it found them."""
    yield
    if use([]):
        follow_tables()


LABELS = ["decimal", "binary", "random"]
SIZES = [50, 100, 500]
DEPTHS = [2, 7]
SEEDS = [0, 1, 2]
SCALES = [0.1, 1.0]
ESTIMATORS = ["bound", "importance", "mixture"]


@pytest.fixture
def generalisation() -> xr.Dataset:
    """A study like section 4's in which every check passes: error = hardness/sqrt(n), seeds differ by 0.001."""
    hardness = xr.DataArray([2.0, 0.5, 0.0], {"labels": LABELS}, ["labels"])
    chance = xr.DataArray([0.0, 0.0, 0.5], {"labels": LABELS}, ["labels"])
    size = xr.DataArray(np.array(SIZES, float), {"train_size": SIZES}, ["train_size"])
    depth = xr.DataArray([0.0, 0.0], {"depth": DEPTHS}, ["depth"])
    seed = xr.DataArray([-0.001, 0.0, 0.001], {"seed": SEEDS}, ["seed"])
    scale = xr.DataArray([2.0, 1.0], {"label_scale": SCALES}, ["label_scale"])
    bias = xr.DataArray([1.6, 1.4, 1.0], {"estimator": ESTIMATORS}, ["estimator"])
    order = ("labels", "train_size", "depth", "seed", "label_scale", "estimator", "test_point")

    def arranged(data: xr.DataArray) -> xr.Variable:
        return data.transpose(*[dim for dim in order if dim in data.dims]).variable

    def metric(data: xr.DataArray, long_name: str, units: str = "1") -> xr.Variable:
        plain = arranged(data)
        return variable(plain.dims, plain.values, long_name, units, "test")  # type: ignore[arg-type]

    test_error = hardness / np.sqrt(size) * scale + chance + seed + depth
    gibbs = 1.5 * hardness / np.sqrt(size) + chance + seed + depth
    complexity = (hardness + 6 * chance + 1) * np.sqrt(size) * bias + 10 * seed + depth
    sizes = xr.ones_like(complexity) * xr.DataArray([np.nan, 3.0, 3000.0], {"estimator": ESTIMATORS}, ["estimator"])
    pac_bayes = 1 - np.exp(-(complexity + 10) / (size - 1))
    point = xr.DataArray(np.zeros(1000), {"test_point": range(1000)}, ["test_point"])
    drawn = xr.DataArray(np.tile(np.arange(1000), (3, 1)), {"seed": SEEDS}, ["seed", "test_point"])
    variables = {
        "test_error": metric(test_error, "test error"),
        "test_error_by_point": metric(test_error + point, "whether a test point is wrong"),
        "test_index": metric(drawn, "index of the test point"),
        "train_error": metric(0 * test_error, "training error"),
        "effective_sample_size": metric(sizes, "effective sample size"),
        "pac_bayes_bound": metric(pac_bayes, "PAC-Bayes bound"),
        "bayes_error": metric(gibbs / 2, "Bayes error"),
    }
    variables |= with_stderr(
        "complexity", metric(complexity, "complexity", "nat"), 0.01 + 0 * arranged(complexity).values
    )
    variables |= with_stderr("gibbs_error", metric(gibbs, "Gibbs error"), 0.001 + 0 * arranged(gibbs).values)
    finished = np.full(variables["test_error"].shape, "finished")
    variables["stop_reason"] = variable(variables["test_error"].dims, finished, "why training stopped")  # type: ignore[arg-type]
    coords = {
        "labels": LABELS, "train_size": SIZES, "depth": DEPTHS, "seed": SEEDS, "label_scale": SCALES,
        "estimator": ESTIMATORS, "test_point": range(1000), "source": "mnist", "width": 256,
    }  # fmt: skip
    dataset = xr.Dataset(variables, coords)
    dataset["train_size"].attrs["long_name"] = "number of training points"
    settings = {
        "task": {"source": "mnist", "labels": LABELS, "train_size": SIZES, "seed": SEEDS},
        "training": {"optimizer": "nero"},
    }
    return describe(dataset, "study generalisation", settings, question="why & <how>?", method="so")


@pytest.fixture
def label_ray() -> xr.Dataset:
    """A study like section 5's in which every check passes: two classes of networks, ten draws, two networks each."""
    scales, classes, points = [0.01, 0.1, 1.0, 10.0, 100.0], ["mean_free_unit", "unit"], 50
    errors = {
        "test_error": [[0.5, 0.37, 0.2, 0.05, 0.02], [0.5, 0.36, 0.24, 0.15, 0.1]],
        "ray_error": [[0.5, 0.45, 0.21, 0.06, 0.03], [0.5, 0.46, 0.26, 0.17, 0.16]],
        "gibbs_error": [0.3, 0.335],
    }  # fmt: skip
    seed = np.linspace(-0.009, 0.009, 10)
    hard = 0.01 * (np.arange(points) % 2 - 0.5)
    variables = {}
    for name, levels in errors.items():
        values = np.asarray(levels)[..., None, None] + seed[:, None] + hard
        dims = (
            ("constraint", "label_scale", "seed", "test_point")[::1]
            if values.ndim == 4
            else ("constraint", "seed", "test_point")
        )
        if name == "test_error":
            values, dims = np.stack([values - 0.001, values + 0.001], -2), (*dims[:-1], "member", "test_point")
        variables[f"{name}_by_point"] = variable(dims, values, name, source="test")
        whole = variable(dims[:-1], values.mean(-1), name, source="test")
        variables |= with_stderr(name, whole, 1e-4 + 0 * whole.values) if name == "gibbs_error" else {name: whole}
    sampled = np.linspace(-0.13, 0.13, 41)
    sampled[20] = np.nan  # fewer were accepted than there is room for
    variables |= {
        "train_error": variable(variables["test_error"].dims, 0 * variables["test_error"].values, "training error"),
        "sampled_test_error": variable(
            ("constraint", "seed", "draw"),
            np.array(errors["gibbs_error"])[:, None, None] + seed[:, None] + sampled,
            "error",
        ),
        "test_index": variable(("seed", "test_point"), np.arange(10 * points).reshape(10, points), "index"),
    }
    coords = {
        "constraint": classes, "label_scale": scales, "seed": range(10), "member": range(2), "draw": range(41),
        "test_point": range(points), "depth": 7, "source": "digits",
    }  # fmt: skip
    return describe(xr.Dataset(variables, coords), "study label_ray", {"task": {"source": "digits"}})


@pytest.fixture
def decomposed() -> xr.Dataset:
    """A study whose four errors are .2, .1, .12, .08 on large targets and .2, .35, .38, .1 on small ones, at depth 7.

    The shallow network gains nothing on small targets. Draws differ by .01, and a fifth of the test points is hard.
    """
    levels = {
        0.1: {2: (0.15, 0.3, 0.32, 0.3), 7: (0.2, 0.35, 0.38, 0.1)},
        1.0: {2: (0.15, 0.05, 0.05, 0.05), 7: (0.2, 0.1, 0.12, 0.08)},
    }
    sizes, points = [50, 200], 300
    rng = np.random.default_rng(0)
    seed = xr.DataArray(rng.normal(0, 0.01, 10), {"seed": range(10)}, ["seed"])
    hard = xr.DataArray(np.arange(points) % 5 == 0, {"test_point": range(points)}, ["test_point"])
    size = xr.DataArray([0.05, 0.0], {"train_size": sizes}, ["train_size"])
    kinds = ("gibbs_error", "ray_error", "lazy_error", "test_error")
    table = xr.DataArray(
        np.array([[levels[scale][depth] for depth in (2, 7)] for scale in (0.1, 1.0)]),
        {"label_scale": [0.1, 1.0], "depth": [2, 7], "kind": list(kinds)}, ["label_scale", "depth", "kind"],
    )  # fmt: skip
    errors = table + size + (seed - seed.mean()) + 0.05 * (hard - 0.2)
    variables = {}
    for kind in kinds:
        values = errors.sel(kind=kind, drop=True)
        values = values.isel(label_scale=-1, drop=True) if kind == "gibbs_error" else values
        values = values.expand_dims(member=2) if kind == "test_error" else values
        variables[f"{kind}_by_point"] = variable(values.dims, values.values, kind, source="test")
        whole = values.mean("test_point")
        variables[kind] = variable(whole.dims, whole.values, kind, source="test")
    variables["test_index"] = variable(
        ("seed", "test_point"), np.tile(np.arange(points), (10, 1)), "index", source="test"
    )
    variables["prior_std"] = variable(
        ("depth", "seed"), np.repeat([[0.8], [0.25]], 10, 1), "prior deviation", source="test"
    )
    coords = {
        "label_scale": [0.1, 1.0], "depth": [2, 7], "train_size": sizes, "seed": range(10), "member": range(2),
        "test_point": range(points), "labels": "decimal", "source": "digits",
    }  # fmt: skip
    return describe(xr.Dataset(variables, coords), "study decomposition", {"task": {"source": "digits"}})


@pytest.fixture
def orthant(generalisation: xr.Dataset) -> xr.Dataset:
    """Orthant probabilities alone, where the published estimator has the depths the wrong way round."""
    kept = generalisation[["complexity", "complexity_stderr", "effective_sample_size", "pac_bayes_bound"]]
    deeper = xr.DataArray(
        np.array([[0.0, 0.0, 0.0], [0.0, -0.02, 0.01]]),
        {"depth": DEPTHS, "estimator": ESTIMATORS}, ["depth", "estimator"],
    )  # fmt: skip
    dims = kept["pac_bayes_bound"].dims
    turned = kept["pac_bayes_bound"].copy(data=(kept["pac_bayes_bound"] + deeper).transpose(*dims).values)
    return kept.assign(pac_bayes_bound=turned)


@pytest.fixture
def bayes_point() -> xr.Dataset:
    """A study like the second version's table in which every check passes."""
    sizes, targets, scales = [50, 100, 200], ["spherised", "labels"], [1.0, 100.0]
    centre = np.array([0.2, 0.15, 0.1])
    draw = np.array([0.38, 0.35, 0.3])
    single = np.array([[draw, draw - 0.1], [draw - 0.05, centre + 0.01]])  # (targets, label_scale, train_size)
    vote = np.array([[centre + 0.02, centre], [centre + 0.02, centre]])
    points, draws, members = 1000, 4, 3
    shift = np.array([-2, -1, 1, 2])[:, None]  # points that a draw has wrong beside the others
    level = np.moveaxis(vote, 2, 0)[..., None, None] * points + shift  # points on which two of three networks are wrong
    once = np.moveaxis(3 * single - 2 * vote, 2, 0)[..., None, None] * points  # and those on which one is
    place = np.arange(points)
    wrong = np.stack([
        np.where(place < level, place % members != member, (place < level + once) & (place % members == member))
        for member in range(members)
    ], axis=-2).astype(float)  # fmt: skip
    by_network = ("train_size", "targets", "label_scale", "seed")
    by_draw = ("train_size", "seed")
    centres, draw_errors = ((errors[:, None] + shift[:, 0] / points) for errors in (centre, draw))
    variables = {
        "test_error": variable((*by_network, "member"), wrong.mean(-1), "test error"),
        "test_error_by_point": variable((*by_network, "member", "test_point"), wrong, "whether a test point is wrong"),
        "vote_error": variable(by_network, (wrong.mean(-2) > 0.5).mean(-1), "vote"),
        "train_error": variable((*by_network, "member"), np.zeros((3, 2, 2, draws, members)), "training error"),
        "spherised_bayes_error": variable(by_draw, centres + 5e-4, "Bayes error"),
        "kernel_interpolation_error": variable(by_draw, centres, "kernel interpolation"),
        "test_points": variable(by_draw, [[10_000] * draws] * 3, "number of test points"),
        "test_index": variable(("seed", "test_point"), np.tile(place, (draws, 1)), "index of the test point"),
    }
    variables |= with_stderr(
        "spherised_gibbs_error", variable(by_draw, draw_errors + 0.02, "Gibbs error"), 0.001 + 0 * draw_errors
    )
    coords = {
        "train_size": sizes, "targets": targets, "label_scale": scales, "seed": range(draws), "member": range(members),
        "test_point": place,
    }  # fmt: skip
    more = {"labels": "decimal", "depth": 7, "width": 1000, "source": "mnist"}
    return describe(xr.Dataset(variables, {**coords, **more}), "study bayes_point", {"task": {"source": "mnist"}})


@pytest.fixture
def calibrated() -> xr.Dataset:
    """Two estimators on 100 problems: the scores of one are as they should be, those of the other five times that."""
    score = np.random.RandomState(0).standard_t(31, (1, 100)) * np.array([[1.0], [5.0]])
    freedom = np.tile([[31.0], [4095.0]], (1, 100))
    stderr = np.full((2, 100), 0.01)
    exact = np.tile(np.linspace(1, 300, 100), (2, 1))
    dims = ("estimator", "problem")
    variables = {
        "exact_complexity": variable(dims, exact, "exact complexity", "nat"),
        "points": variable(dims, np.full((2, 100), 10), "number of points"),
        "score": variable(dims, score, "error in standard errors"),
        "degrees_of_freedom": variable(dims, freedom, "degrees of freedom of the standard error"),
    }
    variables |= with_stderr("complexity", variable(dims, exact + score * stderr, "complexity", "nat"), stderr)
    coords = {"estimator": ["mixture", "importance"], "problem": range(100)}
    return describe(xr.Dataset(variables, coords), "study calibration", {})


@pytest.fixture
def low_rank() -> xr.Dataset:
    """A study like Frei et al.'s figure 1 in which both checks pass."""
    steps, features, scales = np.array([0, 1, 10, 100]), [200, 1000, 4000], [0.02, 1.0]
    fall = np.array([1.0, 1.0, 0.2, 0.02])
    share = np.stack([np.stack([fall ** (1 + d / 3), fall**0.05]) for d in range(3)])  # (features, scale, step)
    rank = np.array([77.0, 174.0, 278.0])[:, None, None] * share
    variables = {"stable_rank": variable(("features", "init_scale", "step"), rank, "stable rank")}
    coords = {"features": features, "init_scale": scales, "step": steps, "source": "two_gaussians", "width": 512}
    return describe(xr.Dataset(variables, coords), "study low_rank", {"task": {"source": "two_gaussians"}})


@pytest.fixture
def architectures() -> xr.Dataset:
    """A study of two architectures in which every check passes; the mlp stands at both readouts, which it lacks."""
    kinds, readouts, labels, seeds = ["mlp", "cnn"], ["flatten", "global_average"], ["decimal", "random"], range(5)
    base = np.array([[0.30, 0.30], [0.28, 0.22]])  # (architecture, readout)
    draw = np.array([-0.02, -0.01, 0.0, 0.01, 0.02])
    paired = np.array([0.001, -0.001, 0.0, 0.001, -0.001]) * np.array([[[0.0]], [[1.0]]])
    decimal = base[..., None] + draw + paired
    gibbs = np.stack([decimal, np.full_like(decimal, 0.5)], axis=2)
    dims = ("architecture", "readout", "labels", "seed")
    networks = np.stack([decimal - 0.1 + 2 * paired, np.full_like(decimal, 0.5)], axis=2)
    variables = {
        "bayes_error": variable(dims, gibbs / 2, "Bayes error", source="test"),
        "test_error": variable((*dims, "member"), networks[..., None] + np.array([-0.01, 0.01]), "test error"),
        "train_error": variable((*dims, "member"), np.zeros((*gibbs.shape, 2)), "training error", source="test"),
    }
    variables |= with_stderr("gibbs_error", variable(dims, gibbs, "Gibbs error"), 0.001 + 0 * gibbs)
    variables |= with_stderr("complexity", variable(dims, 100 * gibbs, "complexity", "nat"), 0.01 + 0 * gibbs)
    coords = {"architecture": kinds, "readout": readouts, "labels": labels, "seed": seeds, "member": range(2)}
    more = {"train_size": 50, "depth": 3, "width": 32, "source": "digits"}
    settings = {
        "task": {"source": "digits", "labels": labels, "train_size": 50, "seed": list(seeds)},
        "network": {"architecture": kinds, "readout": readouts, "depth": 3, "width": 32},
        "training": {"optimizer": "adam"},
    }
    return describe(xr.Dataset(variables, {**coords, **more}), "study architectures", settings)


@pytest.fixture
def learning_rate() -> xr.Dataset:
    """A study of two widths in which larger steps find better functions at equal margins, and every check passes.

    A draw errs where a uniform number of draw and point, the same for all networks, is below the expected error.
    """
    widths, rates, seeds, steps, points = [64, 256], [0.001, 0.01, 0.1], range(6), [0, 800], range(300)
    source = np.random.RandomState(0)
    uniform = source.rand(len(seeds), len(points))
    expected = np.array([[0.36, 0.2, 0.08], [0.38, 0.18, 0.07]])  # (width, rate)
    ends = (uniform < expected[..., None, None]).astype(float)
    dims = ("width", "learning_rate", "seed", "step", "test_point")
    by_point = np.stack([(uniform < 0.5) + 0 * ends, ends], axis=3)
    draw = np.array([-0.01, 0.01, 0.0, 0.005, -0.005, 0.0])[:, None]
    rise = np.array([[0.0, 0.1, 0.4], [-0.01, 0.12, 0.35]])[..., None, None] * np.array([0.0, 1.0])
    margins = (0.096 + 0.001 * np.array([1.0, -1.0, 0.5]))[:, None, None] * (1 + draw) * np.array([0.0, 1.0])
    limit = ("seed", "test_point")
    shape = by_point.shape[:-1]
    variables = {
        "train_error": variable(dims[:-1], np.stack([np.full(shape[:-1], 0.5), np.zeros(shape[:-1])], -1), "training"),
        "test_error": variable(dims[:-1], by_point.mean(-1), "test error"),
        "test_error_by_point": variable(dims, by_point, "error at a test point"),
        "smallest_margin": variable(dims[:-1], np.broadcast_to(margins, shape), "smallest margin"),
        "tangent_kernel_alignment": variable(dims[:-1], np.broadcast_to(0.15 + draw + rise, shape), "alignment"),
        "lazy_error_by_point": variable(limit, 0.39 + 0.1 * (uniform - 0.5), "lazy error at a test point"),
        "ray_error_by_point": variable(limit, 0.36 + 0.1 * (uniform - 0.5), "posterior error at a test point"),
        "test_index": variable(limit, np.broadcast_to(np.arange(len(points)), uniform.shape), "index"),
    }
    coords = {"width": widths, "learning_rate": rates, "seed": seeds, "step": steps, "test_point": points}
    more = {"source": "digits", "depth": 7, "label_scale": 0.1}
    return describe(xr.Dataset(variables, {**coords, **more}), "study learning_rate", {"task": {"source": "digits"}})
