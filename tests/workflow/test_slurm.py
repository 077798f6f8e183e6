"""The same workflow through a real SLURM: every job is a SLURM job, and the results are the local ones."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from laboratory import TINY, Laboratory
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


def submitted(laboratory: Laboratory, cluster: Slurm, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run through the SLURM profile; without accounting, job states come from squeue."""
    private = [
        "--slurm-no-account",
        "--slurm-init-seconds-before-status-checks",
        "5",
        "--slurm-status-command",
        "squeue",
    ]
    private += ["--latency-wait", "10", "--seconds-between-status-checks", "2"]
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--configfile", laboratory.config, "--profile", "workflow/profiles/slurm",
         *private, *arguments],
        cwd=laboratory.folder, env={**laboratory.environment, **cluster.environment,
                                    "PYTHONPATH": laboratory.environment["PYTHONPATH"]},
        capture_output=True, text=True, check=False, timeout=400,
    )  # fmt: skip


def test_the_workflow_runs_on_slurm_with_equal_results(
    new_tiny: Laboratory, finished_tiny: Laboratory, cluster: Slurm
) -> None:
    done = submitted(new_tiny, cluster)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    jobs = cluster.jobs()
    assert {job["state"] for job in jobs} == {"COMPLETED"}
    rules = {job["comment"].split("_wildcards")[0].removeprefix("rule_") for job in jobs}
    assert {"build_task", "train", "measure", "evaluate_nngp", "assemble_study"} <= rules
    asked = [job["memory"] for job in jobs if "rule_train" in job["comment"]]
    (planned,) = make_plan(validate(TINY)).jobs["training"].values()
    assert asked == [f"{planned.size.memory_mb}M"]
    for path in (finished_tiny.folder / "results").rglob("*.nc"):
        other = new_tiny.folder / path.relative_to(finished_tiny.folder)
        assert schema.load(other).identical(schema.load(path)), path.name
    assert new_tiny.planned() == {}
