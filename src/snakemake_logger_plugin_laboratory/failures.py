"""Why a job failed, from its own log, a cluster's log and how its process ended; and what to change."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from implicitbias.logs import last_error, last_line

_ENDED = re.compile(r"CalledProcessError.*(?:exit status (\d+)|<Signals\.(\w+): \d+>)", re.DOTALL)
_KILLED = ("SIGKILL", "137")
_OF_MEMORY = (
    "memory ran out",
    "memoryerror",
    "out of memory",
    "outofmemory",
    "can't allocate memory",
    "oom_kill",
    "out_of_memory",
)
_ADVICE = (
    "Where memory runs out, run fewer jobs side by side (make CORES=1, or --resources mem_mb=8000 for as many as fit in"
    " 8 GB), have ensembles cut into smaller jobs (execution: {largest_mb: 4000}), or ask for less (width, train_size,"
    " draws); on a GPU, see what else uses it, or set execution: {device: cpu}."
)


@dataclass(frozen=True)
class Failure:
    """A job, or a group of jobs, that failed."""

    jobs: frozenset[int]
    name: str
    reason: str
    logs: Sequence[str]

    def __str__(self) -> str:
        logs = f" (log: {', '.join(self.logs)})" if self.logs else ""
        return f"{self.name}: {self.reason or 'no reason is known'}{logs}"


def by_reason(failures: Sequence[Failure], most: int = 10) -> list[str]:
    """A line for every reason, with the first job that failed for it; of more than `most` reasons the first ones."""
    alike: dict[str, list[Failure]] = {}
    for failure in failures:
        alike.setdefault(failure.reason or failure.name, []).append(failure)
    lines = []
    for first, *others in list(alike.values())[:most]:
        lines += [f"  {first}", *([f"    and {len(others)} more for the same reason"] if others else [])]
    more = sum(map(len, list(alike.values())[most:]))
    return [*lines, f"  and {more} more"] if more else lines


def ended_by(text: str) -> str:
    """The signal or exit status of a job's process, of what Snakemake says of it; nothing of other errors."""
    found = _ENDED.search(text)
    return next(filter(None, found.groups()), "") if found else ""


def reason_of(logs: Sequence[str | Path], of_cluster: Sequence[str], status: str, about: Mapping[str, Any]) -> str:
    """Why a job failed, or an empty text if nothing says why.

    Args:
        logs: the job's own.
        of_cluster: the cluster's logs of the job.
        status: signal or exit status of its process, if known.
        about: what Snakemake says of the error.
    """
    if told := next(filter(None, map(last_error, logs)), ""):
        return told
    if told := " ".join(filter(None, [about.get("rule_msg"), *map(_by_cluster, of_cluster)])):
        return told
    if status in _KILLED:
        return "it was killed, perhaps because memory ran out"
    how = status if status.startswith("SIG") else f"exit status {status}"
    return f"it ended before it could say why ({how})" if status else ""


def _by_cluster(log: str) -> str:
    """What SLURM says of a job that it ended, or else the last line."""
    return last_line(log, "slurmstepd") or last_line(log)


def advice(reason: str) -> str:
    """What to change where this is why a job failed, or an empty text if the reason says all."""
    return _ADVICE if any(word in reason.lower() for word in _OF_MEMORY) else ""
