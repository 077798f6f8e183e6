"""Random configs, reduced until validation takes them, and run whole.

As a script it runs many of them and prints what failed, by kind, with the smallest config of each:
`PYTHONPATH=src:tests python tests/random_configs.py 2000 --seed 1`.
"""

import argparse
import copy
import random
import re
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from implicitbias import catalogue
from implicitbias.catalogue import CHECKS, EXPERIMENTS, FIGURES, LABELS, METRICS, PUBLISHED, SOURCES
from implicitbias.config.load import validate
from implicitbias.config.plan import Plan, make_plan
from implicitbias.errors import ConfigError
from implicitbias.networks.layers import ROWS
from whole_run import SECONDS, LateError, run_whole

Values = dict[str, Any]
MOST_JOBS = 14
_LONGEST = 40  # seconds that a config may take
_TRIES = 60
_QUICK = [name for name in catalogue.ESTIMATORS if name != "subset"]  # which takes seconds
_OFFLINE = [name for name, entry in SOURCES.items() if not entry.download and not entry.inspect]


# ------------------------------------------------------------------------------------------------- strategies
def maybe_axis(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly a scalar, sometimes a list of different values."""
    return st.one_of(values, values, st.lists(values, min_size=1, max_size=2, unique=True))


def some(names: Any, most: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(list(names)), min_size=1, max_size=most, unique=True)


def number(parameter: catalogue.Parameter) -> st.SearchStrategy[Any]:
    """Small values of a parameter of an entry, its ends among them."""
    least = 0 if parameter.minimum is None else parameter.minimum
    most = parameter.maximum
    if parameter.choices:
        return st.sampled_from(parameter.choices)
    if isinstance(parameter.default, bool):
        return st.booleans()
    if isinstance(parameter.default, int):
        ends = st.integers(int(least), int(least + 6 if most is None else min(most, least + 6)))
        return st.one_of(ends, st.just("2n")) if parameter.per_point else ends
    most = max(1.0, 2 * float(parameter.default)) if most is None else most
    ends = st.one_of(st.floats(float(least), float(most)), st.just(parameter.default))
    return st.one_of(ends, st.just("0.5/n")) if parameter.per_point else ends


def parameters(table: Any, extra: Any = ()) -> Values:
    """A strategy for every parameter of a table's entries, by its key."""
    found = {
        key: number(parameter)
        for entry in table.values() for key, parameter in entry.parameters.items() if key != "path"
    }  # fmt: skip
    return {key: maybe_axis(found[key]) for key in found if key not in extra}


scale = st.one_of(st.sampled_from([0.1, 1, 1.0, 10]), st.floats(1e-3, 1e3))
label_scale = maybe_axis(scale)
seeds = st.one_of(st.integers(0, 3), st.just([0, 1]), st.just([2, 0, 1]))
task = st.fixed_dictionaries(
    {
        "source": maybe_axis(st.one_of(st.just("digits"), st.sampled_from(_OFFLINE))),
        "train_size": st.one_of(
            maybe_axis(st.integers(1, 12)), st.lists(st.integers(2, 14), min_size=2, max_size=3, unique=True)
        ),
        "test_size": st.integers(1, 12),
    },
    optional={
        "labels": maybe_axis(
            st.sampled_from(["decimal", "binary", "random", "binary_random", "3v6", "digit", "class", "own"])
        ),
        "centred": st.booleans(),
        "balanced": st.booleans(),
        "random_share": maybe_axis(st.floats(0, 1)),
        "seed": seeds,
        "classes": maybe_axis(st.sampled_from([0, 2, 3, 10])),
        **parameters(SOURCES),
    },
)
network = st.fixed_dictionaries(
    {"depth": maybe_axis(st.sampled_from([1, 2, 2, 3, 4])), "width": maybe_axis(st.integers(1, 6))},
    optional={
        "architecture": maybe_axis(st.sampled_from(["mlp", "mlp", "mlp", "cnn", "resnet", "pooled_mlp", "lenet"])),
        "activation": maybe_axis(st.sampled_from(list(catalogue.ACTIVATIONS))),
        "rows": maybe_axis(st.sampled_from(ROWS)),
        "factor": st.sampled_from([0.1, 0.3]),
        **parameters(catalogue.ARCHITECTURES, ("depth", "width", "factor")),
        **parameters(catalogue.ACTIVATIONS),
    },
)
rate = st.one_of(st.floats(1e-4, 1.0), st.sampled_from([1e3, 1e15, 1e30]), st.sampled_from(["1/n", "10/d", "0.5m"]))
training = st.fixed_dictionaries(
    {"epochs": st.integers(1, 4)},
    optional={
        "optimizer": maybe_axis(st.sampled_from(list(catalogue.OPTIMIZERS))),
        "until_fit": st.sampled_from(list(catalogue.OPTIMIZERS)),
        "learning_rate": maybe_axis(rate),
        "decay": maybe_axis(st.floats(0.01, 1)),
        "step_exponent": maybe_axis(st.floats(0, 1)),
        "schedule": maybe_axis(st.sampled_from(list(catalogue.SCHEDULES))),
        "stop": st.sampled_from(["last", "fitted"]),
        "batch_size": maybe_axis(st.one_of(st.integers(1, 12), st.just("full"))),
        "loss": maybe_axis(st.sampled_from(list(catalogue.LOSSES))),
        "targets": maybe_axis(st.sampled_from(list(catalogue.TARGETS))),
        "label_scale": label_scale,
        "init": maybe_axis(st.sampled_from(list(catalogue.INITIALISATIONS))),
        "init_scale": maybe_axis(st.floats(1e-3, 10)),
        "members": st.integers(1, 3),
        "dtype": st.sampled_from(["float32", "float64"]),
        "checkpoints": st.one_of(
            st.sampled_from(["final", "log", "log"]), st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True)
        ),
        **parameters(catalogue.OPTIMIZERS),
    },
)
sampling = st.fixed_dictionaries({"draws": maybe_axis(st.integers(1, 60))}, optional={"flip": st.booleans()})
nngp = st.fixed_dictionaries(
    {"samples": maybe_axis(st.just(256)), "draws": maybe_axis(st.integers(1, 50))},
    optional={
        "estimators": st.one_of(*[some(_QUICK, 4)] * 9, some(catalogue.ESTIMATORS, 3)),
        "rows": maybe_axis(st.sampled_from(ROWS)),
        "delta": maybe_axis(st.floats(0.001, 0.9)),
        "constant": maybe_axis(st.sampled_from(["tight", "published"])),
        "posterior": st.booleans(),
        "label_scale": label_scale,
        "ray_samples": st.integers(2, 20),
        "lazy": st.booleans(),
        "by_point": st.booleans(),
    },
)
words = st.sampled_from(
    ["step", "seed", "member", "draw", "layer", "estimator", "class", "classes", "test_point", "train_point",
     "label_scale", "train_size", "depth", "width", "labels", "optimizer", "loss", "batch_size", "averaged",
     "plane_x", "neuron_0", "source", "frequency", "problem", "run"]
)  # fmt: skip


def quantity(names: list[str]) -> st.SearchStrategy[str]:
    """A variable that the study may have, or another name."""
    return st.one_of(
        st.sampled_from([*names, *(f"sampled_{name}" for name in names), "test_error"]),
        st.sampled_from(
            ["complexity", "gibbs_error", "bayes_error", "ray_error", "lazy_error", "test_points", "chance_error",
             "prior_std", "pac_bayes_bound", "gibbs_error_by_point", "sampled_acceptance", "stop_reason", "step",
             "label_scale", "test_index", "class_probability", "kernel_interpolation_error", "effective_sample_size"]
        ),
    )  # fmt: skip


def figures(names: list[str], axes: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Figures with random settings; more of those that have options."""
    some_axes = st.sampled_from(sorted(axes)) if axes else words
    where = st.one_of(some_axes, some_axes, words)
    values = st.fixed_dictionaries({}, optional={key: st.sampled_from(value) for key, value in list(axes.items())[:3]})
    own = st.fixed_dictionaries(
        {"figure": st.sampled_from(["lines", "lines", "scatter", *FIGURES])},
        optional={
            "quantities": st.lists(quantity(names), min_size=1, max_size=3, unique=True),
            "x": where, "hue": where, "style": where,
            "log": some(["x", "y"], 2),
            "select": values,
            "width": st.floats(1, 12), "height": st.floats(1, 12),
        },
    )  # fmt: skip
    return st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), own, min_size=1, max_size=4)


def experiment(name: str) -> st.SearchStrategy[Values]:
    own = {
        key: maybe_axis(_TINY[name, key] if (name, key) in _TINY else number(parameter))
        for key, parameter in EXPERIMENTS[name].parameters.items()
    }
    return st.fixed_dictionaries({"name": st.just(name), **own}, optional={"seed": seeds})


_TINY: dict[tuple[str, str], st.SearchStrategy[Any]] = {
    ("calibration", "problems"): st.integers(1, 2),
    ("calibration", "samples"): st.just(256),
    ("gradient_regularisation", "time"): st.floats(0.01, 0.3),
    ("gradient_regularisation", "step_size"): st.floats(0.01, 0.1),
    ("guess_and_check", "factor"): st.floats(0.05, 0.2),
    ("guess_and_check", "draws"): st.integers(1, 60),
    ("guess_and_check", "networks"): st.integers(2, 3),
    ("guess_and_check", "epochs"): st.integers(1, 2),
    ("eigenspaces", "patches"): st.just(6),
    ("eigenspaces", "depth"): st.integers(2, 3),
    ("eigenspaces", "draws"): st.integers(1, 2),
    ("boolean_prior", "inputs"): st.integers(3, 4),
    ("boolean_posterior", "inputs"): st.integers(3, 4),
    ("frequency_bias", "points"): st.integers(8, 40),
    ("information_plane", "batch"): st.integers(500, 2000),
    ("information_plane", "bins"): st.integers(2, 70),
}
experiments = st.sampled_from(list(EXPERIMENTS)).flatmap(experiment)


@st.composite
def studies(draw: Any) -> Values:
    """A study with what it may have, whether or not it goes together."""
    kind = draw(st.sampled_from(["runs"] * 4 + ["nngp", "both", "both", "both", "all", "experiment"]))
    study: Values = {}
    if kind == "experiment":
        study["experiment"] = draw(experiments)
        if EXPERIMENTS[study["experiment"]["name"]].task:
            study["task"] = draw(task)
    else:
        study |= {"task": draw(task), "network": draw(network)}
        if kind != "nngp":
            study |= {"training": draw(training), "metrics": draw(some(METRICS, 12))}
            study["metrics"] = list(dict.fromkeys([*study["metrics"], *draw(some(_COMMON, 4))]))
        if kind == "all":
            study["sampling"] = draw(sampling)
        if kind == "runs" and draw(st.sampled_from([True, False, False, False])):
            study["sampling"] = draw(sampling)
            if draw(st.booleans()):
                del study["training"]
        if kind in ("nngp", "both", "all"):
            study["nngp"] = draw(nngp)
        if draw(st.sampled_from([False] * 9 + [True])):
            study["experiment"] = draw(experiments)
    for block, kinds in _OWNERS.items():
        if block in study:
            study[block] = _owned(study[block], kinds)
    wanted = draw(st.lists(st.sampled_from(list(FIGURES)), max_size=2, unique=True))
    if kind == "experiment":
        wanted = [name for name in wanted if name in _OF_EXPERIMENTS]
    for figure in wanted:
        _suit(study, FIGURES[figure], draw)
    if wanted and draw(st.booleans()):
        _simplify(study, [FIGURES[figure] for figure in wanted])
    axes = {
        key: value
        for block in study.values() if isinstance(block, dict)
        for key, value in block.items() if isinstance(value, list) and key not in ("estimators", "checkpoints")
    }  # fmt: skip
    names = [*study.get("metrics", [])]
    if "experiment" in study:
        names += EXPERIMENTS[study["experiment"]["name"]].variables
    study["figures"] = {name: {} for name in wanted} | draw(figures(names or ["complexity"], axes))
    study["checks"] = draw(st.one_of(st.just(list(CHECKS)), some(CHECKS, 25)))
    study["published"] = draw(st.one_of(st.just(list(PUBLISHED)), some(PUBLISHED, 6)))
    if draw(st.booleans()):
        study["ensemble"] = draw(st.lists(st.sampled_from(_VECTORISABLE), max_size=6, unique=True))
    return study


_TWO: dict[str, st.SearchStrategy[Any]] = {
    "train_size": st.lists(st.integers(2, 12), min_size=2, max_size=3, unique=True),
    "labels": some(["decimal", "binary", "random", "3v6", "digit"], 3),
    "classes": some([2, 3, 4], 2),
    "seed": st.sampled_from([[0], [0, 1], [2, 0, 1]]),
    "features": some([2, 5, "1n", "3n"], 2),
    "depth": st.lists(st.sampled_from([1, 2, 3, 4]), min_size=2, max_size=2, unique=True),
    "output": st.sampled_from([["mean_field", "random_features"], ["signs", "trained"]]),
    "init_scale": some([0.1, 1.0, 3.0], 2),
    "label_scale": some([0.1, 1.0, 10], 2),
    "learning_rate": some([0.01, 0.1, 1e20], 2),
    "targets": st.just(["labels", "spherised"]),
}


_OF_EXPERIMENTS = {
    "calibration": "calibration", "phases": "quadratic_regression", "information_plane": "information_plane",
}  # fmt: skip
"""Figures of one experiment each."""


def _suit(study: Values, figure: catalogue.Figure, draw: Any) -> None:
    """Give the study what a figure needs."""
    name = figure.function.rpartition(":")[2]
    if name in _OF_EXPERIMENTS:
        study["experiment"] = draw(experiment(_OF_EXPERIMENTS[name]))
        return
    study.setdefault("training", draw(training))
    study.setdefault("metrics", [])
    for sources in (rule["source"] for rule in figure.only if isinstance(rule.get("source"), tuple)):
        own = {"labels": "own"} | {key: draw(number(each)) for key, each in SOURCES[sources[0]].parameters.items()}
        study["task"] = study.get("task", {}) | own | {"source": sources[0]}
    study["metrics"] += [need for need in figure.needs if need in METRICS and need not in study["metrics"]]
    lacking = [need for need in figure.needs if need not in METRICS]
    if lacking or figure.estimators:
        asked = study.setdefault("nngp", draw(nngp))
        known = asked.get("estimators", ["bound", "mixture"])
        asked["estimators"] = list(dict.fromkeys([*known, *figure.estimators]))
        asked |= {"by_point": True} if any(need.endswith("_by_point") for need in lacking) else {}
        asked |= {"posterior": True}
        if any(need.startswith(("ray", "lazy")) for need in lacking):
            asked |= {"label_scale": draw(label_scale), "lazy": True}
            if "label_scale" in figure.axes:
                asked["label_scale"] = draw(_TWO["label_scale"])
            study["training"]["label_scale"] = asked["label_scale"]
    if "step" in figure.axes:
        study["training"]["checkpoints"] = "log"
    for axis in figure.axes:
        for block in ("task", "network", "training", "nngp"):
            if axis in _TWO and (axis in study.get(block, {}) or axis in _HOME[block]):
                study[block][axis] = draw(_TWO[axis])
                if axis == "label_scale" and "label_scale" in study.get("nngp", {}):
                    study["nngp"][axis] = study[block][axis]
                break


def _simplify(study: Values, wanted: list[catalogue.Figure]) -> None:
    """One value of every axis that the figures do not show."""
    shown = {axis for figure in wanted for axis in figure.axes}
    for block in study.values():
        for key, value in block.items() if isinstance(block, dict) else ():
            if isinstance(value, list) and key not in ("estimators", "checkpoints", *shown):
                block[key] = value[0]


_HOME: dict[str, tuple[str, ...]] = {
    "task": ("labels", "classes", "seed", "features", "train_size"),
    "network": ("output", "depth"),
    "training": ("init_scale", "label_scale", "learning_rate", "targets"),
    "nngp": (),
}
_OWNERS = {
    "task": {"source": SOURCES, "labels": LABELS},
    "network": {"architecture": catalogue.ARCHITECTURES, "activation": catalogue.ACTIVATIONS},
    "training": {"optimizer": catalogue.OPTIMIZERS},
}


def _owned(block: Values, kinds: dict[str, Any]) -> Values:
    """The block without parameters of entries that it does not choose: there are too many to be refused one by one."""
    defaults = {"labels": "own", "architecture": "mlp", "activation": "relu", "optimizer": "nero"}
    for kind, table in kinds.items():
        names = block.get(kind, defaults.get(kind))
        own = {key for name in (names if isinstance(names, list) else [names]) for key in table[name].parameters}
        foreign = {key for entry in table.values() for key in entry.parameters} - own
        block = {key: value for key, value in block.items() if key not in foreign}
    return block


_COMMON = ["train_error", "test_error", "test_error_by_point", "vote_error", "train_loss", "smallest_margin",
           "tangent_kernel_alignment", "stable_rank", "plane_output", "plane_point", "weight_norm"]  # fmt: skip
_VECTORISABLE = ["seed", *catalogue.PER_MEMBER]
configs = st.tuples(studies(), st.integers(0, 2**32))


# ---------------------------------------------------------------------------------------------------- reduction
Place = tuple[Any, ...]
_NEEDED = {"source": "digits", "train_size": 6, "depth": 2, "width": 4, "factor": 0.1, "samples": 256, "draws": 20}
_NEEDED |= dict.fromkeys(("epochs", "test_size", "steps"), 3)
_KEPT = {("task",), ("network",), ("figures",), ("experiment", "name")}


def accepted(study: Values, choice: random.Random) -> Values | None:
    """The study without what its refusals name, until it is accepted and small; None if it takes too many tries."""
    study = copy.deepcopy(study)
    for _ in range(_TRIES):
        _keep_small(study)
        try:
            plan = make_plan(validate({"studies": {"s": study}}))
        except ConfigError as refusal:
            _reduce(study, str(refusal), choice)
            continue
        if _jobs(plan) <= MOST_JOBS:
            return study
        _shorten(study, choice)
    return None


def _keep_small(study: Values) -> None:
    """Sizes whose defaults are large are stated, wherever they have been dropped."""
    if "network" in study:
        names = study["network"].get("architecture", "mlp")
        for name in names if isinstance(names, list) else [names]:
            for key in catalogue.ARCHITECTURES[name].vanishing:
                study["network"].setdefault(key, _NEEDED[key])
    if "training" in study:
        study["training"].setdefault("epochs", 3)
    if "task" in study:
        study["task"] = {"source": "digits", "train_size": 6, "test_size": 3} | study["task"]
    if "nngp" in study:
        study["nngp"] |= {"samples": 256} | ({} if "draws" in study["nngp"] else {"draws": 20})
    if "sampling" in study:
        study["sampling"].setdefault("draws", 20)
    if "experiment" in study:
        for key, parameter in EXPERIMENTS[study["experiment"]["name"]].parameters.items():
            if isinstance(parameter.default, int) and parameter.default > 30:
                study["experiment"].setdefault(key, int(max(parameter.minimum or 0, 8)))


def _jobs(plan: Plan) -> int:
    return sum(map(len, plan.jobs.values()))


def _reduce(study: Values, message: str, choice: random.Random) -> None:
    """Drop one of the keys, values and names that a refusal speaks of, wherever it stands."""
    if not set(study) & {"training", "sampling", "nngp", "experiment"}:
        study["training"] = {"epochs": 2}
        study.setdefault("metrics", ["test_error"])
        return
    if figure := re.search(r"figures?(?: |\.)'?(\w+)", message):
        _reduce_figure(study, figure[1], message, choice)
        return
    told = set(re.findall(r"\w+", message))
    head = set(re.findall(r"\w+", message.split("allowed:")[0]))
    for named in (head, told) if choice.random() < 0.9 else ():
        places = [place for place in _places(study) if _says(study, place) & named]
        free = [place for place in places if not _says(study, place) & _wanted(study)]
        if places:
            _drop(study, choice.choice(free if free and choice.random() < 0.7 else places))
            return
    _drop(study, choice.choice(list(_places(study))))


def _wanted(study: Values) -> set[str]:
    """The axes and the metrics that the study's figures cannot do without."""
    figures = study["figures"].items() if isinstance(study["figures"], dict) else ()
    entries = [FIGURES[own.get("figure", name)] for name, own in figures if own.get("figure", name) in FIGURES]
    return {word for entry in entries for word in (*entry.axes, *entry.needs)}


def _reduce_figure(study: Values, name: str, message: str, choice: random.Random) -> None:
    """Drop one of a figure's settings that a refusal names, or else the figure."""
    known = study["figures"]
    if isinstance(known, dict) and isinstance(known.get(name), dict) and choice.random() < 0.8:
        head = set(re.findall(r"\w+", message.split("allowed:")[0]))
        own = known[name]
        named = [key for key in own if key != "figure" and (key in head or str(own[key]) in head)]
        values = [each for each in own.get("quantities", []) if each in head]
        if values and len(own["quantities"]) > 1:
            own["quantities"].remove(values[0])
            return
        if named:
            del own[choice.choice(named)]
            return
    study["figures"] = {key: value for key, value in known.items() if key != name} if isinstance(known, dict) else {}


def _places(block: Any, here: Place = ()) -> list[Place]:
    """Every key and every value of a list in blocks and in lists."""
    inside = list(block.items()) if isinstance(block, dict) else list(enumerate(block))
    found = []
    for key, value in inside:
        if isinstance(value, dict | list):
            found += _places(value, (*here, key))
        if (*here, key) not in _KEPT:
            found.append((*here, key))
    return found


def _says(study: Values, place: Place) -> set[str]:
    """The words of a place: its key, or its value if that is a word."""
    *before, key = place
    value = _at(study, place)
    if not before:
        return {key} & {"experiment", "sampling"}
    return {str(word) for word in (key, value) if isinstance(word, str)} - {"figure"}


def _at(study: Values, place: Place) -> Any:
    inner: Any = study
    for key in place:
        inner = inner[key]
    return inner


def _drop(study: Values, place: Place) -> None:
    *before, key = place
    block = _at(study, tuple(before))
    if len(before) == 1 and key in _NEEDED and block[key] != _NEEDED[key]:  # their defaults are large
        block[key] = block[key][0] if isinstance(block[key], list) else _NEEDED[key]
    elif before == ["figures"]:
        del block[key]
    elif place == ("task", "labels") and block[key] != "random":  # their default goes with few metrics
        block[key] = block[key][0] if isinstance(block[key], list) else "random"
    elif isinstance(block, list) and len(block) == 1 and len(place) > 1:
        _drop(study, tuple(before))
    else:
        del block[key]


def _shorten(study: Values, choice: random.Random) -> None:
    """One axis less: the grid is too large."""
    axes = [
        (block, key)
        for block in study.values() if isinstance(block, dict)
        for key, value in block.items()
        if isinstance(value, list) and key not in ("estimators", "checkpoints")
    ]  # fmt: skip
    wanted = _wanted(study)
    block, key = choice.choice([place for place in axes if place[1] not in wanted] or axes)
    block[key] = choice.choice(block[key])


# ---------------------------------------------------------------------------------------------------------- runs
def kind_of(error: LateError) -> str:
    """The stage, the error's type, where it was raised in the package, and its words without names and numbers."""
    cause = error.__cause__
    assert cause is not None
    frames = [frame for frame in traceback.extract_tb(cause.__traceback__) if "/implicitbias/" in frame.filename]
    where = f"{Path(frames[-1].filename).stem}:{frames[-1].name}" if frames else "?"
    text = re.sub(r"'[^']*'|[-+]?\d[\d.e+-]*", "_", str(cause))[:90]
    return f"{error} | {type(cause).__name__} in {where} | {text}"


def smallest(study: Values, fails: Callable[[Values], bool]) -> Values:
    """The study with everything dropped that it fails without."""
    study, progress = copy.deepcopy(study), True
    while progress:
        progress = False
        for place in sorted(_places(study), key=len):
            smaller = copy.deepcopy(study)
            try:
                _drop(smaller, place)
            except (KeyError, IndexError):
                continue
            if smaller != study and fails(smaller):
                study, progress = smaller, True
                break
    return study


def failure(study: Values, folder: Path) -> LateError | None:
    """What fails late of an accepted study; None if nothing does.

    Raises:
        ConfigError: if it is refused.
    """
    try:
        run_whole({"studies": {"s": study}}, folder)
    except LateError as late:
        return late
    return None


def _too_long(*_: Any) -> None:
    raise TimeoutError("too large for a test")


def drawn(number: int) -> tuple[Values, int]:
    """The study of that number, the same at every call, and where the choices of its reduction start."""
    found: list[tuple[Values, int]] = []

    @seed(number)
    @settings(
        max_examples=2, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(configs)
    def draw(values: tuple[Values, int]) -> None:
        found.append(values)

    draw()
    return found[-1]  # the first is the simplest one of all


def shown(study: Values) -> str:
    """The study in YAML, without long lists of names."""
    short = {key: value for key, value in study.items() if key not in ("checks", "published") or len(value) < 4}
    return yaml.safe_dump(short, default_flow_style=None, width=140)


def accepted_from(first: int) -> Iterator[tuple[int, Values | LateError]]:
    """Number and study of every draw from this number on that validation takes, reduced.

    A draw of which validation fails, instead of refusing it in words, gives the error.
    """
    for number in count(first):
        values, choices = drawn(number)
        try:
            study = accepted(values, random.Random(choices))
        except Exception as error:
            late = LateError("validation")
            late.__cause__ = error
            yield number, late
        else:
            if study is not None:
                yield number, study


def main(wanted: int, first: int, shrink: bool) -> int:
    """Run so many accepted configs; how many failed."""
    kinds: dict[str, list[Values]] = {}
    chosen: Counter[str] = Counter()
    tally: Counter[str] = Counter()
    start = time.time()
    folder = Path(tempfile.mkdtemp(prefix="random-configs-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    signal.signal(signal.SIGALRM, _too_long)
    for number, study in islice(accepted_from(first), wanted):
        signal.alarm(_LONGEST)
        late = study if isinstance(study, LateError) else failure(study, folder)
        signal.alarm(0)
        tally["accepted"] += 1
        chosen.update(_chosen(study) if isinstance(study, dict) else ())
        if late is not None and isinstance(late.__cause__, TimeoutError):
            tally["too long"] += 1
        elif late is not None:
            tally["failed"] += 1
            kind = kind_of(late)
            if kind not in kinds:
                print(f"NEW {number} {kind}\n{shown(study) if isinstance(study, dict) else ''}", flush=True)
                traceback.print_exception(late.__cause__, limit=-4, file=sys.stdout)
            kinds.setdefault(kind, []).append(study if isinstance(study, dict) else {})
        if tally["accepted"] % 50 == 0:
            print(f"{dict(tally)} to number {number} after {time.time() - start:.0f} s", flush=True)
    for kind, found in sorted(kinds.items(), key=lambda item: -len(item[1])):
        least = min(found, key=lambda each: len(yaml.safe_dump(each)))
        if shrink and least:
            least = smallest(least, lambda each, kind=kind: _fails_so(each, kind, folder))
        print(f"\n{len(found)} x {kind}\n{shown(least)}")
    print("seconds of processor time:", {stage: round(seconds) for stage, seconds in SECONDS.items()})
    print("chosen:", dict(sorted(chosen.items())))
    print(f"\n{dict(tally)} in {time.time() - start:.0f} s, {len(kinds)} kinds of failure")
    return tally["failed"]


def _chosen(study: Values) -> set[str]:
    """What a study is made of, for a table of how varied the studies are."""
    words = {block for block in study if block in ("training", "sampling", "nngp", "experiment")}
    for name, own in study["figures"].items():
        words.add(f"figure {own.get('figure', name)}")
    for block in ("task", "network", "training", "nngp", "experiment"):
        for key in ("source", "labels", "architecture", "activation", "optimizer", "loss", "estimators", "name"):
            value = study.get(block, {}).get(key, [])
            words |= {f"{key} {one}" for one in (value if isinstance(value, list) else [value])}
    return words | {f"metric {name}" for name in study.get("metrics", [])}


def _fails_so(study: Values, kind: str, folder: Path) -> bool:
    try:
        late = failure(study, folder)
    except Exception:
        return False
    return late is not None and kind_of(late) == kind


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shrink", action="store_true", help="make the smallest failing config of each kind smaller")
    options = parser.parse_args()
    sys.exit(min(1, main(options.count, options.seed, options.shrink)))
