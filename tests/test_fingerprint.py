"""Fingerprints follow meaning: code that a job runs, and nothing else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from implicitbias import catalogue
from implicitbias.fingerprint import _source_digest, closure, fingerprint

TRAIN = ("implicitbias.training.run:train",)


def digest_of(tmp_path: Path, text: str) -> str:
    path = tmp_path / "code.py"
    path.write_text(text)
    return _source_digest(path)


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    return x + 1  # a comment\n",
        'def f(x):\n    """A docstring."""\n    return x + 1\n',
        '"""A module docstring."""\n\n\ndef f( x ):\n\n    return (x + 1)\n',
    ],
)
def test_comments_docstrings_and_layout_do_not_count(tmp_path: Path, text: str) -> None:
    assert digest_of(tmp_path, text) == digest_of(tmp_path, "def f(x):\n    return x + 1\n")


def test_code_counts(tmp_path: Path) -> None:
    assert digest_of(tmp_path, "def f(x):\n    return x + 1\n") != digest_of(tmp_path, "def f(x):\n    return x + 2\n")
    assert digest_of(tmp_path, "x = 'a'\n") != digest_of(tmp_path, "x = 'b'\n")


def test_the_closure_holds_what_is_imported_and_not_what_is_not() -> None:
    modules = closure(["implicitbias.training.run"])
    assert {"implicitbias.schema", "implicitbias.rng", "implicitbias.networks.stacked"} <= modules
    assert not any(module.startswith("implicitbias.catalogue") for module in modules)
    assert not [name for name in modules if name.startswith(("implicitbias.nngp", "implicitbias.figures"))]


def test_a_job_depends_on_its_own_optimizer_only() -> None:
    nero, adam = (fingerprint(TRAIN, [catalogue.OPTIMIZERS[name]]) for name in ("nero", "adam"))
    assert nero != adam
    assert nero == fingerprint(TRAIN, [catalogue.OPTIMIZERS["nero"]])


@pytest.mark.parametrize(
    ("entry", "change"),
    [
        (catalogue.LABELS["binary"], {"digits": (0, 2)}),
        (catalogue.OPTIMIZERS["sgd"], {"equivariant": False}),
        (catalogue.METRICS["weight_norm"], {"dims": ()}),
        (catalogue.SOURCES["digits"], {"features": 65}),
        (catalogue.OPTIMIZERS["nero"], {"parameters": {"beta": catalogue.Parameter(0.9, "decay")}}),
    ],
)
def test_every_field_of_an_entry_counts(entry: catalogue.Entry, change: dict[str, Any]) -> None:
    assert fingerprint(TRAIN, [replace(entry, **change)]) != fingerprint(TRAIN, [entry])


def test_the_prose_of_an_entry_does_not_count() -> None:
    beta = catalogue.Parameter(0.999, "in other words")
    before, figure = catalogue.OPTIMIZERS["nero"], catalogue.FIGURES["bounds"]
    after = replace(before, summary="reworded", parameters={"beta": beta})
    assert fingerprint(TRAIN, [after]) == fingerprint(TRAIN, [before])
    assert fingerprint(TRAIN, [replace(figure, alt="reworded")]) == fingerprint(TRAIN, [figure])


def test_upstream_and_scripts_count(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("x = 1\n")
    first = fingerprint(TRAIN, (), [script], ["a"])
    assert fingerprint(TRAIN, (), [script], ["b"]) != first
    script.write_text("x = 2\n")
    assert fingerprint(TRAIN, (), [script], ["a"]) != first


def test_every_entry_of_the_catalogue_points_to_a_function() -> None:
    names = "SOURCES LABELS ACTIVATIONS LOSSES OPTIMIZERS ESTIMATORS METRICS FIGURES CHECKS PUBLISHED"
    for name in names.split():
        table = getattr(catalogue, name)
        assert table
        for entry in table.values():
            assert callable(catalogue.resolve(entry))
