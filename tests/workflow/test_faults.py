"""Killed, damaged, misconfigured: the next call finishes, or one clear message says what to do."""

import contextlib
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
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
        assert ": infinite width " in done.stdout + done.stderr
    same_results(new_tiny, finished_tiny)


def same_results(laboratory: Laboratory, undisturbed: Laboratory) -> None:
    compared = 0
    for path in (undisturbed.folder / "results").rglob("*.nc"):
        other = laboratory.folder / path.relative_to(undisturbed.folder)
        assert schema.load(other).identical(schema.load(path)), path.name
        compared += 1
    assert compared == 6
    assert not list((laboratory.folder / "results").rglob("*.part*"))


@pytest.mark.slow
@pytest.mark.parametrize("chain", range(4))
def test_killed_again_and_again_at_random_moments(new_tiny: Laboratory, finished_tiny: Laboratory, chain: int) -> None:
    """Three times the whole run, twice one job's process, at random moments; then the run is finished as ever."""
    moments = random.Random(chain)
    for victim in ("run", "job", "run", "job", "run"):
        process = started(new_tiny)
        if victim == "run":
            time.sleep(moments.uniform(0.5, 8))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        else:
            job = None
            while job is None and process.poll() is None:
                job = job_of(process)
            if job is not None:
                time.sleep(moments.uniform(0, 2))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(job, signal.SIGKILL)
        process.wait()
        new_tiny.snakemake("--unlock")
    new_tiny.snakemake()
    same_results(new_tiny, finished_tiny)


def job_of(process: subprocess.Popen[bytes]) -> int | None:
    """The process of a job's script, if one runs now."""
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            if ".snakemake/scripts/" in " ".join(child.cmdline()):
                return int(child.pid)
    return None


@pytest.fixture
def small_disk(new_tiny: Laboratory) -> Iterator[Path]:
    """The results on a disk of a quarter of a megabyte."""
    results = new_tiny.folder / "results"
    results.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(results)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield results
    subprocess.run(["umount", str(results)], check=True)


def test_a_full_disk_is_named_and_nothing_whole_is_lost(
    new_tiny: Laboratory, finished_tiny: Laboratory, small_disk: Path
) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes(180_000))
    failed = new_tiny.snakemake(check=False)
    text = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert "cannot be written" in text
    assert "MB are free there" in text
    assert "Traceback" not in text
    for path in small_disk.rglob("*.nc"):
        schema.load(path)
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    new_tiny.snakemake()
    same_results(new_tiny, finished_tiny)


def test_a_second_run_in_the_folder_is_refused_and_harms_nothing(
    new_tiny: Laboratory, finished_tiny: Laboratory
) -> None:
    first = started(new_tiny)
    deadline = time.monotonic() + 60
    while not list((new_tiny.folder / ".snakemake/locks").glob("*")):
        assert first.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    second = new_tiny.snakemake(check=False)
    text = second.stdout + second.stderr
    assert second.returncode != 0
    assert "Directory cannot be locked" in text
    assert "Traceback" not in text
    assert first.wait() == 0
    same_results(new_tiny, finished_tiny)


@pytest.mark.parametrize("note", ["whole", "", "host only", "\x00"])
def test_make_clears_the_lock_of_a_killed_run_but_not_of_a_living_one(new_tiny: Laboratory, note: str) -> None:
    """Also where the note of who holds the lock was not written to its end."""
    process = started(new_tiny)
    holder = new_tiny.folder / ".snakemake/holder"
    wait_for(new_tiny, "tasks/*.nc", process)
    holder.write_text(f"{os.uname().nodename} {process.pid}\n")

    if note != "whole":
        holder.write_text(note)
    living = before(new_tiny)
    assert living.returncode == 1
    assert f"process {process.pid}" in living.stdout
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    dead = before(new_tiny)
    assert dead.returncode == 0, dead.stdout + dead.stderr
    assert "its lock is cleared" in dead.stdout
    assert not list((new_tiny.folder / ".snakemake/locks").glob("*"))


@pytest.mark.parametrize("damage", [lambda whole: whole[:1000], lambda whole: whole[:-3000] + bytes(3000)])
def test_a_damaged_file_is_named_with_its_remedy_and_can_be_rebuilt(
    tiny: Laboratory, damage: Callable[[bytes], bytes]
) -> None:
    task = next((tiny.folder / "results/tasks").glob("*.nc"))
    task.write_bytes(damage(task.read_bytes()))
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
    ("change", "fragments"),
    [
        (("train_size:\n      - 6", "train_size: 020"), ["train_size: YAML reads 020 as"]),
        (("    - bounds", "      '../../../esc': {figure: bounds}"), ["studies.one.figures, key '../../../esc'"]),
        (("    - bounds", "      a b: {figure: bounds}"), ["studies.one.figures, key 'a b'", "allowed: letters"]),
        (("name: tiny", "name: tiny\nname: tiny"), ["line 2", "'name' stands twice"]),
    ],
)
def test_what_yaml_or_a_file_system_would_take_otherwise_is_refused_before_any_job(
    new_tiny: Laboratory, change: tuple[str, str], fragments: list[str]
) -> None:
    """Also by Snakemake without make, which reads the config itself."""
    new_tiny.edit(new_tiny.config, lambda text: text.replace(*change))
    done = new_tiny.snakemake(check=False)
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in text
    for fragment in ["config/tiny.yaml: ", *fragments]:
        assert fragment in text
    assert not (new_tiny.folder / "results").exists()


def before(laboratory: Laboratory) -> subprocess.CompletedProcess[str]:
    """What `make` runs before Snakemake."""
    return subprocess.run(
        [sys.executable, "workflow/before.py", laboratory.config], cwd=laboratory.folder, env=laboratory.environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (None, "cannot be read (No such file"),
        ("folder", "cannot be read (Is a directory"),
        (b"", "is empty"),
        (b"studies: {one: {{ study }}}", "templates in braces"),
        (b"studies:\n\tone: 1", "by spaces, not by tabs"),
        ("name: \u00e4".encode("latin-1"), "is not UTF-8 text"),
    ],
)
def test_a_config_that_snakemake_cannot_read_is_refused_by_make_in_one_line(
    new_tiny: Laboratory, content: Any, fragment: str
) -> None:
    path = new_tiny.folder / new_tiny.config
    path.unlink()
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    done = before(new_tiny)
    assert done.returncode != 0
    assert done.stderr == ""
    (_, line) = done.stdout.splitlines()
    assert line.startswith(f"{new_tiny.config}: ")
    assert fragment in line


def test_blocks_that_are_merged_run(new_tiny: Laboratory) -> None:
    study = (
        "&s\n    <<: &t {task: {source: digits, labels: binary, train_size: 6, test_size: 20}}\n    network: {depth: 2}"
    )
    rest = "    nngp: {estimators: [bound], posterior: false}\n"
    (new_tiny.folder / new_tiny.config).write_text(f"name: tiny\nstudies:\n  one: {study}\n{rest}  two: {{<<: *s}}\n")
    assert new_tiny.planned()["assemble_study"] == 2


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
