"""The caching contract: which edit reruns what, counted by rule."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from laboratory import Laboratory

from implicitbias import schema

ACROSS = {"gather_runs": 1, "draw_all_runs": 1, "write_report": 1}
SUMMARY = {"assemble_study", "draw_figure", *ACROSS}


def generalisation(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    return lambda config: change(config["studies"]["generalisation"])


def test_a_second_run_has_nothing_to_do(laboratory: Laboratory) -> None:
    assert laboratory.planned() == {}
    told = laboratory.snakemake("--dry-run")
    assert "eligible for caching" not in told.stdout + told.stderr  # no nagging about a cache that nobody set up


def test_touching_files_reruns_nothing(laboratory: Laboratory) -> None:
    for folder in ("workflow", "src", "config", "results/tasks", "results/training", "results/nngp"):
        for path in (laboratory.folder / folder).rglob("*.*"):
            path.touch()
    assert laboratory.planned() == {}


def test_rewording_reruns_nothing(laboratory: Laboratory) -> None:
    for script in (laboratory.folder / "workflow/scripts").glob("*.py"):
        script.write_text("# a comment\n" + script.read_text())
    for module in (laboratory.folder / "src/implicitbias").rglob("*.py"):
        module.write_text(module.read_text() + "\n\n# a comment\n")
    laboratory.edit(
        "src/implicitbias/optimizers/nero.py", lambda text: text.replace('"""Nero', '"""An optimizer. Nero', 1)
    )
    laboratory.edit(
        laboratory.config,
        lambda text: "# a comment\n" + yaml.safe_dump(yaml.safe_load(text), indent=8, sort_keys=False),
    )
    assert laboratory.planned() == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            generalisation(lambda study: study["task"]["train_size"].append(30)),
            {"build_task": 2, "train": 4, "measure": 4, "evaluate_nngp": 4, "assemble_study": 1, "draw_figure": 6,
             **ACROSS},
        ),
        (
            generalisation(lambda study: study["network"].update(width=[16, 32])),
            {"train": 8, "measure": 8, "assemble_study": 1, "draw_figure": 6, **ACROSS},
        ),
        (
            generalisation(lambda study: study["figures"]["bounds"].update(width=7)),
            {"draw_figure": 1, "write_report": 1},
        ),
        (
            generalisation(lambda study: study.update(theme="rank", papers=["Frei et al. 2023"])),
            {"write_report": 1},
        ),
        (
            generalisation(lambda study: study["nngp"].update(delta=0.05)),
            {"evaluate_nngp": 8, "assemble_study": 1, "draw_figure": 6, **ACROSS},
        ),
        (
            generalisation(lambda study: study["metrics"].append("output_scale")),
            {"measure": 8, "assemble_study": 1, "draw_figure": 6, **ACROSS},
        ),
        (
            generalisation(lambda study: study["training"].update(learning_rate=0.02)),
            {"train": 8, "measure": 8, "assemble_study": 1, "draw_figure": 6, **ACROSS},
        ),
        (
            lambda config: config.update(execution={"device": "cpu", "threads": 2}),
            {},
        ),
        (
            generalisation(lambda study: study["task"]["seed"].reverse()),
            {"assemble_study": 1, "draw_figure": 6, **ACROSS},
        ),
        (
            generalisation(lambda study: study["training"]["label_scale"].reverse()),
            {"assemble_study": 1, "draw_figure": 6, **ACROSS},
        ),
        (
            generalisation(lambda study: study["nngp"]["estimators"].reverse()),
            {"assemble_study": 1, "draw_figure": 6, **ACROSS},
        ),
        (
            lambda config: config["studies"]["stochastic_steps"]["training"]["checkpoints"].reverse(),
            {"assemble_study": 1, "draw_figure": 1, **ACROSS},
        ),
        (
            generalisation(lambda study: study.update(ensemble=["seed", "label_scale", "learning_rate"])),
            {},
        ),
        (
            lambda config: config.update(execution={"rerun_on_upgrade": True}),
            {},
        ),
        (
            lambda config: config["studies"].update(copy={**config["studies"]["generalisation"], "figures": []}),
            {"assemble_study": 1, **ACROSS},
        ),
    ],
    ids=["axis value", "new axis", "figure", "theme", "nngp", "metric", "training", "execution", "order of seeds",
         "order of label scales",
         "order of estimators", "order of checkpoints", "ensemble of a scalar", "rerun on upgrade", "shared points"],
)  # fmt: skip
def test_an_edit_of_the_config_reruns_what_depends_on_it(
    laboratory: Laboratory, change: Callable[[dict[str, Any]], None], expected: dict[str, int]
) -> None:
    laboratory.edit_config(change)
    assert laboratory.planned() == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("optimizers/adam.py", {"train", "measure", *SUMMARY}),
        ("measurement/errors.py", {"measure", *SUMMARY}),
        ("networks/kernels.py", {"train", "measure", "evaluate_nngp", *SUMMARY}),
        ("sampling.py", {"sample", "measure", "run_experiment", *SUMMARY}),
        ("figures/label_ray.py", {"draw_figure", "write_report"}),
        ("studies/checks/architecture.py", {"write_report"}),
        ("config/plan.py", set()),
        ("devices.py", {"train", "sample", "measure", "evaluate_nngp", "run_experiment", *SUMMARY}),
        ("errors.py", set()),
        ("progress.py", set()),
        ("job.py", set()),
        ("schema.py", set()),
        (
            "tasks/labels.py",
            {"build_task", "train", "sample", "measure", "evaluate_nngp", "run_experiment", *SUMMARY},
        ),
    ],
)
def test_an_edit_of_the_code_reruns_the_stages_that_run_it(
    laboratory: Laboratory, path: str, expected: set[str]
) -> None:
    laboratory.edit(f"src/implicitbias/{path}", lambda text: text + "\n_EDITED = 1\n")
    planned = laboratory.planned()
    assert set(planned) == expected
    few = {"optimizers/adam.py": 4, "networks/kernels.py": 1}  # runs by Adam, and those to spherised targets
    if path in few:
        assert planned["train"] == few[path]
    if path == "figures/label_ray.py":
        assert planned["draw_figure"] == 1


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        ("training/loop.py", "points: int", 'points: "int | float"', set()),
        ("catalogue/figures.py", 'alt="', 'alt="Drawn: ', {"write_report"}),
        ("studies/checks/architecture.py", "The closed bound lies above", "This bound lies above", {"write_report"}),
        (
            "studies/reference/infinite_width.py",
            "Label ray of Bernstein",
            "The label ray of Bernstein",
            {"write_report"},
        ),
        ("catalogue/nngp.py", "DENSE = 2000", "DENSE = 20", {"evaluate_nngp", *SUMMARY}),
        (
            "schema.py",
            "standard error of {",
            "error of {",
            {"sample", "measure", "evaluate_nngp", "run_experiment", *SUMMARY},
        ),
        ("schema.py", "no such result file.", "there is no such file.", set()),
    ],
    ids=["annotation", "figure", "check", "published table", "number", "contract", "error"],
)
def test_what_an_edit_means_decides_what_it_reruns(
    laboratory: Laboratory, path: str, old: str, new: str, expected: set[str]
) -> None:
    laboratory.edit(f"src/implicitbias/{path}", lambda text: text.replace(old, new))
    assert set(laboratory.planned()) == expected


def test_an_edited_script_reruns_its_rule(laboratory: Laboratory) -> None:
    laboratory.edit("workflow/scripts/measure.py", lambda text: text + "print('edited')\n")
    assert set(laboratory.planned()) == {"measure", *SUMMARY}


def test_adding_a_value_and_taking_it_back_for_real(tiny: Laboratory) -> None:
    before = tiny.folder.joinpath(tiny.config).read_text()
    tiny.edit_config(lambda config: config["studies"]["one"]["network"]["width"].append(8))
    assert tiny.planned() == {"train": 1, "measure": 1, "assemble_study": 1, "draw_figure": 1, **ACROSS}
    tiny.snakemake()
    study = schema.load(tiny.folder / "results/tiny/studies/one.nc")
    assert study["test_error"].sizes["width"] == 2
    assert tiny.planned() == {}
    tiny.folder.joinpath(tiny.config).write_text(before)
    assert set(tiny.planned()) == SUMMARY


def test_an_interrupted_rebuild_after_a_code_change_is_finished_later(tiny: Laboratory) -> None:
    """After the task alone was rebuilt, what stands on the old task is still stale, whatever the timestamps say."""
    tiny.edit("src/implicitbias/tasks/labels.py", lambda text: text + "\n_EDITED = 1\n")
    tiny.snakemake("tasks")
    assert set(tiny.planned()) == {"train", "measure", "evaluate_nngp", *SUMMARY}


def test_temporary_runs_are_deleted_and_not_missed(new_tiny: Laboratory) -> None:
    new_tiny.edit_config(lambda config: config.update(execution={"keep_weights": False}))
    new_tiny.snakemake()
    assert list((new_tiny.folder / "results/training").glob("*.nc")) == []
    (log,) = (new_tiny.folder / "results/logs/training").glob("*.log")
    assert "training 1-4 of 4" in log.read_text()
    assert new_tiny.planned() == {}
    new_tiny.edit_config(lambda config: config["studies"]["one"]["metrics"].append("output_scale"))
    assert new_tiny.planned() == {"train": 1, "measure": 1, "assemble_study": 1, "draw_figure": 1, **ACROSS}


def test_a_run_left_without_weights_is_trained_again_for_a_metric_that_needs_them(new_tiny: Laboratory) -> None:
    new_tiny.edit_config(lambda config: config.update(execution={"keep_weights": False}))
    new_tiny.snakemake("--notemp")
    assert new_tiny.planned() == {}
    new_tiny.edit_config(lambda config: config.update(execution={"keep_weights": True}))
    assert new_tiny.planned() == {}  # no metric needs them
    new_tiny.edit_config(lambda config: config["studies"]["one"]["metrics"].append("stable_rank"))
    assert new_tiny.planned() == {"train": 1, "measure": 1, "assemble_study": 1, "draw_figure": 1, **ACROSS}
    new_tiny.snakemake()
    assert (schema.load(new_tiny.folder / "results/tiny/studies/one.nc")["stable_rank"] >= 1).all()
    assert new_tiny.planned() == {}


def test_runs_that_are_deleted_hold_weights_if_a_metric_asks_for_them(new_tiny: Laboratory) -> None:
    def edit(config: dict) -> None:
        config["execution"] = {"keep_weights": False}
        config["studies"]["one"]["metrics"].append("stable_rank")

    new_tiny.edit_config(edit)
    new_tiny.snakemake()
    study = schema.load(new_tiny.folder / "results/tiny/studies/one.nc")
    assert (study["stable_rank"] >= 1).all()
    assert list((new_tiny.folder / "results/training").glob("*.nc")) == []


def test_two_checkouts_share_expensive_results(new_tiny: Laboratory, tmp_path: Path) -> None:
    """With --cache the second checkout takes them from the first; code that differs takes nothing."""
    other, edited = new_tiny.copy(tmp_path / "other"), new_tiny.copy(tmp_path / "edited")
    edited.edit("src/implicitbias/optimizers/nero.py", lambda text: text + "\n_EDITED = 1\n")
    storage = tmp_path / "cache"
    storage.mkdir()
    ran = {}
    for name, laboratory in (("first", new_tiny), ("other", other), ("edited", edited)):
        laboratory.variables["SNAKEMAKE_OUTPUT_CACHE"] = str(storage)
        laboratory.snakemake("--cache")
        logs = laboratory.folder / "results/logs"  # a job that runs writes there
        ran[name] = {path.parent.name for path in logs.rglob("*.log") if path.stat().st_size} & {"training", "nngp"}
    assert ran == {"first": {"training", "nngp"}, "other": set(), "edited": {"training"}}
    for path in (new_tiny.folder / "results").rglob("*.nc"):
        relative = path.relative_to(new_tiny.folder)
        assert schema.load(path).identical(schema.load(other.folder / relative)), path.name
    for laboratory in (new_tiny, other, edited):
        assert laboratory.planned() == {}


def test_results_do_not_depend_on_the_number_of_cores(tiny: Laboratory, tmp_path: Path) -> None:
    again = tiny.copy(tmp_path / "one core")
    shutil.rmtree(again.folder / "results")
    again.snakemake("--cores", "1")
    compared = 0
    for path in (tiny.folder / "results").rglob("*.nc"):
        other = again.folder / path.relative_to(tiny.folder)
        assert schema.load(path).identical(schema.load(other)), path.name
        compared += 1
    assert compared == 6
