"""Configs that include others, as Snakemake and make are given them: the same jobs, and errors that name the file."""

import subprocess
import sys

import pytest
import yaml
from laboratory import TINY, Laboratory, fresh_tiny

(STUDY,) = TINY["studies"]


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    """The tiny config's study in a theme of its own, and over it a config that includes it, and one that has two."""
    laboratory = fresh_tiny(tmp_path_factory.mktemp("composed") / "laboratory")
    files = {
        "themes/tiny.yaml": TINY,
        "mine.yaml": {"include": ["themes/tiny.yaml"], "studies": {"two": {"like": STUDY}}},
        "over.yaml": {"studies": {STUDY: {"task": {"train_size": [7, 9, 11]}}}},
    }
    for name, values in files.items():
        path = laboratory.folder / "config" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(values, sort_keys=False))
    return laboratory


def planned(laboratory: Laboratory, config: str, *arguments: str) -> dict[str, int]:
    laboratory.config = config
    return laboratory.planned(*arguments)


def test_the_jobs_are_those_of_one_file(composed: Laboratory) -> None:
    alone = planned(composed, "config/tiny.yaml")
    whole = planned(composed, "config/mine.yaml")
    assert alone.pop("assemble_study") == 1
    assert whole.pop("assemble_study") == 2  # the second study has the same points
    assert {rule: whole[rule] for rule in ("build_task", "train")} == {
        rule: alone[rule] for rule in ("build_task", "train")
    }
    assert planned(composed, "config/mine.yaml", "--config", "only=[two]")["assemble_study"] == 1


def test_several_config_files_and_the_command_line_stand_over_what_the_first_includes(composed: Laboratory) -> None:
    tasks = planned(composed, "config/mine.yaml")["build_task"]
    composed.config = "config/mine.yaml"
    several = ["--configfile", "config/mine.yaml", "config/over.yaml"]
    assert composed.planned(*several)["build_task"] > tasks
    away = f"studies={{{STUDY}: null, two: {{task: {{seed: 0}}}}}}"
    assert composed.planned(*several, "--config", away)["assemble_study"] == 1


def test_a_mistake_is_told_with_the_file_in_which_it_stands_before_any_job(composed: Laboratory) -> None:
    theme = composed.folder / "config/themes/tiny.yaml"
    text = theme.read_text()
    try:
        theme.write_text(text.replace("train_size", "train_siez", 1))
        done = composed.snakemake(check=False)
        assert done.returncode != 0
        assert "no job was started" in done.stdout + done.stderr
        said = f"config/themes/tiny.yaml: studies.{STUDY}.task: there is no key 'train_siez'"
        assert said in done.stdout + done.stderr
        theme.write_text("studies: [")
        done = subprocess.run(
            [sys.executable, "workflow/before.py", "config/mine.yaml"], cwd=composed.folder, env=composed.environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert "config/themes/tiny.yaml: is not valid YAML" in done.stdout
    finally:
        theme.write_text(text)


def test_a_module_includes_from_where_the_workflow_is_called(composed: Laboratory) -> None:
    (composed.folder / "other").mkdir()
    mine = {"laboratory": {"include": ["../config/mine.yaml"], "name": "other"}}
    (composed.folder / "other/config.yaml").write_text(yaml.safe_dump(mine))
    (composed.folder / "other/Snakefile").write_text(
        'configfile: "config.yaml"\n\nmodule laboratory:\n    snakefile: "../Snakefile"\n'
        '    config: config["laboratory"]\n\nuse rule * from laboratory as laboratory_*\n\n'
        "rule whole:\n    input: rules.laboratory_all.input\n    default_target: True\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--dry-run"], cwd=composed.folder / "other", env=composed.environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert "results/other/studies/two.nc" in done.stdout + done.stderr
