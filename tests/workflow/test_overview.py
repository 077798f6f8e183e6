"""`make plan` and `make stale`: what a run would do, and which results no config uses any more."""

import subprocess
import sys
from pathlib import Path

import yaml
from laboratory import TINY, Laboratory


def overview(laboratory: Laboratory, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "workflow/overview.py", *arguments], cwd=laboratory.folder, env=laboratory.environment,
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_plan_counts_jobs_and_results(new_tiny: Laboratory, finished_tiny: Laboratory) -> None:
    for laboratory, present in ((new_tiny, "0"), (finished_tiny, "1")):
        rows = {
            line.split()[0]: line.split()[1:] for line in overview(laboratory, "plan", laboratory.config).splitlines()
        }
        assert rows["training"][:2] == ["1", present]
        assert rows["studies"] == rows["figures"] == ["1", present]
        assert "sampling" not in rows
        assert rows["training"][2:5:2] == ["<", "GB"]


def test_the_report_is_where_it_is_said_to_be(finished_tiny: Laboratory) -> None:
    said = overview(finished_tiny, "report", finished_tiny.config).split()[-1]
    assert said == str((finished_tiny.folder / "results/tiny/report.html").resolve())
    assert Path(said).exists()


def test_a_finished_config_leaves_nothing_stale(finished_test_config: Laboratory) -> None:
    assert overview(finished_test_config, "stale", "config/test.yaml").startswith("0 files")


def test_what_an_edit_leaves_behind_is_listed_and_deleted_when_confirmed(tiny: Laboratory) -> None:
    kept = {path for path in (tiny.folder / "results").rglob("*") if path.is_file()}
    tiny.edit_config(lambda config: config["studies"]["one"]["network"]["width"].append(8))
    tiny.snakemake()
    (tiny.folder / "config/wide.yaml").write_text((tiny.folder / tiny.config).read_text())
    (tiny.folder / tiny.config).write_text(yaml.safe_dump(TINY, sort_keys=False))
    assert overview(tiny, "stale", tiny.config, "config/wide.yaml").startswith("0 files")
    part = tiny.folder / "results/training/.a.nc.host.1.part"  # somebody may be writing it
    part.touch()
    listed = overview(tiny, "stale", tiny.config)
    assert part.name not in listed
    part.unlink()
    extra = {path for path in (tiny.folder / "results").rglob("*") if path.is_file()} - kept
    assert {tiny.folder / line for line in listed.splitlines()[:-1]} == extra
    assert len(extra) == 4  # a run, its measurement, and their logs
    assert "used by none of config/tiny.yaml" in listed
    assert "Deleted" not in listed  # without a terminal to ask
    assert "Deleted" in overview(tiny, "stale", "--delete", tiny.config)
    assert {path for path in (tiny.folder / "results").rglob("*") if path.is_file()} == kept


def test_a_bad_config_deletes_nothing(tiny: Laboratory) -> None:
    tiny.edit_config(lambda config: config["studies"]["one"]["network"].update(widht=3))
    done = subprocess.run(
        [sys.executable, "workflow/overview.py", "stale", "--delete", tiny.config], cwd=tiny.folder,
        env=tiny.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "did you mean 'width'" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tiny.folder / "results/training").glob("*.nc"))
