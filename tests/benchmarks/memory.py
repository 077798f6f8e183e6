"""What jobs ask a scheduler for and what they take, of every stage at three sizes, each job in a process of its own.

A finished job's log ends with its memory. A scheduled job has two processes of Snakemake beside it, of 200 MB each;
with the libraries they are the floor of what is asked for.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from implicitbias.config.jobs import STAGES
from implicitbias.config.layout import dataset, log_of
from implicitbias.config.load import validate
from implicitbias.config.plan import Plan, make_plan

ROOT = Path(__file__).parents[2]
SNAKEMAKE_MB = 400
_TASK = {"source": "gaussian", "seed": 0, "test_size": 1000}
_SHORT = {"epochs": 2, "batch_size": 50}


def _trained(width: int, size: int, metrics: list[str], features: int = 100, **training: Any) -> dict[str, Any]:
    return {
        "task": {**_TASK, "train_size": size, "features": features},
        "network": {"depth": 5, "width": width},
        "training": {**_SHORT, **training},
        "metrics": metrics,
    }


def _infinite(size: int, labels: str = "own", **more: Any) -> dict[str, Any]:
    task = {**_TASK, "train_size": size} if labels == "own" else {"source": "digits", "labels": labels}
    task |= {"train_size": size, "seed": 0}
    nngp = {"estimators": ["bound", "mixture"], "lazy": True, "label_scale": 1.0}
    return {"task": task, "network": {"depth": 3}, "nngp": nngp | more}


STUDIES: dict[str, Any] = {
    "train_narrow": _trained(256, 200, ["test_error"]),
    "train_ensemble": _trained(512, 200, ["stable_rank"], members=60),
    "train_wide": _trained(3000, 200, ["stable_rank"], members=2),
    "train_features": _trained(64, 5000, ["test_error"], features=10000),
    "train_kernel": _trained(512, 500, ["tangent_kernel_alignment"]),
    "cnn": {
        "task": {"source": "digits", "labels": "digit", "train_size": 500, "seed": 0},
        "network": {"architecture": "cnn", "depth": 4, "width": [16, 64]},
        "training": _SHORT | {"members": 5, "loss": "cross_entropy"},
        "metrics": ["test_error"],
    },
    "sample_small": {
        "task": {"source": "digits", "labels": "binary", "train_size": 10, "seed": 0},
        "network": {"depth": 2, "width": [32, 256, 2048]},
        "sampling": {"draws": 2000},
        "metrics": ["test_error"],
    },
    "infinite_small": _infinite(100),
    "infinite_large": _infinite(2000),
    "infinite_classes": _infinite(200, "digit"),
    "linear_student": {"experiment": {"name": "linear_student", "seed": 0}},
    "boolean_prior": {"experiment": {"name": "boolean_prior", "seed": 0}},
    "calibration": {"experiment": {"name": "calibration", "estimator": "mixture", "seed": 0}},
}


def asked_and_taken(plan: Plan, results: Path) -> list[tuple[str, str, int, int]]:
    """Stage, key, MB asked for and MB taken of every job whose log is there."""
    rows = []
    for stage in STAGES:
        for key, job in plan.jobs[stage].items():
            log = results / log_of(f"{stage}/{key}")
            found = re.search(r"(\d+) MB at most$", log.read_text().strip()) if log.exists() else None
            if found:
                rows.append((stage, key, job.request.memory_mb, int(found[1])))
    return rows


def main() -> None:
    """Run the studies above and print the table."""
    config = {"studies": STUDIES}
    plan = make_plan(validate(config))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.yaml")
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        targets = [dataset(f"{stage}/{key}") for stage in STAGES for key in plan.jobs[stage]]
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", folder]
        command += [
            "--configfile",
            str(path),
            "--cores",
            "1",
            "--keep-going",
            "--sdm",
            "env-modules",
        ]  # no warm process
        subprocess.run([*command, "--", *targets], env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False)
        rows = asked_and_taken(plan, Path(folder))
    print("| stage | job | asked, MB | taken, MB | times |\n| --- | --- | --- | --- | --- |")
    for stage, key, asked, taken in rows:
        whole = taken + SNAKEMAKE_MB
        print(f"| {stage} | `{key}` | {asked} | {whole} | {asked / whole:.1f} |")


if __name__ == "__main__":
    main()
