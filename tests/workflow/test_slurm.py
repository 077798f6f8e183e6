"""The same workflow through a real SLURM: every job is a SLURM job, and the results are the local ones."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from laboratory import TINY, Laboratory
from on_slurm import command, environment, of_rule, submitted, wait_until
from slurm import Slurm, missing

from implicitbias import schema
from implicitbias.config.load import validate
from implicitbias.config.plan import make_plan

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=f"SLURM is not installed: no {', '.join(missing())}"),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    with Slurm(tmp_path_factory.mktemp("slurm")) as running:
        yield running


def same_results(laboratory: Laboratory, local: Laboratory) -> None:
    paths = list((local.folder / "results").rglob("*.nc"))
    assert paths
    for path in paths:
        other = laboratory.folder / path.relative_to(local.folder)
        assert schema.load(other).identical(schema.load(path)), path.name


def test_the_whole_test_config_runs_in_four_jobs_with_equal_results(
    tmp_path: Path, finished_test_config: Laboratory, cluster: Slurm
) -> None:
    """Its jobs are seconds long, so here the expensive rules are grouped too."""
    laboratory = Laboratory.create(tmp_path / "laboratory")
    groups = {
        "build_task": "tasks", "train": "runs", "sample": "runs", "evaluate_nngp": "nngp", "run_experiment": "nngp",
        "measure": "measurements",
    }  # fmt: skip
    before = {job["id"] for job in cluster.jobs()}
    done = submitted(
        laboratory, cluster, "--groups", *(f"{rule}={group}" for rule, group in groups.items()),
        "--group-components", *(f"{group}=1000" for group in sorted(set(groups.values()))),
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    jobs = [job for job in cluster.jobs() if job["id"] not in before]
    assert {job["state"] for job in jobs} == {"COMPLETED"}
    assert len(jobs) == 4
    assert {job["cpus"] for job in jobs} == {"1"}  # one job of a group runs after another
    same_results(laboratory, finished_test_config)
    assert laboratory.planned() == {}


def test_a_job_that_fails_once_is_tried_again_with_twice_the_memory_and_time(
    new_tiny: Laboratory, finished_tiny: Laboratory, cluster: Slurm
) -> None:
    """And what is expensive is a SLURM job of its own, by the profile's groups."""
    new_tiny.edit(
        "workflow/scripts/train.py",
        lambda text: (
            "from pathlib import Path\n\nif not Path('tried').exists():\n    Path('tried').touch()\n"
            "    raise SystemExit('error: the first attempt fails')\n" + text
        ),
    )
    before = {job["id"] for job in cluster.jobs()}
    done = submitted(new_tiny, cluster)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text[-5000:]
    assert "Trying again: training " in text
    (planned,) = make_plan(validate(TINY)).jobs["training"].values()
    attempts = [job for job in cluster.jobs() if "rule_train" in job["comment"] and job["id"] not in before]
    assert [job["state"] for job in attempts] == ["FAILED", "COMPLETED"]
    assert [job["memory"] for job in attempts] == [f"{planned.request.memory_mb * factor}M" for factor in (1, 2)]
    assert [job["limit"] for job in attempts] == [f"{planned.request.minutes * factor}:00" for factor in (1, 2)]
    same = {path.name for path in (finished_tiny.folder / "results/training").glob("*.nc")}
    assert {path.name for path in (new_tiny.folder / "results/training").glob("*.nc")} == same


@pytest.mark.parametrize("end", ["time limit", "scancel", "node failure"])
def test_a_job_that_is_ended_from_outside_is_named_with_its_log(
    new_tiny: Laboratory, finished_tiny: Laboratory, cluster: Slurm, end: str
) -> None:
    """Only as far as the first job; it is then finished without SLURM, as anybody might."""
    script = new_tiny.folder / "workflow/scripts/build_task.py"
    whole = script.read_text()
    script.write_text("import time\n\ntime.sleep(300)\n" + whole)
    run = subprocess.Popen(
        command(new_tiny, "--retries", "0", "tasks"), cwd=new_tiny.folder, env=environment(new_tiny, cluster),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    (job,) = wait_until(lambda: of_rule(cluster, "tasks", "RUNNING"))
    if end == "scancel":
        cluster.run("scancel", job["id"])
    elif end == "node failure":
        cluster.node("DOWN")
    else:
        cluster.run("scontrol", "update", f"JobId={job['id']}", "TimeLimit=0-00:00:01")
    text, _ = run.communicate(timeout=300)
    cluster.node("RESUME")
    assert run.returncode != 0
    states = {"scancel": "CANCELLED", "time limit": "TIMEOUT", "node failure": "NODE_FAIL"}
    assert {found["state"] for found in cluster.jobs() if found["id"] == job["id"]} == {states[end]}
    assert "jobs of the group tasks: " in text
    words = {"scancel": "CANCELLED AT", "time limit": "DUE TO TIME LIMIT", "node failure": "DUE TO NODE FAILURE"}
    assert words[end] in text, text
    (log,) = (new_tiny.folder / ".snakemake/slurm_logs").rglob(f"{job['id']}.log")
    assert str(log) in text
    script.write_text(whole)
    new_tiny.snakemake()
    same_results(new_tiny, finished_tiny)


def test_a_gpu_is_asked_for_and_its_absence_is_one_clear_line(new_tiny: Laboratory, cluster: Slurm) -> None:
    new_tiny.edit_config(lambda config: config.update(execution={"device": "cuda"}))
    new_tiny.snakemake("tasks")
    before = {job["id"] for job in cluster.jobs()}
    done = submitted(new_tiny, cluster, "--retries", "0", "training")
    text = done.stdout + done.stderr
    assert done.returncode != 0
    (job,) = [job for job in cluster.jobs() if job["id"] not in before]
    assert "gpu:1" in cluster.run("scontrol", "show", "job", job["id"])
    assert "execution.device = 'cuda': this machine shows torch no CUDA device" in text
    assert "Traceback" not in text


def test_a_run_whose_scheduler_was_killed_is_finished_by_the_next(
    new_tiny: Laboratory, finished_tiny: Laboratory, cluster: Slurm
) -> None:
    """SLURM's jobs outlive it: one is still at work when the next call starts, and spoils nothing."""
    run = subprocess.Popen(
        command(new_tiny), cwd=new_tiny.folder, env=environment(new_tiny, cluster), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    before = {job["id"] for job in cluster.jobs()}
    wait_until(lambda: [job for job in of_rule(cluster, "tasks", "PENDING", "RUNNING") if job["id"] not in before])
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    new_tiny.snakemake("--unlock")
    done = submitted(new_tiny, cluster)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    same_results(new_tiny, finished_tiny)
    assert new_tiny.planned() == {}
