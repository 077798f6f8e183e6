"""The Makefile: what it says before anything is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest
from laboratory import ROOT


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Make in a folder, dry: it says what it would run."""
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    (folder / "config").mkdir()
    for name in ("a.yaml", "b.yml", "schema.json"):
        (folder / "config" / name).touch()
    return subprocess.run(["make", "--dry-run", *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["a b", "it's", 'a"b', "a$b", "a(b", "a{b}", "a&b", "a;b", "a`b", "a*b", "a\\b"])
def test_a_folder_that_shells_misread_is_refused_at_once(tmp_path: Path, name: str) -> None:
    done = make(tmp_path / name)
    assert done.returncode != 0
    assert "Move the folder or rename it" in done.stderr
    assert "pip install" not in done.stdout


@pytest.mark.parametrize("name", ["lab", "ü", "a#b", "a-b_c.d~1", "a=b,c%d@e+f:g"])
def test_any_other_folder_is_installed_in(tmp_path: Path, name: str) -> None:
    done = make(tmp_path / name)
    assert done.returncode == 0, done.stderr
    assert "pip install" in done.stdout


def test_configs_of_either_suffix_keep_their_results(tmp_path: Path) -> None:
    (command,) = [line for line in make(tmp_path / "lab", "stale").stdout.splitlines() if "overview.py stale" in line]
    assert command.split()[-2:] == ["config/a.yaml", "config/b.yml"]
