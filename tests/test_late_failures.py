"""Configs that were accepted and then failed: each kind is refused in words now, or runs to its report."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from implicitbias.config.load import validate
from implicitbias.errors import ConfigError
from implicitbias.figures.draw import draw
from implicitbias.optimizers.shampoo import _inverse_fourth_root
from implicitbias.schema import parameters_of
from whole_run import run_whole, study_of

TASK = {"source": "digits", "labels": "decimal", "train_size": 6, "test_size": 5}
NETWORK = {"depth": 2, "width": 3}
TRAINING = {"optimizer": "adam", "epochs": 2}
RUNS: dict[str, Any] = {
    "task": TASK,
    "network": NETWORK,
    "training": TRAINING,
    "metrics": ["test_error", "train_error"],
}
INFINITE: dict[str, Any] = {"task": TASK, "network": NETWORK, "nngp": {"samples": 256}}


def study(base: dict[str, Any] = RUNS, **blocks: Any) -> dict[str, Any]:
    """The study, with some keys of its blocks changed; a block that is no mapping is put in its place."""
    changed = {
        name: {**base.get(name, {}), **new} if isinstance(new, dict) and name != "figures" else new
        for name, new in blocks.items()
    }
    return {"studies": {"s": {**base, **changed}}}


def refusal(values: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        validate(values)
    return str(caught.value)


def lines(**options: Any) -> dict[str, Any]:
    return {"a": {"figure": "lines", "quantities": ["test_error"], **options}}


def drawn(values: dict[str, Any]) -> Any:
    """The figure `a` of the study."""
    config = validate(values)
    settings = config.studies["s"].figures["a"].model_dump(exclude_none=True)
    return draw(study_of(values), **settings)


# ------------------------------------------------------------------------------------------ figures of lines and dots
@pytest.mark.parametrize(
    ("blocks", "x"),
    [
        ({}, ""),
        ({"task": {"train_size": [4, 6]}}, "number of training points"),
        ({"training": {"checkpoints": "log"}, "task": {"train_size": [4, 6]}}, "optimizer step"),
        ({"network": {"width": [2, 3, 4]}, "task": {"seed": [0, 1]}}, "width (hidden neurons a layer)"),
        ({"task": {"seed": [0, 1]}}, "seed"),
        (
            {"network": {"residual": [True, False], "depth": 3}},
            "hidden layers of equal width add\ntheir input to their output",
        ),
        ({"task": {"train_size": [6]}}, ""),
    ],
)
def test_lines_without_x_run_along_the_step_or_what_varies(blocks: dict[str, Any], x: str) -> None:
    figure = drawn(study(**blocks, figures=lines()))
    assert figure.axes[0].get_xlabel() == x
    assert any(len(line.get_xdata()) for line in figure.axes[0].get_lines()) or figure.axes[0].collections


def test_a_study_of_one_point_is_drawn_as_this_point() -> None:
    values = study(figures=lines())
    figure = drawn(values)
    heights = [value for line in figure.axes[0].get_lines() for value in np.ravel(line.get_ydata())]
    assert pytest.approx(float(study_of(values)["test_error"])) in heights


@pytest.mark.parametrize("key", ["x", "hue", "style"])
@pytest.mark.parametrize("name", ["step", "member", "depth", "draw", "test_point"])
def test_a_dimension_that_a_quantity_lacks_is_refused(key: str, name: str) -> None:
    told = refusal(study(figures=lines(**{key: name}), task={"train_size": [4, 6]}))
    assert f"figure 'a': {key}: {name!r} is no dimension of test_error" in told
    assert "allowed: train_size" in told


def test_networks_that_a_metric_takes_together_are_no_dimension_of_it() -> None:
    runs = {"metrics": ["vote_error", "test_error"], "training": {"members": 2}}
    assert "'member' is no dimension of vote_error" in refusal(
        study(**runs, figures=lines(quantities=["vote_error"], hue="member"))
    )
    assert validate(study(**runs, figures=lines(hue="member")))


def test_words_have_no_logarithm() -> None:
    told = refusal(study(task={"labels": ["decimal", "random"]}, figures=lines(x="labels", log=["x"])))
    assert "log: x, but labels has the value 'decimal'" in told
    assert drawn(study(task={"labels": ["decimal", "random"]}, figures=lines(x="labels", log=["y"])))


@pytest.mark.parametrize("kinds", [{"style": "depth"}, {"hue": "depth"}, {"hue": "depth", "style": "seed"}])
def test_points_over_words_are_told_apart_by_colours(kinds: dict[str, str]) -> None:
    blocks = {"task": {"labels": ["decimal", "random"], "seed": [0, 1]}, "network": {"depth": [2, 3]}}
    figure = drawn(study(**blocks, figures=lines(x="labels", **kinds)))
    entries = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert entries == (["2, 0", "2, 1", "3, 0", "3, 1"] if len(kinds) == 2 else ["2", "3"])


def test_words_are_no_quantities_and_no_rates() -> None:
    experiment = {"name": "calibration", "problems": 2, "samples": 256}
    figure = {"a": {"figure": "lines", "quantities": ["family"]}}
    assert "quantity 'family'" in refusal({"studies": {"s": {"experiment": experiment, "figures": figure}}})
    metrics = ["train_error", "test_error", "test_error_by_point", "smallest_margin", "tangent_kernel_alignment"]
    blocks = {"task": {"seed": [0, 1]}, "training": {"learning_rate": ["1/n", 0.1]}, "metrics": metrics}
    told = refusal(study(**blocks, figures=["learning_rate"]))
    assert "figure 'learning_rate': learning_rate has the value '1/n'; allowed: numbers" in told


def test_a_part_of_an_axis_of_numbers_and_words_is_drawn() -> None:
    blocks = {"training": {"batch_size": [2, "full"]}, "network": {"width": [2, 3], "residual": [True, False]}}
    values = study(**blocks, figures=lines(select={"batch_size": 2, "residual": 1, "width": 3}))
    found = study_of(values)["test_error"].sel(batch_size="2", residual=True, width=3)
    heights = [value for line in drawn(values).axes[0].get_lines() for value in np.ravel(line.get_ydata())]
    assert pytest.approx(float(found)) in heights


def test_lines_do_not_run_along_what_tells_them_apart() -> None:
    assert "'train_size' is x" in refusal(
        study(task={"train_size": [4, 6]}, figures=lines(x="train_size", hue="train_size"))
    )


def test_coordinates_are_no_quantities() -> None:
    assert "quantity 'train_size' is not measured here" in refusal(study(figures=lines(quantities=["train_size"])))


def test_a_quantity_without_the_dimension_x_is_a_level() -> None:
    blocks = {"network": {"width": [2, 4]}, "nngp": {"samples": 256}}
    values = study(**blocks, figures=lines(quantities=["test_error", "gibbs_error"], x="width"))
    level = float(study_of(values)["gibbs_error"])
    assert drawn(values).axes[1].get_lines()[0].get_ydata().tolist() == pytest.approx([level] * 2)


def test_lines_of_networks_that_have_all_diverged_say_that_there_is_nothing() -> None:
    runs = {
        "training": {"optimizer": "sgd", "learning_rate": 1e30, "loss": "square", "epochs": 4},
        "network": {"depth": 3},
    }
    for figure in (lines(), {"a": {"figure": "scatter", "quantities": ["test_error", "train_error"]}}):
        (text,) = drawn(study(**runs, figures=figure)).axes[0].texts
        assert text.get_text() == "nothing to show:\nthis study has no values"


@pytest.mark.parametrize(
    ("blocks", "options"),
    [
        ({}, {}),
        ({"task": {"labels": ["decimal", "random"]}}, {"style": "labels"}),
        ({"metrics": ["plane_point", "test_error"]}, {"quantities": ["plane_point", "test_error"]}),
        (
            {"metrics": ["plane_point", "test_error"]},
            {"quantities": ["test_error", "plane_point"], "hue": "plane_axis"},
        ),
    ],
)
def test_dots_of_any_quantities_are_drawn(blocks: dict[str, Any], options: dict[str, Any]) -> None:
    figure = {"a": {"figure": "scatter", "quantities": ["train_error", "test_error"], **options}}
    assert drawn(study(**blocks, figures=figure)).axes[0].collections


# ------------------------------------------------------------------------------------------- figures of estimators
@pytest.mark.parametrize(
    ("figure", "estimators", "lacks"),
    [
        ("methods", ["bound", "genz"], "estimator mixture"),
        ("methods", ["mixture"], "estimator"),
        ("conclusions", ["bound", "mixture"], "estimator importance"),
        ("estimator_truth", ["mixture"], "estimator importance"),
    ],
)
def test_a_figure_of_estimators_names_those_that_it_lacks(figure: str, estimators: list[str], lacks: str) -> None:
    infinite = study(
        INFINITE, task={"train_size": [4, 6], "labels": ["decimal", "random"]}, network={"depth": [2, 3]},
        nngp={"estimators": estimators}, figures=[figure],
    )  # fmt: skip
    told = refusal(infinite)
    assert f"figure {figure!r} needs" in told
    assert lacks in told


@pytest.mark.parametrize("figure", ["bounds", "data_complexity", "depth"])
@pytest.mark.parametrize("estimators", [["genz"], ["mixture"], ["bound", "genz"]])
def test_bounds_of_any_estimators_are_drawn(figure: str, estimators: list[str], tmp_path: Path) -> None:
    blocks = {"task": {"train_size": [4, 6], "labels": ["decimal", "random"]}, "network": {"depth": [2, 3]}}
    assert run_whole(study(**blocks, nngp={"samples": 256, "estimators": estimators}, figures=[figure]), tmp_path)


def test_the_bayes_point_needs_both_kinds_of_targets() -> None:
    blocks = {"task": {"train_size": [4, 6]}, "nngp": {"samples": 256}, "metrics": ["test_error", "vote_error"]}
    scales = {"label_scale": [0.1, 1.0]}
    told = refusal(study(**blocks, training={**scales, "targets": ["labels"]}, figures=["bayes_point"]))
    assert "needs targets spherised" in told
    assert validate(study(**blocks, training={**scales, "targets": ["labels", "spherised"]}, figures=["bayes_point"]))


# --------------------------------------------------------------------------------------------------- infinite width
@pytest.mark.parametrize(
    ("network", "task", "asked"),
    [
        ({"depth": 1}, {}, {}),
        ({"activation": "linear"}, {}, {"estimators": ["mixture"]}),
        ({"activation": "linear"}, {}, {"estimators": ["mixture"], "posterior": False, "label_scale": 1.0}),
        ({"depth": 1, "rows": "mean_free"}, {"train_size": 4}, {}),
        ({"depth": 1}, {"train_size": 3, "centred": True}, {}),
    ],
)
def test_a_linear_kernel_of_too_many_points_is_known(network: Any, task: Any, asked: Any) -> None:
    points = {"source": "gaussian", "labels": "own", "features": 4, "train_size": 5, "test_size": 5}
    told = refusal(study(INFINITE, task=points | task, network=network, nngp=asked))
    assert "inverts the kernel, which for a linear network on 4 features has rank" in told
    assert "allowed: " in told
    fewer = {"estimators": ["mixture", "genz", "tilting"], "posterior": False, "label_scale": None}
    found = study_of(study(INFINITE, task=points | task | {"labels": "own"}, network=network, nngp=fewer))
    assert "unanswered" in found or np.isfinite(found["complexity"]).all()


@pytest.mark.parametrize("labels", [{"labels": "random"}, {"labels": "digit", "classes": 3, "random_share": 1.0}])
def test_a_labelling_that_the_kernel_cannot_give_is_nan_with_its_reason(labels: Any, tmp_path: Path) -> None:
    """More points than linear functions can separate: whether they do depends on the labels."""
    infinite = study(
        INFINITE, task={"train_size": 40, "seed": [0, 1], **labels},
        network={"architecture": "cnn", "activation": "linear", "readout": "global_average", "depth": 2},
        nngp={"estimators": ["mixture"]},
    )  # fmt: skip
    found = study_of(infinite)
    assert np.isnan(found["complexity"]).any()
    assert np.isnan(found["gibbs_error"]).any()
    assert any(found["unanswered"].values != "")
    assert "has no answer" in run_whole(infinite, tmp_path)


@pytest.mark.parametrize("source", ["gaussian", "two_gaussians", "xor_clusters", "signal_and_noise"])
@pytest.mark.parametrize("features", [1, 2])
def test_kernels_of_tiny_inputs_run_whole(source: str, features: int, tmp_path: Path) -> None:
    task = {"source": source, "train_size": 5, "test_size": 4, "labels": "own"}
    task |= {} if source == "xor_clusters" else {"features": features}
    infinite = {"label_scale": 1.0, "lazy": True, "by_point": True}
    assert run_whole({"studies": {"s": {**INFINITE, "task": task, "nngp": {"samples": 256, **infinite}}}}, tmp_path)


@pytest.mark.parametrize("block", ["training", "sampling"])
@pytest.mark.parametrize("ensemble", [[], ["seed", "label_scale"]])
def test_runs_beside_a_label_ray_go_into_one_dataset(block: str, ensemble: list[str], tmp_path: Path) -> None:
    other = (
        {"training": {**TRAINING, "label_scale": [0.1, 1.0]}} if block == "training" else {"sampling": {"draws": 20}}
    )
    both = {**INFINITE, **other, "nngp": {"samples": 256, "label_scale": [0.1, 1.0]}, "metrics": ["test_error"]}
    assert run_whole({"studies": {"s": {**both, "ensemble": ensemble}}}, tmp_path)


def test_one_estimator_keeps_its_name() -> None:
    found = study_of(study(INFINITE, nngp={"estimators": ["genz"]}))
    assert found["complexity"].dims == ()
    assert found["estimator"].item() == "genz"
    assert parameters_of(found)["nngp"]["estimators"] == ["genz"]


# ------------------------------------------------------------------------------------------------- training and others
def test_balanced_weights_need_two_layers() -> None:
    assert "depth = 1" in refusal(study(training={"init": "balanced"}, network={"depth": 1}))


@pytest.mark.parametrize("init", ["axes", "balanced"])
def test_output_weights_that_go_with_rows_need_as_many_inputs_as_there_are_rows(init: str) -> None:
    network: dict[str, Any] = {"bias": "all"}
    told = refusal(study(network=network, training={"init": init}))
    assert "bias = 'all'" in told
    images = {"architecture": "cnn", "readout": "flatten", "depth": 3}
    assert "architecture = 'cnn'" in refusal(study(network=images, training={"init": init}))
    validate(study(network={"bias": "first"}, training={"init": init}))


def test_residuals_of_networks_that_no_weight_scales_are_nan(tmp_path: Path) -> None:
    """A bounded activation before a frozen output layer: the degree is 0."""
    network = {"activation": "erf", "output": "signs", "bias": "all"}
    training = {"optimizer": "sgd", "loss": "logistic", "label_scale": 1.0, "learning_rate": 1.0, "epochs": 50}
    metrics = ["kkt_slackness", "bregman_spectral", "smallest_margin"]
    task = {"train_size": 1}
    found = study_of(study(task=task, network=network, training=training, metrics=metrics))
    assert found["smallest_margin"] > 0
    assert found["kkt_slackness"].isnull().all()
    assert found["bregman_spectral"].isnull().all()


def test_preconditioners_that_overflow_are_diverged_networks() -> None:
    matrices = torch.stack([torch.eye(3), torch.full((3, 3), torch.inf), 16 * torch.eye(3)])
    roots = _inverse_fourth_root(matrices)
    assert roots[1].isnan().all()
    torch.testing.assert_close(roots[[0, 2]], torch.stack([torch.eye(3), torch.eye(3) / 2]))


@pytest.mark.parametrize(
    ("training", "task"),
    [({"checkpoints": [3]}, {}), ({"checkpoints": [0, 4], "epochs": 2, "batch_size": [2, 6]}, {"train_size": [6, 12]})],
)
def test_checkpoints_are_steps_of_every_run(training: dict[str, Any], task: dict[str, Any]) -> None:
    told = refusal(study(training=training, task=task))
    assert "training.checkpoints" in told
    assert "from 0 to 2" in told
    assert validate(study(training={**training, "checkpoints": [0, 2]}, task=task))


def test_spherised_targets_of_a_singular_kernel_are_known_or_0(tmp_path: Path) -> None:
    """|K| is 0 there: of a linear network on too many points, which is known, or of points that are equal."""
    spherised = {"targets": "spherised", "loss": "norm"}
    points = {"source": "gaussian", "labels": "own", "features": 3, "train_size": 5}
    assert "targets: spherised inverts the kernel" in refusal(
        study(training=spherised, task=points, network={"depth": 1})
    )
    equal = {"source": "xor_clusters", "labels": "own", "train_size": 8, "spread": 0.0}
    assert run_whole(study(training=spherised, task=equal), tmp_path)
    assert study_of(study(training=spherised, task=equal))["stop_reason"].item() == "finished"


def test_one_hot_targets_need_no_kernel() -> None:
    classes = {"labels": "digit", "classes": 3}
    assert validate(study(training={"targets": "one_hot"}, task=classes, network={"activation": "gelu"}))


def test_pooled_inputs_are_not_trained_in_the_span_of_the_inputs(tmp_path: Path) -> None:
    pooled = {"architecture": "pooled_mlp", "factor": 0.1, "depth": 1}
    runs = {**RUNS, "network": pooled, "training": {**TRAINING, "optimizer": "momentum"}}
    assert run_whole({"studies": {"s": runs}}, tmp_path)


@pytest.mark.parametrize("key", ["seed", "learning_rate"])
def test_an_experiment_shares_the_axes_of_other_blocks_or_none(key: str) -> None:
    experiment = {"name": "spectral_bias", "steps": 4, "every": 2, "width": 3, key: [1, 2]}
    told = refusal(study(experiment=experiment))
    assert f"experiment.{key} is the list [1" in told
    on_tasks = {"name": "guess_and_check", "factor": 0.1, "seed": [0, 1]}
    assert "experiment.seed = [0, 1]" in refusal({"studies": {"s": {"task": TASK, "experiment": on_tasks}}})


def test_an_experiment_and_runs_cannot_both_give_a_variable() -> None:
    told = refusal(study(experiment={"name": "pruning", "steps": 2}))
    assert "both give test_error" in told


def test_frequencies_are_followed_on_enough_points() -> None:
    values = {"studies": {"s": {"experiment": {"name": "frequency_bias", "points": 9, "degrees": 5}}}}
    assert "points = 9; allowed: at least 2 times degrees, which is 10" in refusal(values)


@pytest.mark.parametrize("labels", [["digit", "random"], ["digit"], ["random"]])
def test_decompositions_of_signs_start_from_a_half_beside_classes(labels: list[str], tmp_path: Path) -> None:
    blocks = {
        "task": {"labels": labels, "seed": [0, 1]}, "metrics": ["test_error_by_point"],
        "nngp": {"samples": 256, "label_scale": 1.0, "lazy": True, "by_point": True},
    }  # fmt: skip
    assert run_whole(study(**blocks, figures=["decomposition"]), tmp_path)
