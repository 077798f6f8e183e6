"""Fingerprints follow meaning: code that a job runs, and nothing else."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from implicitbias import catalogue
from implicitbias import fingerprint as module
from implicitbias.catalogue import Entry, Pointer, function_of, pointers
from implicitbias.fingerprint import closure, fingerprint
from implicitbias.syntax import read

TRAIN = ("implicitbias.training.run:train",)
TABLES = {
    name: table
    for name, table in vars(catalogue).items()
    if isinstance(table, dict) and all(isinstance(entry, Entry) for entry in table.values())
}


def digest_of(tmp_path: Path, text: str) -> str:
    path = tmp_path / "code.py"
    path.write_text(text)
    return read(path).whole.text


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
    modules = closure(frozenset({"implicitbias.training.run"}))
    assert {"implicitbias.rng", "implicitbias.networks.stacked"} <= modules
    assert not any(module.startswith("implicitbias.catalogue") for module in modules)
    assert not [name for name in modules if name.startswith(("implicitbias.nngp", "implicitbias.figures"))]


def test_a_job_depends_on_its_own_optimizer_only() -> None:
    nero, adam = (fingerprint(TRAIN, [catalogue.OPTIMIZERS[name]]) for name in ("nero", "adam"))
    assert nero != adam
    assert nero == fingerprint(TRAIN, [catalogue.OPTIMIZERS["nero"]])


@pytest.mark.parametrize(
    ("entry", "change"),
    [
        (catalogue.LABELS["binary"], {"keeps": (0, 2)}),
        (catalogue.OPTIMIZERS["sgd"], {"equivariant": False}),
        (catalogue.METRICS["weight_norm"], {"dims": ()}),
        (catalogue.SOURCES["digits"], {"features": 65}),
        (catalogue.OPTIMIZERS["nero"], {"parameters": {"beta": catalogue.Parameter(0.9, "decay")}}),
    ],
)
def test_every_field_of_an_entry_counts(entry: catalogue.Entry, change: dict[str, Any]) -> None:
    assert fingerprint(TRAIN, [replace(entry, **change)]) != fingerprint(TRAIN, [entry])


def test_the_prose_of_an_entry_does_not_count() -> None:
    before, figure = catalogue.OPTIMIZERS["nero"], catalogue.FIGURES["bounds"]
    reworded = {key: replace(parameter, summary="in other words") for key, parameter in before.parameters.items()}
    after = replace(before, summary="reworded", parameters=reworded)
    assert fingerprint(TRAIN, [after]) == fingerprint(TRAIN, [before])
    assert fingerprint(TRAIN, [replace(figure, alt="reworded")]) == fingerprint(TRAIN, [figure])


def test_upstream_and_scripts_count(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("x = 1\n")
    first = fingerprint(TRAIN, (), [script], ["a"])
    assert fingerprint(TRAIN, (), [script], ["b"]) != first
    script.write_text("x = 2\n")
    assert fingerprint(TRAIN, (), [script], ["a"]) != first


def edit(monkeypatch: pytest.MonkeyPatch, edited: str) -> None:
    """Digests from here on are those of a package in which this module is another."""
    digest = module._module_digest
    monkeypatch.setattr(module, "_module_digest", lambda name: "edited" if name == edited else digest(name))
    monkeypatch.setattr(module, "_closure_digest", module._closure_digest.__wrapped__)


@dataclass(frozen=True)
class Nested(Entry):
    several: tuple[Pointer, ...] = ()
    named: Mapping[str, Pointer] | None = None
    inner: tuple[Entry, ...] = ()
    alt: str = ""


ELSEWHERE = "implicitbias.optimizers.agd"
AGD = f"{ELSEWHERE}:agd"
HERE = catalogue.ACTIVATIONS["linear"]
NNGP = ("implicitbias.nngp.evaluate:evaluate",)


@pytest.mark.parametrize(
    "entry",
    [
        replace(HERE, function=AGD),
        replace(HERE, dual=AGD),
        Nested(HERE.function, "", several=(HERE.function, AGD)),
        Nested(HERE.function, "", named={"a": AGD}),
        Nested(HERE.function, "", inner=(replace(HERE, dual=AGD),)),
    ],
)
def test_an_edit_of_code_that_any_field_points_to_counts(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(NNGP, [entry]), fingerprint(NNGP, [HERE])
    edit(monkeypatch, ELSEWHERE)
    after = fingerprint(NNGP, [entry]), fingerprint(NNGP, [HERE])
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_a_pointer_that_one_module_calls_counts_where_that_module_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel of an activation: for infinite width and for spherised targets, but not for plain training."""
    entry, spherised = replace(HERE, dual=AGD), catalogue.TARGETS["spherised"]
    before = fingerprint(TRAIN, [entry]), fingerprint(TRAIN, [entry, spherised])
    edit(monkeypatch, ELSEWHERE)
    after = fingerprint(TRAIN, [entry]), fingerprint(TRAIN, [entry, spherised])
    assert before[0] == after[0]
    assert before[1] != after[1]


def reads_dual(code: str) -> bool:
    """Whether it does more with a field of this name than ask, by a `not` or an `if`, if there is anything in it."""
    nodes = list(ast.walk(ast.parse(code)))
    asked = [node.operand for node in nodes if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)]
    asked += [node.test for node in nodes if isinstance(node, ast.If | ast.IfExp)]
    asked += [test for node in nodes if isinstance(node, ast.comprehension) for test in node.ifs]
    return any(isinstance(node, ast.Attribute) and node.attr == "dual" and node not in asked for node in nodes)


def test_no_other_module_reads_a_field_that_is_said_to_be_called_by_one() -> None:
    stages = set(closure(frozenset(f"implicitbias.{name}" for name in ("training.run", "sampling", "nngp.evaluate"))))
    stages |= closure(frozenset(f"implicitbias.{name}" for name in ("measurement.measure", "experiments.run")))
    stages |= closure(frozenset({"implicitbias.training.spherised"}))
    readers = {
        name
        for name in stages
        if (spec := find_spec(name)) and spec.origin and reads_dual(Path(spec.origin).read_text())
    }
    assert readers == {caller for _, caller in pointers(HERE) if caller}


def test_a_string_that_is_not_declared_a_pointer_is_none() -> None:
    assert list(pointers(Nested(HERE.function, AGD, alt=AGD))) == [(HERE.function, "")]


def strings_in(value: Any) -> Iterator[str]:
    """Every string anywhere in a value."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        for each in fields(value):
            yield from strings_in(getattr(value, each.name))
    elif isinstance(value, Mapping):
        yield from strings_in([*value, *value.values()])
    elif isinstance(value, tuple | list):
        for item in value:
            yield from strings_in(item)


def test_every_table_of_the_catalogue_is_looked_at() -> None:
    expected = "SOURCES LABELS ACTIVATIONS INITIALISATIONS LOSSES OPTIMIZERS SCHEDULES TARGETS ESTIMATORS METRICS"
    assert {*expected.split(), "ARCHITECTURES", "EXPERIMENTS", "FIGURES", "CHECKS", "PUBLISHED"} <= set(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_whatever_looks_like_a_pointer_is_declared_followed_and_resolves(
    table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    digested: set[str] = set()
    monkeypatch.setattr(module, "_closure_digest", lambda modules: digested.update(modules) or "")
    for name, entry in TABLES[table].items():
        found = {text for text in strings_in(entry) if re.fullmatch(r"implicitbias(\.\w+)+:\w+", text)}
        callers = dict(pointers(entry))
        assert found == set(callers), f"{name}: declare the field that holds it with the type Pointer"
        digested.clear()
        fingerprint([f"{caller}:" for caller in callers.values() if caller], [entry])
        for pointer in found:
            assert pointer.split(":")[0] in digested
            assert callable(function_of(pointer))


def test_stages_import_what_they_call_of_a_network() -> None:
    """A network's methods reach torch by name, which no fingerprint follows: they are for people at a prompt."""
    called = re.compile(r"\.(nngp|ntk|initialise|forward)\(")
    package = Path(find_spec("implicitbias").origin).parent  # type: ignore[union-attr, arg-type]
    assert [path.name for path in package.rglob("*.py") if called.search(path.read_text())] == []
