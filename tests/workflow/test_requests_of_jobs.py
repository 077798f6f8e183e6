"""How Snakemake is called: profiles, values on the command line, targets, as a module; and what jobs then ask for."""

import os
import re
import subprocess
import sys

import pytest
import yaml
from laboratory import TINY, Laboratory, fresh_tiny

LIMITS = "execution={gpus: true, longest_minutes: 1440, largest_mb: 64000}"


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    """The tiny config, nothing run, for dry runs."""
    return fresh_tiny(tmp_path_factory.mktemp("unfinished") / "laboratory")


def dry_run(laboratory: Laboratory, *arguments: str) -> str:
    """Snakemake as somebody calls it who names no profile."""
    command = [sys.executable, "-m", "snakemake", "--configfile", laboratory.config, "--dry-run", *arguments]
    done = subprocess.run(
        command, cwd=laboratory.folder, env=laboratory.environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def asked(text: str, rule: str) -> list[dict[str, str]]:
    """The resources of every job of a rule in the words of a dry run."""
    blocks = re.findall(rf"^ *rule {rule}:\n((?: +\S.*\n)+)", text, re.MULTILINE)
    lines = [re.search(r"resources: (.*)", block) for block in blocks]
    return [dict(part.split("=", 1) for part in line[1].split(", ")) for line in lines if line]


def test_touched_scripts_rerun_nothing_for_who_names_no_profile(tiny: Laboratory) -> None:
    for script in (tiny.folder / "workflow/scripts").glob("*.py"):
        os.utime(script)
    text = dry_run(tiny)
    assert "profiles/default" in text
    assert "Nothing to be done" in text


def test_a_block_on_the_command_line_has_numbers(unfinished: Laboratory) -> None:
    text = dry_run(unfinished, "--config", "execution={threads: 2, keep_weights: false, device: cpu}")
    assert "threads: 2" in text
    refused = dry_run(unfinished, "--config", "execution={threads: many}")
    assert "execution.threads = 'many': allowed: a whole number" in refused


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("results/tasks/no-such-task.nc", "'no-such-task' is not part of this config"),
        ("results/training/no-such-run.nc", "'no-such-run' is not part of this config"),
        ("results/tiny/studies/onne.nc", "study 'onne' is not part of this config (did you mean 'one'?)"),
        ("results/tiny/figures/one/bound.png", "figure 'bound' is not part of this config (did you mean 'bounds'?)"),
    ],
)
def test_an_unknown_target_is_told(unfinished: Laboratory, target: str, told: str) -> None:
    text = dry_run(unfinished, target)
    assert told in text
    assert "KeyError" not in text


def test_it_is_a_module_of_another_workflow(unfinished: Laboratory) -> None:
    (unfinished.folder / "other").mkdir()
    (unfinished.folder / "other/config.yaml").write_text(yaml.safe_dump({"laboratory": TINY}))
    (unfinished.folder / "other/Snakefile").write_text(
        'configfile: "config.yaml"\n\nmodule laboratory:\n    snakefile: "../Snakefile"\n'
        '    config: config["laboratory"]\n\nuse rule * from laboratory as laboratory_*\n\n'
        "rule whole:\n    input: rules.laboratory_all.input\n    default_target: True\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--dry-run"], cwd=unfinished.folder / "other",
        env=unfinished.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    text = done.stdout + done.stderr
    assert done.returncode == 0, text[-3000:]
    assert re.search(r"laboratory_train +1\b", text)
    assert re.search(r"laboratory_write_report +1\b", text)


@pytest.mark.parametrize("profile", [("--profile", "workflow/profiles/slurm"), ("--workflow-profile", "slurm")])
def test_short_jobs_share_a_place_in_the_queue(unfinished: Laboratory, profile: tuple[str, str]) -> None:
    text = dry_run(unfinished, *profile)
    assert re.findall(r"Group job (\w+)", text) == ["tasks", "measurements"]
    for rule in ("build_task", "measure"):
        assert all(int(job["runtime"]) <= 5 and job["in_group"] == "1" for job in asked(text, rule))


def test_a_long_measurement_has_a_place_of_its_own(tmp_path: "os.PathLike[str]") -> None:
    laboratory = fresh_tiny(tmp_path / "laboratory")  # type: ignore[operator]

    def edit(config: dict) -> None:
        study = config["studies"]["one"]
        study["task"].update(train_size=200, seed=list(range(20)))
        study["network"]["width"] = 1000
        study["training"].update(label_scale=1.0, epochs=100, checkpoints="log", loss="logistic", optimizer="sgd")
        study["metrics"] = ["kkt_stationarity", "margin_spectral"]
        del study["nngp"], study["figures"]

    laboratory.edit_config(edit)
    text = dry_run(laboratory, "--workflow-profile", "slurm")
    (job,) = asked(text, "measure")
    assert int(job["runtime"]) > 5
    assert re.findall(r"Group job (\w+)", text) == ["tasks"]


def test_the_published_grids_are_refused_or_granted_before_anything_is_submitted(unfinished: Laboratory) -> None:
    paper = ["--configfile", "config/paper.yaml", "--workflow-profile", "slurm", "training"]
    refused = dry_run(unfinished, *paper, "--config", "execution={longest_minutes: 1440, largest_mb: 64000}")
    assert "no job was started" in refused
    assert "execution.gpus: true" in refused
    jobs = asked(dry_run(unfinished, *paper, "--config", LIMITS), "train")
    assert len(jobs) > 500
    assert max(int(job["runtime"]) for job in jobs) <= 1440
    assert max(int(job["mem_mb"]) for job in jobs) <= 64_000
    assert {job["gpu"] for job in jobs} == {"0", "1"}
