"""Results without Snakemake's memory of them, as colleagues copy them: judged by what the files say of themselves."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from laboratory import Laboratory

from implicitbias import schema

SUMMARY = {"assemble_study": 1, "draw_figure": 6, "gather_runs": 1, "draw_all_runs": 1, "write_report": 1}


@pytest.fixture
def copied(laboratory: Laboratory) -> Laboratory:
    """A laboratory that has all results and remembers none."""
    shutil.rmtree(laboratory.folder / ".snakemake")
    return laboratory


def test_copied_results_are_taken_as_they_are_and_stale_ones_found(copied: Laboratory) -> None:
    assert copied.planned() == {}
    path = "src/implicitbias/optimizers/adam.py"
    before = (copied.folder / path).read_text()
    copied.edit(path, lambda text: text + "\n_EDITED = 1\n")
    expected = {"train": 4, "measure": 4, **SUMMARY, "assemble_study": 2, "draw_figure": 3}
    assert copied.planned() == expected
    assert copied.planned("tasks") == {}  # where no target needs them
    (copied.folder / path).write_text(before)
    assert copied.planned() == {}


def generalisation(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    return lambda config: change(config["studies"]["generalisation"])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            generalisation(lambda study: study["figures"]["bounds"].update(width=7)),
            {"draw_figure": 1, "write_report": 1},
        ),
        (generalisation(lambda study: study["task"]["train_size"].remove(20)), SUMMARY),
        (generalisation(lambda study: study["checks"].remove("networks_fit")), {"write_report": 1}),
    ],
    ids=["figure", "axis value", "check"],
)
def test_an_edit_of_the_config_is_found_in_copied_results(
    copied: Laboratory, change: Callable[[dict[str, Any]], None], expected: dict[str, int]
) -> None:
    copied.edit_config(change)
    assert copied.planned() == expected


UPGRADE = """
import importlib.metadata as metadata
installed = metadata.version
metadata.version = lambda name: "99.0" if name == "scipy" else installed(name)
"""


def test_results_of_other_versions_are_mixed_with_a_word_or_computed_anew(tiny: Laboratory) -> None:
    (tiny.folder / "src/sitecustomize.py").write_text(UPGRADE)
    assert tiny.planned() == {}
    tiny.edit_config(lambda config: config["studies"]["one"]["network"]["width"].append(8))
    tiny.snakemake()
    study = schema.load(tiny.folder / "results/tiny/studies/one.nc")
    assert "99.0" in study.attrs["scipy_version"]
    assert "," in study.attrs["scipy_version"]
    assert f"scipy {study.attrs['scipy_version']}" in (tiny.folder / "results/tiny/report.html").read_text()
    assert "rerun_on_upgrade" in (tiny.folder / "results/tiny/logs/studies/one.log").read_text()
    tiny.edit_config(lambda config: config.update(execution={"rerun_on_upgrade": True}))
    across = {"gather_runs": 1, "draw_all_runs": 1, "write_report": 1}
    old = {"build_task": 1, "train": 1, "measure": 1, "evaluate_nngp": 1}
    assert tiny.planned() == {**old, "train": 2, "measure": 2, "assemble_study": 1, "draw_figure": 1, **across}
    tiny.snakemake()
    assert tiny.planned() == {}
    assert schema.load(tiny.folder / "results/tiny/studies/one.nc").attrs["scipy_version"] == "99.0"
