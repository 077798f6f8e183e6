"""Snakemake run on a private SLURM as a user would, and what the queue shows of it."""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from laboratory import Laboratory
from slurm import Slurm


def command(laboratory: Laboratory, *arguments: str) -> list[str]:
    """Snakemake through the SLURM profile, in a hurry."""
    private = ["--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "10"]
    profile = ["--configfile", laboratory.config, "--workflow-profile", "slurm"]
    return [sys.executable, "-m", "snakemake", *profile, *private, *arguments]


def environment(laboratory: Laboratory, cluster: Slurm) -> dict[str, str]:
    return laboratory.environment | cluster.environment | {"PYTHONPATH": laboratory.environment["PYTHONPATH"]}


def submitted(laboratory: Laboratory, cluster: Slurm, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(laboratory, *arguments), cwd=laboratory.folder, env=environment(laboratory, cluster),
        capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip


def wait_until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def of_rule(cluster: Slurm, rule: str, *states: str) -> list[dict[str, str]]:
    return [job for job in cluster.jobs() if f"rule_{rule}" in job["comment"] and job["state"] in states]
