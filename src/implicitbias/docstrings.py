"""What docstrings say: the sentence at their head, and the meanings of arguments."""

import ast
import inspect
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_ARGUMENT = re.compile(r"\*{0,2}(\w+)(?: \([^)]*\))?: *(.*)")
_SENTENCES = re.compile(r'(?<!al)\.\s+(?=[A-Z0-9"`(])')
_SECTION = re.compile(r"[A-Z]\w*:")


def docstring_of(pointer: str) -> str:
    """The docstring of the function `module:function`, read from its file, whose module is not imported."""
    return ast.get_docstring(_head(pointer)) or ""


def defaults_of(pointer: str) -> dict[str, Any]:
    """The defaults of the arguments of a function, which are written out in full; read as docstrings are."""
    arguments = _head(pointer).args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return {argument.arg: ast.literal_eval(default) for argument, default in pairs if default is not None}


@cache
def _head(pointer: str) -> ast.FunctionDef:
    """Signature and docstring of a function of a module: of long modules only these lines are parsed."""
    module, name = pointer.split(":")
    found = re.search(rf'^def {name}\(.*?""".*?"""', _text(module), re.MULTILINE | re.DOTALL)
    assert found is not None, pointer
    (node,) = ast.parse(found[0]).body
    assert isinstance(node, ast.FunctionDef)
    return node


@cache
def _text(module: str) -> str:
    top, *inner = module.split(".")
    spec = find_spec(top)
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent.joinpath(*inner).with_suffix(".py") if inner else Path(spec.origin)
    return file.read_text(encoding="utf-8")


def sentence(docstring: str) -> str:
    """The first paragraph, in one line."""
    return " ".join(inspect.cleandoc(docstring).split("\n\n")[0].split())


def meanings(docstring: str) -> dict[str, str]:
    """Of every argument that the section Args names (`name: meaning`, over several lines or not), the meaning.

    That is the first sentence of what is said there, without the full stop.
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
    return {name: _SENTENCES.split(meaning)[0].removesuffix(".") for name, meaning in found.items()}
