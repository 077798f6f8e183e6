"""An extension file beside a config in a folder of the user's: one function each, run as a user would."""

import shutil

import numpy as np
import pytest
from laboratory import ROOT, Laboratory

from implicitbias import schema

LAB = ROOT / "tests/extensions/lab"


@pytest.fixture
def extended(tmp_path) -> Laboratory:
    laboratory = Laboratory.create(tmp_path / "laboratory")
    shutil.copytree(LAB, tmp_path / "mine")
    laboratory.config = "../mine/mine.yaml"
    return laboratory


def edit(laboratory: Laboratory, before: str, after: str, file: str = "my_lab.py") -> None:
    laboratory.edit(f"../mine/{file}", lambda text: text.replace(before, after))


def test_an_extension_file_adds_anything(extended: Laboratory) -> None:
    """From the config to the report; then what edits rerun."""
    extended.snakemake()
    results = extended.folder / "results/mine"
    study, area, funnel = (schema.load(results / f"studies/{name}.nc") for name in ("mine", "area", "funnel"))
    assert dict(study["largest_output"].sizes) == {"radius": 2, "labels": 2, "shrink": 2}
    assert study["largest_output"].attrs["long_name"] == "largest output"
    assert study["radius"].attrs["long_name"] == "radius of the sphere"
    assert study["bend"] == 0.25
    assert (study["largest_output"] > 0).all()
    assert study["test_error"].sel(labels="own", radius=1.0).values != pytest.approx(
        study["test_error"].sel(labels="own", radius=2.0).values
    )
    np.testing.assert_allclose(area["area"], np.pi * np.array([1.0, 4.0]), rtol=0.05)
    assert dict(funnel["gibbs_error"].sizes) == {"stages": 2, "seed": 2}
    assert funnel["stages"].attrs["long_name"] == "convolutions, each with its pooling"
    assert "rows of mean 0 and norm 1, as the trained ones have" in funnel.attrs["classes"]
    names = [path.name for path in (extended.folder / "results/nngp").glob("*funnel*")]
    assert len(names) == 2  # the kernel's parameters are in the key, the width is not
    assert (results / "figures/mine/histogram.png").stat().st_size > 1000
    page = (results / "report.html").read_text(encoding="utf-8")
    for words in (
        "No network is constantly 0",
        "Largest |f(x)| over the test points",
        "Histogram of the largest outputs",
        "What was guessed beforehand",
    ):
        assert words in page
    runs = schema.load(results / "studies/all_runs.nc")
    assert "largest_output" in runs
    assert extended.planned() == {}
    edit(extended, "bend * z", "z * bend")
    assert extended.planned() == TRAINED
    _edits_during_a_run(extended)


TRAINED = {
    "train": 8, "measure": 8, "assemble_study": 1, "gather_runs": 1, "draw_figure": 1, "draw_all_runs": 1,
    "write_report": 1,
}  # fmt: skip


def _edits_during_a_run(extended: Laboratory) -> None:
    """A job that finds another file than the one that was planned says so, and does nothing."""
    extended.edit("workflow/rules/common.smk", lambda text: text + EDIT)
    edit(extended, "GAP = 0.5", "GAP = 0.3")
    told = extended.snakemake(check=False)
    assert told.returncode != 0
    log = next((extended.folder / "results/logs/tasks").glob("ring-own*")).read_text()
    assert "my_lab.py: was edited while the workflow was running. Call the workflow again." in log


EDIT = """
# once the jobs are planned
lab = Path(workflow.configfiles[0]).parent / "my_lab.py"
lab.write_text(lab.read_text().replace("GAP = 0.3", "GAP = 0.2"))
"""


def test_mistakes_are_told_before_any_job(extended: Laboratory) -> None:
    def told() -> str:
        done = extended.snakemake("--dry-run", check=False)
        assert done.returncode != 0
        return done.stdout + done.stderr

    extended.edit_config(lambda config: config["studies"]["mine"]["task"].update(source="rink"))
    assert "did you mean 'ring'" in told()
    extended.edit_config(lambda config: config["studies"]["mine"]["task"].update(source="ring", radius=0.5))
    assert "radius = 0.5" in told()
    extended.edit_config(lambda config: config["studies"]["mine"]["task"].update(radius=2.0))
    extended.edit_config(lambda config: config["studies"]["mine"]["network"].update(depth=[2, 4]))
    assert "metric 'largest_output' does not go with depth = 4; allowed: 2, 3" in told()
    edit(extended, "GAP = 0.5", "GAP = 0.5 +")
    assert "my_lab.py: line 32: SyntaxError" in told()


def test_the_schema_of_a_config_lists_its_extensions(extended: Laboratory) -> None:
    extended.python("-m", "implicitbias.config.reference", "../mine", "../mine/mine.yaml")
    told = [(extended.folder / f"../mine/{name}").read_text() for name in ("schema.json", "reference.md")]
    assert all("bottleneck" in text and "radius of the sphere" in text for text in told)
