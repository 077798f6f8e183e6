"""Whatever is wrong with an extension file is one clear error, which names the file and the line."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from implicitbias import catalogue
from implicitbias.catalogue import resolve
from implicitbias.config.load import config_of, validate
from implicitbias.errors import ConfigError
from implicitbias.job import logged_to
from implicitbias.logs import last_error

LAB = '''"""A laboratory."""

from typing import Annotated, Literal

import numpy as np

import my_helper
from implicitbias.extensions import Ge, Lt, check, experiment, figure, label_rule, loss, metric, optimizer, source

GAP = 0.5


@source
def ring(rng, size, *, features: Annotated[int, Ge(2)] = 5, kind: Literal["a", "b"] = "a", far: bool = False):
    """Points inside and outside of a sphere.

    Args:
        features: dimension.
        kind: which.
        far: whether.
    """
    y = 2.0 * rng.integers(2, size=size) - 1
    return rng.normal(size=(size, features)) + GAP * y[:, None], y


@label_rule
def flipped(train_label, test_label, seed):
    """All labels flipped."""
    return -train_label, -test_label


@optimizer
def slow(beta: Annotated[float, Lt(1)] = 0.5):
    """Slow steps.

    Args:
        beta: decay.
    """


@loss(fits_targets=True)
def cubic(outputs, targets, label_scale):
    """Mean of a cube."""


@metric(dims=("class",), units="1")
def largest(test_outputs):
    """Largest output."""
    return np.abs(test_outputs).max(-1)


@experiment(variables=["area"])
def circle(*, radius: float = 1.0, seed):
    """A circle."""


@figure(needs=["largest"])
def bars(dataset):
    """Bars."""


@check
def positive(dataset):
    """Outputs are positive."""
'''
STUDY = {"experiment": {"name": "ball_indicator"}}


def validated(path: Path) -> None:
    validate({"extensions": [str(path)], "studies": {"one": STUDY}})


def lab(folder: Path, text: str = LAB, helper: str = "") -> Path:
    (folder / "my_helper.py").write_text(helper)
    (folder / "my_lab.py").write_text(text)
    return folder / "my_lab.py"


@pytest.mark.parametrize(
    ("before", "after", "line", "told"),
    [
        ("GAP = 0.5", "GAP = 0.5 +", 10, "SyntaxError: invalid syntax"),
        ("GAP = 0.5", "GAP = 1 / 0", 10, "ZeroDivisionError: division by zero"),
        ("GAP = 0.5", "import no_such_module", 10, "ModuleNotFoundError: No module named 'no_such_module'"),
        ("GAP = 0.5", "exit(3)", 10, "SystemExit"),
        ("GAP = 0.5", "open('/no/such/file')", 10, "FileNotFoundError"),
        ("GAP = 0.5", "my_helper.missing", 10, "has no attribute 'missing'"),
        ("import Ge, Lt", "import Ge, Lit", 8, "cannot import name 'Lit'"),
        ("def ring", "def gaussian", 13, "source 'gaussian': there is a source of this name already; allowed: another"),
        ("def flipped", "def own", 26, "label rule 'own': there is a label rule of this name already"),
        ("rng, size, *, f", "rng, *, f", 13, "its arguments are (rng, *, features: "),
        ("(rng, size, *", "(*rng", 13, "allowed: rng, size, *, settings with defaults"),
        (" = 5,", ",", 13, "allowed: rng, size, *, settings with defaults"),
        (" = 5,", " = 1,", 13, "features = 1; allowed: at least 2"),
        (" = 5,", " = 5.0,", 13, "features = 5.0 is annotated as int"),
        (" = 5,", " = None,", 13, "features = None; allowed: a number, a text, True or False as its default"),
        ("Ge(2)", "2", 13, "features is annotated with 2; allowed: Ge, Gt, Le and Lt"),
        ("Ge(2)", "Ge('2')", 13, "limits that are no numbers"),
        (' = "a",', ' = "c",', 13, "kind = 'c'; allowed: a, b"),
        ("far: bool", "far: Ge(2)", 13, "far = False is annotated as Ge(ge=2)"),
        ("far", "flip", 13, "flip is a setting that every source has"),
        ("far", "train_size", 13, "train_size is a key of every block of this kind"),
        ("far", "spread", 13, "spread is of another type than that of 'xor_clusters', 0.005; allowed: this type"),
        ("        far: whether.", "        fat: whether.", 13, "says what 'fat' means, which is none of its arguments"),
        ("features", "dimension", 13, "it does not say how long inputs are"),
        (
            '    """All labels flipped."""\n',
            "",
            26,
            "it has no docstring; allowed: one whose first line says what",
        ),
        ("test_label, seed)", "test_label)", 26, "allowed: train_label, test_label, seed"),
        ("beta: Annotated", "beta, gamma: Annotated", 32, "allowed: *, settings with defaults"),
        ("fits_targets=True", "fits_target=True", 41, "there is no fits_target (did you mean 'fits_targets'?)"),
        ("fits_targets=True", "fits_targets='maybe'", 41, "fits_targets = 'maybe'; allowed: <class 'bool'>"),
        ("outputs, targets, l", "outputs, l", 41, "allowed: outputs, targets, label_scale"),
        ('dims=("class",)', 'dims="class"', 46, "dims = 'class'; allowed: tuple[str, ...]"),
        ("(test_outputs)", "(test_output)", 46, "there is no argument 'test_output' (did you mean 'test_outputs'?)"),
        ('variables=["area"]', "", 52, "allowed: variables=(...)"),
        ("1.0, seed)", "1.0)", 52, "its arguments are (radius), without seed"),
        (
            "def bars(dataset)",
            "def bars(dataset, colour='red')",
            57,
            "there is no setting 'colour' of figures",
        ),
        ("def positive(dataset)", "def positive()", 62, "allowed: dataset"),
        ("def bars", "def positive", 57, "figure 'positive': the file's name 'positive' is of something else"),
        ("@check\ndef positive", "@check\ndef größe", 62, "allowed: a function, whose name is of letters"),
        ("@check\n", "check(3)\n", 62, "allowed: a function, whose name is of letters"),
        ("@check\n", "check(np.abs)\n", 62, "check 'absolute'"),
        ("@figure", "@source(features=2)\n@figure", 57, "source 'bars': its arguments are (dataset)"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, before: str, after: str, line: int, told: str) -> None:
    assert before in LAB
    path = lab(tmp_path, LAB.replace(before, after))
    for _ in range(2):  # and told again
        with pytest.raises(ConfigError) as caught:
            validated(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: line {line}: ")
    assert told in message
    assert len(message.splitlines()) == 1
    assert "ring" not in catalogue.SOURCES
    validate({"studies": {"one": STUDY}})  # nothing of it is left


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("my_lab.txt", LAB, "allowed: a Python file, whose name is of letters, digits and _ and ends in .py"),
        ("my-lab.py", LAB, "allowed: a Python file, whose name"),
        ("torch.py", LAB, "there is a module 'torch' already"),
        ("random.py", LAB, "there is a module 'random' already"),
        ("my_lab.py", b"#\n# \xff\xfe", "line 2: is not UTF-8 text"),
        ("my_lab.py", b"a\0b", "line 1: "),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, name: str, content: str | bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as caught:
        validated(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: {told}")


def test_a_file_that_is_not_there_is_told_with_the_config_that_names_it(tmp_path: Path) -> None:
    lab(tmp_path)
    config = tmp_path / "mine.yaml"
    config.write_text("extensions: [my_labb.py]\nstudies: {one: {experiment: {name: circle}}}\n")
    with pytest.raises(ConfigError) as caught:
        config_of(config)
    assert str(caught.value).startswith(f"{config}: extensions = 'my_labb.py': there is no file ")
    assert "(did you mean 'my_lab.py'?); allowed: paths of Python files, from the folder of" in str(caught.value)


NETWORK_LAB = '''"""An architecture and a metric."""

from implicitbias.extensions import architecture, metric


@architecture
def broken(phi, outputs, *, width: int = 4):
    """Raises an error."""
    return [phi, Dense(width)]


@metric
def largest(test_outputs):
    """Fails at run time."""
    return test_outputs / undefined
'''


def test_an_error_of_an_own_architecture_is_told_before_any_job(tmp_path: Path) -> None:
    path = tmp_path / "my_lab.py"
    path.write_text(NETWORK_LAB)
    study = {
        "task": {"source": "digits", "labels": "decimal", "train_size": 20},
        "network": {"architecture": "broken"}, "training": {}, "metrics": ["train_error"],
    }  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        validate({"extensions": [str(path)], "studies": {"one": study}})
    assert "studies.one: network for optimizer 'nero' on source 'digits': " in str(caught.value)
    assert f"{path}: line 9: NameError: name 'Dense' is not defined" in str(caught.value)


def test_an_error_of_an_extension_in_a_job_is_told_with_its_line(tmp_path: Path) -> None:
    path, log = tmp_path / "my_lab.py", tmp_path / "job.log"
    path.write_text(NETWORK_LAB)
    validate({"extensions": [str(path)], "studies": {"one": STUDY}})
    with pytest.raises(SystemExit), logged_to(log):
        resolve(catalogue.METRICS["largest"])(1.0)
    assert last_error(log) == f"{path}: line 15: NameError: name 'undefined' is not defined"
    assert "Traceback" in log.read_text()
    with pytest.raises(SystemExit), logged_to(log):
        raise ValueError("of ours")
    assert last_error(log) == "ValueError: of ours"


def test_a_mistake_in_a_file_beside_it_is_told_there(tmp_path: Path) -> None:
    path = lab(tmp_path, helper="def f():\n    return 1 / 0\n\n\nf()\n")
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path / 'my_helper.py'}: line 2: ZeroDivisionError")):
        validated(path)
    path = lab(tmp_path, helper="\n\ndef f(:\n")
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path / 'my_helper.py'}: line 3: SyntaxError")):
        validated(path)


def test_two_files_may_import_each_other_and_may_not_share_a_name(tmp_path: Path) -> None:
    first = lab(tmp_path)
    second = tmp_path / "my_other.py"
    second.write_text("from my_lab import ring\n")
    validate({"extensions": [str(second), str(first)], "studies": {"one": STUDY}})
    second.write_text(LAB)
    with pytest.raises(ConfigError) as caught:
        validate({"extensions": [str(first), str(second)], "studies": {"one": STUDY}})
    assert str(caught.value).startswith(f"{second}: line 13: source 'ring': there is a source of this name already")
    assert f"({first}: line 13)" in str(caught.value)


def test_paths_are_by_the_file_that_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    lab(tmp_path / "a")
    (tmp_path / "b/my_other.py").write_text(LAB.replace("import my_helper", "").replace("def ", "def other_"))
    config, other = tmp_path / "a/one.yaml", tmp_path / "b/two.yaml"
    config.write_text("extensions: [my_lab.py]\nstudies: {one: {experiment: {name: circle}}}\n")
    other.write_text("include: [../a/one.yaml]\nextensions: [my_other.py]\n")
    monkeypatch.chdir(tmp_path / "b")
    assert config_of(other).studies["one"].experiment.name == "circle"  # type: ignore[union-attr]
    assert "other_circle" in catalogue.EXPERIMENTS
    (tmp_path / "b/my_lab.py").write_text(LAB)
    with pytest.raises(ConfigError, match=r"b/my_lab\.py: there is a module 'my_lab' already"):
        config_of(config, given={"extensions": ["my_lab.py"]})
    with pytest.raises(ConfigError, match=r"--config: extensions = 'missing\.py': there is no file"):
        config_of(config, given={"extensions": ["missing.py"]})
    with pytest.raises(ConfigError, match="extensions"):
        config_of(config, given={"extensions": "my_lab.py"})


def test_without_its_extension_a_config_knows_none_of_its_names(tmp_path: Path) -> None:
    study = {
        "experiment": {
            "name": "circle",
        }
    }
    validate({"extensions": [str(lab(tmp_path))], "studies": {"one": study}})
    with pytest.raises(ConfigError, match=r"there is no experiment of that name"):
        validate({"studies": {"one": study}})


WORDS = [
    "(",
    ")",
    ":",
    "@",
    "*",
    "=",
    "1",
    "''",
    "None",
    "def",
    "source",
    "metric",
    "\n",
    "    ",
    "raise",
    "Ge",
    "float",
    '"""',
]
cuts = st.tuples(st.integers(0, len(LAB)), st.integers(0, 12), st.sampled_from(["", *WORDS]))


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(cuts, min_size=1, max_size=3))
def test_broken_files_end_in_an_error_that_names_file_and_line(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, int, str]]
) -> None:
    """Of a file with random edits: it is used as it is, or one sentence says what is wrong where."""
    text = LAB
    for start, length, word in edits:
        text = text[:start] + word + text[start + length :]
    path = lab(tmp_path_factory.mktemp("lab"), text)
    try:
        validated(path)
    except ConfigError as error:
        told = str(error)
        assert re.match(rf"{re.escape(str(path))}: line [1-9]\d*: \S.*$", told), told
