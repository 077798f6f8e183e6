"""What an edit of an extension file reruns: the jobs that run what was edited, and what is downstream."""

import shutil
from pathlib import Path

import pytest

from implicitbias.codes import Codes
from implicitbias.config.load import config_of
from implicitbias.config.plan import make_plan

LAB = Path(__file__).parent / "lab"
SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
ONE, TWO = ("ring-own", "ring-flipped"), ("digits",)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    shutil.copytree(LAB, tmp_path / "lab")
    return tmp_path / "lab"


def codes(lab: Path) -> dict[str, str]:
    """The code of every file of the config, by a name."""
    file = lab / "mine.yaml"
    config = config_of(file)
    plan = make_plan(config)
    of = Codes(config, plan, lambda name: SCRIPTS / f"{name}.py")
    found = {f"{stage}/{key}": of.point(f"{stage}/{key}") for stage, jobs in plan.jobs.items() for key in jobs}
    found |= {f"studies/{study}": of.study(study) for study in plan.studies}
    found |= {f"figures/{study}": of.figure(study, name) for study, one in plan.studies.items() for name in one.figures}
    return {**found, "report": of.report()}


def changed(lab: Path, file: str, before: str, after: str) -> set[str]:
    """The stages, with the first word of what they are on, of the files whose codes an edit changes."""
    old, path = codes(lab), lab / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    new = codes(lab)
    assert old.keys() == new.keys()
    return {name.split("-")[0] for name in old if old[name] != new[name]}


MINE = {"studies/mine", "figures/mine", "report"}
TRAINED = {"training/ring", "measurements/ring", *MINE}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Points inside", "Points in and", set()),
        ("radius of the sphere", "radius", {"studies/mine", "figures/mine", "report"}),  # its coordinate is called so
        ('"""Everything', '# comments\n"""Everything', set()),
        ("Ge(2)", "Ge(1)", set()),
        ("def unused", "GAP = 0.1\n\n\ndef unused", set()),
        ("return 1", "return 2", set()),
        ("way / np", "1.1 * way / np", {"tasks/ring", *TRAINED}),
        ("GAP = 0.5", "GAP = 0.4", {"tasks/ring", *TRAINED}),
        ("radius: Annotated[float, Ge(1)] = 2.0", "radius: Annotated[float, Ge(1)] = 1.5", {"tasks/ring", *TRAINED}),
        ("bend * z", "z * bend", TRAINED),
        ("shrink * learning", "2 * shrink * learning", TRAINED),
        (".pow(3)", ".pow(4)", TRAINED),
        ("fits_targets=True", "fits_targets=False", TRAINED),
        ("np.abs(test_outputs)", "abs(test_outputs)", {"measurements/ring", *MINE}),
        ("uniform(-radius", "uniform(0 - radius", {"experiments/circle_area", "studies/area", "report"}),
        (
            "side=3", "side=1",
            {f"{stage}/digits" for stage in ("training", "sampling", "measurements", "nngp")}
            | {"studies/funnel", "figures/funnel", "report"},
        ),
        ("values.ravel()", "values.flatten()", {"figures/mine", "report"}),
        ("smallest > 0", "smallest > 1e-9", {"report"}),
        ("No network is", "No network was", {"report"}),
        ("Largest |f(x)|", "The largest |f(x)|", {"report"}),
        ('1.0, "a guess"', '2.0, "a guess"', {"report"}),
    ],
)  # fmt: skip
def test_an_edit_changes_the_code_of_what_runs_it(lab: Path, before: str, after: str, expected: set[str]) -> None:
    file = "my_shapes.py" if before in ("def unused", "return 1", "way / np") else "my_lab.py"
    found = changed(lab, file, before, after)
    assert found == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("GAP = 0.5", "GAP = 0.5\nGAP *= 2"),
        ("GAP = 0.5", "GAPS = {'gap': 0.5}\nGAPS['gap'] = 0.6\nGAP = GAPS['gap']"),
        ("GAP = 0.5", "for GAP in (0.5,):\n    pass"),
        ("GAP = 0.5", "np.seterr(under='ignore')\nGAP = 0.5"),
        ("GAP = 0.5", "import my_seeds\nGAP = 0.5"),
        ("GAP = 0.5", "from my_seeds import *"),
        ("GAP = 0.5", "from my_package.inner import GAP"),
        ("GAP = 0.5", "import my_package.inner as inner\nGAP = inner.GAP"),
        ("y = 2.0 *", "from my_seeds import GAP\n    y = 2.0 *"),
        ("y = 2.0 *", "import my_package.inner\n    y = 2.0 *"),
    ],
)
@pytest.mark.parametrize("other", ["my_seeds.py", "my_package/__init__.py", "my_package/inner.py"])
def test_whatever_a_function_runs_counts(lab: Path, before: str, after: str, other: str) -> None:
    """However it is written, and in whatever file beside it."""
    (lab / "my_package").mkdir()
    (lab / "my_seeds.py").write_text("GAP = 0.5\n")
    (lab / "my_package/__init__.py").write_text("FACTOR = 1\n")
    (lab / "my_package/inner.py").write_text("from . import FACTOR\n\nGAP = 0.5 * FACTOR\n")
    if other == "my_seeds.py":
        assert "tasks/ring" in changed(lab, "my_lab.py", before, after)
    else:
        (lab / "my_lab.py").write_text((lab / "my_lab.py").read_text().replace(before, after))
    used = other.split("/")[0].split(".")[0] in after
    assert ("tasks/ring" in changed(lab, other, "1" if "init" in other else "0.5", "0.7")) == used


def test_package_code_that_a_function_imports_counts(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from implicitbias import fingerprint

    before, digest = codes(lab), fingerprint._module_digest
    edited = "implicitbias.studies.published"  # which tasks do not import otherwise
    monkeypatch.setattr(fingerprint, "_module_digest", lambda name: "edited" if name == edited else digest(name))
    monkeypatch.setattr(fingerprint, "_closure_digest", fingerprint._closure_digest.__wrapped__)
    assert {name for name, code in codes(lab).items() if code != before[name]} == {"report"}
    text = (lab / "my_lab.py").read_text().replace("y = 2.0 *", "Row\n    y = 2.0 *")
    (lab / "my_lab.py").write_text(text)
    imported = codes(lab)
    monkeypatch.setattr(fingerprint, "_module_digest", digest)
    other = codes(lab)
    assert any(name.startswith("tasks/ring") and code != imported[name] for name, code in other.items())
