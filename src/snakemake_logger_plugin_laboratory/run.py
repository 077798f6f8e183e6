"""How far a run is: jobs that run, jobs that are finished, and the time that the others will take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import time

_CLOCKS = 5.0  # seconds that the clocks of two machines may be apart


@dataclass(frozen=True)
class Job:
    """A job that has been started (on a cluster: submitted) at the time `since`."""

    rule: str
    name: str
    logs: list[str]
    since: float

    def written(self) -> list[Path]:
        """Its logs, without those that an earlier run has left."""
        return [log for log in map(Path, self.logs) if log.exists() and log.stat().st_mtime > self.since - _CLOCKS]


@dataclass
class Run:
    """The jobs of a run, by rule, and when it began."""

    counts: Mapping[str, int] = field(default_factory=dict)
    since: float = field(default_factory=time)

    def __post_init__(self) -> None:
        self._running: dict[int, Job] = {}
        self._took: dict[str, list[float]] = {}

    @property
    def total(self) -> int:
        """How many jobs there are to do."""
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        """How many of them are finished."""
        return sum(map(len, self._took.values()))

    def of(self, rule: str) -> tuple[int, int]:
        """How many jobs of a rule are finished, and how many there are."""
        return len(self._took.get(rule, ())), self.counts.get(rule, 0)

    def running(self) -> list[Job]:
        """Those at work, the longest first."""
        return sorted(self._running.values(), key=lambda job: job.since)

    def start(self, number: int, job: Job) -> None:
        """Note that a job runs; of rules that make nothing, none is noted."""
        if job.rule in self.counts:
            self._running[number] = job

    def finish(self, number: int, now: float) -> Job | None:
        """Note that a job is finished, and return it if it was known to run."""
        job = self._running.pop(number, None)
        if job is not None:
            self._took.setdefault(job.rule, []).append(now - job.since)
        return job

    def drop(self, number: int) -> Job | None:
        """Note that a job has failed, and return it if it was known to run."""
        return self._running.pop(number, None)

    def seconds_left(self, now: float) -> float | None:
        """An estimate of the time left, or None while there is nothing to base it on.

        Every job that is not finished takes as long as those of its rule did on average (as all did, where none of its
        rule is finished), and as many of them run side by side as did so far.
        """
        took = [seconds for of_rule in self._took.values() for seconds in of_rule]
        if not took or self.done >= self.total:
            return None
        average = {rule: sum(of_rule) / len(of_rule) for rule, of_rule in self._took.items()}
        overall = sum(took) / len(took)
        work = sum(
            (count - len(self._took.get(rule, ()))) * average.get(rule, overall) for rule, count in self.counts.items()
        )
        begun = [now - job.since for job in self._running.values()]
        side_by_side = max(1.0, (sum(took) + sum(begun)) / max(now - self.since, 1e-9))
        return max(0.0, work - sum(begun)) / side_by_side


def duration(seconds: float) -> str:
    """A time in two numbers at most: 12 s, 3 min, 1 h 20 min."""
    if seconds < 1.5:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
