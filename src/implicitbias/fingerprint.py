"""Fingerprints of code: which text a stage's numbers depend on.

Snakemake does not notice an edit in an imported module. So every job carries, as a parameter, a digest over the
syntax trees of all first-party modules that its function imports, directly or not, without comments and
docstrings: editing code reruns just the stages that run it, and rewording a comment reruns nothing.

The catalogue is left out of every closure (else adding a metric would retrain every network); the entries that
a job uses are digested instead, with all code that they point to and that the job may call.
"""

import ast
import hashlib
import sys
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import grimp

from implicitbias.catalogue import Entry, Pointer, pointers

PACKAGE = "implicitbias"
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_CATALOGUE = f"{PACKAGE}.catalogue"
_SILENT = frozenset(
    {"summary", "alt", "minutes", "work", "uses", "only"}
)  # of entries: what people, schedulers and the config read


def fingerprint(
    functions: Sequence[str],
    entries: Sequence[Entry] = (),
    scripts: Iterable[str | Path] = (),
    upstream: Iterable[str] = (),
) -> str:
    """A digest of all code that a job runs, and of its upstream jobs' fingerprints.

    Taking the upstream in makes the digest a Merkle tree: after an interrupted rebuild, what still stands
    on old inputs is told apart without timestamps.

    Args:
        functions: what the job calls, as ``module:function``.
        entries: catalogue entries that it uses.
        scripts: further Python files that it runs.
        upstream: fingerprints of the jobs whose files it reads.

    """
    # what one module alone calls is run by those jobs only that run that module
    pointed = list(chain.from_iterable(map(pointers, entries)))
    always = _modules([*functions, *(pointer for pointer, caller in pointed if not caller)])
    sometimes = _modules(pointer for pointer, caller in pointed if caller in closure(always))
    parts = [_closure_digest(always | sometimes)]
    parts += [_entry_text(entry) for entry in entries]
    parts += [_source_digest(Path(script)) for script in scripts]
    parts += list(upstream)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _modules(names: Iterable[Pointer]) -> frozenset[str]:
    return frozenset(name.split(":")[0] for name in names)


@cache
def closure(modules: frozenset[str]) -> frozenset[str]:
    """All first-party modules that `modules` import, directly or not, with the packages that hold them."""
    graph = _graph()
    found = set(modules)
    for module in list(found):
        found |= graph.find_upstream_modules(module)
    for module in list(found):
        parts = module.split(".")
        found |= {".".join(parts[:length]) for length in range(1, len(parts))}
    return frozenset(name for name in found if name != PACKAGE and not f"{name}.".startswith(f"{_CATALOGUE}."))


def _entry_text(entry: Entry) -> str:
    """All of an entry that can change a number; of its parameters the defaults."""
    kept = {name: value for name, value in vars(entry).items() if name not in _SILENT}
    defaults = {key: parameter.default for key, parameter in entry.parameters.items()}
    return repr(sorted((kept | {"parameters": defaults}).items()))


@lru_cache(maxsize=1)
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(PACKAGE, cache_dir=None)


@cache
def _closure_digest(modules: frozenset[str]) -> str:
    digest = hashlib.sha256()
    for module in sorted(closure(modules)):
        digest.update(f"{module}={_module_digest(module)}\n".encode())
    return digest.hexdigest()


@cache
def _module_digest(module: str) -> str:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    origin = Path(spec.origin)
    digest = hashlib.sha256(_source_digest(origin).encode())
    if origin.name == "__init__.py":  # templates and style sheets are code too
        for extra in sorted(origin.parent.iterdir()):
            if extra.is_file() and extra.suffix not in {".py", ".pyc"} and extra.name != "py.typed":
                digest.update(extra.name.encode() + extra.read_bytes())
    return digest.hexdigest()


def _source_digest(path: Path) -> str:
    """Digest of a Python file's syntax tree, without comments, layout and docstrings."""
    return _text_digest(path.read_text(encoding="utf-8"))


@cache
def _text_digest(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"  # the form of a dump depends on it
    return hashlib.sha256(f"{version}{ast.dump(tree)}".encode()).hexdigest()
