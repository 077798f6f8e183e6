"""A failed job costs what depends on it and nothing else; what is missing after a run is named, never hidden."""

import subprocess
import sys
from typing import Any

from laboratory import TINY, Laboratory

BAD: dict[str, Any] = {
    "task": TINY["studies"]["one"]["task"],
    "network": {"depth": 2, "width": 4},
    "sampling": {"draws": 20},
    "metrics": ["test_error"],
    "question": "Does it fail?",
    "theme": "rank",
    "papers": ["Frei et al. 2023"],
}
BROKEN = '\n\ndef {}(*_, **__):\n    raise RuntimeError("broken on purpose")\n'


def broken(laboratory: Laboratory, module: str, function: str) -> None:
    """Put an error into a function of a module."""
    laboratory.edit(f"src/implicitbias/{module}.py", lambda text: text + BROKEN.format(function))


def mended(laboratory: Laboratory, module: str, function: str) -> None:
    laboratory.edit(f"src/implicitbias/{module}.py", lambda text: text.replace(BROKEN.format(function), ""))


def page_of(laboratory: Laboratory) -> str:
    return (laboratory.folder / "results/tiny/report.html").read_text(encoding="utf-8")


def verified(laboratory: Laboratory) -> subprocess.CompletedProcess[str]:
    """What `make` says at the end of a run."""
    return subprocess.run(
        [sys.executable, "workflow/overview.py", "report", laboratory.config], cwd=laboratory.folder,
        env=laboratory.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_failed_job_is_named_in_a_report_of_the_rest_which_the_next_run_makes_whole(tiny: Laboratory) -> None:
    tiny.edit_config(lambda config: config["studies"].update(bad=BAD))
    broken(tiny, "sampling", "sample")
    failed = tiny.snakemake(check=False)
    assert failed.returncode != 0
    assert "A report of what there is, and of what is missing and why" in failed.stdout + failed.stderr
    page = page_of(tiny)
    assert 'id="one"' in page
    assert page.count("data:image/png;base64,") == 1  # its figure, and none of all studies
    assert 'data-study="bad" data-theme="rank" data-papers="Frei et al. 2023" data-outcomes="incomplete"' in page
    assert '<a href="#bad">Bad</a>' in page  # in the contents
    assert "Does it fail?" in page
    assert "<td>sample</td><td>RuntimeError: broken on purpose</td><td>results/logs/sampling/" in page
    assert "<td>study bad</td><td>sample failed: RuntimeError: broken on purpose (log: results/logs/sampling/" in page
    assert "<td>all studies together</td><td>it needs every study" in page

    said = verified(tiny)
    assert said.returncode != 0
    assert "results/tiny/studies/bad.nc: is missing" in said.stderr
    assert "report.html: is not the whole report of this config" in said.stderr

    mended(tiny, "sampling", "sample")
    tiny.snakemake()
    page = page_of(tiny)
    assert "not whole" not in page
    assert 'data-study="bad" data-theme="rank" data-papers="Frei et al. 2023" data-outcomes=""' in page
    assert tiny.planned() == {}
    assert verified(tiny).returncode == 0


def test_a_report_that_is_not_whole_is_never_taken_for_the_whole_one_of_before(tiny: Laboratory) -> None:
    """The same plan had a whole report; then a file was damaged, which no parameter shows."""
    whole = page_of(tiny)
    task = next((tiny.folder / "results/tasks").glob("*.nc"))
    good = task.read_bytes()
    task.write_bytes(good[:1000])
    for run in (tiny.folder / "results/training").glob("*.nc"):
        run.unlink()
    assert tiny.snakemake(check=False).returncode != 0
    assert f"<td>study one</td><td>evaluate_nngp failed: results/tasks/{task.name}: cannot be read" in page_of(tiny)
    task.write_bytes(good)
    tiny.snakemake("studies", "figures")
    assert tiny.planned() == {"write_report": 1}
    tiny.snakemake()
    assert page_of(tiny) == whole


def test_files_of_an_older_plan_are_not_reported(tiny: Laboratory) -> None:
    tiny.edit_config(lambda config: config["studies"]["one"]["nngp"].update(delta=0.05))
    broken(tiny, "nngp/evaluate", "evaluate")
    assert tiny.snakemake(check=False).returncode != 0
    assert (tiny.folder / "results/tiny/studies/one.nc").exists()
    page = page_of(tiny)
    assert 'data-study="one" data-theme="" data-papers="" data-outcomes="incomplete"' in page
    assert "data:image/png;base64," not in page
    assert "<td>study one</td><td>evaluate_nngp failed: RuntimeError: broken on purpose" in page
    assert "figure bounds" not in page  # it goes with its study


def test_a_figure_that_fails_is_missed_alone(tiny: Laboratory) -> None:
    broken(tiny, "figures/generalisation", "bounds")
    assert tiny.snakemake(check=False).returncode != 0
    page = page_of(tiny)
    assert 'id="one"' in page
    assert "<td>figure bounds of study one</td><td>draw_figure failed: RuntimeError: broken on purpose" in page
    assert "study one</td>" in page
    assert "<td>study one</td>" not in page
    assert "Missing: figure bounds of study one." in page
    assert page.count("data:image/png;base64,") == 2  # those of all studies


def test_a_run_that_is_asked_for_something_else_writes_no_report(new_tiny: Laboratory) -> None:
    broken(new_tiny, "nngp/evaluate", "evaluate")
    assert new_tiny.snakemake("nngp", check=False).returncode != 0
    assert not (new_tiny.folder / "results/tiny/report.html").exists()


def test_what_cannot_be_made_does_not_hide_behind_an_old_report(tiny: Laboratory) -> None:
    figure = tiny.folder / "results/tiny/figures/one/bounds.png"
    figure.unlink()
    tiny.edit("workflow/rules/common.smk", lambda text: text.replace('figure="[A-Za-z0-9_-]+"', 'figure="[0-9]+"'))
    failed = tiny.snakemake(check=False)
    text = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert "Nothing to be done" not in text
    assert "results/tiny/figures/one/bounds.png" in text
    said = verified(tiny)
    assert said.returncode != 0
    assert "results/tiny/figures/one/bounds.png: is missing" in said.stderr


def test_the_report_of_another_config_is_not_taken_for_this_ones(tiny: Laboratory) -> None:
    assert verified(tiny).stdout.startswith("The report is at")
    tiny.edit_config(lambda config: config.update(execution={"threads": 2}))
    assert verified(tiny).returncode == 0
    tiny.edit_config(lambda config: config["studies"]["one"]["nngp"].update(delta=0.05))
    said = verified(tiny)
    assert said.returncode != 0
    assert "rm results/tiny/report.html" in said.stderr
