"""Why a job failed: its own log first, then a cluster's, then how its process ended."""

import os
import time
from pathlib import Path

import pytest

from snakemake_logger_plugin_laboratory.failures import Failure, advice, by_reason, ended_by, reason_of
from snakemake_logger_plugin_laboratory.run import Job

KILLED = (
    'RuleException:\nCalledProcessError in file "/lab/workflow/rules/training.smk", line 27:\n'
    "Command 'set -euo pipefail;  python /lab/train.py' died with <Signals.SIGKILL: 9>."
)
STATUS = KILLED.replace("died with <Signals.SIGKILL: 9>", "returned non-zero exit status 137")


@pytest.mark.parametrize(
    ("text", "status"), [(KILLED, "SIGKILL"), (STATUS, "137"), ("MissingOutputException in rule train", "")]
)
def test_how_a_process_ended_is_read_from_what_snakemake_says(text: str, status: str) -> None:
    assert ended_by(text) == status


def test_the_jobs_own_log_says_best(tmp_path: Path) -> None:
    own, cluster = tmp_path / "own.log", tmp_path / "slurm.log"
    own.write_text("training: epoch 3 of 4\nerror: results/a.nc: cannot be read\n")
    cluster.write_text("slurmstepd-vm: error: *** JOB 12 ON vm CANCELLED AT 2026 DUE TO TIME LIMIT ***\nExited\n\n")
    said = {"rule_msg": "SLURM status is: 'TIMEOUT'."}
    assert reason_of([own], [str(cluster)], "1", said) == "results/a.nc: cannot be read"
    told = reason_of([], [str(cluster)], "1", said)
    assert told.startswith("SLURM status is: 'TIMEOUT'. slurmstepd-vm: error: *** JOB 12")
    assert told.endswith("DUE TO TIME LIMIT ***")
    assert reason_of([tmp_path / "none.log"], [], "1", {"rule_msg": None}) == (
        "it ended before it could say why (exit status 1)"
    )
    assert reason_of([], [], "", {}) == ""


def test_what_an_earlier_run_has_left_in_a_log_is_not_read(tmp_path: Path) -> None:
    log, now = tmp_path / "own.log", time.time()
    log.write_text("error: of yesterday\n")
    assert Job("train", "training", [str(log)], now).written() == [log]
    os.utime(log, (now - 60, now - 60))
    assert Job("train", "training", [str(log)], now).written() == []


@pytest.mark.parametrize("status", ["SIGKILL", "137"])
def test_a_killed_job_gets_advice_on_memory(status: str) -> None:
    assert "largest_mb" in advice(reason_of([], [], status, {}))
    assert not advice(reason_of([], [], "SIGTERM", {}))


def test_a_failure_is_one_line_with_its_log() -> None:
    assert str(Failure(frozenset([3]), "training a", "no room", ["a.log"])) == "training a: no room (log: a.log)"
    assert str(Failure(frozenset([3]), "training a", "", [])) == "training a: no reason is known"


@pytest.mark.parametrize(
    "reason",
    [
        "MemoryError",
        "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 7.28 TiB for an array",
        "RuntimeError: [enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB",
        "slurmstepd: error: Detected 1 oom_kill event in StepId=12.0. Some of the step tasks have been OOM Killed.",
    ],
)
def test_whoever_runs_out_of_memory_is_told_what_to_change(reason):
    assert "execution: {largest_mb" in advice(reason)
    assert "--resources mem_mb" in advice(reason)


def test_other_failures_get_no_such_advice():
    assert advice("RuntimeError: broken on purpose") == ""


def test_failures_for_one_reason_are_a_line_in_the_end() -> None:
    reasons = ["no room", "undefined", "no room", "", "", "no room"]
    failures = [Failure(frozenset([i]), f"job {i}", reason, []) for i, reason in enumerate(reasons)]
    assert by_reason(failures) == [
        "  job 0: no room", "    and 2 more for the same reason", "  job 1: undefined", "  job 3: no reason is known",
        "  job 4: no reason is known",
    ]  # fmt: skip
    assert by_reason(failures, most=1)[-1] == "  and 3 more"
