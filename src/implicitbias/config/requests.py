"""What jobs ask a scheduler for: what their size needs, a GPU where one is worth it, no more than a cluster grants."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from implicitbias.config.models import Execution
from implicitbias.config.size import Size

_MINUTES = 60  # on a CPU, above which a GPU is asked for
_GAIN = 4  # if it is as many times as fast


@dataclass(frozen=True)
class Request:
    """Memory in MB, wall-clock minutes and GPUs."""

    memory_mb: int
    minutes: int
    gpus: int = 0

    def again(self, attempt: int, execution: Execution) -> "Request":
        """What is asked for at an attempt: twice the memory and time of the one before, up to the limits."""
        factor = 2 ** (attempt - 1)
        return Request(
            _at_most(execution.largest_mb, factor * self.memory_mb),
            _at_most(execution.longest_minutes, factor * self.minutes),
            self.gpus,
        )

    def granted(self, execution: Execution) -> bool:
        """Whether it is within the limits."""
        return self == self.again(1, execution)


def request(size: Size, execution: Execution) -> Request:
    """What a job of this size asks for at its first attempt, which may be more than is granted."""
    worth_it = execution.gpus and size.gpu and size.minutes > max(_MINUTES, _GAIN * size.gpu.minutes)
    on_gpu = execution.device == "cuda" or (execution.device == "auto" and worth_it)
    needed = size.gpu if on_gpu and size.gpu else size
    return Request(needed.memory_mb, needed.minutes, int(needed is size.gpu))


def cut(task: Mapping[str, Any], ensemble: Mapping[str, list[Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The halves of what is computed together, by the values of one axis; none where every axis has one value.

    They are what a study with these values alone would compute, whose files they share. The seeds come last, for they
    make tasks of their own.
    """
    for axis, values in ensemble.items():
        if len(values) > 1:
            return [(dict(task), {**ensemble, axis: half}) for half in _halves(values)]
    if isinstance(task["seed"], list) and len(task["seed"]) > 1:
        return [({**task, "seed": half}, dict(ensemble)) for half in _halves(task["seed"])]
    return []


def _halves(values: list[Any]) -> list[list[Any]]:
    return [values[: len(values) // 2], values[len(values) // 2 :]]


def refusal(what: str, asked: Request, size: Size, execution: Execution) -> str:
    """One sentence on a job that no cluster of these limits grants, and on what can be changed."""
    limits = {"longest_minutes": execution.longest_minutes, "largest_mb": execution.largest_mb}
    told = ", ".join(f"execution.{key} = {value}" for key, value in limits.items() if value is not None)
    gpu = size.gpu if not asked.gpus and execution.device != "cpu" else None
    helps = gpu and Request(gpu.memory_mb, gpu.minutes).granted(execution)
    return (
        f"{what} asks for {asked.minutes} minutes and {asked.memory_mb} MB, its ensemble cut as small as it can be, and"
        f" {told}; allowed: a smaller job (fewer members, epochs, draws or points, a smaller width), higher limits"
        + (", or execution.gpus: true where there are GPUs" if helps else "")
    )


def _at_most(limit: int | None, value: int) -> int:
    return value if limit is None else min(limit, value)
