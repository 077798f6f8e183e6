"""What a check states stands in one place: at the head of its function's docstring, as a sentence."""

import inspect
import pkgutil
import re
from importlib import import_module

import pytest

from implicitbias import docstrings, fingerprint
from implicitbias.catalogue import CHECKS, resolve
from implicitbias.catalogue import entries as module
from implicitbias.config.load import config_of
from implicitbias.studies import checks
from implicitbias.studies.verdicts import Verdict


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_states_a_sentence(name: str) -> None:
    stated = CHECKS[name].description
    assert stated == " ".join((inspect.getdoc(resolve(CHECKS[name])) or "").split("\n\n")[0].split())
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


def test_no_docstring_is_read_where_a_config_is_validated() -> None:
    docstrings._docstrings.cache_clear()
    config_of("config/config.yaml")
    assert docstrings._docstrings.cache_info().currsize == 0


def test_a_statement_counts_where_it_is_shown_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    entry, job = CHECKS["networks_fit"], ["implicitbias.report.build:write"]

    def codes() -> tuple[str, str]:
        return fingerprint.fingerprint(job, [entry], shown=[entry]), fingerprint.fingerprint(job, [entry])

    shown, run = codes()
    monkeypatch.setattr(module, "docstring_of", lambda pointer: "Other words.")
    assert codes() != (shown, run)
    assert codes()[1] == run
