"""A limit of any entry that a study chooses is judged at every point of its grid, in one wording."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from implicitbias.catalogue import CHOICES, LABELS, SOURCES
from implicitbias.catalogue.limits import Allowed, Range, mentioned
from implicitbias.config.load import validate
from implicitbias.config.models import Config
from implicitbias.errors import ConfigError

STUDY: dict[str, Any] = {
    "task": {"source": "two_gaussians", "train_size": [4, 8], "features": [6, "2n"]},
    "network": {"depth": [2, 3], "width": [4, 8], "bias": "none"},
    "training": {"optimizer": ["sgd", "adam"], "loss": "square", "targets": "labels", "schedule": "decaying"},
    "nngp": {"estimators": ["bound", "mixture"]},
    "metrics": ["test_error", "train_loss"],
}
CHOSEN = {
    "source": "two_gaussians", "labels": "own", "architecture": "mlp", "activation": "relu", "output": "trained",
    "optimizer": "adam", "loss": "square", "schedule": "decaying", "targets": "labels", "init": "fan_in",
    "metrics": "train_loss", "estimators": "mixture",
}  # fmt: skip


def study(**blocks: dict[str, Any]) -> dict[str, Any]:
    changed = {name: {**STUDY[name], **changes} for name, changes in blocks.items()}
    return {"studies": {"one": {**STUDY, **changed}}}


def limit(monkeypatch: pytest.MonkeyPatch, key: str, name: str, rule: Mapping[str, Allowed]) -> None:
    monkeypatch.setitem(CHOICES[key].table, name, replace(CHOICES[key].table[name], only=(rule,)))


def test_every_key_that_chooses_an_entry_is_a_key_of_the_config() -> None:
    keys = {key for block in Config.model_json_schema()["$defs"].values() for key in block["properties"]}
    assert set(CHOICES) <= keys
    assert set(CHOSEN) == set(CHOICES) - {"until_fit", "name"}


def test_limits_are_stated_in_keys_of_the_config() -> None:
    """A key that is misspelt would never be judged."""
    keys = {key for block in Config.model_json_schema()["$defs"].values() for key in block["properties"]}
    for choice in CHOICES.values():
        for name, entry in choice.table.items():
            assert set(mentioned(entry.limits)) <= keys | {"stage"}, name
        assert set(mentioned(choice.only)) <= keys


@pytest.mark.parametrize(("key", "name"), CHOSEN.items())
def test_a_limit_of_an_entry_of_any_kind_is_judged(key: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, key, name, {"width": Range(maximum=8), "depth": (2, 3)})
    assert validate(study())
    limit(monkeypatch, key, name, {"width": Range(maximum=7)})
    with pytest.raises(ConfigError) as caught:
        validate(study())
    told = f"studies.one: {CHOICES[key].kind} {name!r} does not go with width = 8; allowed: at most 7"
    assert told in str(caught.value)


def test_an_entry_that_is_not_chosen_limits_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, "optimizer", "momentum", {"width": (1,)})
    assert validate(study())


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"features": Range(minimum="train_size")}, "features = 6; allowed: at least train_size, which is 8"),
        ({"features": Range(minimum=7)}, "features = 6; allowed: at least 7"),
        ({"features": Range(maximum=15)}, "features = 16; allowed: at most 15"),
        ({"mean_exponent": Range(minimum=1)}, "mean_exponent = 0.26; allowed: at least 1"),
    ],
)
def test_multiples_and_defaults_are_judged_as_numbers(
    rule: Mapping[str, Allowed], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, "source", "two_gaussians", rule)
    with pytest.raises(ConfigError, match=f"source 'two_gaussians' does not go with {told}"):
        validate(study())


def test_only_points_of_the_grid_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a multiple of the training size, each value stands with its own training size."""
    limit(monkeypatch, "source", "two_gaussians", {"features": Range(minimum="train_size")})
    assert validate(study(task={"features": "2n"}))


def test_the_settings_of_a_task_are_judged_where_an_experiment_is_given_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Experiments have parameters of the same names, which are left out here."""
    limit(monkeypatch, "source", "two_gaussians", {"features": Range(minimum=9)})
    task = {"source": "two_gaussians", "train_size": 4, "features": "2n"}
    with pytest.raises(ConfigError, match="'two_gaussians' does not go with features = 8; allowed: at least 9"):
        validate({"studies": {"one": {"task": task, "experiment": {"name": "guess_and_check"}}}})


def test_a_new_source_and_a_new_label_rule_go_with_those_of_their_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "new", replace(SOURCES["gaussian"], function="a:b", only=()))
    monkeypatch.setitem(LABELS, "new", replace(LABELS["own"], function="a:b"))
    assert SOURCES["new"].misfit({"labels": "own"}) == ""
    assert SOURCES["new"].misfit({"labels": "new"}) == ""
    assert SOURCES["new"].misfit({"labels": "3v6"}) == "labels = '3v6'; allowed: random, own, new"
    assert SOURCES["digits"].misfit({"labels": "new"}).startswith("labels = 'new'; allowed: decimal, binary")


def test_a_large_grid_is_judged_in_milliseconds() -> None:
    """The grid here has 10^10 points; no entry mentions more than a few of its axes."""
    many = [float(number) for number in range(1, 11)]
    whole = list(range(2, 12))
    config = study(
        task={"train_size": whole, "seed": whole, "flip": [number / 100 for number in many], "features": 6},
        network={"width": whole, "depth": whole},
        training={"learning_rate": many, "label_scale": many, "init_scale": many, "epochs": whole, "batch_size": whole},
    )
    started = time.perf_counter()
    assert validate(config)
    assert time.perf_counter() - started < 1
