"""On a SLURM with accounting: cancelled jobs are noticed, wrong requests refused, and no stopped run leaves jobs."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import accounting
import pytest
from laboratory import Laboratory
from on_slurm import command, environment, submitted, wait_until
from slurm import PROGRAMS, Slurm, missing

NEEDED = missing((*PROGRAMS, *accounting.PROGRAMS))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(NEEDED), reason=f"SLURM with accounting is not installed: no {', '.join(NEEDED)}"),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    with Slurm(tmp_path_factory.mktemp("slurm"), with_accounting=True) as running:
        yield running


@contextmanager
def sleeping(laboratory: Laboratory, cluster: Slurm, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A run of its own process group whose first jobs, two groups of one task each, would take minutes."""
    laboratory.edit("workflow/scripts/build_task.py", lambda text: "import time\n\ntime.sleep(300)\n" + text)
    laboratory.edit_config(lambda config: config["studies"]["one"]["task"].update(train_size=[6, 8]))
    one_each = ["--group-components", "tasks=1", "measurements=1"]
    run = subprocess.Popen(
        command(laboratory, "tasks", "--retries", "0", *one_each, *arguments), cwd=laboratory.folder,
        env=environment(laboratory, cluster), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield run
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)


def alive(cluster: Slurm) -> list[dict[str, str]]:
    return [job for job in cluster.jobs() if job["state"] in {"PENDING", "RUNNING", "CONFIGURING"}]


def test_a_cancelled_job_is_noticed_and_its_log_named(new_tiny: Laboratory, cluster: Slurm) -> None:
    with sleeping(new_tiny, cluster) as run:
        first, second = wait_until(lambda: len(alive(cluster)) == 2 and alive(cluster))
        log = wait_until(lambda: list((new_tiny.folder / ".snakemake/slurm_logs").rglob(f"{first['id']}.log")))[0]
        for job in (first, second):
            cluster.run("scancel", job["id"])
        text, _ = run.communicate(timeout=60)
    assert run.returncode != 0
    assert "CANCELLED by" in cluster.run("sacct", "-X", "-n", "-j", first["id"], "--format=State%30")
    assert text.count("FAILED: one of 1 jobs of the group tasks") == 2
    assert str(log) in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--default-resources", "slurm_partition=mian", "slurm_account=labb"],
            ["slurm_partition = 'mian' .* no.* of this name .did you mean 'main'",
             "slurm_account = 'labb' .* Allowed: lab, root",
             r"  main \(default\): runtime 600, cpus \d+, mem_mb \d+, gpu 1"],
        ),
        (
            ["--slurm-qos", "fast", "--set-resources", "train:runtime=601", "train:mem_mb=10000000", "train:gpu=2",
             "build_task:runtime=301", "--config", "execution={threads: 1000}"],
            ["slurm-qos = 'fast' .* Allowed: normal", r"runtime = 601 \(train\): .* at most 600. Set execution.longest",
             r"mem_mb = 10000000 \(train\)", r"gpu = 2 \(train\): .* at most 1", r"cpus = 1000 \(train\)"],
        ),
        (["--default-resources", "constraint=avx9"], ["Invalid feature specification"]),
        (["--slurm-reservation", "none"], ["reservation.* invalid"]),
    ],
    ids=["names", "amounts", "in SLURM's words", "a reservation"],
)  # fmt: skip
def test_what_the_cluster_would_not_run_is_refused_before_anything_is_submitted(
    new_tiny: Laboratory, cluster: Slurm, arguments: list[str], told: list[str]
) -> None:
    before = cluster.jobs()
    done = submitted(new_tiny, cluster, *arguments)
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "no job was submitted" in text
    assert "Traceback" not in text
    for words in told:
        assert re.search(words, text), text[-3000:]
    assert cluster.jobs() == before
    assert not list((new_tiny.folder / ".snakemake/locks").glob("*"))


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to", ["process", "group"])
def test_a_run_that_is_stopped_leaves_no_jobs(
    new_tiny: Laboratory, cluster: Slurm, sent: signal.Signals, to: str
) -> None:
    with sleeping(new_tiny, cluster) as run:
        wait_until(lambda: len(alive(cluster)) == 2)
        (os.kill if to == "process" else os.killpg)(run.pid, sent)
        wait_until(lambda: not alive(cluster), seconds=10)
        text, _ = run.communicate(timeout=20)
    assert run.returncode != 0
    assert "All jobs that this run has submitted are cancelled" in text


def test_nor_does_one_that_is_stopped_while_it_submits(new_tiny: Laboratory, cluster: Slurm) -> None:
    slow = cluster.root / "bin/sbatch"
    slow.write_text(f'#!/bin/sh\ncase "$*" in *--test-only*) ;; *) touch {cluster.root}/asked; sleep 3;; esac\n'
                    f'exec {shutil.which("sbatch")} "$@"\n')  # fmt: skip
    slow.chmod(0o755)
    with sleeping(new_tiny, cluster, "--retries", "2", "--set-resources", "build_task:runtime=attempt*300") as run:
        wait_until((cluster.root / "asked").exists)
        os.kill(run.pid, signal.SIGTERM)
        text, _ = run.communicate(timeout=30)
    slow.unlink()
    assert run.returncode != 0
    assert "asks for more when it is tried again" in text
    assert "runtime = 900 (tasks, the most of 2 jobs): partition 'main' grants at most 600" in text
    wait_until(lambda: not alive(cluster), seconds=10)
