"""What docstrings say: the sentence at their head, and the meanings of arguments."""

import ast
import inspect
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_ARGUMENT = re.compile(r"\*{0,2}(\w+)(?: \([^)]*\))?: *(.*)")
_SECTION = re.compile(r"[A-Z]\w*:")


def docstring_of(pointer: str) -> str:
    """The docstring of the function `module:function`, read from its file, whose module is not imported."""
    module, name = pointer.split(":")
    return _docstrings(module)[name]


@cache
def _docstrings(module: str) -> dict[str, str]:
    """The docstrings of all functions of a module."""
    top, *inner = module.split(".")
    spec = find_spec(top)
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent.joinpath(*inner).with_suffix(".py") if inner else Path(spec.origin)
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name: ast.get_docstring(node) or "" for node in tree.body if isinstance(node, ast.FunctionDef)}


def sentence(docstring: str) -> str:
    """The first paragraph, in one line."""
    return " ".join(inspect.cleandoc(docstring).split("\n\n")[0].split())


def meanings(docstring: str) -> dict[str, str]:
    """Of every argument that the section Args names (`name: meaning`, over several lines or not), the meaning.

    A full stop at the end is left out.
    """
    lines = inspect.cleandoc(docstring).splitlines()
    if "Args:" not in lines:
        return {}
    found: dict[str, str] = {}
    name, indent = "", 0
    for line in lines[lines.index("Args:") + 1 :]:
        text = line.strip()
        if _SECTION.fullmatch(line):
            break
        depth, argument = len(line) - len(line.lstrip()), _ARGUMENT.fullmatch(text)
        if argument and (not found or depth <= indent):
            name, indent = argument[1], depth
            found[name] = argument[2]
        elif text and name:
            found[name] = f"{found[name]} {text}".strip()
    return {name: meaning.removesuffix(".") for name, meaning in found.items()}
