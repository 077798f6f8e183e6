import re

import numpy as np
import pytest
import xarray as xr

import complete
from implicitbias.catalogue import LOSSES, METRICS, Metric
from implicitbias.errors import ResultError
from implicitbias.measurement.measure import MAKERS, measure
from implicitbias.sampling import sample
from implicitbias.schema import describe, variable, violations
from implicitbias.training.run import train

NETWORK = complete.network(width=4)
TRAINING = complete.training(
    optimizer="sgd", learning_rate=0.01, loss="logistic", epochs=2, batch_size="full", members=3, dtype="float64",
    checkpoints=[0, 2],
)  # fmt: skip
METRICS_OF_ONE = [
    name for name, entry in METRICS.items() if not entry.over_networks and not entry.misfit(NETWORK | TRAINING)
]
OVER_STEPS = {
    "direction_cosine", "path_length", "path_alignment", "rotation", "neuron_angle", "stable_rank_share",
}  # fmt: skip
METRICS_OF_A_STEP = [name for name in METRICS_OF_ONE if name not in OVER_STEPS]


@pytest.fixture(scope="module", params=["shared test set", "test set a seed"])
def task(request) -> xr.Dataset:
    source = np.random.RandomState(0)
    shared = request.param == "shared test set"
    test_dims = ("test_point", "feature") if shared else ("seed", "test_point", "feature")
    return describe(
        xr.Dataset(
            {
                "train_input": variable(("seed", "train_point", "feature"), source.randn(2, 5, 3), "training input"),
                "train_label": variable(("seed", "train_point"), np.sign(source.randn(2, 5)), "training label"),
                "test_input": variable(test_dims, source.randn(*(2, 7, 3)[shared:]), "test input"),
                "test_label": variable(("seed", "test_point"), np.sign(source.randn(2, 7)), "test label"),
                "test_index": variable(("seed", "test_point"), np.arange(14).reshape(2, 7), "index of the test point"),
            },
            {"seed": [8, 9], "train_point": range(5), "test_point": range(7), "feature": range(3)},
        ),
        "a task",
        {"source": "gaussian"},
    )


@pytest.fixture(scope="module")
def trained(task) -> xr.Dataset:
    return train(task, network=NETWORK, training=TRAINING, ensemble={"label_scale": [1.0, 5.0]})


@pytest.fixture(scope="module")
def sampled(task) -> xr.Dataset:
    return sample(task, network=NETWORK, sampling={"draws": 60, "flip": True})


def test_batch_equals_loop(task, trained) -> None:
    """Every metric of every network equals the metric of that network alone, of its own seed's task."""
    found = measure(task, trained, METRICS_OF_ONE)
    assert violations(found) == []
    assert found["test_error"].dims == ("seed", "label_scale", "member", "step")
    assert found["weight_norm"].dims == ("seed", "label_scale", "member", "step", "layer")
    for seed in (8, 9):
        for member in range(3):
            at = {"seed": [seed], "label_scale": [5.0], "member": [member]}
            alone = measure(task.sel(seed=[seed]), trained.sel(at), METRICS_OF_ONE)
            xr.testing.assert_allclose(found.sel(at).drop_attrs(), alone.drop_attrs(), rtol=1e-9)
            for step in (0, 2):
                alone = measure(task.sel(seed=[seed]), trained.sel(at | {"step": [step]}), METRICS_OF_A_STEP)
                of_step = found[list(alone.data_vars)].sel(at | {"step": [step]})
                xr.testing.assert_allclose(of_step.drop_attrs(), alone.drop_attrs(), rtol=1e-9)


def test_a_metric_of_other_losses_is_refused(task) -> None:
    run = train(task, network=NETWORK, training={**TRAINING, "loss": "square"}, ensemble={})
    with pytest.raises(ResultError, match=r"soft_margin_l2.*'square'.*exponential"):
        measure(task, run, ["soft_margin_l2"])


@pytest.mark.parametrize("known", ["exponential", "log_logistic"])
def test_a_loss_under_another_name_has_the_metrics_of_its_function_of_the_margin(task, known, monkeypatch) -> None:
    monkeypatch.setitem(LOSSES, "mine", LOSSES[known])
    first, second = (
        measure(
            task,
            train(task, network=NETWORK, training={**TRAINING, "loss": name}, ensemble={}),
            ["soft_margin_l2", "alignment_l2", "kkt_stationarity"],
        )
        for name in (known, "mine")
    )
    xr.testing.assert_identical(first.drop_attrs(), second.drop_attrs())


def test_a_metric_over_networks_takes_members_or_draws_together(task, trained, sampled) -> None:
    for run, dim in ((trained, "member"), (sampled, "draw")):
        found = measure(task, run, ["vote_error", "test_error"])
        assert violations(found) == []
        assert found["test_error"].dims == tuple(d for d in run["test_output"].dims if d != "test_point")
        assert found["vote_error"].dims == tuple(d for d in found["test_error"].dims if d != dim)
        votes = np.sign(run["test_output"].fillna(0)).sum(dim)
        expected = (votes * task["test_label"] <= 0).mean("test_point")
        expected = expected.where(run["test_output"].notnull().any([dim, "test_point"]))
        xr.testing.assert_allclose(found["vote_error"].drop_attrs(), expected.transpose(*found["vote_error"].dims))


@pytest.mark.parametrize(
    ("network", "names"),
    [
        ({"output": "random_features"}, ["margin_f1", "margin_f2", "margin_l2_share", "tangent_margin"]),
        ({"output": "signs"}, ["optimum_cosine", "svm_norm_ratio", "svm_cosine", "class_alignment"]),
        ({"depth": 1}, ["margin_linf_share", "margin_l2_share", "svm_norm_ratio", "svm_cosine"]),
        ({"depth": 3, "residual": True, "bias": "first"}, ["modified_margin", "layer_alignment"]),
        ({"bias": "first"}, ["rotation", "balancedness", "positive_stable_rank", "layer_alignment"]),
    ],
)
def test_metrics_are_measured_wherever_they_have_a_meaning(task, network, names) -> None:
    run = train(task, network=complete.network(width=4, **network), training=TRAINING, ensemble={})
    found = measure(task, run, names)
    for name in names:
        assert found[name].sizes["step"] == 2, name
        assert not np.isinf(found[name]).any(), name


@pytest.mark.parametrize(
    ("network", "name", "reason"),
    [
        ({"bias": "all"}, "layer_alignment", "bias = 'all'"),
        ({"output": "trained"}, "margin_f1", "output = 'trained'"),
        ({"depth": 3}, "modified_margin", "residual = False"),
    ],
)
def test_metrics_without_a_meaning_are_refused(task, network, name, reason) -> None:
    run = train(task, network=complete.network(width=4, **network), training=TRAINING, ensemble={})
    with pytest.raises(ResultError, match=f"{name}.*{reason}"):
        measure(task, run, [name])


def test_what_several_metrics_ask_for_is_computed_once(task, trained, monkeypatch) -> None:
    made, tangents = [], MAKERS["tangents"]

    def counted(weights, train_inputs, train_targets, network):
        made.append(1)
        return tangents(weights, train_inputs, train_targets, network)

    monkeypatch.setitem(MAKERS, "tangents", counted)
    measure(task, trained, ["kkt_stationarity", "alignment_l2", "alignment_linf", "euler_defect", "bregman_l1"])
    assert len(made) == 1


def test_values(task, trained) -> None:
    found = measure(task, trained, ["train_error", "test_error", "normalized_margin", "output_scale"])
    wrong = trained["test_output"] * task["test_label"] <= 0
    xr.testing.assert_allclose(found["test_error"].drop_attrs(), wrong.mean("test_point").drop_attrs())
    wrong = trained["train_output"] * task["train_label"] <= 0
    xr.testing.assert_allclose(found["train_error"].drop_attrs(), wrong.mean("train_point").drop_attrs())
    margins = trained["train_output"] * task["train_label"] / np.sqrt((task["train_input"] ** 2).sum("feature"))
    norms = trained["frobenius_norm"] / xr.DataArray([3**0.5, 1.0], dims="layer")
    expected = margins.min("train_point") / norms.prod("layer")
    xr.testing.assert_allclose(found["normalized_margin"].drop_attrs(), expected.drop_attrs())
    expected = abs(trained["test_output"]).mean("test_point")
    xr.testing.assert_allclose(found["output_scale"].drop_attrs(), expected.drop_attrs())


def test_a_run_of_some_seeds_meets_its_own_labels(task, trained) -> None:
    whole = measure(task, trained, ["train_error", "normalized_margin"])
    second = measure(task, trained.sel(seed=[9]), ["train_error", "normalized_margin"])
    xr.testing.assert_identical(second.drop_attrs(), whole.sel(seed=[9]).drop_attrs())


def test_sampled_runs(task, sampled) -> None:
    of_outputs = [name for name in METRICS_OF_ONE if not METRICS[name].trained]
    found = measure(task, sampled, of_outputs)
    assert violations(found) == []
    assert found["test_error"].dims == ("seed", "draw")
    missing = sampled["test_output"].isnull().all("test_point")
    assert missing.any()
    for name in of_outputs:
        value = found[name].isel(layer=0) if "layer" in found[name].dims else found[name]
        assert (value.isnull() == missing).all(), name
    assert (found["train_error"].fillna(0) == 0).all()
    xr.testing.assert_identical(found["acceptance"], sampled["acceptance"])
    assert "acceptance_stderr" in found


def test_stop_reason_is_passed_on_and_diverged_members_stay_nan(task, trained) -> None:
    run = trained.copy(deep=True)
    run["stop_reason"][0, 0, 0] = "diverged"
    for name in ("train_output", "test_output", "frobenius_norm"):
        run[name][0, 0, 0] = np.nan
    found = measure(task, run, ["train_error", "test_error", "normalized_margin"])
    assert found["stop_reason"].values[0, 0, 0] == "diverged"
    for name in ("train_error", "test_error", "normalized_margin"):
        assert found[name][0, 0, 0].isnull().all()
        assert found[name][0, 0, 1:].notnull().all()


def test_attributes_come_from_the_catalogue(task, trained) -> None:
    found = measure(task, trained, ["normalized_margin"])
    entry = METRICS["normalized_margin"]
    assert found["normalized_margin"].attrs == {
        "long_name": entry.long_name, "units": entry.units, "source": entry.source
    }  # fmt: skip


def spectral_norm(weights: list[np.ndarray]) -> np.ndarray:
    """A metric that needs the weights."""
    return np.stack([np.linalg.norm(weight, 2, axis=(-2, -1)) for weight in weights], axis=-1)


def curvature(hessians: np.ndarray) -> np.ndarray:
    """A metric that needs what no run has."""
    return hessians


def test_metrics_are_given_what_they_ask_for(task, trained, sampled, monkeypatch) -> None:
    for function in (spectral_norm, curvature):
        name = function.__name__
        entry = Metric(f"{__name__}:{name}", "test", long_name=name, source="test", dims=("layer",))
        monkeypatch.setitem(METRICS, name, entry)
    found = measure(task, trained, ["spectral_norm"])
    assert (found["spectral_norm"].values <= trained["frobenius_norm"].values * (1 + 1e-12)).all()
    assert found["spectral_norm"].values[..., 1] == pytest.approx(trained["frobenius_norm"].values[..., 1])
    with pytest.raises(ResultError, match=r"spectral_norm.*weights"):
        measure(task, sampled, ["spectral_norm"])
    with pytest.raises(ResultError, match=r"curvature.*hessians"):
        measure(task, trained, ["curvature"])


def all_at_once(test_outputs: np.ndarray) -> float:
    """A metric that has one value for all networks."""
    return float(test_outputs.mean())


def test_a_metric_of_another_shape_is_told_with_its_line(task, trained, monkeypatch) -> None:
    entry = Metric(f"{__name__}:all_at_once", "test", long_name="all at once", source="test")
    monkeypatch.setitem(METRICS, "all_at_once", entry)
    told = (
        f"{__file__}: line {all_at_once.__code__.co_firstlineno}: metric 'all_at_once' returned an array of shape ();"
        " allowed: (2, 2, 3, 2), of the dimensions seed, label_scale, member, step"
    )
    with pytest.raises(ResultError, match=re.escape(told)):
        measure(task, trained, ["all_at_once"])


def test_a_run_without_norms_is_named(task, trained) -> None:
    with pytest.raises(ResultError, match=r"normalized_margin.*frobenius_norms"):
        measure(task, trained.drop_vars("frobenius_norm"), ["normalized_margin"])


def test_unknown_metric_names_the_nearest(task, trained) -> None:
    with pytest.raises(ResultError, match="test_error"):
        measure(task, trained, ["test_eror"])
