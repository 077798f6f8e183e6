"""What a check states stands in one place: at the head of its function's docstring, as a sentence."""

import inspect
import pkgutil
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

from implicitbias import docstrings, fingerprint
from implicitbias.catalogue import ACTIVATIONS, CHECKS, EXPERIMENTS, OPTIMIZERS, PUBLISHED, resolve
from implicitbias.catalogue import entries as module
from implicitbias.config.load import config_of
from implicitbias.studies import checks
from implicitbias.studies.verdicts import Verdict

STATED = {**CHECKS, **PUBLISHED}


@pytest.mark.parametrize("name", STATED)
def test_checks_and_published_tables_say_what_they_are_in_their_docstrings(name: str) -> None:
    stated = STATED[name].description
    assert stated == " ".join((inspect.getdoc(resolve(STATED[name])) or "").split("\n\n")[0].split())
    assert re.fullmatch(r"[A-Z<].{30,450}\.", stated)


def test_every_function_that_gives_a_verdict_is_a_check() -> None:
    found = {
        name
        for each in pkgutil.iter_modules(checks.__path__)
        for name, function in vars(import_module(f"{checks.__name__}.{each.name}")).items()
        if inspect.isfunction(function)
        and function.__module__ == f"{checks.__name__}.{each.name}"
        and not name.startswith("_")
        and inspect.signature(function).return_annotation is Verdict
    }
    assert found == set(CHECKS)


def test_no_statement_is_read_where_a_config_is_validated(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(module, "docstring_of", lambda pointer: read.append(pointer) or "")
    config_of("config/config.yaml")
    assert not read


def test_a_statement_counts_where_it_is_shown_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    entry, job = CHECKS["networks_fit"], ["implicitbias.report.build:write"]

    def codes() -> tuple[str, str]:
        return fingerprint.fingerprint(job, [entry], shown=[entry]), fingerprint.fingerprint(job, [entry])

    shown, run = codes()
    monkeypatch.setattr(module, "docstring_of", lambda pointer: "Other words.")
    assert codes() != (shown, run)
    assert codes()[1] == run


FUNCTIONS = {name: entry for table in (EXPERIMENTS, OPTIMIZERS, ACTIVATIONS) for name, entry in table.items()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parameters_are_what_the_function_says(name: str) -> None:
    entry, function = FUNCTIONS[name], resolve(FUNCTIONS[name])
    defaults = {key: each.default for key, each in inspect.signature(function).parameters.items()}
    assert {key: each.default for key, each in entry.parameters.items()}.items() <= defaults.items()
    assert set(entry.parameters) == set(defaults) - {"seed", "task", "z"}
    assert all(each.summary for each in entry.parameters.values())


HEAD = '''def first(x):
    pass


def second(
    a,
    b=-1,
    *,
    c: float = 2.5,
    d="x",
) -> None:
    """One sentence
    over two lines.

    Args:
        a: what
            it is. More of it.
        b (int): as in Shah et al. 2020. 0 for none.
        c:
            below.

    Returns:
        d: nothing.
    """
    return None
'''


def test_signature_and_docstring_are_read_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some_module_to_read.py").write_text(HEAD)
    monkeypatch.syspath_prepend(tmp_path)
    pointer = "some_module_to_read:second"
    assert docstrings.defaults_of(pointer) == {"b": -1, "c": 2.5, "d": "x"}
    told = docstrings.docstring_of(pointer)
    assert docstrings.sentence(told) == "One sentence over two lines."
    assert docstrings.meanings(told) == {"a": "what it is", "b": "as in Shah et al. 2020", "c": "below"}
    assert "some_module_to_read" not in sys.modules
