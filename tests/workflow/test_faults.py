"""Killed, damaged, misconfigured: the next call finishes, or one clear message says what to do."""

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from laboratory import Laboratory

from implicitbias import schema


def started(laboratory: Laboratory) -> subprocess.Popen[bytes]:
    """Snakemake in a process group of its own, so that the whole group can be killed at once."""
    return subprocess.Popen(
        laboratory.command(), cwd=laboratory.folder, env=laboratory.environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def wait_for(laboratory: Laboratory, pattern: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not list((laboratory.folder / "results").glob(pattern)):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("moment", ["tasks/*.nc", "training/*.nc"])
def test_a_killed_run_is_finished_by_the_next_call(
    new_tiny: Laboratory, finished_tiny: Laboratory, moment: str
) -> None:
    process = started(new_tiny)
    wait_for(new_tiny, moment, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    new_tiny.snakemake("--unlock")
    done = new_tiny.snakemake()
    if moment == "tasks/*.nc":
        assert "evaluate_nngp" in done.stdout + done.stderr
    for path in (finished_tiny.folder / "results").rglob("*.nc"):
        other = new_tiny.folder / path.relative_to(finished_tiny.folder)
        assert schema.load(other).identical(schema.load(path)), path.name
    assert not list((new_tiny.folder / "results").rglob("*.part*"))


def test_make_clears_the_lock_of_a_killed_run_but_not_of_a_living_one(new_tiny: Laboratory) -> None:
    process = started(new_tiny)
    holder = new_tiny.folder / ".snakemake/holder"
    wait_for(new_tiny, "tasks/*.nc", process)
    holder.write_text(f"{os.uname().nodename} {process.pid}\n")

    def unlock() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "workflow/unlock.py", new_tiny.config], cwd=new_tiny.folder, env=new_tiny.environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    living = unlock()
    assert living.returncode == 1
    assert f"process {process.pid}" in living.stdout
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    dead = unlock()
    assert dead.returncode == 0, dead.stdout + dead.stderr
    assert "its lock is cleared" in dead.stdout
    assert not list((new_tiny.folder / ".snakemake/locks").glob("*"))


def test_a_damaged_file_is_named_with_its_remedy_and_can_be_rebuilt(tiny: Laboratory) -> None:
    task = next((tiny.folder / "results/tasks").glob("*.nc"))
    task.write_bytes(task.read_bytes()[:1000])
    for run in (tiny.folder / "results/training").glob("*.nc"):
        run.unlink()
    failed = tiny.snakemake(check=False)
    text = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert f"results/tasks/{task.name}: cannot be read, the file is damaged" in text
    assert f"rm results/tasks/{task.name}" in text
    assert "Traceback" not in text
    task.unlink()
    tiny.snakemake()
    assert tiny.planned() == {}


def set_key(*path: str, value: Any) -> Any:
    def change(config: dict[str, Any]) -> None:
        block = config
        for part in path[:-1]:
            block = block[part]
        block[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        (set_key("studies", "one", "network", "widht", value=3), "did you mean 'width'"),
        (set_key("studies", "one", "network", "width", value=-3), "greater than or equal to 1"),
        (set_key("studies", "one", "training", "learning_rate", value=math.nan), "learning_rate"),
        (set_key("studies", "one", "task", "train_size", value=5000), "at most 240"),
    ],
)
def test_a_bad_config_stops_before_any_job_with_one_clear_message(
    new_tiny: Laboratory, change: Any, fragment: str
) -> None:
    new_tiny.edit_config(change)
    failed = new_tiny.snakemake(check=False)
    text = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert "config/tiny.yaml: studies.one" in text
    assert fragment in text
    assert "Traceback" not in text
    assert not Path(new_tiny.folder / "results").exists()
