"""What a run says on the terminal: a line for every job that is finished, and what fails, with its reason and its log.

Snakemake finds this package by its name (`logger: [laboratory]` in the profiles). All that Snakemake has to say is in
its own log, of which the last lines name the path. Lines are plain ones, on a terminal as in the log of a CI job.
"""

import re
import sys
import threading
from collections.abc import Mapping
from logging import ERROR, INFO, WARNING, LogRecord
from time import time
from typing import Any

from snakemake.logging import ColorizingTextHandler
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from implicitbias.logs import last_line, notes
from snakemake_logger_plugin_laboratory.failures import Failure, advice, by_reason, ended_by, reason_of
from snakemake_logger_plugin_laboratory.names import NAMES
from snakemake_logger_plugin_laboratory.run import Job, Run, duration

__all__ = ["LogHandler"]

_SILENCE = 30.0  # seconds without a line, after which the running jobs are named; twice as long at each further time
_LONGEST_SILENCE = 600.0
_NAMED = 3  # running jobs in a line
# What is worth a line of the many that Snakemake writes while it runs a workflow. Warnings and errors all are.
_KEPT = (
    "Nothing to be done",
    "Terminating processes",
    "Will exit after",
    "Complete log",
    "All jobs that this run has submitted",
)
_NO_NEWS = ("Assuming unrestricted shared filesystem", "Building DAG of jobs")
_SAID_BETTER = ("Exiting because a job execution failed", "At least one job did not complete")
_RESTART = re.compile(r"Trying to restart job (\S+)\.")


class LogHandler(LogHandlerBase):
    """The handler that Snakemake gives its records to, one after another, in a thread of its own."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        settings = self.common_settings
        self._whole = settings.dryrun or settings.verbose  # Snakemake's own words
        stream = sys.stdout if settings.stdout else sys.stderr
        self._plain = ColorizingTextHandler(nocolor=settings.nocolor, stream=stream)
        self._run = Run()
        self._executes = False
        self._status = ""
        self._failures: list[Failure] = []
        self._spoke = threading.Event()
        self._closed = False

    def setFormatter(self, fmt: Any) -> None:  # noqa: N802
        """Of what is passed on as it is."""
        super().setFormatter(fmt)
        self._plain.setFormatter(fmt)

    def emit(self, record: LogRecord) -> None:
        """Say in a line what is to be said of a record, or nothing; whatever goes wrong here does not end the run."""
        try:
            self._emit(record)
        except Exception:
            self.handleError(record)

    def _emit(self, record: LogRecord) -> None:
        if self._whole:
            self._plain.emit(record)
            return
        event, about = getattr(record, "event", None), vars(record)
        if event == LogEvent.WORKFLOW_STARTED:
            self._executes = True
        elif event == LogEvent.RUN_INFO:
            self._begin(about["stats"])
        elif event == LogEvent.JOB_INFO:
            name = NAMES.job(about["rule_name"], dict(about["wildcards"] or {}))
            self._run.start(about["jobid"], Job(about["rule_name"], name, list(about["log"]), record.created))
        elif event == LogEvent.JOB_FINISHED:
            self._finished(about["job_id"], record.created)
        elif event == LogEvent.JOB_ERROR:
            self._failed(about["jobid"], about["log"], about, in_group=about.get("indent", False))
        elif event == LogEvent.GROUP_ERROR:
            self._group_failed(about)
        elif event == LogEvent.ERROR and (status := ended_by(record.getMessage())):
            self._status = status
        elif event in (None, LogEvent.ERROR):
            self._words(record)

    def close(self) -> None:
        """Sum up: how many jobs in what time, and once more what failed."""
        if not self._closed and self._run.total:
            self._closed = True
            self._spoke.set()
            past = duration(time() - self._run.since)
            jobs, *studies = self._how_far()
            self._say(", and ".join([f"{jobs} are finished", *studies]) + f", after {past}.")
            if self._failures:
                self._say(f"{len(self._failures)} failed:", ERROR)
                for line in by_reason(self._failures):
                    self._say(line, ERROR)
                for text in {advice(failure.reason) for failure in self._failures} - {""}:
                    self._say(text, ERROR)
        super().close()

    def _begin(self, stats: Mapping[str, int]) -> None:
        none = {"total", *NAMES.targets()}
        self._run = Run({rule: count for rule, count in stats.items() if rule not in none})
        studies = self._run.of(NAMES.summary)[1]
        more = f", for {studies} {'study' if studies == 1 else 'studies'}" if studies else ""
        self._say(f"{self._run.total} jobs to do{more}.")
        threading.Thread(target=self._watch, daemon=True).start()

    def _finished(self, number: int, now: float) -> None:
        job = self._run.finish(number, now)
        if job is None:
            return
        self._failures = [failure for failure in self._failures if number not in failure.jobs]  # it was tried again
        told = "".join(f"; {text}" for log in job.written() for text in notes(log))
        left = self._run.seconds_left(now)
        more = f", about {duration(left)} left" if left is not None else ""
        self._say(f"{', '.join(self._how_far())}{more}: {job.name}, {duration(now - job.since)}{told}")

    def _how_far(self) -> list[str]:
        """Jobs, and studies, that are finished, of all that this run has to do."""
        done, studies = self._run.of(NAMES.summary)
        told = [f"{done} of {studies} {'study' if studies == 1 else 'studies'}"] if studies else []
        return [f"{self._run.done} of {self._run.total} jobs", *told]

    def _failed(self, number: int, logs: list[str], about: Mapping[str, Any], *, in_group: bool) -> None:
        job = self._run.drop(number)
        if job is None:
            return
        reason = reason_of(job.written(), [log for log in logs if log not in job.logs], self._status, about)
        self._status = ""
        if reason or not in_group:  # of the jobs in a group those failed that say so
            self._report(Failure(frozenset([number]), job.name, reason, logs))

    def _group_failed(self, about: Mapping[str, Any]) -> None:
        """Of the group; its jobs follow."""
        logs, jobs = list(about["aux_logs"]), frozenset(each["jobid"] for each in about["job_error_info"])
        name = f"one of {len(jobs)} jobs of the group {about['groupid']}"
        self._report(Failure(jobs, name, reason_of([], logs, "", about), logs))

    def _report(self, failure: Failure) -> None:
        told = {advice(before.reason) for before in self._failures}
        self._failures.append(failure)
        self._say(f"FAILED: {failure}", ERROR)
        if (text := advice(failure.reason)) not in {"", *told}:
            self._say(text, ERROR)

    def _words(self, record: LogRecord) -> None:
        """What Snakemake says in words: what matters while it runs a workflow, and all else that it is asked for."""
        text = record.getMessage()
        if again := _RESTART.match(text):
            names = [failure.name for failure in self._failures if again[1] in map(str, failure.jobs)]
            self._say(f"Trying again: {names[-1] if names else 'a group of jobs'}", WARNING)
        elif self._failures and any(words in text for words in _SAID_BETTER):
            return
        elif record.levelno >= WARNING or text.startswith(_KEPT) or not (self._executes or text.startswith(_NO_NEWS)):
            self._spoke.set()
            self._plain.emit(record)

    def _watch(self) -> None:
        """Name the jobs that run, and how far they are, whenever nothing was said for a while."""
        silence = _SILENCE
        while not self._closed:
            if self._spoke.wait(silence):
                self._spoke.clear()
                silence = _SILENCE
            elif line := self._running():
                self._say(line)
                self._spoke.clear()
                silence = min(2 * silence, _LONGEST_SILENCE)

    def _running(self) -> str:
        jobs, now = self._run.running(), time()
        told = []
        for job in jobs[:_NAMED]:
            how_far = next(filter(None, map(last_line, job.written())), "")
            told.append(f"{job.name}, {duration(now - job.since)}{f' ({how_far})' if how_far else ''}")
        more = [f"and {len(jobs) - _NAMED} more"] if len(jobs) > _NAMED else []
        return f"running: {'; '.join([*told, *more])}" if jobs else ""

    def _say(self, text: str, level: int = INFO) -> None:
        self._spoke.set()
        if level > INFO:
            text = self._plain.decorate(LogRecord("", level, "", 0, text, None, None), text)
        self.acquire()  # as for records: lines of two threads are not to mix
        try:
            print(text, file=self._plain.stream, flush=True)
        finally:
            self.release()
