import math

import numpy as np
import pytest
import torch
import xarray as xr

import complete
from implicitbias.catalogue import BY_POINT, ESTIMATORS, NNGP_VARIABLES, nngp_variables
from implicitbias.errors import ConfigError
from implicitbias.nngp.bounds import closed, pac_bayes
from implicitbias.nngp.evaluate import evaluate
from implicitbias.nngp.orthant import log_probability
from implicitbias.rng import derive_seed
from implicitbias.schema import describe, parameters_of, violations

SETTINGS = {
    "network": complete.network(depth=3), "estimators": ["bound", "mixture"], "draws": 2000, "samples": 512,
    "delta": 0.01, "constant": "tight", "posterior": True, "label_scale": [0.1, 1.0, 100.0], "ray_samples": 500,
    "lazy": True, "by_point": True,
}  # fmt: skip


def task(seeds=(0, 3), n=12, m=40, d=8, shared_test=True) -> xr.Dataset:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((len(seeds), n, d))
    z = rng.standard_normal((m, d) if shared_test else (len(seeds), m, d))
    label = lambda inputs: np.where(inputs[..., 0] > 0, 1, -1).astype(np.int8)  # noqa: E731
    test_dims = ("test_point", "feature") if shared_test else ("seed", "test_point", "feature")
    dataset = xr.Dataset(
        {
            "train_input": (("seed", "train_point", "feature"), x),
            "train_label": (("seed", "train_point"), label(x)),
            "test_input": (test_dims, z),
            "test_label": (("seed", "test_point"), np.broadcast_to(label(z), (len(seeds), m))),
            "test_index": (("seed", "test_point"), np.tile(np.arange(m), (len(seeds), 1))),
        },
        {"seed": list(seeds), "test_point": np.arange(m)},
    )
    return describe(dataset, "a task", {"source": "gaussian", "train_size": n, "seed": list(seeds)})


def test_dataset_keeps_the_contract_and_has_no_holes():
    dataset = evaluate(task(), **SETTINGS)
    assert violations(dataset) == []
    assert dataset.complexity.dims == ("seed", "estimator")
    assert dataset.ray_error.dims == ("seed", "label_scale")
    assert dataset.seed.values.tolist() == [0, 3]
    assert dataset.estimator.values.tolist() == ["bound", "mixture"]
    for name, data in dataset.data_vars.items():
        if name != "effective_sample_size":
            assert np.isfinite(data).all(), name
    assert parameters_of(dataset)["task"] == parameters_of(task())
    assert np.isnan(dataset.effective_sample_size.sel(estimator="bound")).all()
    assert (dataset.effective_sample_size.sel(estimator="mixture") > 100).all()
    assert dataset.complexity.attrs["units"] == "nat"


def test_numbers_are_those_of_the_functions():
    data = task()
    dataset = evaluate(data, **SETTINGS).sel(seed=3)
    x, y = (torch.tensor(data[name].sel(seed=3).values) for name in ("train_input", "train_label"))
    kernel = complete.mlp(8, depth=3).nngp(x)
    estimate = log_probability(kernel, y, samples=512, seed=derive_seed("mixture", 3))
    mixture = dataset.sel(estimator="mixture")
    assert float(mixture.complexity) == pytest.approx(-estimate.log_probability, abs=1e-12)
    assert float(mixture.complexity_stderr) == pytest.approx(estimate.stderr, rel=1e-9)
    assert float(mixture.pac_bayes_bound) == pytest.approx(pac_bayes(-estimate.log_probability, 12), abs=1e-12)
    assert float(dataset.complexity.sel(estimator="bound")) == pytest.approx(closed(kernel, y), abs=1e-12)


def test_structured_labels_are_learnt():
    dataset = evaluate(task(n=60, m=400), **SETTINGS)
    assert (dataset.gibbs_error < 0.4).all()
    assert (dataset.bayes_error < dataset.gibbs_error).all()
    assert (dataset.gibbs_error_stderr < 0.02).all()
    assert (dataset.spherised_bayes_error < dataset.spherised_gibbs_error).all()
    assert (np.diff(dataset.ray_error, axis=1) < 0).all()


def test_seeds_do_not_depend_on_their_company():
    data = task(shared_test=False)
    both, alone = evaluate(data, **SETTINGS), evaluate(data.isel(seed=[1]), **SETTINGS)
    xr.testing.assert_identical(both.isel(seed=[1]), alone)


def test_parts_that_are_not_asked_for_are_left_out():
    bare = evaluate(task(), **{**SETTINGS, "posterior": False, "label_scale": None, "lazy": False, "by_point": False})
    assert set(bare.data_vars) == set(NNGP_VARIABLES["estimators"])
    full = evaluate(task(), **SETTINGS)
    asked = {"posterior": True, "label_scale": True, "lazy": True, "by_point": True, "several": {False}}
    assert set(full.data_vars) == nngp_variables(**asked) | {"test_index"}
    assert np.array_equal(bare.complexity, full.complexity)


def test_every_estimator_of_the_catalogue_runs_and_they_agree():
    dataset = evaluate(task(n=6), **{**SETTINGS, "estimators": list(ESTIMATORS), "posterior": False, "draws": 50_000})
    complexity = dataset.complexity.isel(seed=0)
    truth = float(complexity.sel(estimator="mixture"))
    assert float(complexity.sel(estimator="bound")) > truth
    assert float(complexity.sel(estimator="ep")) == pytest.approx(truth, abs=0.1)
    for name in ("importance", "tilting", "genz"):
        assert float(complexity.sel(estimator=name)) == pytest.approx(truth, abs=0.1)
    assert math.isnan(float(dataset.complexity_stderr.isel(seed=0).sel(estimator="ep")))


def test_bounds_enclose_the_complexity():
    dataset = evaluate(task(n=30), **{**SETTINGS, "estimators": ["bound", "ep", "mixture"], "posterior": False})
    true = dataset.complexity.sel(estimator="mixture")
    mixture = dataset.sel(estimator="mixture")
    assert (mixture.complexity_lower_bound > 0).all()
    assert (mixture.complexity_lower_bound < true).all()
    assert (true < mixture.complexity_upper_bound).all()
    bound = dataset.sel(estimator="bound")
    np.testing.assert_array_equal(bound.complexity_upper_bound, bound.complexity)
    assert (bound.complexity_lower_bound == 0).all()
    assert np.isnan(dataset.complexity_upper_bound.sel(estimator="ep")).all()


def test_errors_are_the_means_of_those_at_test_points():
    dataset = evaluate(task(), **SETTINGS)
    for name in BY_POINT:
        np.testing.assert_allclose(dataset[f"{name}_by_point"].mean("test_point"), dataset[name], atol=1e-12)


def test_spread_of_lazy_networks_is_that_of_drawn_ones():
    """On one test point the error is a coin with the probability of an error."""
    dataset = evaluate(task(m=1), **{**SETTINGS, "ray_samples": 20_000})
    probability = dataset.lazy_error_by_point.isel(test_point=0)
    np.testing.assert_allclose(dataset.lazy_error_std, np.sqrt(probability * (1 - probability)), atol=0.01)


def test_copies_of_a_training_point_leave_the_posterior_as_it_is():
    data = task(seeds=(0,))
    copied = xr.concat([data[["train_input", "train_label"]]] * 2, dim="train_point").merge(
        data[["test_input", "test_label", "test_index"]]
    )
    settings = {**SETTINGS, "estimators": ["mixture"]}
    plain, doubled = evaluate(data, **settings), evaluate(copied, **settings)
    for name in (
        "complexity",
        "gibbs_error",
        "kernel_interpolation_error",
        "ray_error",
        "lazy_error",
        "spherised_gibbs_error",
    ):
        assert np.allclose(plain[name], doubled[name], atol=1e-9), name


def test_what_has_no_answer_is_nan_with_its_reason_and_leaves_other_seeds_alone():
    data, whole = task(), evaluate(task(), **SETTINGS)
    data.train_input[1, 5] = data.train_input[1, 2]
    data.train_label[1, 5] = -data.train_label[1, 2]
    found = evaluate(data, **SETTINGS)
    assert found.drop_vars("unanswered").isel(seed=[0]).identical(whole.isel(seed=[0]))
    assert "points 2 and 5 are equal" in found["unanswered"].values[1]
    assert found["unanswered"].values[0] == ""
    assert np.isnan(found["complexity"].sel(estimator="mixture").values[1])
    assert np.isnan(found["gibbs_error"].values[1])
    assert set(found.data_vars) == set(whole.data_vars) | {"unanswered"}


def test_unknown_estimator_is_named_before_anything_runs():
    with pytest.raises(ConfigError, match=r"no estimator 'mixtur' \(did you mean 'mixture'\?\)"):
        evaluate(task(), **{**SETTINGS, "estimators": ["bound", "mixtur"]})
