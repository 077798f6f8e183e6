"""How large a job is: rough memory and time, from its parameters alone, for whoever schedules it.

Estimates are generous upper bounds for a CPU core of 2020; a scheduler may double them at a second attempt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log10
from typing import Any

from implicitbias.catalogue import LABELS, SOURCES, Experiment
from implicitbias.shapes import layer_shapes, positions

_BASE_MB = 600  # Python with torch, and room for the data of a small job
_AT_ONCE = 32 * 2**30  # bytes of members that train together; with more to do, they go in chunks
_FLOPS_PER_MINUTE = 60 * 5e9


@dataclass(frozen=True)
class Size:
    """Memory in MB and wall-clock minutes that are safe to ask a scheduler for."""

    memory_mb: int
    minutes: int


def task_size(task: Mapping[str, Any]) -> Size:
    """Size of the job that builds a task."""
    return _size(3 * _data_bytes(task), 0)


def training_size(
    task: Mapping[str, Any], network: Mapping[str, Any], training: Mapping[str, Any], members: int
) -> Size:
    """Size of the job that trains `members` networks together."""
    parameters, products, numbers = _network(task, network)
    bytes_each = 8 if training["dtype"] == "float64" else 4
    copies = 6  # weights, gradients, up to two moments, a checkpoint, a temporary
    n = task["train_size"]
    batch = n if training["batch_size"] == "full" else min(n, training["batch_size"])
    steps = training["epochs"] * ceil(n / batch)
    work = members * (products * (6 * batch * steps + 2 * _test_points(task)) + 20 * parameters * steps)
    each = parameters * copies * bytes_each
    together = each * min(members, max(1, _AT_ONCE // each))
    later = 2 * 8 * parameters * members * (_checkpoints(training["checkpoints"], steps) - 1)  # measured in float64
    return _size(together + later + 8 * n * numbers + 4 * _data_bytes(task), work)


def _checkpoints(rule: str | Sequence[int], steps: int) -> int:
    """How many steps are kept, at most."""
    if rule == "log":
        return 3 + ceil(4 * log10(steps + 1))
    return 1 if isinstance(rule, str) else len(rule)


def sampling_size(task: Mapping[str, Any], network: Mapping[str, Any], sampling: Mapping[str, Any]) -> Size:
    """Size of the job that draws random networks (a block of them at a time)."""
    parameters, products, _ = _network(task, network)
    points = task["train_size"] + _test_points(task)
    work = len(task["seed"]) * sampling["draws"] * (2 * products * points + 20 * parameters)
    return _size(64 * parameters * 4 + 4 * _data_bytes(task), work)


def nngp_size(task: Mapping[str, Any], settings: Mapping[str, Any]) -> Size:
    """Size of the job that evaluates the infinite-width quantities of a task."""
    n, test = task["train_size"], _test_points(task)
    draws = settings["draws"] if "importance" in settings["estimators"] else 0
    work = len(task["seed"]) * (
        4 * draws * n**2 + 200 * settings["samples"] * n**2 + 4 * settings["samples"] * n * test
    )
    return _size(8 * (20 * n**2 + 8 * settings["samples"] * n + 6 * n * test) + 4 * _data_bytes(task), work)


def experiment_size(entry: Experiment, settings: Mapping[str, Any], seeds: int = 1) -> Size:
    """Size of an experiment: its minutes, in proportion to the product of its numbers over their defaults."""
    ratio = float(seeds)
    for key, parameter in entry.parameters.items():
        if not isinstance(parameter.default, str) and parameter.default > 0:
            ratio *= max(1.0, settings[key] / parameter.default)
    return _size(2**30, ratio * entry.minutes * _FLOPS_PER_MINUTE)


def _test_points(task: Mapping[str, Any]) -> int:
    if task["test_size"] is not None:
        return int(task["test_size"])
    source = SOURCES[task["source"]]
    return int(source.sizes(LABELS[task["labels"]].digits)[1]) if source.counts else source.test_points


def _features(task: Mapping[str, Any]) -> int:
    return int(SOURCES[task["source"]].features or task["features"])


def _data_bytes(task: Mapping[str, Any]) -> int:
    source = SOURCES[task["source"]]
    whole = sum(map(sum, source.counts)) if source.counts else 0
    points: int = len(task["seed"]) * task["train_size"] + _test_points(task)
    return 8 * _features(task) * (points + whole)


def _network(task: Mapping[str, Any], network: Mapping[str, Any]) -> tuple[int, int, int]:
    """Of a network: numbers in its weights, products with them that one input takes, and numbers that it becomes."""
    features = _features(task)
    shapes = layer_shapes(network["depth"], network["width"], features, network["bias"], network["architecture"])
    sizes = [rows * columns for rows, columns in shapes]
    often = positions(network["depth"], features, network["architecture"])
    numbers = sum(times * (rows + columns) for (rows, columns), times in zip(shapes, often, strict=True))
    return sum(sizes), sum(size * times for size, times in zip(sizes, often, strict=True)), numbers


def _size(memory: float, work: float) -> Size:
    return Size(memory_mb=_BASE_MB + ceil(1.5 * memory / 2**20), minutes=5 + ceil(2 * work / _FLOPS_PER_MINUTE))
