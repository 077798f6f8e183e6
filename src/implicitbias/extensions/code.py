"""What a function of an extension file runs: statements of that file and of those beside it, and what they import.

Of a file the statements count that define what the function names, and what these name in turn; statements that define
nothing, such as `np.seterr(...)`, count always. The marks of entries do not count: entries count by themselves.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from implicitbias.syntax import meaning_of

_PACKAGE, *_ = __name__.split(".")
_MARKS = f"{_PACKAGE}.extensions"


@dataclass
class Run:
    """What is run: `texts` of statements by module, and (module, name) of what they import from this package."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    imports: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True)
class _Import:
    """Of a name in a module, "" for the module itself, under a name here."""

    module: str
    name: str
    here: str


@dataclass(frozen=True)
class _Statement:
    """A statement at the top level of a file: what it binds, names and imports; every imported name is one of its own.

    One that is for what it does, and not for what it binds, `always` counts.
    """

    text: str
    binds: frozenset[str]
    names: frozenset[str]
    imports: tuple[_Import, ...]
    always: bool


def run_by(pointers: Sequence[str]) -> Run:
    """What these functions `module:function` of extension files run."""
    found, wanted = Run(), dict[str, set[str]]()
    for pointer in pointers:
        module, name = pointer.split(":")
        _visit(module, {name}, _folder(module), wanted, found)
    return found


def _folder(module: str) -> Path:
    return _file(module).parents[module.count(".")]


def _file(module: str) -> Path:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def _beside(folder: Path, module: str) -> Path | None:
    """The file of a module that lies in the folder."""
    place = folder.joinpath(*module.split("."))
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def _visit(module: str, names: set[str], folder: Path, wanted: dict[str, set[str]], found: Run) -> None:
    """Add what a file beside the extension runs for these names, "*" for all of them."""
    file = _beside(folder, module)
    known = wanted.setdefault(module, set())
    if file is None or (module in found.texts and names <= known):
        return
    known |= names
    statements = _statements(file.read_bytes(), module, file.name == "__init__.py")
    taken: set[int] = set()
    while fresh := {
        number
        for number, each in enumerate(statements)
        if number not in taken and (each.always or "*" in known or each.binds & known)
    }:
        taken |= fresh
        known |= set().union(*(statements[number].names for number in fresh))
    chosen = [statements[number] for number in sorted(taken)]
    found.texts[module] = [each.text for each in chosen]
    for one in (one for each in chosen for one in each.imports):
        _follow(one, folder, wanted, found)


def _follow(one: _Import, folder: Path, wanted: dict[str, set[str]], found: Run) -> None:
    """Add what an import brings."""
    if one.module.split(".")[0] == _PACKAGE:
        if one.module != _MARKS:
            found.imports.add((one.module, one.name))
        return
    for length in range(1, one.module.count(".") + 1):  # the packages that hold it
        _visit(".".join(one.module.split(".")[:length]), set(), folder, wanted, found)
    inner = f"{one.module}.{one.name}"
    if one.name and _beside(folder, inner):
        _visit(one.module, set(), folder, wanted, found)
        _visit(inner, {"*"}, folder, wanted, found)
    else:
        _visit(one.module, {one.name or "*"}, folder, wanted, found)


@lru_cache(maxsize=256)
def _statements(code: bytes, module: str, is_package: bool) -> tuple[_Statement, ...]:
    tree = ast.parse(code)
    named = frozenset[str]().union(*(meaning_of(node).names for node in tree.body))
    marks = {one.here for one in _imports(tree, module, is_package) if one.module == _MARKS}
    found = []
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for one in _imports(node, module, is_package):
                idle = one.here not in named and one.module != _MARKS
                found.append(_Statement(repr(one), frozenset({one.here}), frozenset(), (one,), idle))
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):  # which is a docstring
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                node.decorator_list = [each for each in node.decorator_list if _root(each) not in marks]
            meaning, binds = meaning_of(node), frozenset(_bound(node))
            imports = tuple(_imports(node, module, is_package))
            found.append(_Statement(meaning.text, binds, frozenset(meaning.names), imports, not binds))
    return tuple(found)


def _imports(node: ast.AST, module: str, is_package: bool) -> Iterator[_Import]:
    """All imports in a statement, relative ones resolved."""
    for each in ast.walk(node):
        if isinstance(each, ast.Import):
            for alias in each.names:
                yield _Import(alias.name, "", alias.asname or alias.name.split(".")[0])
        elif isinstance(each, ast.ImportFrom):
            parts = module.split(".")[: len(module.split(".")) - each.level + is_package] if each.level else []
            origin = ".".join([*parts, *([each.module] if each.module else [])])
            for alias in each.names:
                yield _Import(origin, alias.name, alias.asname or alias.name)


def _bound(node: ast.stmt) -> Iterator[str]:
    """The names that a statement defines or changes."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    for each in ast.walk(node):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield each.name
        elif isinstance(each, ast.Name | ast.Attribute | ast.Subscript) and isinstance(each.ctx, ast.Store | ast.Del):
            yield _root(each)
    for one in _imports(node, "", is_package=False):
        yield one.here


def _root(node: ast.AST) -> str:
    """The variable at the head of `name.attribute[0](...)`."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
