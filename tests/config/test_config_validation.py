"""Bad configs give one clear error, good ones a plan; nothing is coerced and nothing is guessed."""

import copy
import json
import math
import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from implicitbias.catalogue import CHECKS, EXPERIMENTS, LOSSES, METRICS, OPTIMIZERS, SOURCES
from implicitbias.config.examples import EXAMPLES
from implicitbias.config.load import config_of, validate
from implicitbias.config.plan import make_plan
from implicitbias.config.reference import BLOCKS, json_schema, reference
from implicitbias.config.strict_yaml import parse, read_yaml
from implicitbias.errors import ConfigError

ROOT = Path(__file__).parents[2]
GOOD: dict[str, Any] = {
    "studies": {
        "one": {
            "task": {"source": "digits", "labels": ["decimal", "binary"], "train_size": [10, 20], "seed": [0, 1]},
            "network": {"depth": [2, 3], "width": 8},
            "training": {"optimizer": "nero", "label_scale": [0.1, 1]},
            "nngp": {"estimators": ["bound", "mixture"]},
            "metrics": ["test_error"],
            "figures": ["bounds"],
        }
    }
}


CNN = {"architecture": "lyu_li", "width": 32}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good config with one key set (or removed, for ...)."""
    config = copy.deepcopy(GOOD)
    block: Any = config
    *parents, last = path.split(".")
    for parent in parents:
        block = block[parent]
    if value is ...:
        del block[last]
    else:
        block[last] = value
    return config


def guessed(task: dict[str, Any] | None = None, **experiment: Any) -> dict[str, Any]:
    """A study of guess and check on 0 against 7, with these changes."""
    chosen = {"source": "digits", "labels": "0v7", "train_size": 4, **(task or {})}
    return {"task": chosen, "experiment": {"name": "guess_and_check", **experiment}}


INFINITE: dict[str, Any] = {
    "task": {"source": "digits", "labels": "decimal", "train_size": [4, 8]},
    "network": {"depth": 2},
    "nngp": {"estimators": ["mixture"]},
    "figures": ["learning_curve"],
}
"""A study whose training sets are nested, as its figure needs."""


def test_rates_that_follow_sizes_are_not_trained_together() -> None:
    config = changed("studies.one.training.learning_rate", ["1/n", 1.0])
    assert make_plan(validate(config)).jobs["training"]
    config["studies"]["one"]["ensemble"] = ["seed", "learning_rate"]
    with pytest.raises(ConfigError, match=r"'1/n'.*allowed in an ensemble: numbers"):
        validate(config)


def test_a_good_config_is_accepted() -> None:
    assert make_plan(validate(GOOD)).jobs["training"]


def test_a_figure_looks_at_the_part_of_the_grid_that_it_draws() -> None:
    task = {**INFINITE["task"], "random_share": [0.0, 0.5]}
    figures = {"learning_curve": {"select": {"random_share": 0.0}}}
    assert make_plan(validate({"studies": {"one": {**INFINITE, "task": task, "figures": figures}}})).jobs["nngp"]


@pytest.mark.parametrize("name", ["config.yaml", "paper.yaml", "test.yaml"])
def test_the_shipped_configs_are_valid(name: str) -> None:
    path = ROOT / "config" / name
    config = config_of(path)
    assert make_plan(config).studies
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of values that are dumped otherwise than they were declared
        assert config.model_dump()


@pytest.mark.parametrize(
    ("path", "value", "fragments"),
    [
        ("studies.one.network.widht", 8, ["studies.one.network", "'widht'", "did you mean 'width'", "depth"]),
        ("studies.one.trainin", {}, ["'trainin'", "did you mean 'training'"]),
        ("nonsense", 1, ["'nonsense'", "studies"]),
        ("studies.one.network.width", "8", ["studies.one.network.width", "'8'", "whole number"]),
        ("studies.one.network.width", -8, ["studies.one.network.width", "-8", "greater than or equal to 1"]),
        ("studies.one.network.width", 8.5, ["8.5", "whole number"]),
        ("studies.one.network.width", True, ["True", "whole number"]),
        ("studies.one.network.width", [], ["studies.one.network.width", "empty list"]),
        ("studies.one.network.width", [8, 8], ["width", "8 stands twice"]),
        ("studies.one.network.depth", [2, 0], ["depth.1", "greater than or equal to 1"]),
        ("studies.one.network.residual", 1, ["residual", "true or false"]),
        ("studies.one.network.readout", "flatten", ["readout is a parameter of cnn and resnet", "mlp"]),
        ("studies.one.network.rows", "centred", ["'centred'", "mean_free_unit"]),
        ("studies.one.network.rows", "free", ["rows = 'free'", "'nero'", "allowed: rows: mean_free_unit", "nngp.rows"]),
        ("studies.one.nngp.rows", "mean", ["'mean'", "did you mean 'mean_free'"]),
        (
            "studies.one",
            {
                "task": {"source": "digits", "train_size": 4, "labels": "3v6"}, "network": {"depth": 2, "width": 1},
                "training": {"optimizer": "sgd", "until_fit": "nero"}, "metrics": ["test_error"],
            },
            ["until_fit 'nero'", "layer 1", "a width of at least 2"],
        ),
        ("studies.one.training.constraint", "norm", ["constraint", "mean_free_unit"]),
        ("studies.one.network", {"architecture": "resnet", "depth": 5}, ["'resnet'", "depth = 5", "multiple of 2"]),
        ("studies.one.network", {"architecture": "cnn", "side": [3, 4]}, ["'cnn'", "side = 4", "1, 3, 5"]),
        ("studies.one.network", {"architecture": "lyu_li", "width": 40}, ["width = 40", "multiple of 32"]),
        ("studies.one.network", CNN, ["nngp needs a kernel in closed form", "max pooling", "none or average"]),
        (
            "studies.one.network", {"architecture": "cnn", "pooling": "average", "depth": 6},
            ["'digits'", "too small for pooling 2 x 2"],
        ),
        ("studies.one.network", {"bias": "all", "bias_variance": 0.1}, ["bias_variance = 0.1", "'mean_free_unit'"]),
        (
            "studies.one",
            {
                "task": {"source": "gaussian", "train_size": 4}, "network": CNN, "training": {},
                "metrics": ["test_error"],
            },
            ["'gaussian'", "allowed: digits, mnist"],
        ),
        (
            "studies.one",
            {
                "task": {"source": "digits", "labels": "3v6", "train_size": 4}, "network": CNN, "training": {},
                "metrics": ["normalized_margin"],
            },
            ["'normalized_margin' does not go with architecture = 'lyu_li'", "allowed: mlp"],
        ),
        ("studies.one.network.output", ["trained", "halves"], ["nngp", "'halves'", "output trained or signs"]),
        ("studies.one.network.activation", "silu", ["'silu'", "closed form", "relu, leaky_relu"]),
        ("studies.one.training.init", "galort", ["'galort'", "did you mean 'glorot'"]),
        ("studies.one.task.train_size", [10, 2000], ["train_size: 2000", "digits", "at most 1200"]),
        ("studies.one.task.train_size", [10, 300], ["train_size: 300", "binary", "at most 240"]),
        ("studies.one.task.test_size", 598, ["test_size: 598", "at most 597"]),
        ("studies.one.task.source", "mnits", ["'mnits'", "did you mean 'mnist'", "digits"]),
        ("studies.one.task", ..., ["studies.one", "need a task and a network block"]),
        ("studies.one.network", ..., ["network"]),
        ("studies.one.training.optimizer", "neor", ["'neor'", "did you mean 'nero'", "adam"]),
        ("studies.one.training.learning_rate", math.nan, ["learning_rate", "nan"]),
        ("studies.one.training.learning_rate", math.inf, ["learning_rate", "inf"]),
        ("studies.one.training.label_scale", [0.1, 0], ["label_scale.1", "greater than 0"]),
        ("studies.one.training.beta", 1.0, ["beta", "less than 1"]),
        ("studies.one.training.beta2", 0.9, ["beta2", "adam", "nero"]),
        ("studies.one.nngp.lazy", True, ["lazy", "needs nngp.label_scale"]),
        (
            "studies.one",
            {
                "task": {"source": "mnist", "labels": "digit", "train_size": [10, 1000]}, "network": {"depth": 2},
                "nngp": {"estimators": ["bound", "ep"]},
            },
            ["nngp.estimators: 'ep' needs 13 GB for 1000 points of 10 classes", "allowed: 8 GB, or the estimator"],
        ),
        (
            "studies.one",
            {
                "task": {"source": "digits", "labels": "digit", "train_size": 10}, "network": {"depth": 2}, "nngp": {},
                "figures": {"a": {"figure": "lines", "quantities": ["gibbs_error", "spherised_gibbs_error"]}},
            },
            ["quantity 'spherised_gibbs_error' is not measured here", "gibbs_error"],
        ),
        ("studies.one.nngp", {"by_point": True, "posterior": False}, ["by_point", "posterior: true, or label_scale"]),
        (
            "studies.one.nngp", {"label_scale": 0.3},
            ["training.label_scale = [0.1, 1.0]", "nngp.label_scale = 0.3", "the same in both"],
        ),
        (
            "studies.one",
            {
                "task": {"source": "digits", "train_size": 4, "labels": "3v6"},
                "network": {"depth": 3, "output": "signs", "activation": "erf"},
                "nngp": {"label_scale": 0.1, "lazy": True},
            },
            ["nngp.lazy", "tangent kernel in closed form"],
        ),
        ("studies.one.nngp.delta", 1.5, ["delta", "1.5", "less than 1"]),
        ("studies.one.nngp.estimators", ["bound", "mixtrue"], ["'mixtrue'", "did you mean 'mixture'"]),
        ("studies.one.metrics", ["test_eror"], ["'test_eror'", "did you mean 'test_error'"]),
        ("studies.one.metrics", ..., ["without metrics"]),
        ("studies.one.metrics", ["test_error", "test_error"], ["stands twice"]),
        ("studies.one.figures", ["bonds"], ["'bonds'", "did you mean 'bounds'"]),
        ("studies.one.figures", ["label_ray"], ["label_ray", "ray_error"]),
        (
            "studies.one",
            {**INFINITE, "task": {**INFINITE["task"], "centred": True}},
            ["figure 'learning_curve'", "centred = True; allowed: False"],
        ),
        (
            "studies.one",
            {**INFINITE, "task": {**INFINITE["task"], "random_share": [0.0, 0.5]}},
            ["figure 'learning_curve'", "random_share = 0.5"],
        ),
        (
            "studies.one",
            {**INFINITE, "task": {"source": "gaussian", "features": 9, "train_size": [4, 8]}},
            ["figure 'learning_curve'", "source = 'gaussian'", "digits"],
        ),
        ("studies.one", {**INFINITE, "nngp": {"estimators": ["bound"]}}, ["'learning_curve'", "estimator mixture"]),
        ("studies.one.figures", {"bounds": {"select": {"depth": 5}}}, ["depth", "5", "[2, 3]"]),
        ("studies.one.figures", {"bounds": {"quantities": ["test_error"]}}, ["no setting quantities"]),
        ("studies.one.figures", ["lines"], ["'lines'", "quantities"]),
        ("studies.one.figures", {"a": {"figure": "lines", "quantities": ["test_eror"]}}, ["did you mean 'test_error'"]),
        (
            "studies.one.figures",
            {"a": {"figure": "lines", "quantities": ["test_error"], "x": "dept"}},
            ["x: 'dept'", "did you mean 'depth'", "train_size"],
        ),
        (
            "studies.one.figures",
            {"a": {"figure": "scatter", "quantities": ["test_error"]}},
            ["'a' needs quantities", "2 or more"],
        ),
        (
            "studies.one.figures",
            {"a": {"figure": "scatter", "quantities": ["test_error", "complexity"], "x": "depth"}},
            ["'a' has no setting x", "lines"],
        ),
        (
            "studies.one.figures",
            {"a": {"figure": "lines", "quantities": ["test_error"], "log": ["z"]}},
            ["log", "'z'", "x, y"],
        ),
        ("studies.one.metrics", ["soft_margin_l2"], ["'soft_margin_l2'", "loss = 'norm'", "exponential"]),
        ("studies.one.metrics", ["balancedness"], ["'balancedness'", "depth = 3", "allowed: 2"]),
        (
            "studies.one.training", {"schedule": "loss_based", "loss": "logistic"},
            ["'loss_based'", "loss = 'logistic'", "allowed: exponential, log_logistic"],
        ),
        ("studies.one.training.step_exponent", 2, ["step_exponent", "less than or equal to 1"]),
        ("studies.one.training.stop", "fited", ["'fited'", "did you mean 'fitted'"]),
        (
            "studies.one.training", {"until_fit": "sgd", "optimizer": ["sgd", "adam"]},
            ["until_fit 'sgd' does not go with optimizer = 'adam'", "allowed: sgd, steepest_l2"],
        ),
        ("studies.one.network.width", [8, 1], ["'nero'", "layer 1", "mean 0", "a width of at least 2"]),
        (
            "studies.one",
            {
                "task": {"source": "gaussian", "train_size": 4, "features": [5, 1]}, "network": {"depth": 2},
                "training": {}, "metrics": ["test_error"],
            },
            ["'nero'", "layer 0", "mean 0", "at least 2 features"],
        ),
        ("studies.one.ensemble", ["depth"], ["'depth'", "label_scale"]),
        ("studies.one.network.slope", 0.2, ["slope is a parameter of leaky_relu", "the activation here is relu"]),
        ("studies.one.training.targets", "sphere", ["'sphere'", "spherised"]),
        (
            "studies.one.training", {"targets": "spherised", "loss": "logistic"},
            ["targets 'spherised'", "loss = 'logistic'; allowed: norm, square"],
        ),
        ("studies.one.task.features", 20, ["features is a parameter of", "the source here is digits"]),
        ("studies.one.task", {"source": "gaussian", "train_size": 4, "flip": 0.7}, ["flip", "0.7", "0.5"]),
        ("studies.one.task", {"source": "gaussian", "train_size": 4, "features": "2m"}, ["'2m'", "whole number", "2n"]),
        (
            "studies.one.task", {"source": "signal_and_noise", "train_size": 4, "signal": "5n"},
            ["signal", "'5n'", "a number", "5/n"],
        ),
        (
            "studies.one.task", {"source": "signal_and_noise", "train_size": [8, 4], "signal": "5/n", "labels": "own"},
            ["source 'signal_and_noise'", "signal = 1.25; allowed: at most 1"],
        ),
        (
            "studies.one.training", {"stop": "no_loss", "loss": "logistic"},
            ["loss 'logistic'", "stop = 'no_loss'; allowed: last, fitted"],
        ),
        ("studies.one.training.learning_rate", "10/m", ["'10/m'", "1/n", "10/d", "0.5m"]),
        ("studies.one.training.learning_rate", "0/n", ["'0/n'", "above 0"]),
        ("studies.one.training.until_fit", "sdg", ["'sdg'", "did you mean 'sgd'"]),
        (
            "studies.one.training", {"until_fit": "sgd", "stop": "fitted"},
            ["until_fit 'sgd'", "stop = 'fitted'; allowed: last"],
        ),
        (
            "studies.one.task", {"source": ["digits", "gaussian"], "train_size": 4},
            ["source 'digits'", "labels = 'own'; allowed: decimal, binary"],
        ),
        (
            "studies.one.task", {"source": "digits", "train_size": 4, "labels": "digit", "classes": 1},
            ["classes: 1", "'digits'", "allowed: 2 to 10, or 0 for all"],
        ),
        (
            "studies.one.task", {"source": "digits", "train_size": 4, "labels": "digit", "classes": [3, 11]},
            ["classes: 11", "'digits'", "allowed: 2 to 10, or 0 for all"],
        ),
        (
            "studies.one.task", {"source": "digits", "train_size": 400, "labels": "digit", "classes": 3},
            ["train_size: 400", "'digit' and 3 classes", "at most 355"],
        ),
        (
            "studies.one.task", {"source": "digits", "train_size": 4, "labels": "decimal", "classes": 3},
            ["classes is a parameter of class and digit", "decimal"],
        ),
        (
            "studies.one.task", {"source": "gaussian", "train_size": 4, "labels": "3v6"},
            ["source 'gaussian'", "labels = '3v6'; allowed: random, own"],
        ),
        ("studies.one.experiment", {"name": "calibration", "estimator": "ep"}, ["'ep'", "mixture"]),
        ("studies.one.experiment", {"name": "calibration", "problems": 0}, ["problems", "greater than or equal to 1"]),
        ("studies.one.task.balanced", "yes", ["balanced", "'yes'"]),
        (
            "studies.one.task", {"source": "gaussian", "train_size": 4, "balanced": True},
            ["'gaussian'", "balanced = True; allowed: False"],
        ),
        (
            "studies.one.task",
            {"source": "digits", "labels": ["decimal", "random"], "train_size": 4, "balanced": True},
            ["labels 'random'", "balanced = True; allowed: False"],
        ),
        ("studies.one.task.random_share", 1.5, ["random_share", "less than or equal to 1"]),
        ("studies.one", {"experiment": {"name": "guess_and_check"}}, ["'guess_and_check' needs a task"]),
        (
            "studies.one",
            {"experiment": {"name": "pruning"}, "task": {"source": "gaussian", "train_size": 4}},
            ["nothing in this study uses its task"],
        ),
        (
            "studies.one.task", {"source": "disc_grid", "train_size": 4, "features": 2},
            ["'disc_grid'", "features = 2; allowed: at least 3"],
        ),
        (
            "studies.one.task", {"source": "sparse_parity", "train_size": 4, "features": [9, 1]},
            ["'sparse_parity'", "features = 1; allowed: at least active, which is 2"],
        ),
        (
            "studies.one.task", {"source": "sparse_teacher", "train_size": [1, 4], "features": "2n", "active": [2, 5]},
            ["'sparse_teacher'", "features = 2; allowed: at least active, which is 5"],
        ),
        (
            "studies.one", {"experiment": {"name": "quadratic_regression", "design": ["orthogonal", "uniform"]}},
            ["design", "'uniform'", "orthogonal, gaussian"],
        ),
        (
            "studies.one", {"experiment": {"name": "gradient_regularisation", "time": 0.01}},
            ["'gradient_regularisation'", "time = 0.01; allowed: at least step_size, which is 0.025"],
        ),
        (
            "studies.one", {"experiment": {"name": "spectral_bias", "steps": 100}},
            ["steps = 100", "at least every, which is 200"],
        ),
        ("studies.one", guessed(factor=[1.0, 0.05]), ["'guess_and_check'", "'digits'", "factor = 0.05", "1/12"]),
        ("studies.one", guessed(architecture="lenet"), ["'digits'", "2 x 2 pixels are too small", "at least 5 x 5"]),
        (
            "studies.one", guessed({"source": "gaussian", "labels": "own"}), ["'gaussian'", "allowed: digits, mnist"],
        ),
        (
            "studies.one",
            {
                "task": {"source": "gaussian", "train_size": 4}, "network": {"depth": 2, "output": "random_features"},
                "sampling": {}, "metrics": ["test_error"],
            },
            ["random_features", "sampling"],
        ),
        ("studies.one.task.scaling", "pixel", ["scaling", "did you mean 'pixels'"]),
        ("studies.one.checks", ["networks_fti"], ["did you mean 'networks_fit'", "more (all of them"]),
        ("studies.one.experiment", {"name": "calibratoin"}, ["did you mean 'calibration'"]),
        ("studies", {}, ["studies", "empty"]),
        ("studies", ..., ["studies", "required"]),
        ("studies.one", None, ["studies.one", "block of keys"]),
        ("execution", {"device": "gpu"}, ["'gpu'", "cuda"]),
    ],
)  # fmt: skip
def test_a_bad_config_says_what_is_wrong(path: str, value: Any, fragments: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        validate(changed(path, value))
    message = str(caught.value)
    for fragment in fragments:
        assert fragment in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("metric", "network", "loss", "fragments"),
    [
        ("layer_alignment", {"bias": ["none", "all"]}, "logistic", ["bias = 'all'", "none, first"]),
        ("rotation", {"bias": "all"}, "logistic", ["bias = 'all'", "none, first"]),
        ("balancedness", {"bias": "all"}, "logistic", ["bias = 'all'", "none, first"]),
        ("positive_stable_rank", {"bias": "all"}, "logistic", ["bias = 'all'", "none, first"]),
        ("margin_linf_share", {"depth": 1, "bias": "first"}, "logistic", ["bias = 'first'", "allowed: none"]),
        ("svm_cosine", {"bias": "first"}, "logistic", ["bias = 'first'", "allowed: none"]),
        ("svm_norm_ratio", {}, "logistic", ["depth = 2; allowed: 1", "output = 'trained'; allowed: signs"]),
        ("class_alignment", {"bias": "first"}, "logistic", ["bias = 'first'", "allowed: none"]),
        ("optimum_cosine", {"output": "signs", "bias": "first"}, "logistic", ["bias = 'first'", "allowed: none"]),
        ("optimum_cosine", {"output": "halves"}, "logistic", ["output = 'halves'", "allowed: signs"]),
        (
            "optimum_cosine", {"output": "signs", "activation": "gelu"}, "logistic",
            ["activation = 'gelu'", "plain_relu"],
        ),
        ("margin_f1", {"output": "trained"}, "logistic", ["output = 'trained'", "mean_field, random_features"]),
        ("margin_f2", {"output": "trained"}, "logistic", ["output = 'trained'", "mean_field, random_features"]),
        ("margin_l2_share", {}, "logistic", ["depth = 2; allowed: 1", "output = 'trained'; allowed: random_features"]),
        (
            "modified_margin", {"depth": [2, 3]}, "logistic",
            ["depth = 3; allowed: 2", "residual = False; allowed: True"],
        ),
        ("modified_margin", {"output": "signs"}, "logistic", ["output = 'signs'; allowed: trained"]),
        ("modified_margin", {}, "square", ["loss = 'square'; allowed: logistic"]),
    ],
)  # fmt: skip
def test_a_metric_without_a_meaning_for_these_networks_is_refused(
    metric: str, network: dict[str, Any], loss: str, fragments: list[str]
) -> None:
    study = {
        "task": {"source": "gaussian", "train_size": 4}, "network": {"depth": 2, "width": 4} | network,
        "training": {"optimizer": "sgd", "loss": loss}, "metrics": [metric],
    }  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        validate({"studies": {"one": study}})
    for fragment in [f"metric {metric!r} does not go with", *fragments]:
        assert fragment in str(caught.value)


@pytest.mark.parametrize(
    ("network", "fragments"),
    [
        ({"depth": [1, 2], "output": "signs"}, ["output 'signs'", "depth = 1; allowed: at least 2"]),
        ({"depth": 2, "width": 1, "output": "halves"}, ["output 'halves'", "width = 1; allowed: at least 2"]),
        (
            {"depth": 2, "output": "random_features"},
            ["output 'random_features'", "stage = 'sampling'; allowed: training"],
        ),
    ],
)
def test_networks_that_cannot_be_are_refused(network: dict[str, Any], fragments: list[str]) -> None:
    study = {
        "task": {"source": "gaussian", "train_size": 4}, "network": network, "sampling": {}, "metrics": ["test_error"],
    }  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        validate({"studies": {"one": study}})
    for fragment in fragments:
        assert fragment in str(caught.value)


def test_a_loss_that_fits_targets_goes_with_targets_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    config = changed("studies.one.training", {"targets": "spherised", "loss": "hinge"})
    with pytest.raises(ConfigError, match="loss = 'hinge'; allowed: norm, square"):
        validate(config)
    monkeypatch.setitem(LOSSES, "hinge", replace(LOSSES["hinge"], fits_targets=True))
    assert validate(config)


def test_metrics_of_training_do_not_go_with_guess_and_check() -> None:
    config = changed("studies.one.metrics", ["test_error", "stable_rank"])
    assert validate(config)
    config["studies"]["one"]["sampling"] = {"draws": 5}
    with pytest.raises(
        ConfigError, match=r"metric 'stable_rank' does not go with stage = 'sampling'; allowed: training"
    ):
        validate(config)


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(changed("studies.one.network.width", -1)))
    with pytest.raises(ConfigError, match=r"mine\.yaml: studies\.one\.network\.width = -1"):
        config_of(path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("batch_size", -3, "batch_size = -3: allowed: greater than or equal to 1"),
        ("batch_size", "ful", "batch_size = 'ful': there is no batch size of that name (did you mean 'full'?);"
         " allowed: full"),
        ("batch_size", None, "batch_size = None: allowed: a whole number; or there is no batch size of that name;"
         " allowed: full"),
        ("checkpoints", [1, "a"], "checkpoints.1 = 'a': allowed: a whole number"),
        ("label_scale", [1, 0], "label_scale.1 = 0: allowed: greater than 0"),
    ],
)  # fmt: skip
def test_a_value_of_several_forms_is_refused_in_words_of_its_own_form(key: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        validate(changed(f"studies.one.training.{key}", value))
    assert str(caught.value) == f"config: studies.one.training.{message}"


def test_every_problem_is_listed() -> None:
    config = changed("studies.one.network.width", -1)
    config["studies"]["one"]["training"]["epochs"] = "many"
    with pytest.raises(ConfigError) as caught:
        validate(config)
    assert len(str(caught.value).splitlines()) == 2


def test_a_key_that_stands_twice_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("studies: {}\nname: a\nname: b\n")
    with pytest.raises(ConfigError, match=r"twice\.yaml: line 3: the key 'name' stands twice"):
        read_yaml(path)


@pytest.mark.parametrize("text", ["studies: [", "- a\n- b\n", "", "\x00"])
def test_files_that_are_no_config(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"broken\.yaml"):
        read_yaml(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read"):
        read_yaml(tmp_path / "nowhere.yaml")


def test_numbers_in_exponent_form_without_a_dot_are_numbers() -> None:
    config = validate(changed("studies.one.training.learning_rate", "1e-3"))
    assert config.studies["one"].training.learning_rate == 0.001  # type: ignore[union-attr, attr-defined]


def test_one_axis_in_two_blocks_must_agree() -> None:
    with pytest.raises(ConfigError, match=r"label_scale is a list in two blocks, \[0.1, 1.0\] and \[1.0, 2.0\]"):
        validate(changed("studies.one.nngp.label_scale", [1, 2]))


def test_every_key_has_an_example_that_is_valid() -> None:
    for title, model in BLOCKS.items():
        examples = {key: parse(text) for key, text in EXAMPLES[title].items()}
        composed = {key: examples.pop(key) for key in getattr(model, "composed", ())}
        assert all(composed.values())
        for key, value in examples.items():
            field = model.model_fields[key]
            adapter: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, key, *field.metadata])
            if (title, key) != ("the file", "studies"):  # its study is like another
                adapter.validate_python(value, strict=True)


def test_the_schema_takes_every_shipped_file_and_no_misspelt_key() -> None:
    schema = Draft202012Validator(json.loads(json_schema()))
    files = sorted((ROOT / "config").rglob("*.yaml"))
    assert len(files) > 10
    for file in files:
        # editors read YAML 1.2, in which 1e-4 is a number
        text = re.sub(r"(?<=[ [])([0-9])e-", r"\1.0e-", file.read_text(encoding="utf-8"))
        assert [error.message for error in schema.iter_errors(parse(text))] == [], file
    for wrong in ({"inlcude": ["a.yaml"]}, {"include": "a.yaml"}, {"studies": {"one": {"lik": "two"}}}):
        assert list(schema.iter_errors(wrong)), wrong


def test_the_schema_file_is_in_step_with_the_models() -> None:
    for name, text in (("schema.json", json_schema()), ("reference.md", reference())):
        assert (ROOT / "config" / name).read_text(encoding="utf-8") == text, "run `make schema`"


def test_the_reference_has_every_key_and_every_name() -> None:
    text = reference()
    for key in ("train_size", "label_scale", "keep_weights", "quantities", "random_share", "weight_decay", "factor"):
        assert f"`{key}`" in text
    for table in (SOURCES, OPTIMIZERS, METRICS, EXPERIMENTS, CHECKS):
        assert all(f"| `{name}` |" in text for name in table)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4, 5}  # of names, and of keys with examples
