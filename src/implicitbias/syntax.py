"""What Python files mean: their syntax trees as text, without what no number depends on.

Comments, layout, docstrings and annotations do not count, nor do imports that only annotations use. (No code of a job
reads annotations, but for dataclasses and named tuples, in which they make fields: these stay, without their types.)
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@dataclass
class Meaning:
    """What a piece of code means: its text, the variables that it names, and what it asks values for (`x.attribute`).

    `annotating` are the variables that its annotations name.
    """

    text: str = ""
    names: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    annotating: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Source:
    """What a file means: as a whole, by the names that its statements define, and what it imports.

    An import is (module, name in it, name here); the name in it is "" of a whole module.
    """

    whole: Meaning
    definitions: dict[str, ast.stmt]
    imports: list[tuple[str, str, str]]


@cache
def file_of(module: str) -> Path:
    """Where a module is.

    Raises:
        ModuleNotFoundError: if there is none of this name.
    """
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    return Path(spec.origin)


@cache
def source_of(module: str) -> Source:
    """What a module means."""
    return read(file_of(module))


def read(path: Path) -> Source:
    """What a Python file means."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    statements = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    whole = meaning_of(ast.Module(statements, []))
    idle = set() if path.name == "__init__.py" else whole.annotating - whole.names  # packages import for others
    imports = [found for node in tree.body for found in _imported(node) if found[2] not in idle]
    whole.text = f"{sorted(imports)}{whole.text}"
    return Source(whole, {name: node for node in statements for name in _defined(node)}, imports)


def meaning_of(node: ast.AST) -> Meaning:
    """What a piece of code means."""
    found = Meaning()
    found.text = _text(node, found)
    return found


def _text(value: Any, found: Meaning, within: str = "") -> str:
    """The text of a node, of a list of them or of a constant; `within` is the kind of node that holds it."""
    if isinstance(value, list):
        return f"[{','.join([_text(item, found, within) for item in value])}]"
    if not isinstance(value, ast.AST):
        return repr(value)
    kind = type(value).__name__
    if isinstance(value, ast.Name):
        found.names.add(value.id)
    elif isinstance(value, ast.Attribute):
        found.attributes.add(value.attr)
    elif isinstance(value, ast.If) and isinstance(value.test, ast.Name) and value.test.id == "TYPE_CHECKING":
        found.annotating.add("TYPE_CHECKING")
        return _text(value.orelse, found, within)
    elif isinstance(value, ast.AnnAssign) and within != "ClassDef":
        _annotated(value.annotation, found)
        if value.value is None:
            return ""
        value, kind = ast.Assign([value.target], value.value), "Assign"
    parts = []
    for name in value._fields:
        inner = getattr(value, name, None)
        if name in ("annotation", "returns") and inner is not None:
            _annotated(inner, found)
            inner = "ClassVar" in ast.dump(inner)  # which is no field of a dataclass
        elif name == "body" and isinstance(inner, list) and _documented(inner):
            inner = inner[1:]
        if inner is not None and name != "type_comment":
            parts.append(f"{name}={_text(inner, found, kind)}")
    return f"{kind}({','.join(parts)})"


def _documented(body: list[Any]) -> bool:
    """Whether it begins with a text that stands for itself, as docstrings do."""
    first = body[0] if body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)


def _annotated(annotation: ast.expr, found: Meaning) -> None:
    """Note the variables that an annotation names, in quotes or not."""
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name):
            found.annotating.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.annotating |= set(re.findall(r"\w+", node.value))


def _imported(node: ast.stmt) -> Iterator[tuple[str, str, str]]:
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        yield from ((module, alias.name, alias.asname or alias.name) for alias in node.names)
    elif isinstance(node, ast.Import):
        yield from ((alias.name, "", alias.asname or alias.name.split(".")[0]) for alias in node.names)


def _defined(node: ast.stmt) -> Iterator[str]:
    """The names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from (inner.id for inner in ast.walk(target) if isinstance(inner, ast.Name))
