"""What the workflow costs beside the work: deciding what is left to do, and starting a job; the test run skips it."""

import ast
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
import yaml

from implicitbias.config.jobs import STAGES
from implicitbias.config.load import config_of
from implicitbias.config.plan import make_plan

ROOT = Path(__file__).parents[2]
LARGE: dict[str, Any] = {
    "name": "large",
    "studies": {
        "large": {
            "task": {
                "source": "digits", "labels": ["decimal", "binary", "random"], "train_size": list(range(10, 110, 10))
            },
            "network": {"depth": [2, 3, 4, 5, 6, 7], "width": [8, 16, 32]},
            "training": {"epochs": 1, "learning_rate": [0.01, 0.02, 0.03, 0.04, 0.05]},
            "nngp": {"estimators": ["bound"]},
            "ensemble": ["seed"],
            "metrics": ["test_error"],
        }
    },
}  # fmt: skip
"""A synthetic grid of 5610 jobs."""


def decide(folder: Path, config: Path) -> str:
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder),
        "--workflow-profile", str(ROOT / "workflow/profiles/default"), "--configfile", str(config), "--cores", "2",
        "--dry-run", "--quiet", "all",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", ["paper", "large"])
@pytest.mark.parametrize("finished", [False, True])
def test_decision(benchmark: Any, tmp_path: Path, name: str, finished: bool) -> None:
    """On an empty folder, and with every result there (empty files; records of past runs cost a fifth more)."""
    config = ROOT / "config/paper.yaml"
    if name == "large":
        config = tmp_path / "large.yaml"
        config.write_text(yaml.safe_dump(LARGE))
    plan = make_plan(config_of(config))
    if finished:
        paths = [f"{stage}/{key}.nc" for stage in STAGES for key in plan.jobs[stage]]
        for study, planned in plan.studies.items():
            paths += [f"{name}/studies/{study}.nc", f"{name}/studies/all_runs.nc"]
            paths += [f"{name}/figures/all_runs.{end}" for end in ("png", "pdf")]
            paths += [f"{name}/figures/{study}/{figure}.{end}" for figure in planned.figures for end in ("png", "pdf")]
        for path in [*paths, f"{name}/report.html"]:
            (tmp_path / "results" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "results" / path).touch()
    text = benchmark.pedantic(decide, (tmp_path, config), rounds=1)
    assert ("Nothing to be done" in text) == finished
    benchmark.extra_info["jobs"] = sum(map(len, plan.jobs.values()))
    print(benchmark.extra_info)


NOTHING = "with job.logged_to('/dev/null'): pass"
SCRIPTS = sorted(path.name for path in (ROOT / "workflow/scripts").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_job_overhead(benchmark: Any, script: str) -> None:
    """What a job of a rule costs that does nothing: a process that imports what its script imports, and Snakemake's."""
    tree = ast.parse((ROOT / "workflow/scripts" / script).read_text())
    imports = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]

    def start(lines: list[str]) -> None:
        subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)

    benchmark.pedantic(start, (["from snakemake import script", *imports, NOTHING],), rounds=3, warmup_rounds=1)
    began = perf_counter()
    start(["import torch"])
    benchmark.extra_info["times an import of torch"] = benchmark.stats["min"] / (perf_counter() - began)
    print(script, f"{benchmark.stats['min']:.2f} s,", benchmark.extra_info)
