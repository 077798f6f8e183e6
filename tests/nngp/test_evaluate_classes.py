"""The infinite-width stage on tasks whose labels are classes."""

import math

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import complete
from implicitbias.catalogue import BY_POINT, ESTIMATORS, nngp_variables
from implicitbias.networks.kernels import ntk_kernel
from implicitbias.nngp import cone
from implicitbias.nngp.bounds import pac_bayes
from implicitbias.nngp.evaluate import evaluate
from implicitbias.rng import derive_seed
from implicitbias.schema import describe, violations

SETTINGS = {
    "network": complete.network(depth=3), "estimators": ["bound", "mixture"], "draws": 2000, "samples": 512,
    "delta": 0.01, "constant": "tight", "posterior": True, "label_scale": [0.1, 1.0, 10.0], "ray_samples": 200,
    "lazy": True, "by_point": True,
}  # fmt: skip
SCALES = SETTINGS["label_scale"]


def task(class_count=3, seeds=(0, 3), n=12, m=30, d=6, first=0) -> xr.Dataset:
    """Points with the class of the nearest of some directions."""
    rng = np.random.default_rng(first)
    centres = rng.standard_normal((d, class_count))
    x, z = rng.standard_normal((len(seeds), n, d)), rng.standard_normal((m, d))
    classes = [(points @ centres).argmax(-1).astype(np.int8) for points in (x, z)]
    dataset = xr.Dataset(
        {
            "train_input": (("seed", "train_point", "feature"), x),
            "train_label": (("seed", "train_point"), classes[0]),
            "test_input": (("test_point", "feature"), z),
            "test_label": (("seed", "test_point"), np.broadcast_to(classes[1], (len(seeds), m))),
            "test_index": (("seed", "test_point"), np.tile(np.arange(m), (len(seeds), 1))),
        },
        {"seed": list(seeds), "test_point": np.arange(m), "class": [f"class {c}" for c in range(class_count)]},
    )
    return describe(dataset, "a task", {"source": "gaussian", "train_size": n, "seed": list(seeds)})


def with_signs(data: xr.Dataset) -> xr.Dataset:
    """The same points with the classes 0 and 1 as -1 and +1."""
    labels = {name: (2 * data[name] - 1).astype(np.int8) for name in ("train_label", "test_label")}
    return data.assign(labels).drop_vars("class")


def agree(one: xr.Dataset, other: xr.Dataset, name: str, floor=1e-9) -> None:
    stderr = np.hypot(one[f"{name}_stderr"], other[f"{name}_stderr"])
    assert (abs(one[name] - other[name]) < 4.5 * stderr + floor).all(), name


def test_dataset_keeps_the_contract_and_has_what_the_catalogue_says():
    data = task()
    dataset = evaluate(data, **SETTINGS)
    assert violations(dataset) == []
    asked = {"posterior": True, "label_scale": True, "lazy": True, "by_point": True, "several": {True}}
    by_point = {"class_probability", "class_probability_stderr", "test_index"}
    assert set(dataset.data_vars) == nngp_variables(**asked) | by_point
    assert dataset.class_probability.dims == ("seed", "test_point", "class")
    assert dataset["class"].values.tolist() == data["class"].values.tolist()
    np.testing.assert_allclose(dataset.chance_error, 2 / 3)
    for name, values in dataset.data_vars.items():
        if name != "effective_sample_size":
            assert np.isfinite(values).all(), name
    assert (dataset.complexity.sel(estimator="bound") > dataset.complexity.sel(estimator="mixture")).all()
    bare = evaluate(data, **{**SETTINGS, "posterior": False, "label_scale": None, "lazy": False, "by_point": False})
    assert set(bare.data_vars) == nngp_variables(**dict.fromkeys(asked, False) | {"several": {True}})
    assert "class" not in bare.dims


def test_numbers_are_those_of_the_functions():
    data = task()
    dataset = evaluate(data, **SETTINGS).sel(seed=3)
    x, y = (torch.tensor(data[name].sel(seed=3).values) for name in ("train_input", "train_label"))
    kernel = complete.mlp(6, depth=3).nngp(x)
    mixture = cone.log_probability(kernel, y, class_count=3, samples=512, seed=derive_seed("mixture", 3))
    found = dataset.sel(estimator="mixture")
    assert float(found.complexity) == pytest.approx(-mixture.log_probability, abs=1e-12)
    assert float(found.complexity_stderr) == pytest.approx(mixture.stderr, rel=1e-9)
    assert float(found.pac_bayes_bound) == pytest.approx(pac_bayes(-mixture.log_probability, 12), abs=1e-12)
    bound = cone.log_probability(kernel, y, "bound", class_count=3)
    assert float(dataset.complexity.sel(estimator="bound")) == pytest.approx(-bound.log_probability, abs=1e-12)


def test_two_classes_are_the_signs():
    """The difference of two outputs has twice the variance of one, and the target alpha y."""
    data = task(class_count=2, n=25, m=60)
    quiet = {**SETTINGS, "samples": 4096, "ray_samples": 4000}
    classes = evaluate(data, **{**quiet, "label_scale": [math.sqrt(2) * scale for scale in SCALES]})
    signs = evaluate(with_signs(data), **quiet)
    mixture = {"estimator": "mixture"}
    agree(classes.sel(mixture), signs.sel(mixture), "complexity")
    for name in ("gibbs_error", "bayes_error"):
        agree(classes, signs, name)
    np.testing.assert_array_equal(classes.kernel_interpolation_error, signs.kernel_interpolation_error)
    np.testing.assert_array_equal(classes.prior_std, signs.prior_std)
    for name in ("ray_error", "lazy_error"):
        np.testing.assert_allclose(classes[name].values, signs[name].values, atol=1e-6)
        np.testing.assert_allclose(classes[f"{name}_by_point"].values, signs[f"{name}_by_point"].values, atol=1e-6)
        np.testing.assert_allclose(classes[f"{name}_std"].values, signs[f"{name}_std"].values, rtol=0.06, atol=1e-3)
    np.testing.assert_allclose(classes.chance_error, 0.5)
    np.testing.assert_allclose(
        classes.complexity.sel(estimator="bound"), signs.complexity.sel(estimator="bound"), rtol=1e-9
    )


def test_small_tasks_agree_with_functions_that_are_drawn():
    """Three points, three classes: priors are drawn jointly, conditioned by hand, or trained by their tangent."""
    data, count = task(seeds=(0,), n=3, m=5, first=2), 400_000
    dataset = evaluate(data, **{**SETTINGS, "samples": 8192, "ray_samples": 20_000}).isel(seed=0)
    network = complete.mlp(6, depth=3)
    x, z = torch.tensor(data.train_input.values[0]), torch.tensor(data.test_input.values)
    y, true = data.train_label.values[0].astype(int), data.test_label.values[0]
    kernel = network.nngp(torch.cat([x, z])).numpy()
    noise = np.random.default_rng(0).standard_normal((3, 8, count))
    outputs = np.linalg.cholesky(kernel) @ noise  # (class, point, draw)

    fits = (outputs[:, :3].argmax(0) == y[:, None]).all(0)
    probability, seen = fits.mean(), outputs[:, 3:, fits].argmax(0)
    stderr = math.sqrt((1 - probability) / (probability * count))
    mixture = dataset.sel(estimator="mixture")
    assert abs(float(mixture.complexity) + math.log(probability)) < 4 * math.hypot(
        stderr, float(mixture.complexity_stderr)
    )
    frequency = np.stack([(seen == c).mean(1) for c in range(3)], 1)
    spread = np.sqrt(frequency * (1 - frequency) / fits.sum())
    tolerance = 4.5 * np.hypot(spread, dataset.class_probability_stderr)
    assert (abs(dataset.class_probability - frequency) < tolerance).all()

    targets = np.eye(3)[y].T - 1 / 3  # (class, point)
    train, test = outputs[:, :3], outputs[:, 3:]
    conditioned = kernel[3:, :3] @ np.linalg.inv(kernel[:3, :3])
    trained = (ntk_kernel(network, x, z).T @ torch.linalg.inv(ntk_kernel(network, x))).numpy()
    for name, map_ in (("ray_error", conditioned), ("lazy_error", trained)):
        for scale in SCALES:
            drawn = test + map_ @ (scale * targets[:, :, None] - train)  # what is left of the draw, and the fit
            wrong = drawn.argmax(0) != true[:, None]
            found = dataset.sel(label_scale=scale)
            np.testing.assert_allclose(found[f"{name}_by_point"], wrong.mean(1), atol=4.5 * 0.5 / math.sqrt(count))
            assert float(found[f"{name}_std"]) == pytest.approx(wrong.mean(0).std(), rel=0.05, abs=1e-3)


def test_names_of_the_classes_do_not_matter():
    data = task(class_count=4, n=15)
    order = np.array([2, 0, 3, 1])
    labels = {name: (data[name].dims, order[data[name].values]) for name in ("train_label", "test_label")}
    one, other = evaluate(data, **SETTINGS), evaluate(data.assign(labels), **SETTINGS)
    for name in ("ray_error", "lazy_error", "kernel_interpolation_error", "prior_std", "ray_error_by_point"):
        np.testing.assert_allclose(one[name].values, other[name].values, atol=1e-9)
    for name in ("gibbs_error", "bayes_error"):
        agree(one, other, name)
    agree(one.sel(estimator="mixture"), other.sel(estimator="mixture"), "complexity")
    renamed = other.class_probability.isel({"class": order}).assign_coords({"class": one["class"]})
    stderr = other.class_probability_stderr.isel({"class": order}).values
    assert (abs(one.class_probability - renamed) < 5 * np.hypot(one.class_probability_stderr, stderr) + 1e-6).all()


def test_errors_are_the_means_of_those_at_test_points():
    data = task()
    dataset = evaluate(data, **SETTINGS)
    for name in BY_POINT:
        np.testing.assert_allclose(dataset[f"{name}_by_point"].mean("test_point"), dataset[name], atol=1e-12)
    probability = dataset.class_probability.values
    true = data.test_label.values.astype(int)
    np.testing.assert_allclose(probability.sum(2), 1, atol=1e-5)
    own = np.take_along_axis(probability, true[..., None], 2)[..., 0]
    np.testing.assert_allclose(dataset.gibbs_error_by_point, 1 - own, atol=1e-12)
    np.testing.assert_array_equal(dataset.bayes_error_by_point, probability.argmax(2) != true)


def test_seeds_do_not_depend_on_their_company():
    data = task()
    both, alone = evaluate(data, **SETTINGS), evaluate(data.isel(seed=[1]), **SETTINGS)
    xr.testing.assert_identical(both.isel(seed=[1]), alone)


def test_structured_labels_are_learnt():
    dataset = evaluate(task(n=60, m=300), **SETTINGS)
    assert (dataset.gibbs_error < 0.55).all()
    assert (dataset.bayes_error < dataset.gibbs_error).all()
    assert (dataset.kernel_interpolation_error < 0.4).all()
    assert (dataset.gibbs_error_stderr < 0.02).all()
    assert (np.diff(dataset.ray_error, axis=1) < 0).all()


def test_every_estimator_of_the_catalogue_runs_and_they_agree():
    dataset = evaluate(task(n=4), **{**SETTINGS, "estimators": list(ESTIMATORS), "posterior": False, "draws": 50_000})
    complexity = dataset.complexity.isel(seed=0)
    truth = float(complexity.sel(estimator="mixture"))
    assert float(complexity.sel(estimator="bound")) > truth
    for name in ("importance", "tilting", "genz", "ep"):
        assert float(complexity.sel(estimator=name)) == pytest.approx(truth, abs=0.15)
    assert math.isnan(float(dataset.complexity_stderr.isel(seed=0).sel(estimator="ep")))


def test_copies_of_a_training_point_leave_the_posterior_as_it_is():
    data = task(seeds=(0,))
    copied = data.isel(train_point=[*range(12), *range(12)])
    plain, doubled = (evaluate(one, **{**SETTINGS, "estimators": ["mixture"]}) for one in (data, copied))
    for name in ("complexity", "gibbs_error", "kernel_interpolation_error", "ray_error", "lazy_error"):
        assert np.allclose(plain[name], doubled[name], atol=1e-9), name


def test_an_impossible_seed_is_named():
    data = task()
    data.train_input[1, 5] = data.train_input[1, 2]
    data.train_label[1, 5] = (data.train_label[1, 2] + 1) % 3
    found = evaluate(data, **SETTINGS)
    assert found["unanswered"].values[0] == ""
    assert "points 2 and 5 are equal" in found["unanswered"].values[1]
    assert found["complexity"].isnull().all("estimator").values.tolist() == [False, True]


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 5), st.integers(1, 10), st.integers(1, 6), st.integers(0, 1000))
def test_all_errors_are_fractions(class_count, n, m, first):
    dataset = evaluate(task(class_count, (0,), n, m, first=first), **{**SETTINGS, "samples": 256})
    for name, values in dataset.data_vars.items():
        if name != "effective_sample_size":
            assert np.isfinite(values).all(), name
        if "error" in name or "probability" in name:
            assert (values >= -1e-12).all(), name
            assert (values <= 1 + 1e-12).all(), name
