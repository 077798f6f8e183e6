"""The plan: a config's grids become tables of jobs, one table a stage, one row a file.

A job's key is a readable slug and a digest of the canonical parameters that its stage depends on, and of no
others: studies and configs that share a point share the file. Axes named in a study's `ensemble` are computed
together in one job; every other axis makes a job of its own.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any

from pydantic import BaseModel

from implicitbias import catalogue
from implicitbias.catalogue import Entry, Parameter
from implicitbias.config.blocks import NOT_AXES, VECTORISABLE, as_list, axes_of
from implicitbias.config.models import Config, Study
from implicitbias.config.size import Size, experiment_size, nngp_size, sampling_size, task_size, training_size
from implicitbias.config.values import counted
from implicitbias.schema import canonical_json

STAGES = ("tasks", "training", "sampling", "measurements", "nngp", "experiments")

_VECTORISED = {
    "task": ("seed",),
    "training": VECTORISABLE,
    "sampling": ("seed",),
    "nngp": ("seed", "label_scale"),
}
"""The axes that each stage can compute together."""

_NO_WORD = Parameter(0, "a key that is no parameter of the experiment")


@dataclass(frozen=True)
class Job:
    """One job of one stage: what it computes, from which files, with whose code."""

    key: str
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str]
    """Name of the input: `stage/key` of the job that makes it."""
    functions: tuple[str, ...]
    """The functions (`module:function`) whose code the job runs."""
    size: Size
    entries: tuple[Entry, ...] = ()
    """The catalogue entries that the job uses."""


@dataclass(frozen=True)
class Piece:
    """A file of a study: the part of the grid that it covers, and how its variables are called there."""

    path: str
    coords: Mapping[str, Any]
    prefix: str = ""


@dataclass(frozen=True)
class StudyPlan:
    """Everything that the study's dataset is put together from."""

    pieces: tuple[Piece, ...]
    axes: Mapping[str, list[Any]]
    fixed: Mapping[str, Any]
    labels: Mapping[str, str]
    """What the axes are that are parameters of catalogue entries."""
    figures: Mapping[str, Mapping[str, Any]]


@dataclass
class Plan:
    """All jobs of a config, `jobs[stage][key]`, and the plan of every study."""

    jobs: dict[str, dict[str, Job]] = field(default_factory=lambda: {stage: {} for stage in STAGES})
    studies: dict[str, StudyPlan] = field(default_factory=dict)
    with_weights: set[str] = field(default_factory=set)
    """Keys of the training jobs whose weights a metric asks for, whether or not the config keeps weights otherwise."""

    def job(self, address: str) -> Job:
        """The job of an address `stage/key`."""
        stage, key = address.split("/")
        return self.jobs[stage][key]


def digest(parameters: Mapping[str, Any]) -> str:
    """Ten hexadecimal digits that stand for the canonical parameters."""
    return hashlib.sha256(canonical_json(parameters).encode()).hexdigest()[:10]


def make_plan(config: Config) -> Plan:
    """The jobs that a config asks for, each once."""
    plan = Plan()
    for name, study in config.studies.items():
        plan.studies[name] = _plan_study(plan, study)
    return plan


def _plan_study(plan: Plan, study: Study) -> StudyPlan:
    metrics = study.metrics or []
    pieces = _experiments(plan, study, {})
    for coords, task, network in _points(study):
        source = _task(plan, task)
        pieces += _experiments(plan, study, coords, source, task)
        runs: list[tuple[dict[str, Any], str, str]] = []
        for more, settings, ensemble in _settings(study, "training", study.training, coords):
            run = _training(plan, source, task, network, settings, ensemble)
            runs.append((more, "", run))
            if any(catalogue.METRICS[name].trained for name in metrics):
                plan.with_weights.add(run.removeprefix("training/"))
        for more, settings, _ in _settings(study, "sampling", study.sampling, coords):
            runs.append((more, "sampled_", _sampling(plan, source, task, network, settings)))
        for more, prefix, run in runs:
            pieces.append(Piece(_measurement(plan, source, run, metrics), {**coords, **more}, prefix))
        for more, settings, _ in _settings(study, "nngp", study.nngp, coords):
            pieces.append(Piece(_nngp(plan, source, task, network, settings), {**coords, **more}))
    return StudyPlan(tuple(_trimmed(pieces)), study.axes(), _fixed(study), _labels(study), _figures(study))


def _experiments(
    plan: Plan,
    study: Study,
    coords: Mapping[str, Any],
    source: str | None = None,
    task: Mapping[str, Any] | None = None,
) -> list[Piece]:
    """The study's experiment at every point of its block, on a task if it is one that takes tasks, else on none."""
    block = study.experiment
    if block is None or catalogue.EXPERIMENTS[block.name].task != (task is not None):
        return []
    grid = _grid(block, set())
    return [Piece(_experiment(plan, settings, source, task), {**coords, **more}) for more, settings in grid]


# ------------------------------------------------------------------------------------- the grid's points
def _points(study: Study) -> Iterable[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Every point of task and network: coordinates, task parameters and network parameters.

    Axes of the ensemble stay lists in the parameters and out of the coordinates.
    """
    if study.task is None:
        return
    together = set(study.ensemble) & set(_VECTORISED["task"])
    for (where, task), (more, network) in product(_grid(study.task, together), _grid(study.network, together)):
        task = _counted(_chosen(catalogue.SOURCES, task["source"], task))
        if study.network is not None:
            network = _chosen(catalogue.ACTIVATIONS, network["activation"], network)
        yield {**where, **more}, task, network


def _counted(task: Mapping[str, Any]) -> dict[str, Any]:
    """The task with numbers in the place of multiples of its training size ("2n")."""
    parameters = catalogue.SOURCES[task["source"]].parameters
    return {**task, **{key: counted(task[key], task["train_size"]) for key in parameters}}


def _rate(value: Any, task: Mapping[str, Any], network: Mapping[str, Any]) -> Any:
    """The learning rate with a number in the place of one over a size, or times the width ("1/n", "10/d", "0.5m")."""
    if not isinstance(value, str):
        return value
    dimension = catalogue.SOURCES[task["source"]].features or task["features"]
    factor, size = value[:-1], {"n": 1 / task["train_size"], "d": 1 / dimension, "m": network["width"]}[value[-1]]
    return float(factor.removesuffix("/")) * size


def _grid(block: BaseModel | None, together: set[str]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The points of one block: (coordinates of the axes that make jobs, all parameters)."""
    if block is None:
        return [({}, {})]
    values = dict(block)
    axes = {key: axis for key, axis in axes_of(block).items() if key not in together}
    fixed = {
        key: as_list(value) if key in together and value is not None else value
        for key, value in values.items()
        if key not in axes
    }
    points = []
    for combination in product(*axes.values()):
        coords = dict(zip(axes, combination, strict=True))
        points.append((coords, {**fixed, **coords}))
    return points


def _settings(
    study: Study, stage: str, block: BaseModel | None, coords: Mapping[str, Any]
) -> Iterable[tuple[dict[str, Any], dict[str, Any], dict[str, list[Any]]]]:
    """The points of a stage's block: new coordinates, scalar settings, and the axes trained together.

    An axis that the coordinates already fix (shared with another block) is not expanded again.
    """
    if block is None:
        return
    together = set(study.ensemble) & set(_VECTORISED[stage])
    for more, values in _grid(block, together):
        if all(coords.get(key, value) == value for key, value in more.items()):
            ensemble = {key: values[key] for key in study.ensemble if key in together and key in values}
            yield more, values, ensemble


def _fixed(study: Study) -> dict[str, Any]:
    """Scalars of the grid that become scalar coordinates of the study's dataset."""
    fixed: dict[str, Any] = {}
    # the task comes last: of an experiment on tasks, the seed is the task's
    for block in (study.network, study.training, study.experiment, study.task):
        if block is not None:
            fixed.update({k: v for k, v in block if isinstance(v, int | float | str) and k not in NOT_AXES})
    return fixed


def _labels(study: Study) -> dict[str, str]:
    """The summary of every parameter of the entries that the study names, by its key."""
    chosen: list[tuple[BaseModel | None, Mapping[str, Entry], str]] = [
        (study.task, catalogue.SOURCES, "source"),
        (study.network, catalogue.ACTIVATIONS, "activation"),
        (study.training, catalogue.OPTIMIZERS, "optimizer"),
        (study.experiment, catalogue.EXPERIMENTS, "name"),
    ]
    return {
        key: parameter.summary
        for block, table, kind in chosen
        if block is not None
        for name in as_list(getattr(block, kind))
        for key, parameter in table[name].parameters.items()
        if key in study.axes()
    }


def _figures(study: Study) -> dict[str, dict[str, Any]]:
    return {
        name: {**settings.model_dump(exclude_none=True), "figure": settings.figure or name}
        for name, settings in study.figures.items()
    }


# ------------------------------------------------------------------------------------------ one stage each
def _add(plan: Plan, stage: str, slug: Iterable[Any], job: Mapping[str, Any]) -> str:
    """Put a job into its table (once) and return its address `stage/key`."""
    # in canonical order: equal parameters must look equal to whoever compares them as text
    parameters = json.loads(canonical_json(job["parameters"]))
    key = "-".join([*(str(word) for word in slug), digest({"parameters": parameters, "inputs": job["inputs"]})])
    plan.jobs[stage].setdefault(key, Job(key=key, **{**job, "parameters": parameters}))
    return f"{stage}/{key}"


def _slug(task: Mapping[str, Any]) -> list[str]:
    seeds = as_list(task["seed"])
    named = f"seed{seeds[0]}" if len(seeds) == 1 else f"{len(seeds)}seeds"
    return [task["source"], task["labels"], f"n{task['train_size']}", named]


def _seeds(task: Mapping[str, Any]) -> dict[str, Any]:
    return {**task, "seed": as_list(task["seed"])}


def _chosen(table: Mapping[str, Entry], name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without parameters of other entries of the table, with defaults for this entry's own."""
    own = table[name].parameters
    foreign = {key for entry in table.values() for key in entry.parameters} - set(own)
    kept = {key: value for key, value in settings.items() if key not in foreign}
    return kept | {key: parameter.default for key, parameter in own.items() if kept.get(key) is None}


def _architecture(network: Mapping[str, Any]) -> list[str]:
    named = [] if network["architecture"] == "mlp" else [network["architecture"]]
    return [*named, network["activation"], f"L{network['depth']}"]


def _task(plan: Plan, task: Mapping[str, Any]) -> str:
    parameters = _seeds(task)
    return _add(
        plan, "tasks", _slug(task),
        {
            "parameters": parameters,
            "inputs": {},
            "functions": ("implicitbias.tasks.build:build",),
            "size": task_size(parameters),
            "entries": (catalogue.SOURCES[task["source"]], catalogue.LABELS[task["labels"]]),
        },
    )  # fmt: skip


def _training(
    plan: Plan, source: str, task: Mapping[str, Any], network: Mapping[str, Any], settings: Mapping[str, Any],
    ensemble: Mapping[str, list[Any]],
) -> str:  # fmt: skip
    chosen = _chosen(catalogue.OPTIMIZERS, settings["optimizer"], settings)
    chosen["learning_rate"] = _rate(chosen["learning_rate"], task, network)
    together = {key: values for key, values in ensemble.items() if key != "seed"}
    scalars = {key: value for key, value in chosen.items() if key not in together}
    members = len(as_list(task["seed"])) * chosen["members"] * prod(len(values) for values in together.values())
    return _add(
        plan, "training", [*_slug(task), *_architecture(network), f"m{network['width']}", settings["optimizer"]],
        {
            "parameters": {"network": network, "training": scalars, "ensemble": together},
            "inputs": {"task": source},
            "functions": ("implicitbias.training.run:train",),
            "size": training_size(_seeds(task), network, scalars, members),
            "entries": (
                *(catalogue.OPTIMIZERS[settings[key]] for key in ("optimizer", "until_fit") if settings[key]),
                catalogue.LOSSES[settings["loss"]],
                catalogue.TARGETS[settings["targets"]],
                catalogue.SCHEDULES[settings["schedule"]],
                catalogue.INITIALISATIONS[settings["init"]],
                catalogue.ACTIVATIONS[network["activation"]],
            ),
        },
    )  # fmt: skip


def _sampling(
    plan: Plan, source: str, task: Mapping[str, Any], network: Mapping[str, Any], settings: Mapping[str, Any]
) -> str:
    return _add(
        plan, "sampling", [*_slug(task), *_architecture(network), f"m{network['width']}"],
        {
            "parameters": {"network": network, "sampling": settings},
            "inputs": {"task": source},
            "functions": ("implicitbias.sampling:sample",),
            "size": sampling_size(_seeds(task), network, settings),
            "entries": (catalogue.ACTIVATIONS[network["activation"]],),
        },
    )  # fmt: skip


def _measurement(plan: Plan, source: str, run: str, metrics: Sequence[str]) -> str:
    return _add(
        plan, "measurements", [run.split("/")[1].rsplit("-", 1)[0]],
        {
            "parameters": {"metrics": sorted(metrics)},
            "inputs": {"task": source, "run": run},
            "functions": ("implicitbias.measurement.measure:measure",),
            "size": plan.job(run).size,
            "entries": tuple(catalogue.METRICS[metric] for metric in sorted(metrics)),
        },
    )  # fmt: skip


def _nngp(
    plan: Plan, source: str, task: Mapping[str, Any], network: Mapping[str, Any], settings: Mapping[str, Any]
) -> str:
    scales = settings["label_scale"]
    parameters = {
        **{key: network[key] for key in ("depth", "activation", "slope") if key in network},
        **settings,
        "label_scale": None if scales is None else as_list(scales),
    }
    if scales is None:
        del parameters["ray_samples"]
    return _add(
        plan, "nngp", [*_slug(task), *_architecture(network)],
        {
            "parameters": parameters,
            "inputs": {"task": source},
            "functions": ("implicitbias.nngp.evaluate:evaluate",),
            "size": nngp_size(_seeds(task), settings),
            "entries": (
                catalogue.ACTIVATIONS[network["activation"]],
                *(catalogue.ESTIMATORS[name] for name in settings["estimators"]),
            ),
        },
    )  # fmt: skip


def _experiment(
    plan: Plan, settings: Mapping[str, Any], source: str | None = None, task: Mapping[str, Any] | None = None
) -> str:
    entry = catalogue.EXPERIMENTS[settings["name"]]
    chosen = _chosen(catalogue.EXPERIMENTS, settings["name"], settings)
    words = [value for key, value in chosen.items() if entry.parameters.get(key, _NO_WORD).choices]
    drawn = [f"seed{settings['seed']}"] if task is None else _slug(task)
    return _add(
        plan, "experiments", [settings["name"], *words, *drawn],
        {
            "parameters": chosen,
            "inputs": {} if source is None else {"task": source},
            "functions": ("implicitbias.experiments.run:run",),
            "size": experiment_size(entry, chosen, 1 if task is None else len(as_list(task["seed"]))),
            "entries": (entry,),
        },
    )  # fmt: skip


def _trimmed(pieces: Iterable[Piece]) -> Iterable[Piece]:
    """Each file once a study and prefix: infinite-width pieces do not depend on width and the like."""
    seen: dict[tuple[str, str], Piece] = {}
    for piece in pieces:
        known = seen.get((piece.path, piece.prefix))
        if known is None:
            seen[piece.path, piece.prefix] = piece
        else:  # keep only the coordinates on which all uses of this file agree
            shared = {key: value for key, value in known.coords.items() if piece.coords.get(key) == value}
            seen[piece.path, piece.prefix] = Piece(piece.path, shared, piece.prefix)
    return seen.values()
