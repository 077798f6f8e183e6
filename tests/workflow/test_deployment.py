"""Other ways to the workflow than make: as a module from a repository, in a container, with conda.

Images and conda environments cannot be built here. What their recipes copy, install and call is tried without them.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from laboratory import ROOT, TINY, Laboratory
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import implicitbias

INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def call(*command: str, cwd: Path, **variables: str) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def config_in(folder: Path) -> None:
    (folder / "config").mkdir(parents=True)
    (folder / "config/config.yaml").write_text(yaml.safe_dump(TINY), encoding="utf-8")


def words_of(instruction: str) -> list[str]:
    return [words for name, words in INSTRUCTIONS if name == instruction]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The folder /opt/laboratory of the image: what the recipe copies, and no more."""
    folder = tmp_path / "opt/laboratory"
    folder.mkdir(parents=True)
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for words in words_of("COPY"):
        *sources, target = words.split()
        assert set(sources) <= let_in
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / target, ignore=shutil.ignore_patterns("*.egg-info"))
            else:
                shutil.copy(ROOT / source, folder / target)
    return folder


def test_it_is_a_module_from_a_repository(tmp_path: Path) -> None:
    """As the workflow catalog deploys it: named by repository, path and commit, beside a config, with its flags."""
    repository = Laboratory.create(tmp_path / "repository").folder
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
    for arguments in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "all")):
        call(*git, *arguments, cwd=repository)
    commit = call("git", "rev-parse", "HEAD", cwd=repository).strip()
    config_in(tmp_path / "other")
    (tmp_path / "other/Snakefile").write_text(
        'configfile: "config/config.yaml"\n\nmodule implicitbias:\n'
        f'    snakefile: gitfile("{repository}", path="workflow/Snakefile", commit="{commit}")\n'
        "    config: config\n\nuse rule * from implicitbias\n"
    )
    catalog = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))
    flags = catalog["usage"]["mandatory-flags"]["flags"].split()
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *flags]
    call(*command, cwd=tmp_path / "other", PYTHONPATH=str(repository / "src"))
    assert (tmp_path / "other/results/tiny/report.html").exists()
    assert (tmp_path / "other/results/tiny/figures/one/bounds.png").exists()
    again = call(*command, cwd=tmp_path / "other", PYTHONPATH=str(repository / "src"))
    assert "Nothing to be done" in again


def test_the_image_has_the_python_that_was_tested() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    tested = re.search(r"passed with \(Python (3\.\d+)\)", pins)
    assert tested
    assert words_of("FROM") == [f"python:{tested[1]}-slim"]
    environment = yaml.safe_load((ROOT / "workflow/envs/implicitbias.yaml").read_text(encoding="utf-8"))
    assert f"python ={tested[1]}" in environment["dependencies"]


def test_what_the_image_installs_is_what_was_tested(image: Path) -> None:
    """Its own words for pip, dry and without a network: every pinned library that is here satisfies them."""
    (command,) = words_of("RUN")
    _, *arguments = shlex.split(command)
    told = call(sys.executable, *arguments, "--dry-run", "--no-build-isolation", "--no-index", cwd=image)
    assert f"Would install implicitbias-{implicitbias.__version__}" in told
    assert "[workflow]" in command


def test_what_the_image_holds_runs_the_workflow(image: Path, tmp_path: Path) -> None:
    config_in(tmp_path / "work")
    (entry,), (default,) = (map(json.loads, words_of(name)) for name in ("ENTRYPOINT", "CMD"))
    command = [word.replace("/opt/laboratory", str(image)) for word in [*entry, *default]]
    assert command[0] == "snakemake"
    call(sys.executable, "-m", *command, cwd=tmp_path / "work", PYTHONPATH=str(image / "src"))
    assert (tmp_path / "work/results/tiny/report.html").exists()


def test_conda_installs_the_same_as_make(tmp_path: Path) -> None:
    """The lines for pip, as conda hands them over: from a file in the folder of the environment's."""
    laboratory = Laboratory.create(tmp_path / "laboratory")
    for name in ("constraints.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, laboratory.folder)
    folder = laboratory.folder / "workflow/envs"
    *_, of_pip = yaml.safe_load((folder / "implicitbias.yaml").read_text(encoding="utf-8"))["dependencies"]
    (folder / "condaenv.requirements.txt").write_text("\n".join(of_pip["pip"]), encoding="utf-8")
    arguments = ("--dry-run", "--no-build-isolation", "--no-index", "--requirement", "condaenv.requirements.txt")
    told = call(sys.executable, "-m", "pip", "install", *arguments, cwd=folder)
    assert f"Would install implicitbias-{implicitbias.__version__}" in told


def test_every_requirement_is_pinned_and_in_its_range() -> None:
    """In constraints.txt, which container, conda and make share."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {canonicalize_name(name): version for name, version in (line.split("==") for line in lines if "==" in line)}
    extras = [PROJECT["optional-dependencies"][extra] for extra in ("workflow", "test", "lint", "docs")]
    for requirement in map(Requirement, sum(extras, PROJECT["dependencies"])):
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement


def test_the_citation_is_of_this_version_and_licence() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["version"] == implicitbias.__version__
    assert citation["license"] == PROJECT["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
