"""The documentation site: pages beside this file, tables from the catalogue, the API from docstrings."""

import re
import sys
from pathlib import Path
from typing import Annotated, get_origin

from sphinx.application import Sphinx

import implicitbias

sys.path.insert(0, str(Path(__file__).parent))
from tables import PAGES

project = "The implicit-bias laboratory"
author = "The implicit-bias laboratory developers"
copyright = author
version = release = implicitbias.__version__

extensions = ["myst_parser", "sphinx.ext.apidoc", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
suppress_warnings = ["ref.python"]  # names of attributes are no references to those of other classes
default_role = "code"  # `(n, d)` in docstrings is code, as in Markdown

html_theme = "furo"
html_title = project
html_copy_source = False

myst_heading_anchors = 3
apidoc_modules = [
    {
        "path": "../src/implicitbias",
        "destination": "reference/api",
        "module_first": True,
        "automodule_options": {"members", "show-inheritance"},
    }
]
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_attr_annotations = False  # signatures say the types, whose shapes are no reStructuredText
napoleon_use_ivar = True  # else attributes in the docstring of a class would stand on its page twice


def as_written(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Norms such as |W| are no substitutions of reStructuredText, and what stands before a colon is no type."""
    text = "\n".join(lines)
    lines[:] = re.sub(r"(`[^`]*`)|\|", lambda found: found[1] or r"\|", text).split("\n")
    if what in {"attribute", "data", "property"}:
        lines[:0] = ["..", ""]  # napoleon looks for a type in the first line; this one is a comment


def without_validators(app: Sphinx, what: str, name: str, thing: object, skipped: bool, options: object) -> bool | None:
    """Leave out types with the validators of the config, which the reference of the config describes."""
    return True if get_origin(thing) is Annotated else None


def write_tables(app: Sphinx) -> None:
    """Write the generated pages, unless they are there as they would be written."""
    for name, page in PAGES.items():
        path, text = Path(app.srcdir) / f"reference/{name}.md", page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register what happens on the way from catalogue and docstrings to pages."""
    app.connect("builder-inited", write_tables, priority=100)
    app.connect("autodoc-process-docstring", as_written, priority=400)  # before napoleon
    app.connect("autodoc-skip-member", without_validators)
