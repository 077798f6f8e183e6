"""Scratch copies of the laboratory, and Snakemake run in them as a user would."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "profiles", "workflow", "config", "src", "pyproject.toml")

TINY: dict[str, Any] = {
    "name": "tiny",
    "studies": {
        "one": {
            "task": {"source": "digits", "labels": "binary", "train_size": [6], "test_size": 20, "seed": [0, 1]},
            "network": {"depth": 2, "width": [4]},
            "training": {"epochs": 3, "batch_size": 3, "label_scale": [0.1, 1.0]},
            "nngp": {"estimators": ["bound", "mixture"], "samples": 256},
            "metrics": ["train_error", "test_error"],
            "figures": ["bounds"],
        }
    },
}
"""Seven jobs: every main rule once."""


class Laboratory:
    """A scratch copy of the project, with its own package on the path and its own results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = "config/test.yaml"
        self.variables: dict[str, str] = {}

    @classmethod
    def create(cls, folder: Path) -> "Laboratory":
        folder.mkdir(parents=True)
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
            else:
                shutil.copy(source, folder / part)
        return cls(folder)

    def copy(self, folder: Path) -> "Laboratory":
        """An independent copy, results and Snakemake's memory included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        other = Laboratory(folder)
        other.config = self.config
        return other

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.folder / "src"), "OMP_NUM_THREADS": "1", **self.variables}

    def command(self, *arguments: str) -> list[str]:
        profile = ["--configfile", self.config, "--workflow-profile", "workflow/profiles/default", "--cores", "2"]
        return [sys.executable, "-m", "snakemake", *profile, *arguments]

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*arguments), cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if check:
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        return done

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The interpreter, with this copy of the package."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    def planned(self, *arguments: str) -> dict[str, int]:
        """Jobs by rule that a run would do now, without the target rules."""
        done = self.snakemake("--dry-run", *arguments)
        text = done.stdout + done.stderr
        if "Nothing to be done" in text:
            return {}
        table = text.rsplit("Job stats:", 1)[1].split("\n\n", 1)[0]
        counts = {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)\s*$", table, re.MULTILINE)}
        return {name: count for name, count in counts.items() if name not in {"all", "total"}}

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        """Change a text file; the change must change something."""
        before = (self.folder / path).read_text(encoding="utf-8")
        after = change(before)
        assert after != before
        (self.folder / path).write_text(after, encoding="utf-8")

    def edit_config(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the parsed config in place."""

        def rewrite(text: str) -> str:
            content = yaml.safe_load(text)
            change(content)
            return yaml.safe_dump(content, sort_keys=False)

        self.edit(self.config, rewrite)


def fresh_tiny(folder: Path) -> Laboratory:
    """A laboratory with the tiny config, nothing run yet."""
    laboratory = Laboratory.create(folder)
    laboratory.config = "config/tiny.yaml"
    (folder / laboratory.config).write_text(yaml.safe_dump(TINY, sort_keys=False))
    return laboratory
