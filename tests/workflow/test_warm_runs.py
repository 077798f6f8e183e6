"""Jobs of a run on this machine are forks of its warm process, which ends with the run however that ends."""

import signal
import subprocess
from collections.abc import Callable

import psutil
import pytest
from laboratory import Laboratory
from test_faults import started, wait_for

TELL = "    print('forked from', psutil.Process(os.getppid()).cmdline())\n"


def warm(laboratory: Laboratory) -> list[psutil.Process]:
    """The warm processes that were started in this folder."""
    folder = str(laboratory.folder)
    running = psutil.process_iter(["cmdline", "cwd"])
    return [one for one in running if one.info["cwd"] == folder and "warm.py" in " ".join(one.info["cmdline"] or [])]


def tell(laboratory: Laboratory) -> None:
    """Have the jobs that build tasks write into their logs which process they came from."""

    def change(text: str) -> str:
        return "import os\nimport psutil\n" + text.replace("    task = build(", f"{TELL}    task = build(")

    laboratory.edit("workflow/scripts/build_task.py", change)


def origin(laboratory: Laboratory) -> str:
    (log,) = laboratory.folder.rglob("logs/tasks/*.log")
    return log.read_text()


def test_jobs_are_forks_of_a_process_that_ends_with_the_run(new_tiny: Laboratory) -> None:
    tell(new_tiny)
    new_tiny.snakemake()
    assert "warm.py" in origin(new_tiny)
    psutil.wait_procs(warm(new_tiny), timeout=10)
    assert not warm(new_tiny)


def test_jobs_in_environments_of_their_own_are_not(new_tiny: Laboratory) -> None:
    tell(new_tiny)
    new_tiny.snakemake("--sdm", "env-modules")
    assert "snakemake" in origin(new_tiny)
    assert "warm.py" not in origin(new_tiny)


@pytest.mark.parametrize("end", [subprocess.Popen.kill, lambda process: process.send_signal(signal.SIGINT)])
def test_the_warm_process_ends_with_a_run_that_is_killed(
    new_tiny: Laboratory, end: Callable[["subprocess.Popen[bytes]"], None]
) -> None:
    process = started(new_tiny)
    wait_for(new_tiny, "tasks/*.nc", process)
    assert warm(new_tiny)
    end(process)
    process.wait(60)
    psutil.wait_procs(warm(new_tiny), timeout=20)
    assert not warm(new_tiny)
