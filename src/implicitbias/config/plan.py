"""The plan: a config's grids become tables of jobs, one table a stage, one row a file.

A job's key is a readable slug and a digest of the canonical parameters that its stage depends on, and of no
others: studies and configs that share a point share the file. Axes named in a study's `ensemble` are computed
together in one job; every other axis makes a job of its own.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod
from typing import Any

from pydantic import BaseModel

from implicitbias import catalogue
from implicitbias.catalogue import Entry, Parameter
from implicitbias.config.blocks import NOT_AXES, VECTORISABLE, as_list, axes_of
from implicitbias.config.grid import DECIDING, chosen, chosen_network, chosen_task, classes_of, grid, points_of, rows_of
from implicitbias.config.models import Config, Study
from implicitbias.config.size import Size, experiment_size, nngp_size, sampling_size, task_size, training_size
from implicitbias.config.values import counted
from implicitbias.networks import Network, network_of
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
    """A file of a study: the part of the grid that it covers, and how its variables are called there.

    `kept` are coordinates that stay, though other parts of the grid share the file.
    """

    path: str
    coords: Mapping[str, Any]
    prefix: str = ""
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudyPlan:
    """Everything that the study's dataset is put together from."""

    pieces: tuple[Piece, ...]
    axes: Mapping[str, list[Any]]
    fixed: Mapping[str, Any]
    labels: Mapping[str, str]
    """What the axes are that are parameters of catalogue entries."""
    figures: Mapping[str, Mapping[str, Any]]
    classes: str = ""
    """Which networks its kernels are those of, and whether they are those that it trains."""


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


def identity(config: Config) -> str:
    """A digest of all in a config that its results depend on, with defaults filled in."""
    return digest(config.model_dump(exclude={"execution": True, "studies": {"__all__": {"ensemble"}}}))


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
        for more, prefix, run in runs:
            pieces.append(Piece(_measurement(plan, source, run, metrics), {**coords, **more}, prefix))
        for where, rows in _classes(study, network, coords):
            same = {**network, "rows": rows}
            for more, settings, _ in _settings(study, "sampling", study.sampling, coords):
                run = _sampling(plan, source, task, same, settings)
                at = {**coords, **where, **more}
                pieces.append(Piece(_measurement(plan, source, run, metrics), at, "sampled_", tuple(where)))
            for more, settings, _ in _settings(study, "nngp", study.nngp, coords):
                of = {**network, "rows": settings["rows"] or rows}
                kept = () if settings["rows"] else tuple(where)
                pieces.append(Piece(_nngp(plan, source, task, of, settings), {**coords, **where, **more}, kept=kept))
    return StudyPlan(
        tuple(_trimmed(pieces)), _axes(study), _fixed(study), _labels(study), _figures(study), _told_classes(study)
    )


def _axes(study: Study) -> dict[str, list[Any]]:
    """The axes of the grid, and the estimators, which a job has in an order of its own."""
    estimators = study.nngp.estimators if study.nngp else []
    return {**({"estimator": estimators} if len(estimators) > 1 else {}), **study.axes()}


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
    points = grid(block, set())
    return [Piece(_experiment(plan, settings, source, task), {**coords, **more}) for more, settings in points]


# ------------------------------------------------------------------------------------- the grid's points
def _points(study: Study) -> Iterable[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Every point of task and network: coordinates, task parameters and network parameters.

    Axes of the ensemble stay lists in the parameters and out of the coordinates.
    """
    if study.task is None:
        return
    together = set(study.ensemble) & set(_VECTORISED["task"])
    for (where, task), (more, network) in product(grid(study.task, together), grid(study.network, together)):
        task = _pinned(_counted(chosen_task(task)))
        if study.network is not None:
            network = chosen_network(network)
        yield {**where, **more}, task, network


def _classes(study: Study, network: Mapping[str, Any], coords: Mapping[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """The classes of networks of a point by the constraint on their rows, which its random and infinite networks share.

    It is the network's own, or what the optimizers keep; where these differ each has its coordinates, else there are
    none.
    """
    if study.training is None or network["rows"]:
        return [({}, network.get("rows") or "free")]
    found = [(more, rows_of(settings)) for more, settings, _ in _settings(study, "training", study.training, coords)]
    if len({rows for _, rows in found}) == 1:
        return [({}, found[0][1])]
    places = [({key: value for key, value in more.items() if key in DECIDING}, rows) for more, rows in found]
    return [place for number, place in enumerate(places) if place not in places[:number]]


def _counted(task: Mapping[str, Any]) -> dict[str, Any]:
    """The task with numbers in the place of multiples of its training size ("2n")."""
    parameters = catalogue.SOURCES[task["source"]].parameters
    sizes = [key for key, parameter in parameters.items() if parameter.per_point]
    return {**task, **{key: counted(task[key], task["train_size"]) for key in sizes}}


def _pinned(task: Mapping[str, Any]) -> dict[str, Any]:
    """The task with the digest of your own data: other contents under the same path are another task."""
    digest = catalogue.described(task).digest
    return {**task, **({"digest": digest} if digest else {})}


_ROWS = {
    "free": "free rows", "unit": "rows of norm 1", "mean_free": "rows of mean 0",
    "mean_free_unit": "rows of mean 0 and norm 1",
}  # fmt: skip


def _told_classes(study: Study) -> str:
    """In words: the classes of networks that the kernels and the trained networks of a study belong to."""
    if study.nngp is None or study.network is None:
        return ""
    trainings = points_of(study.training, DECIDING)
    trained = {rows_of(settings) for settings in trainings}
    own = set[str]().union(*(classes_of(rows, trainings) for rows in as_list(study.network.rows)))
    kernels = {str(rows) for rows in as_list(study.nngp.rows)} if study.nngp.rows else own
    told = f"The infinitely wide networks have {' or '.join(_ROWS[rows] for rows in sorted(kernels))}"
    if not trained:
        return f"{told}."
    if kernels == trained:
        return f"{told}, as the trained ones have."
    others = " or ".join(_ROWS[rows] for rows in sorted(trained))
    return (
        f"{told}, the trained ones {others}: these are different classes of networks, and what differs between their"
        " errors is not what gradient descent adds."
    )


def _network(task: Mapping[str, Any], network: Mapping[str, Any]) -> Network:
    points = catalogue.described(task)
    return network_of(network, points.shape, outputs=points.outputs)


def _rate(value: Any, task: Mapping[str, Any], network: Mapping[str, Any]) -> Any:
    """The learning rate with a number in the place of one over a size, or times the width ("1/n", "10/d", "0.5m")."""
    if not isinstance(value, str):
        return value
    sizes = {"n": 1 / task["train_size"], "d": 1 / catalogue.described(task).features, "m": network.get("width")}
    factor, size = value[:-1], sizes[value[-1]]
    return float(factor.removesuffix("/")) * size


def _settings(
    study: Study, stage: str, block: BaseModel | None, coords: Mapping[str, Any]
) -> Iterable[tuple[dict[str, Any], dict[str, Any], dict[str, list[Any]]]]:
    """The points of a stage's block: new coordinates, scalar settings, and the axes trained together.

    An axis that the coordinates already fix (shared with another block) is not expanded again. What is trained together
    stands in rising order, for the config's order changes no number: it is that of the study's dataset alone.
    """
    if block is None:
        return
    together = set(study.ensemble) & set(_VECTORISED[stage])
    for more, values in grid(block, together):
        if all(coords.get(key, value) == value for key, value in more.items()):
            axes = [key for key in study.ensemble if key in together and isinstance(values.get(key), list)]
            ensemble = {key: sorted(values[key]) for key in axes}
            yield more, values, ensemble


def _fixed(study: Study) -> dict[str, Any]:
    """Scalars of the grid that become scalar coordinates of the study's dataset."""
    fixed: dict[str, Any] = {}
    # the task comes last: of an experiment on tasks, the seed is the task's
    for block in (study.network, study.training, study.experiment, study.task):
        if block is not None:
            fixed.update({k: v for k, v in block if isinstance(v, int | float | str) and k not in NOT_AXES})
    networks = [chosen_network(settings) for _, settings in grid(study.network, set()) if settings]
    for key in dict.fromkeys(key for network in networks for key in network):  # defaults that all networks have
        values = {network.get(key) for network in networks}
        if key not in axes_of(study.network) and len(values) == 1 and values != {None}:
            fixed[key] = values.pop()
    return fixed


def _labels(study: Study) -> dict[str, str]:
    """The summary of every parameter of the entries that the study names, by its key."""
    chosen: list[tuple[BaseModel | None, Mapping[str, Entry], str]] = [
        (study.task, catalogue.SOURCES, "source"),
        (study.task, catalogue.LABELS, "labels"),
        (study.network, catalogue.ARCHITECTURES, "architecture"),
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
    return {**task, "seed": sorted(as_list(task["seed"]))}


def _architecture(network: Mapping[str, Any], built: Network) -> list[str]:
    named = [] if network["architecture"] == "mlp" else [network["architecture"]]
    return [*named, network["activation"], f"L{built.depth}", *([built.rows] if built.rows != "free" else [])]


def _width(network: Mapping[str, Any]) -> list[str]:
    """The sizes that vanish in the limit of infinite width."""
    vanishing = catalogue.ARCHITECTURES[network["architecture"]].vanishing
    return [f"{'m' if key == 'width' else key}{network[key]:g}" for key in vanishing]


def _entries(network: Mapping[str, Any]) -> tuple[Entry, ...]:
    return catalogue.ARCHITECTURES[network["architecture"]], catalogue.ACTIVATIONS[network["activation"]]


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
    own = chosen(catalogue.OPTIMIZERS, settings["optimizer"], settings)
    own["learning_rate"] = _rate(own["learning_rate"], task, network)
    if isinstance(own["checkpoints"], list):
        own["checkpoints"] = sorted(own["checkpoints"])
    network = {**network, "rows": rows_of(settings)}
    built = _network(task, network)
    together = {key: values for key, values in ensemble.items() if key != "seed"}
    scalars = {key: value for key, value in own.items() if key not in together}
    members = len(as_list(task["seed"])) * own["members"] * prod(len(values) for values in together.values())
    return _add(
        plan, "training", [*_slug(task), *_architecture(network, built), *_width(network), settings["optimizer"]],
        {
            "parameters": {"network": network, "training": scalars, "ensemble": together},
            "inputs": {"task": source},
            "functions": ("implicitbias.training.run:train",),
            "size": training_size(_seeds(task), built, scalars, members),
            "entries": (
                *(catalogue.OPTIMIZERS[settings[key]] for key in ("optimizer", "until_fit") if settings[key]),
                catalogue.LOSSES[settings["loss"]],
                catalogue.TARGETS[settings["targets"]],
                catalogue.SCHEDULES[settings["schedule"]],
                catalogue.INITIALISATIONS[settings["init"]],
                *_entries(network),
            ),
        },
    )  # fmt: skip


def _sampling(
    plan: Plan, source: str, task: Mapping[str, Any], network: Mapping[str, Any], settings: Mapping[str, Any]
) -> str:
    built = _network(task, network)
    return _add(
        plan, "sampling", [*_slug(task), *_architecture(network, built), *_width(network)],
        {
            "parameters": {"network": network, "sampling": settings},
            "inputs": {"task": source},
            "functions": ("implicitbias.sampling:sample",),
            "size": sampling_size(_seeds(task), built, settings),
            "entries": _entries(network),
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
    built, scales = _network(task, network), settings["label_scale"]
    vanishing = catalogue.ARCHITECTURES[network["architecture"]].vanishing
    parameters = {
        **{key: value for key, value in settings.items() if key != "rows"},
        "network": {key: value for key, value in network.items() if key not in vanishing},
        "label_scale": None if scales is None else sorted(as_list(scales)),
        "estimators": sorted(settings["estimators"]),
    }
    if scales is None:
        del parameters["ray_samples"]
    called = sorted({*settings["estimators"], *(("mixture",) if settings["posterior"] else ())})
    return _add(
        plan, "nngp", [*_slug(task), *_architecture(network, built)],
        {
            "parameters": parameters,
            "inputs": {"task": source},
            "functions": ("implicitbias.nngp.evaluate:evaluate",),
            "size": nngp_size(_seeds(task), built, settings),
            "entries": (*_entries(network), *(catalogue.ESTIMATORS[name] for name in called)),
        },
    )  # fmt: skip


def _experiment(
    plan: Plan, settings: Mapping[str, Any], source: str | None = None, task: Mapping[str, Any] | None = None
) -> str:
    entry = catalogue.EXPERIMENTS[settings["name"]]
    named: Mapping[str, Mapping[str, Entry]] = {
        "estimator": catalogue.ESTIMATORS, "architecture": catalogue.ARCHITECTURES,
    }  # fmt: skip
    own = chosen(catalogue.EXPERIMENTS, settings["name"], settings)
    words = [value for key, value in own.items() if entry.parameters.get(key, _NO_WORD).choices]
    drawn = [f"seed{settings['seed']}"] if task is None else _slug(task)
    return _add(
        plan, "experiments", [settings["name"], *words, *drawn],
        {
            "parameters": own,
            "inputs": {} if source is None else {"task": source},
            "functions": ("implicitbias.experiments.run:run",),
            "size": experiment_size(entry, own, 1 if task is None else len(as_list(task["seed"]))),
            "entries": (entry, *entry.uses, *(table[own[key]] for key, table in named.items() if key in own)),
        },
    )  # fmt: skip


def _trimmed(pieces: Iterable[Piece]) -> Iterable[Piece]:
    """Each file once a study and prefix: infinite-width pieces do not depend on width and the like."""
    seen: dict[tuple[Any, ...], Piece] = {}
    for piece in pieces:
        where = (piece.path, piece.prefix, *(piece.coords[key] for key in piece.kept))
        known = seen.get(where)
        if known is None:
            seen[where] = piece
        else:  # keep only the coordinates on which all uses of this file agree
            shared = {key: value for key, value in known.coords.items() if piece.coords.get(key) == value}
            seen[where] = replace(piece, coords=shared)
    return seen.values()
