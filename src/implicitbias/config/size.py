"""How large a job is: rough memory and time, from its parameters alone, for whoever schedules it.

Estimates are generous upper bounds for a CPU core of 2020; a scheduler may double them at a second attempt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log10, prod
from typing import Any

from implicitbias.catalogue import DENSE, SOURCES, Experiment, described, orthant_bytes
from implicitbias.networks import Network
from implicitbias.networks.layers import Flatten, GlobalAverage, Pool

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


def training_size(task: Mapping[str, Any], network: Network, training: Mapping[str, Any], members: int) -> Size:
    """Size of the job that trains `members` networks together."""
    parameters, products = network.numbers, network.products
    numbers = network.numbers_in + network.numbers_out
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


def sampling_size(task: Mapping[str, Any], network: Network, sampling: Mapping[str, Any]) -> Size:
    """Size of the job that draws random networks (a block of them at a time)."""
    parameters, products = network.numbers, network.products
    points = task["train_size"] + _test_points(task)
    work = len(task["seed"]) * sampling["draws"] * (2 * products * points + 20 * parameters)
    return _size(64 * parameters * 4 + 4 * _data_bytes(task), work)


def nngp_size(task: Mapping[str, Any], network: Network, settings: Mapping[str, Any]) -> Size:
    """Size of the job that evaluates the infinite-width quantities of a task."""
    n, test, points = task["train_size"], _test_points(task), described(task)
    samples, outputs = settings["samples"], points.outputs
    draws = settings["draws"] if "importance" in settings["estimators"] else 0
    order = n * max(1, outputs - 1)  # of the orthant
    work = (
        4 * draws * order**2 + 200 * samples * outputs * n**2 + 4 * samples * outputs * n * test
        + 200 * network.depth * _covariances(network) * n * (n + test)
    )  # fmt: skip
    memory = 8 * (20 * outputs * n**2 + 8 * samples * outputs * n + 6 * n * test) + 4 * _data_bytes(task)
    if points.classes:
        dense = set(settings["estimators"]) - {"mixture"} | ({"mixture"} if order <= DENSE else set())
        work += 1000 * samples * outputs * test + 30 * len(dense) * order**3
        memory += max((orthant_bytes(order, name) for name in dense), default=0)
    return _size(memory, len(task["seed"]) * work)


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
    points = described(task)
    return points.sizes[1] if points.counts else SOURCES[task["source"]].test_points


def _data_bytes(task: Mapping[str, Any]) -> int:
    points = described(task)
    whole = sum(map(sum, points.counts)) if points.counts else 0
    chosen: int = len(task["seed"]) * task["train_size"] + _test_points(task)
    return 8 * points.features * (chosen + whole)


def _covariances(network: Network) -> int:
    """How many covariances a pair of points has at the most: one a pixel, or one a pair of pixels if they are mixed."""
    if len(network.input_shape) == 1 or isinstance(network.layers[0], Flatten):
        return 1
    pixels = prod(network.input_shape[1:])
    return pixels**2 if any(isinstance(layer, Pool | GlobalAverage) for layer in network.layers) else pixels


def _size(memory: float, work: float) -> Size:
    return Size(memory_mb=_BASE_MB + ceil(1.5 * memory / 2**20), minutes=5 + ceil(2 * work / _FLOPS_PER_MINUTE))
