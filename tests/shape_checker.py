"""Checks of what signatures say of arrays: imported modules that have shapes check them at every call.

It is installed before they are imported (`check_shapes`), in a process of its own.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from beartype import beartype
from jaxtyping import install_import_hook

_SAYS = re.compile(r"^from (jaxtyping|implicitbias\.shapes)\b", re.MULTILINE)
SOURCE = Path(__file__).parents[1] / "src"


def only_shapes(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check those annotations that hold a shape; all others, which mypy looks at, are left alone."""
    hints = function.__annotations__
    function.__annotations__ = {name: hint for name, hint in hints.items() if _has_shape(hint)}
    checked: Callable[..., Any] = beartype(function)
    return checked


def _has_shape(hint: Any) -> bool:
    """Whether a type, or one inside of it, is an array with a shape."""
    return hasattr(hint, "dim_str") or any(map(_has_shape, get_args(hint)))


def modules_with_shapes() -> list[str]:
    """The package's modules that say shapes."""
    paths = sorted((SOURCE / "implicitbias").rglob("*.py"))
    chosen = [path for path in paths if _SAYS.search(path.read_text(encoding="utf-8"))]
    return [".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in chosen]


def check_shapes() -> None:
    """From now on, for modules that are still to be imported."""
    install_import_hook(modules_with_shapes(), "shape_checker.only_shapes")
