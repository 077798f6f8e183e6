"""A config that uses every entry of the catalogue, as small as may be."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from implicitbias import catalogue
from implicitbias.config.load import validate
from implicitbias.config.models import Config
from implicitbias.errors import ConfigError

BASE: dict[str, dict[str, Any]] = {
    "task": {"source": "digits", "labels": "binary", "train_size": 6, "test_size": 8, "seed": [0]},
    "network": {"depth": 2, "width": 4},
    "training": {"epochs": 2, "batch_size": 3},
    "nngp": {"estimators": ["mixture"], "samples": 256},
}
METRICS = {"metrics": ["test_error"]}
TRIES: tuple[Mapping[str, Mapping[str, Any]], ...] = (
    {},
    {"training": {"batch_size": "full"}},
    {"training": {"optimizer": "sgd", "loss": "exponential", "batch_size": "full", "dtype": "float64"}},
    {"training": {"optimizer": "sgd", "loss": "logistic"}},
    {"network": {"depth": 3}},
    {"network": {"activation": "plain_relu"}, "training": {"optimizer": "sgd", "loss": "exponential"}},
    {"network": {"depth": 1}, "training": {"optimizer": "sgd", "loss": "exponential"}},
    {"task": {"labels": "digit", "classes": 3}, "training": {"optimizer": "sgd", "loss": "cross_entropy"}},
    {"task": {"source": "two_gaussians", "labels": "own", "features": 8}},
    {"task": {"source": "two_gaussians", "labels": "own", "features": 8}, "training": {"optimizer": "sgd"}},
    {"task": {"source": "two_gaussians", "labels": "own", "features": 2}, "training": {"optimizer": "sgd"}},
    {"network": {"output": "signs"}, "training": {"optimizer": "sgd", "loss": "logistic"}},
    {
        "network": {"output": "mean_field", "activation": "plain_relu"},
        "training": {"optimizer": "sgd", "loss": "exponential"},
    },
)
"""Settings that some entries go with and others do not."""


def wide_config() -> Config:
    """Studies for every entry that can be used without a download."""
    studies = {name: study for name, study in _studies() if study is not None}
    return validate({"name": "wide", "studies": studies})


def _studies() -> Iterator[tuple[str, dict[str, Any] | None]]:
    for block, key, table in (
        ("task", "source", {n: e for n, e in catalogue.SOURCES.items() if not (e.download or e.inspect)}),
        ("task", "labels", {n: e for n, e in catalogue.LABELS.items() if "v" not in n}),
        ("network", "architecture", catalogue.ARCHITECTURES),
        ("network", "activation", catalogue.ACTIVATIONS),
        ("network", "output", catalogue.OUTPUTS),
        ("training", "optimizer", catalogue.OPTIMIZERS),
        ("training", "init", catalogue.INITIALISATIONS),
        ("training", "loss", catalogue.LOSSES),
        ("training", "schedule", catalogue.SCHEDULES),
        ("training", "targets", catalogue.TARGETS),
    ):
        for name in table:
            change = {block: {key: name, **({"features": 4} if _has_features(block, name) else {})}}
            yield f"{key}_{name}", _accepted({**METRICS}, change, ("task", "network", "training"))
            if block == "network":
                yield f"{key}_{name}_nngp", _accepted({}, change, ("task", "network", "nngp"))
    for name in catalogue.METRICS:
        yield f"metric_{name}", _accepted({"metrics": [name]}, {}, ("task", "network", "training"))
    for name in catalogue.ESTIMATORS:
        change = {"nngp": {"estimators": [name], "posterior": False, "draws": 256}}
        yield f"estimator_{name}", _accepted({}, change, ("task", "network", "nngp"))
        several = {"task": {"labels": "digit", "classes": 3}, **change}
        yield f"estimator_{name}_classes", _accepted({}, several, ("task", "network", "nngp"))
    scales = {"nngp": {"estimators": ["bound"], "label_scale": 1.0, "lazy": True, "by_point": True, "ray_samples": 5}}
    yield "posterior", _accepted({}, scales, ("task", "network", "nngp"))
    for name, entry in catalogue.EXPERIMENTS.items():
        small = {
            key: max(int(parameter.minimum or 2), min(parameter.default, 12))
            for key, parameter in entry.parameters.items()
            if isinstance(parameter.default, int) and not isinstance(parameter.default, bool)
        }
        own = {"experiment": {"name": name, **small}}
        yield f"experiment_{name}", _accepted({}, own, ("task", "experiment") if entry.task else ("experiment",))


def _has_features(block: str, name: str) -> bool:
    return block == "task" and name in catalogue.SOURCES and "features" in catalogue.SOURCES[name].parameters


def _accepted(
    more: Mapping[str, Any], change: Mapping[str, Mapping[str, Any]], blocks: tuple[str, ...]
) -> dict[str, Any] | None:
    """The study with this change that validation takes, on the first of the settings to be tried."""
    for tried in TRIES:
        study = {**deepcopy(dict(more)), **{block: deepcopy(BASE.get(block, {})) for block in blocks}}
        architecture = change.get("network", {}).get("architecture", "mlp")
        if "network" in study:
            own = catalogue.ARCHITECTURES[architecture].parameters
            study["network"] = {key: value for key, value in study["network"].items() if key in own}
        for settings in (tried, change):
            for block, values in settings.items():
                if block in study:
                    study[block] |= values
        if study.get("task", {}).get("source", "digits") != "digits" and study["task"]["labels"] == "binary":
            study["task"]["labels"] = "own"
        try:
            validate({"studies": {"one": study}})
        except ConfigError:
            continue
        return study
    return None
