"""Whatever is written into a config, it is either run as it says or refused in words that help."""

import copy
import math
import re
import string
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, reject, settings
from hypothesis import strategies as st

from implicitbias.catalogue import ACTIVATIONS, INITIALISATIONS, LOSSES, METRICS, OPTIMIZERS, OUTPUTS
from implicitbias.config.jobs import STAGES
from implicitbias.config.load import validate
from implicitbias.config.plan import make_plan
from implicitbias.errors import ConfigError

Path = tuple[str, ...]


def axis(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A scalar or a list of different values."""
    return st.one_of(values, st.lists(values, min_size=1, max_size=3, unique=True))


positive = st.floats(1e-6, 1e6)
task = st.fixed_dictionaries(
    {
        "source": st.just("digits"),
        "labels": axis(st.sampled_from(["decimal", "binary", "random", "3v6", "digit"])),
        "train_size": axis(st.integers(1, 200)),
    },
    optional={"seed": axis(st.integers(0, 1000)), "test_size": st.integers(1, 100)},
)
synthetic = st.fixed_dictionaries(
    {"source": st.just("two_gaussians"), "train_size": axis(st.integers(1, 50))},
    optional={"features": axis(st.integers(2, 40)), "flip": axis(st.floats(0, 0.5)), "mean_exponent": st.floats(0, 1)},
)
network = st.fixed_dictionaries(
    {"depth": axis(st.integers(1, 4))},
    optional={"width": axis(st.integers(2, 64)), "activation": axis(st.sampled_from(["relu", "linear", "erf"]))},
)
finite = st.fixed_dictionaries(
    {"depth": axis(st.integers(2, 4)), "activation": axis(st.sampled_from(list(ACTIVATIONS)))},
    optional={
        "bias": axis(st.sampled_from(["none", "first", "all"])),
        "output": axis(st.sampled_from(list(OUTPUTS))),
        "residual": axis(st.booleans()),
    },
)
training = st.fixed_dictionaries(
    {},
    optional={
        "optimizer": axis(st.sampled_from(list(OPTIMIZERS))),
        "learning_rate": axis(positive),
        "step_exponent": axis(st.floats(0, 1)),
        "stop": st.sampled_from(["last", "fitted"]),
        "epochs": st.integers(1, 50),
        "batch_size": axis(st.one_of(st.integers(1, 50), st.just("full"))),
        "loss": axis(st.sampled_from(list(LOSSES))),
        "init": st.sampled_from(list(INITIALISATIONS)),
        "label_scale": axis(positive),
        "members": st.integers(1, 5),
        "checkpoints": st.one_of(
            st.sampled_from(["final", "log"]), st.lists(st.integers(0, 50), min_size=1, unique=True)
        ),
    },
)
nngp = st.fixed_dictionaries(
    {},
    optional={
        "estimators": st.just(["bound", "mixture"]),
        "delta": axis(st.floats(0.001, 0.5)),
        "posterior": st.booleans(),
    },
)
at_targets = st.fixed_dictionaries({"label_scale": axis(positive), "lazy": st.booleans(), "by_point": st.booleans()})
convolutional = st.fixed_dictionaries(
    {"architecture": axis(st.sampled_from(["cnn", "resnet"])), "depth": axis(st.sampled_from([4, 6]))},
    optional={
        "width": axis(st.integers(2, 9)),
        "readout": axis(st.sampled_from(["flatten", "global_average"])),
        "bias": axis(st.sampled_from(["none", "first", "all"])),
        "activation": axis(st.sampled_from(["relu", "erf"])),
    },
)


METRICS_OF_ALL = [name for name, entry in METRICS.items() if not entry.only]
metrics = st.lists(st.sampled_from(METRICS_OF_ALL), min_size=1, unique=True)
study = st.one_of(
    st.fixed_dictionaries({"task": task, "network": network, "training": training, "nngp": nngp, "metrics": metrics}),
    st.fixed_dictionaries({"task": synthetic, "network": finite, "training": training, "metrics": metrics}),
    st.fixed_dictionaries({"task": task, "network": convolutional, "nngp": nngp}),
    st.fixed_dictionaries({"task": task, "network": network, "nngp": st.one_of(nngp, at_targets)}),
    st.fixed_dictionaries({"experiment": st.just({"name": "calibration", "estimator": ["mixture", "genz"]})}),
)
names = st.text(string.ascii_lowercase + string.digits + "_-", min_size=1, max_size=8)
configs = st.fixed_dictionaries({"studies": st.dictionaries(names, study, min_size=1, max_size=2)})


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much])
@given(configs)
def test_a_valid_config_becomes_a_consistent_plan(config: dict[str, Any]) -> None:
    try:
        valid = validate(yaml.safe_load(yaml.safe_dump(config)))
    except ConfigError:  # what is refused has tests of its own
        reject()
    plan = make_plan(valid)
    addresses = {f"{stage}/{key}" for stage in STAGES for key in plan.jobs[stage]}
    for stage in STAGES:
        for key, job in plan.jobs[stage].items():
            assert job.key == key
            assert set(job.inputs.values()) <= addresses
            assert job.request.memory_mb > 0
            assert job.request.minutes > 0
    for name, planned in plan.studies.items():
        pieces = [piece.path for piece in planned.pieces]
        assert set(pieces) <= addresses
        assert pieces, name
        for piece in planned.pieces:
            assert all(value in planned.axes[axis] for axis, value in piece.coords.items())
    assert make_plan(validate(config)).jobs == plan.jobs


GOOD: dict[str, Any] = {
    "name": "good",
    "execution": {"device": "cpu", "threads": 2, "keep_weights": True},
    "studies": {
        "one": {
            "task": {"source": "digits", "labels": ["decimal", "binary"], "train_size": [10, 20], "seed": [0, 1]},
            "network": {"depth": [2, 3], "width": 8, "activation": "leaky_relu", "slope": 0.2},
            "training": {"optimizer": ["nero", "adam"], "beta": 0.9, "label_scale": [0.1, 1], "checkpoints": [0, 4]},
            "sampling": {"draws": 10},
            "nngp": {"estimators": ["bound", "mixture"], "label_scale": [0.1, 1], "delta": 0.01},
            "metrics": ["test_error"],
            "figures": {"bounds": {"select": {"depth": 2}}},
            "checks": ["networks_fit"],
            "published": ["bernstein_yue_2021_section4"],
        },
        "two": {
            "task": {"source": "sparse_teacher", "features": [8, 16], "train_size": 5},
            "network": {"depth": 2, "output": "signs"},
            "training": {"optimizer": "steepest_l1", "power": [-1, 1]},
            "metrics": ["train_error"],
        },
        "three": {"experiment": {"name": "calibration", "estimator": ["mixture"], "problems": 5}},
    },
}


def paths(block: Any, here: Path = ()) -> list[Path]:
    """The path of every key, at any depth."""
    if not isinstance(block, dict):
        return []
    return [path for key, value in block.items() for path in ((*here, key), *paths(value, (*here, key)))]


def changed(path: Path, change: Any) -> dict[str, Any]:
    """GOOD with `change(block, key)` applied at a path."""
    config = copy.deepcopy(GOOD)
    block = config
    for part in path[:-1]:
        block = block[part]
    change(block, path[-1])
    return config


def refusal(config: Any) -> str | None:
    """The message, or None for a config that is accepted and planned; anything else fails the test."""
    try:
        make_plan(validate(config))
    except ConfigError as error:
        message = str(error)
        assert message.strip()
        for line in message.splitlines():
            assert line.startswith("config: "), message
            assert len(line) < 1500
            assert not re.search(r"constrained-|function-|Input should|_check\(|list\[", line.partition(" = ")[0]), (
                message
            )
            assert not re.search(r"Input should|pydantic|valid (dictionary|integer|string)", line), message
        return message
    return None


def assign(value: Any) -> Any:
    def change(block: dict[str, Any], key: str) -> None:
        block[key] = value

    return change


junk = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(["mixture", "full"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=2)),
    max_leaves=4,
)
PATHS = paths(GOOD)


def test_the_good_config_is_good() -> None:
    assert refusal(GOOD) is None


@settings(max_examples=2000, deadline=None, derandomize=True)
@given(st.sampled_from(PATHS), junk)
@example(("studies", "one", "task", "seed"), 2**40)
@example(("studies", "two", "network", "depth"), 2**32)
@example(("studies", "one", "figures"), {"\r": None})
@example(("studies", "one", "figures", "bounds", "select"), {"\x1e": 0})
@example(("studies", "one", "training", "learning_rate"), 1e308)
@example(("studies", "one", "training", "checkpoints"), [-1])
@example(("studies", "one", "figures", "bounds", "select"), {"depth": [2]})
@example(("studies", "two", "training", "power"), {"a": 1})
def test_any_value_anywhere_is_run_or_refused_in_words(path: Path, value: Any) -> None:
    message = refusal(changed(path, assign(value)))
    if message is not None and path[0] == "studies" and len(path) > 1:
        assert "studies" in message


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from([path for path in PATHS if len(path) != 2]), st.sampled_from(string.ascii_letters))
def test_a_misspelt_key_is_named_with_what_is_allowed(path: Path, letter: str) -> None:
    if path[-2:-1] == ("select",) or path[-2:-1] == ("figures",):
        return  # names of the dataset, checked by their own rules
    wrong = path[-1] + letter

    def rename(block: dict[str, Any], key: str) -> None:
        block[wrong] = block.pop(key)

    message = refusal(changed(path, rename))
    assert message is not None
    assert repr(wrong) in message
    assert "allowed" in message


NUMERIC = {
    "width", "depth", "train_size", "seed", "label_scale", "delta", "draws", "beta", "slope", "features", "problems",
    "power", "threads",
}  # fmt: skip
NUMBERS = [path for path in PATHS if path[-1] in NUMERIC and "select" not in path]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.sampled_from(NUMBERS),
    st.sampled_from([math.nan, math.inf, -1.5, -7, "7", True, [], [3, 3], [None], {"a": 1}, [[1]], [math.nan]]),
)
def test_what_is_no_number_of_this_kind_is_refused_with_its_key(path: Path, value: Any) -> None:
    message = refusal(changed(path, assign(value)))
    assert message is not None
    assert path[-1] in message
    assert any(word in message for word in ("allowed", "different", "finite")), message


NAMES = [
    ("studies", "one", "task", "source"),
    ("studies", "one", "training", "optimizer"),
    ("studies", "one", "metrics"),
    ("studies", "one", "checks"),
    ("studies", "one", "nngp", "estimators"),
    ("studies", "three", "experiment", "estimator"),
]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(NAMES), st.text(string.ascii_lowercase, min_size=3))
def test_an_unknown_name_is_refused_with_those_that_are_known(path: Path, name: str) -> None:
    message = refusal(changed(path, assign([name, "qqq"])))
    assert message is not None
    assert path[-1] in message
    assert "'qqq'" in message
    assert "allowed: " in message
