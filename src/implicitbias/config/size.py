"""How large a job is: rough memory and time, from its parameters alone, for whoever schedules it.

Estimates are generous upper bounds for a CPU core, or a GPU, of 2020; a scheduler may double them at a second attempt.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from math import ceil, log10, prod
from typing import Any

from implicitbias.catalogue import DENSE, SOURCES, Experiment, described, orthant_bytes
from implicitbias.catalogue.metrics import DIRECTIONS
from implicitbias.networks import Network
from implicitbias.networks.layers import Flatten, GlobalAverage, Pool

_BASE_MB = 700  # Python with numpy and xarray, 100, the data of a small job, and a scheduled job's two processes of 200
_TORCH_MB = 450  # as a CPU's build of torch needs half of, and one for CUDA most of
_SPARE = 1.25  # times what arrays are reckoned to need
_ON_GPU_AT_ONCE = 16 * 2**30  # bytes of members that train together there; with more to do, they go in chunks
_CUDA_MB = 3000  # of the machine's memory, for a process that uses CUDA
_DRAWN_AT_ONCE = 2**24  # numbers of random networks
_MINUTES = 5  # to start in, on a busy network file system
_FEW_MINUTES = 2  # the same without torch
_FLOPS_PER_MINUTE = 60 * 5e9
_GPU_FLOPS_PER_MINUTE = 60 * 2e12  # in float32; an H200 does 10e12 of Nero's steps
_LAYERS_PER_MINUTE = 60 / 1e-3  # of a stacked ensemble's steps, forward, backward and update, that a GPU can launch


@dataclass(frozen=True)
class Size:
    """Memory in MB and wall-clock minutes that are safe to ask a scheduler for.

    The job can run on a GPU if it has a size for that.
    """

    memory_mb: int
    minutes: int
    gpu: "Size | None" = None


def task_size(task: Mapping[str, Any]) -> Size:
    """Size of the job that builds a task."""
    points = described(task)
    whole = points.features * sum(map(sum, points.counts)) if points.counts else 0
    return _small(8 * whole + 2.5 * _data_bytes(task), 0)


def training_size(
    task: Mapping[str, Any], network: Network, training: Mapping[str, Any], members: int, *, kept: bool
) -> Size:
    """Size of the job that trains `members` networks together, and keeps their weights at every checkpoint or not."""
    parameters, products = network.numbers, network.products
    numbers = network.numbers_in + network.numbers_out
    copies = 4 if kept else 5  # weights, gradients, two moments at most; a temporary, for which the run has room
    n, steps = task["train_size"], _steps(task, training)
    batch = n if training["batch_size"] == "full" else min(n, training["batch_size"])
    work = members * (products * (6 * batch * steps + 2 * _test_points(task)) + 20 * parameters * steps)
    each = parameters * copies * itemsize(training)
    together = each * min(members, network.on_one_processor)
    run = 2 * _run_bytes(task, network, members * checkpoints(task, training), itemsize(training), kept)
    data = run + itemsize(training) * n * numbers + 2 * _data_bytes(task)
    chunks = ceil(each * members / _ON_GPU_AT_ONCE)
    precision = 2 if training["dtype"] == "float64" else 1
    gpu = _gpu_size(data, precision * work, chunks * steps * network.depth)
    return _size(together + data, work, gpu=gpu)


def sampling_size(task: Mapping[str, Any], network: Network, sampling: Mapping[str, Any]) -> Size:
    """Size of the job that draws random networks (a block of them at a time)."""
    parameters, products, n = network.numbers, network.products, task["train_size"]
    networks = len(task["seed"]) * sampling["draws"]
    work = networks * (2 * products * (n + _test_points(task)) + 20 * parameters)
    each = parameters + n * network.numbers_in
    block = 4 * min(networks * each, max(_DRAWN_AT_ONCE, each))
    data = 2 * _run_bytes(task, network, networks, 4, False) + 4 * _data_bytes(task)
    blocks = len(task["seed"]) * ceil(4 * sampling["draws"] * each / block)
    return _size(4 * block + data, work, gpu=_gpu_size(data, work, blocks * network.depth))


def measurement_size(
    task: Mapping[str, Any], network: Network, networks: int, bytes_each: int, *, kept: bool, uses: Collection[str]
) -> Size:
    """Size of the job that measures a run, in float64 whatever the run's own precision is.

    Args:
        task: the run's task.
        network: of the run.
        networks: how many there are, every checkpoint's counted.
        bytes_each: of a number in the run.
        kept: whether the run holds weights, which are read whoever uses them.
        uses: what its metrics use (see `Metric.demand`).
    """
    n, numbers = task["train_size"], network.numbers_in + network.numbers_out
    outputs = network.outputs * (n + _test_points(task))
    memory = _run_bytes(task, network, networks, bytes_each, kept) + 2 * 8 * networks * outputs + 2 * _data_bytes(task)
    work = 0
    if "directions" in uses:  # of one network at least, at some thirty distances
        uses = {*uses, "tangents"}
        memory += 8 * 10 * max(2**23, DIRECTIONS * network.numbers)
        work += 30 * DIRECTIONS * 2 * n * network.products
    if set(uses) - {"outputs"}:
        memory += 8 * 2 * networks * network.numbers
        work += sum(8 * rows * columns * min(rows, columns) for rows, columns in network.shapes)  # singular values
    if "slopes" in uses:
        memory += 8 * 3 * networks * network.outputs * n * network.features
        work += 10 * network.outputs * n * network.products
    if "tangents" in uses:  # with sums of gradients of the weights' size, and the tangent kernel
        memory += 8 * 2 * networks * (network.numbers + n * numbers + n**2)
        work += 10 * n * network.products + 4 * n**2 * numbers + 30 * n**3
    differentiates = not {"slopes", "tangents"}.isdisjoint(uses)
    return (_size if differentiates else _small)(memory, networks * work)


def checkpoints(task: Mapping[str, Any], training: Mapping[str, Any]) -> int:
    """How many steps of a run are kept, at most."""
    rule = training["checkpoints"]
    if rule == "log":
        return 3 + ceil(4 * log10(_steps(task, training) + 1))
    return 1 if isinstance(rule, str) else len(rule)


def itemsize(training: Mapping[str, Any]) -> int:
    """Bytes of a number of a run."""
    return 8 if training["dtype"] == "float64" else 4


def _steps(task: Mapping[str, Any], training: Mapping[str, Any]) -> int:
    n, batch = task["train_size"], training["batch_size"]
    return int(training["epochs"] * (1 if batch == "full" else ceil(n / batch)))


def _run_bytes(task: Mapping[str, Any], network: Network, networks: int, bytes_each: int, kept: bool) -> int:
    """What a run holds: outputs, and perhaps weights, of so many networks."""
    outputs = network.outputs * (task["train_size"] + _test_points(task))
    return int(bytes_each * networks * (outputs + kept * network.numbers))


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
    memory = 8 * (20 * outputs * n**2 + 6 * samples * outputs * n + 6 * n * test) + 4 * _data_bytes(task)
    if points.classes:
        dense = set(settings["estimators"]) - {"mixture"} | ({"mixture"} if order <= DENSE else set())
        work += 1000 * samples * outputs * test + 30 * len(dense) * order**3
        memory += max((orthant_bytes(order, name) for name in dense), default=0)
    size = _size(memory, len(task["seed"]) * work)
    # samplers go point by point, at which a GPU is no faster
    return replace(size, gpu=replace(size, memory_mb=size.memory_mb + _CUDA_MB))


def experiment_size(entry: Experiment, settings: Mapping[str, Any], seeds: int = 1) -> Size:
    """Size of an experiment: its minutes, in proportion to a product of its numbers over their defaults.

    These are the numbers that `work` lists, and of several lists those with the largest product, for no part of the
    work grows faster; else all of them.
    """

    def growth(key: str) -> float:
        default = entry.parameters[key].default
        return 1.0 if isinstance(default, str) or default <= 0 else max(1.0, settings[key] / default)

    ratio = max(prod(map(growth, keys)) for keys in entry.work or (tuple(entry.parameters),))
    memory = 160 * 2**20 * min(ratio, 8.0)  # what takes longer than by default may hold more; steps hold none
    return _size(memory, seeds * ratio * entry.minutes * _FLOPS_PER_MINUTE)


def _test_points(task: Mapping[str, Any]) -> int:
    if task["test_size"] is not None:
        return int(task["test_size"])
    points = described(task)
    return points.sizes[1] if points.counts else SOURCES[task["source"]].test_points


def _data_bytes(task: Mapping[str, Any]) -> int:
    """Of the points that a task chooses."""
    chosen: int = len(task["seed"]) * task["train_size"] + _test_points(task)
    return 8 * described(task).features * chosen


def _covariances(network: Network) -> int:
    """How many covariances a pair of points has at the most: one a pixel, or one a pair of pixels if they are mixed."""
    if len(network.input_shape) == 1 or isinstance(network.layers[0], Flatten):
        return 1
    pixels = prod(network.input_shape[1:])
    return pixels**2 if any(isinstance(layer, Pool | GlobalAverage) for layer in network.layers) else pixels


def _size(memory: float, work: float, gpu: Size | None = None) -> Size:
    most = _BASE_MB + _TORCH_MB + ceil(_SPARE * memory / 2**20)
    return Size(most, _MINUTES + ceil(2 * work / _FLOPS_PER_MINUTE), gpu)


def _small(memory: float, work: float) -> Size:
    """Of a job without torch."""
    size = _size(memory, work)
    return Size(size.memory_mb - _TORCH_MB, size.minutes - _MINUTES + _FEW_MINUTES)


def _gpu_size(memory: float, work: float, layers: float) -> Size:
    """On a GPU: of the machine's memory what is not on the GPU; the time of the work and of launching it."""
    most = _BASE_MB + _TORCH_MB + _CUDA_MB + ceil(_SPARE * memory / 2**20)
    return Size(most, _MINUTES + ceil(2 * (work / _GPU_FLOPS_PER_MINUTE + layers / _LAYERS_PER_MINUTE)))
