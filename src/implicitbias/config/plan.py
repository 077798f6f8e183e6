"""The plan: a config's grids become tables of jobs, one table a stage, one row a file.

A job's key is a readable slug and a digest of the canonical parameters that its stage depends on, and of no
others: studies and configs that share a point share the file. Axes named in a study's `ensemble` are computed
together in one job; every other axis makes a job of its own.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod
from typing import Any

from pydantic import BaseModel

from implicitbias import catalogue
from implicitbias.catalogue import Entry, Parameter
from implicitbias.config.blocks import NOT_AXES, VECTORISABLE, as_list, axes_of
from implicitbias.config.grid import DECIDING, chosen, chosen_network, chosen_task, classes_of, grid, points_of, rows_of
from implicitbias.config.models import Config, Execution, Study
from implicitbias.config.requests import Request, cut, refusal, request
from implicitbias.config.size import (
    Size,
    checkpoints,
    experiment_size,
    itemsize,
    measurement_size,
    nngp_size,
    sampling_size,
    task_size,
    training_size,
)
from implicitbias.config.values import counted
from implicitbias.errors import ConfigError
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
    request: Request
    """What a scheduler is asked for."""
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
    execution: Execution = field(default_factory=Execution)
    refused: list[str] = field(default_factory=list)
    """A sentence for every job that is larger than the limits."""

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
    """The jobs that a config asks for, each once.

    Raises:
        ConfigError: for a job that is larger than `execution` allows, and cannot be cut into smaller ones.

    """
    plan = Plan(execution=config.execution)
    for name, study in config.studies.items():
        plan.studies[name] = _plan_study(plan, study)
        if plan.refused:
            more = [f" (and {len(plan.refused) - 1} more of this study)"] if len(plan.refused) > 1 else []
            raise ConfigError(f"studies.{name}: {plan.refused[0]}{''.join(more)}")
    return plan


def _plan_study(plan: Plan, study: Study) -> StudyPlan:
    metrics = study.metrics or []
    pieces = _experiments(plan, study, {})
    for coords, task, network in _points(study):
        pieces += _experiments(plan, study, coords, task)
        for more, settings, ensemble in _settings(study, "training", study.training, coords):
            paths = _trained(plan, task, network, settings, ensemble, metrics)
            pieces += [Piece(path, {**coords, **more}) for path in paths]
        for where, rows in _classes(study, network, coords):
            same = {**network, "rows": rows}
            for more, settings, _ in _settings(study, "sampling", study.sampling, coords):
                paths = _sampled(plan, task, same, settings, metrics)
                at = {**coords, **where, **more}
                pieces += [Piece(path, at, "sampled_", tuple(where)) for path in paths]
            for more, settings, _ in _settings(study, "nngp", study.nngp, coords):
                of = {**network, "rows": settings["rows"] or rows}
                kept = () if settings["rows"] else tuple(where)
                paths = _nngp(plan, task, of, settings)
                pieces += [Piece(path, {**coords, **where, **more}, kept=kept) for path in paths]
    return StudyPlan(
        tuple(_trimmed(pieces)), _axes(study), _fixed(study), _labels(study), _figures(study), _told_classes(study)
    )


def _axes(study: Study) -> dict[str, list[Any]]:
    """The axes of the grid, and the estimators, which a job has in an order of its own."""
    estimators = study.nngp.estimators if study.nngp else []
    return {**({"estimator": estimators} if len(estimators) > 1 else {}), **study.axes()}


def _experiments(
    plan: Plan, study: Study, coords: Mapping[str, Any], task: Mapping[str, Any] | None = None
) -> list[Piece]:
    """The study's experiment at every point of its block, on a task if it is one that takes tasks, else on none."""
    block = study.experiment
    if block is None or catalogue.EXPERIMENTS[block.name].task != (task is not None):
        return []
    points = grid(block, set())
    return [Piece(path, {**coords, **more}) for more, settings in points for path in _experiment(plan, settings, task)]


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
    known = plan.jobs[stage].get(key)
    asked = request(job["size"], plan.execution)
    if known is None or known.request.memory_mb < asked.memory_mb:  # a study that uses weights may share the run
        rest = {name: value for name, value in job.items() if name != "size"}
        plan.jobs[stage][key] = Job(key=key, **{**rest, "parameters": parameters, "request": asked})
    return f"{stage}/{key}"


def _parts(
    plan: Plan, what: str, sizes: Callable[[Mapping[str, Any], Mapping[str, Any]], Sequence[Size]],
    task: Mapping[str, Any], ensemble: Mapping[str, list[Any]],
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, list[Any]], Sequence[Size]]]:  # fmt: skip
    """The task, the ensemble and their jobs' sizes: whole if that is granted, else cut as far as it takes."""
    needed = sizes(task, ensemble)
    asked = [(request(size, plan.execution), size) for size in needed]
    refused = [each for each in asked if not each[0].granted(plan.execution)]
    if refused and (parts := cut(task, ensemble)):
        for part in parts:
            yield from _parts(plan, what, sizes, *part)
        return
    plan.refused += [refusal(what, *each, plan.execution) for each in refused]
    yield task, ensemble, needed


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


def _trained(
    plan: Plan, task: Mapping[str, Any], network: Mapping[str, Any], settings: Mapping[str, Any],
    ensemble: Mapping[str, list[Any]], metrics: Sequence[str],
) -> Iterator[str]:  # fmt: skip
    """The measurements of a training, or of its parts."""
    own = chosen(catalogue.OPTIMIZERS, settings["optimizer"], settings)
    own["learning_rate"] = _rate(own["learning_rate"], task, network)
    if isinstance(own["checkpoints"], list):
        own["checkpoints"] = sorted(own["checkpoints"])
    network = {**network, "rows": rows_of(settings)}
    built = _network(task, network)
    together = {key: values for key, values in ensemble.items() if key != "seed"}
    scalars = {key: value for key, value in own.items() if key not in together}
    uses = {catalogue.METRICS[name].demand for name in metrics}
    used = uses != {"outputs"}
    kept = used or plan.execution.keep_weights
    slug = [*_architecture(network, built), *_width(network), settings["optimizer"]]

    def sizes(task: Mapping[str, Any], ensemble: Mapping[str, list[Any]]) -> tuple[Size, Size]:
        task = _seeds(task)
        members = len(task["seed"]) * own["members"] * prod(len(values) for values in ensemble.values())
        networks = members * checkpoints(task, scalars)
        return (
            training_size(task, built, scalars, members, kept=kept),
            measurement_size(task, built, networks, itemsize(scalars), kept=kept, uses=uses),
        )

    entries = (
        *(catalogue.OPTIMIZERS[settings[key]] for key in ("optimizer", "until_fit") if settings[key]),
        catalogue.LOSSES[settings["loss"]],
        catalogue.TARGETS[settings["targets"]],
        catalogue.SCHEDULES[settings["schedule"]],
        catalogue.INITIALISATIONS[settings["init"]],
        *_entries(network),
    )
    what = f"training {'-'.join([*_slug(task), *slug])}"
    for part, values, (size, of_measurement) in _parts(plan, what, sizes, task, together):
        source = _task(plan, part)
        run = _add(
            plan, "training", [*_slug(part), *slug],
            {
                "parameters": {"network": network, "training": scalars, "ensemble": values},
                "inputs": {"task": source},
                "functions": ("implicitbias.training.run:train",),
                "size": size,
                "entries": entries,
            },
        )  # fmt: skip
        if used:
            plan.with_weights.add(run.removeprefix("training/"))
        yield _measurement(plan, source, run, metrics, of_measurement)


def _sampled(
    plan: Plan, task: Mapping[str, Any], network: Mapping[str, Any], settings: Mapping[str, Any],
    metrics: Sequence[str],
) -> Iterator[str]:  # fmt: skip
    """The measurements of random networks."""
    built = _network(task, network)
    slug = [*_architecture(network, built), *_width(network)]

    def sizes(task: Mapping[str, Any], _: Mapping[str, Any]) -> tuple[Size, Size]:
        task = _seeds(task)
        networks = len(task["seed"]) * settings["draws"]
        return (
            sampling_size(task, built, settings),
            measurement_size(task, built, networks, 4, kept=False, uses=("outputs",)),
        )

    what = f"sampling {'-'.join([*_slug(task), *slug])}"
    for part, _, (size, of_measurement) in _parts(plan, what, sizes, task, {}):
        source = _task(plan, part)
        run = _add(
            plan, "sampling", [*_slug(part), *slug],
            {
                "parameters": {"network": network, "sampling": settings},
                "inputs": {"task": source},
                "functions": ("implicitbias.sampling:sample",),
                "size": size,
                "entries": _entries(network),
            },
        )  # fmt: skip
        yield _measurement(plan, source, run, metrics, of_measurement)


def _measurement(plan: Plan, source: str, run: str, metrics: Sequence[str], size: Size) -> str:
    return _add(
        plan, "measurements", [run.split("/")[1].rsplit("-", 1)[0]],
        {
            "parameters": {"metrics": sorted(metrics)},
            "inputs": {"task": source, "run": run},
            "functions": ("implicitbias.measurement.measure:measure",),
            "size": size,
            "entries": tuple(catalogue.METRICS[metric] for metric in sorted(metrics)),
        },
    )  # fmt: skip


def _nngp(
    plan: Plan, task: Mapping[str, Any], network: Mapping[str, Any], settings: Mapping[str, Any]
) -> Iterator[str]:
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
    slug = _architecture(network, built)

    def sizes(task: Mapping[str, Any], _: Mapping[str, Any]) -> tuple[Size]:
        return (nngp_size(_seeds(task), built, settings),)

    for part, _, (size,) in _parts(plan, f"infinite width {'-'.join([*_slug(task), *slug])}", sizes, task, {}):
        yield _add(
            plan, "nngp", [*_slug(part), *slug],
            {
                "parameters": parameters,
                "inputs": {"task": _task(plan, part)},
                "functions": ("implicitbias.nngp.evaluate:evaluate",),
                "size": size,
                "entries": (*_entries(network), *(catalogue.ESTIMATORS[name] for name in called)),
            },
        )  # fmt: skip


def _experiment(plan: Plan, settings: Mapping[str, Any], task: Mapping[str, Any] | None) -> Iterator[str]:
    entry = catalogue.EXPERIMENTS[settings["name"]]
    named: Mapping[str, Mapping[str, Entry]] = {
        "estimator": catalogue.ESTIMATORS, "architecture": catalogue.ARCHITECTURES,
    }  # fmt: skip
    own = chosen(catalogue.EXPERIMENTS, settings["name"], settings)
    words = [value for key, value in own.items() if entry.parameters.get(key, _NO_WORD).choices]

    def slug(task: Mapping[str, Any]) -> list[Any]:
        return [settings["name"], *words, *(_slug(task) if entry.task else [f"seed{settings['seed']}"])]

    def sizes(task: Mapping[str, Any], _: Mapping[str, Any]) -> tuple[Size]:
        return (experiment_size(entry, own, len(as_list(task["seed"]))),)

    whole = {"seed": settings["seed"]} if task is None else task
    for part, _, (size,) in _parts(plan, f"experiment {'-'.join(map(str, slug(whole)))}", sizes, whole, {}):
        yield _add(
            plan, "experiments", slug(part),
            {
                "parameters": own,
                "inputs": {"task": _task(plan, part)} if entry.task else {},
                "functions": ("implicitbias.experiments.run:run",),
                "size": size,
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
