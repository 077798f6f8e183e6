"""Tables of jobs, one a stage, one row a file: what each stage's jobs are named, read, run and ask for.

A job's key is a readable slug and a digest of the canonical parameters that its stage depends on, and of no
others: studies and configs that share a point share the file.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from implicitbias import catalogue
from implicitbias.canonical import canonical_json
from implicitbias.catalogue import Entry, Parameter
from implicitbias.config.blocks import as_list
from implicitbias.config.grid import chosen, rows_of
from implicitbias.config.models import Execution
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
from implicitbias.networks import Network, network_of

STAGES = ("tasks", "training", "sampling", "measurements", "nngp", "experiments")

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


@dataclass
class Jobs:
    """All jobs of a config, `jobs[stage][key]`."""

    jobs: dict[str, dict[str, Job]] = field(default_factory=lambda: {stage: {} for stage in STAGES})
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


def _add(table: Jobs, stage: str, slug: Iterable[Any], job: Mapping[str, Any]) -> str:
    """Put a job into its table (once) and return its address `stage/key`."""
    # in canonical order: equal parameters must look equal to whoever compares them as text
    parameters = json.loads(canonical_json(job["parameters"]))
    key = "-".join([*(str(word) for word in slug), digest({"parameters": parameters, "inputs": job["inputs"]})])
    known = table.jobs[stage].get(key)
    asked = request(job["size"], table.execution)
    if known is None or known.request.memory_mb < asked.memory_mb:  # a study that uses weights may share the run
        rest = {name: value for name, value in job.items() if name != "size"}
        table.jobs[stage][key] = Job(key=key, **{**rest, "parameters": parameters, "request": asked})
    return f"{stage}/{key}"


def _parts(
    table: Jobs, what: str, sizes: Callable[[Mapping[str, Any], Mapping[str, Any]], Sequence[Size]],
    task: Mapping[str, Any], ensemble: Mapping[str, list[Any]],
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, list[Any]], Sequence[Size]]]:  # fmt: skip
    """The task, the ensemble and their jobs' sizes: whole if that is granted, else cut as far as it takes."""
    needed = sizes(task, ensemble)
    asked = [(request(size, table.execution), size) for size in needed]
    refused = [each for each in asked if not each[0].granted(table.execution)]
    if refused and (parts := cut(task, ensemble)):
        for part in parts:
            yield from _parts(table, what, sizes, *part)
        return
    table.refused += [refusal(what, *each, table.execution) for each in refused]
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


def _task(table: Jobs, task: Mapping[str, Any]) -> str:
    parameters = _seeds(task)
    return _add(
        table, "tasks", _slug(task),
        {
            "parameters": parameters,
            "inputs": {},
            "functions": ("implicitbias.tasks.build:build",),
            "size": task_size(parameters),
            "entries": (catalogue.SOURCES[task["source"]], catalogue.LABELS[task["labels"]]),
        },
    )  # fmt: skip


def trained(
    table: Jobs, task: Mapping[str, Any], network: Mapping[str, Any], settings: Mapping[str, Any],
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
    kept = used or table.execution.keep_weights
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
    for part, values, (size, of_measurement) in _parts(table, what, sizes, task, together):
        source = _task(table, part)
        run = _add(
            table, "training", [*_slug(part), *slug],
            {
                "parameters": {"network": network, "training": scalars, "ensemble": values},
                "inputs": {"task": source},
                "functions": ("implicitbias.training.run:train",),
                "size": size,
                "entries": entries,
            },
        )  # fmt: skip
        if used:
            table.with_weights.add(run.removeprefix("training/"))
        yield _measurement(table, source, run, metrics, of_measurement)


def sampled(
    table: Jobs, task: Mapping[str, Any], network: Mapping[str, Any], settings: Mapping[str, Any],
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
    for part, _, (size, of_measurement) in _parts(table, what, sizes, task, {}):
        source = _task(table, part)
        run = _add(
            table, "sampling", [*_slug(part), *slug],
            {
                "parameters": {"network": network, "sampling": settings},
                "inputs": {"task": source},
                "functions": ("implicitbias.sampling:sample",),
                "size": size,
                "entries": _entries(network),
            },
        )  # fmt: skip
        yield _measurement(table, source, run, metrics, of_measurement)


def _measurement(table: Jobs, source: str, run: str, metrics: Sequence[str], size: Size) -> str:
    return _add(
        table, "measurements", [run.split("/")[1].rsplit("-", 1)[0]],
        {
            "parameters": {"metrics": sorted(metrics)},
            "inputs": {"task": source, "run": run},
            "functions": ("implicitbias.measurement.measure:measure",),
            "size": size,
            "entries": tuple(catalogue.METRICS[metric] for metric in sorted(metrics)),
        },
    )  # fmt: skip


def infinite(
    table: Jobs, task: Mapping[str, Any], network: Mapping[str, Any], settings: Mapping[str, Any]
) -> Iterator[str]:
    """The networks of infinite width on a task."""
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

    for part, _, (size,) in _parts(table, f"infinite width {'-'.join([*_slug(task), *slug])}", sizes, task, {}):
        yield _add(
            table, "nngp", [*_slug(part), *slug],
            {
                "parameters": parameters,
                "inputs": {"task": _task(table, part)},
                "functions": ("implicitbias.nngp.evaluate:evaluate",),
                "size": size,
                "entries": (*_entries(network), *(catalogue.ESTIMATORS[name] for name in called)),
            },
        )  # fmt: skip


def experiment(table: Jobs, settings: Mapping[str, Any], task: Mapping[str, Any] | None) -> Iterator[str]:
    """An experiment, on a task if it is one that takes tasks."""
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
    for part, _, (size,) in _parts(table, f"experiment {'-'.join(map(str, slug(whole)))}", sizes, whole, {}):
        yield _add(
            table, "experiments", slug(part),
            {
                "parameters": own,
                "inputs": {"task": _task(table, part)} if entry.task else {},
                "functions": ("implicitbias.experiments.run:run",),
                "size": size,
                "entries": (entry, *entry.uses, *(table[own[key]] for key, table in named.items() if key in own)),
            },
        )  # fmt: skip


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
