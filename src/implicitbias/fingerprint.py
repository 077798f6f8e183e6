"""Fingerprints of code: which text a stage's numbers depend on.

Snakemake does not notice an edit in an imported module. So every job carries, as a parameter, a digest over the
syntax trees (see `implicitbias.syntax`) of all first-party modules that its function and its script import, directly or
not: editing code reruns just the stages that run it, and rewording a comment reruns nothing.

The catalogue is left out of every closure (else adding a metric would retrain every network); the entries that
a job uses are digested instead, with all code that they point to and that the job may call, and of everything else in
it, functions and numbers, what the job's modules import by name. So it is with the result contract, of which
`schema.load` and `schema.save`, called by these names, count nowhere: what they read is what was written.
"""

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

import grimp

from implicitbias.catalogue import Entry, Pointer, pointers
from implicitbias.catalogue.choices import Choice
from implicitbias.extensions.code import Run, run_by
from implicitbias.syntax import Source, file_of, meaning_of, read, source_of

PACKAGE = "implicitbias"
_BY_NAME = (f"{PACKAGE}.catalogue", f"{PACKAGE}.schema")
_REPORTING = frozenset(
    {
        f"{PACKAGE}.errors",  # words of errors, and their classes: whoever has a result met none
        f"{PACKAGE}.progress",  # lines in the log
        f"{PACKAGE}.logs",  # others, and what they say
        f"{PACKAGE}.job",  # the log itself, and the garbage collector
        f"{PACKAGE}.warm",  # where a job's process comes from
        f"{PACKAGE}.extensions",  # how entries get into the tables
        f"{PACKAGE}.extensions.code",
        f"{PACKAGE}.extensions.entries",
        f"{PACKAGE}.extensions.files",
        f"{PACKAGE}.docstrings",
        f"{PACKAGE}.shapes",  # what annotations say
        f"{PACKAGE}.shapes.arrays",
        f"{PACKAGE}.shapes.tensors",
        f"{PACKAGE}.syntax",
    }
)
_WORDS = frozenset({"summary", "alt"})  # of entries: what people read
_SILENT = _WORDS | {"minutes", "work", "made_of", "only", "uses"}  # and what schedulers, the config and the plan read
_REFUSING = frozenset({"misfit", "limits", "refuses"})  # methods of entries that end in an error or in nothing


def fingerprint(
    functions: Sequence[str],
    entries: Sequence[Entry] = (),
    scripts: Iterable[str | Path] = (),
    upstream: Iterable[str] = (),
    shown: Sequence[Entry] = (),
) -> str:
    """A digest of all code that a job runs, and of its upstream jobs' fingerprints.

    Taking the upstream in makes the digest a Merkle tree: after an interrupted rebuild, what still stands
    on old inputs is told apart without timestamps.

    Args:
        functions: what the job calls, as ``module:function``.
        entries: catalogue entries that it uses.
        scripts: further Python files that it runs.
        upstream: fingerprints of the jobs whose files it reads, and whatever else is to count.
        shown: catalogue entries whose words it prints.

    """
    return digest_of(code_text(functions, entries, scripts, shown), upstream)


def digest_of(code: str, upstream: Iterable[str]) -> str:
    """The fingerprint of a job by its `code_text`, which many jobs share, and its upstream."""
    return hashlib.sha256("\n".join([code, *upstream]).encode()).hexdigest()[:16]


def code_text(
    functions: Sequence[str],
    entries: Sequence[Entry] = (),
    scripts: Iterable[str | Path] = (),
    shown: Sequence[Entry] = (),
) -> str:
    """What `fingerprint` digests of a job's own code."""
    files = [Path(script) for script in scripts]
    # what one module alone calls is run by those jobs only that run that module
    pointed = list(chain.from_iterable(map(pointers, entries)))
    imported = chain.from_iterable(map(_imported_by, files))
    always = [*functions, *imported, *(pointer for pointer, caller in pointed if not caller)]
    reached = closure(_modules(always))
    called = [*always, *(pointer for pointer, caller in pointed if caller in reached)]
    modules = _modules(called)
    parts = [_closure_digest(modules), *_own_texts(called)]
    for entry in entries:
        kind: Any = type(entry)
        parts.append(_entry_text(entry) + _methods_text(kind, _attributes(modules)))
    parts += [repr([getattr(entry, "alt", ""), entry.description]) for entry in shown]
    parts += [_digest(read(file)) for file in files]
    return "\n".join(parts)


def _modules(names: Sequence[Pointer]) -> frozenset[str]:
    """The package's modules that hold these functions or, of functions of extensions, that these import."""
    found = {name.split(":")[0] for name in names if _is_ours(name)}
    known = _graph().modules
    for module, name in _run_by_extensions(names).imports:
        found.add(f"{module}.{name}" if f"{module}.{name}" in known else module)
    return frozenset(module for module in found if not _counts_by_name(module))


def _is_ours(name: Pointer) -> bool:
    return name.split(":")[0].split(".")[0] == PACKAGE


def _run_by_extensions(names: Iterable[Pointer]) -> Run:
    return run_by(sorted({name for name in names if not _is_ours(name)}))


def _own_texts(names: Iterable[Pointer]) -> list[str]:
    """What the functions of extensions among these run: of their files and, by name, of the catalogue and schema."""
    run, used = _run_by_extensions(names), dict[tuple[str, str], str]()
    for module, name in sorted(run.imports):
        if name and _counts_by_name(module) and name in source_of(module).definitions:
            _define(module, name, used)
    return [repr(each) for each in (sorted(run.texts.items()), sorted(used.items())) if each]


def _imported_by(script: Path) -> Iterator[str]:
    """The first-party modules that a script imports."""
    known = _graph().modules
    for module, name, _ in read(script).imports:
        if module.split(".")[0] == PACKAGE:
            yield f"{module}.{name}" if f"{module}.{name}" in known else module


@cache
def closure(modules: frozenset[str]) -> frozenset[str]:
    """All first-party modules that `modules` import, directly or not, with the packages that hold them.

    Left out are modules that only report, and those of which the definitions count one by one.
    """
    graph = _graph()
    found = set(modules)
    for module in list(found):
        found |= graph.find_upstream_modules(module)
    for module in list(found):
        parts = module.split(".")
        found |= {".".join(parts[:length]) for length in range(1, len(parts))}
    return frozenset(name for name in found - _REPORTING if name != PACKAGE and not _counts_by_name(name))


def _counts_by_name(module: str) -> bool:
    return any(f"{module}.".startswith(f"{whole}.") for whole in _BY_NAME)


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
    used: dict[tuple[str, str], str] = {}
    for module in sorted(closure(modules)):
        digest.update(f"{module}={_module_digest(module)}\n".encode())
        for source, name in _named_by(module):
            _define(source, name, used)
    for (module, name), text in sorted(used.items()):
        digest.update(f"{module}:{name}={text}\n".encode())
    return digest.hexdigest()


@cache
def _named_by(module: str) -> tuple[tuple[str, str], ...]:
    """The (module, name) that a module imports of those whose definitions count one by one."""
    found = source_of(module).imports
    return tuple((source, name) for source, name, _ in found if name and _counts_by_name(source))


def _define(module: str, name: str, known: dict[tuple[str, str], str]) -> None:
    """Add the text of a definition, and of those of the catalogue and the contract that it uses.

    Tables of entries are left out: a job's own entries are digested by themselves.
    """
    place, source = (module, name), source_of(module)
    if place in known or _is_table(getattr(import_module(module), name, None)):
        return
    known[place], used = "", {name}  # which the module may only hand on
    if name in source.definitions:
        meaning = meaning_of(source.definitions[name])
        known[place], used = meaning.text, meaning.names
    for each in sorted(used & set(source.definitions)):
        _define(module, each, known)
    for other, original, here in source.imports:
        if here in used and original and _counts_by_name(other):
            _define(other, original, known)


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(v, Entry | Choice) for v in value.values())


@cache
def _attributes(modules: frozenset[str]) -> frozenset[str]:
    """What the code of these modules and of those that they import asks values for."""
    return frozenset(chain.from_iterable(map(_asked_by, closure(modules))))


@cache
def _asked_by(module: str) -> frozenset[str]:
    return frozenset(source_of(module).whole.attributes)


@cache
def _methods_text(kind: Any, asked: frozenset[str]) -> str:
    """The methods of an entry that a job calls, by their names, with all that they use."""
    wanted, texts, used = set(asked - _REFUSING), dict[str, str](), dict[tuple[str, str], str]()
    methods = list(_methods(kind))
    while fresh := [each for each in methods if each[1].name in wanted and f"{each[0]}.{each[1].name}" not in texts]:
        for place, node in fresh:
            meaning = meaning_of(node)
            texts[f"{place}.{node.name}"] = meaning.text
            wanted |= meaning.attributes - _REFUSING
            module = place.rpartition(".")[0]
            for name in meaning.names:
                if hasattr(import_module(module), name):
                    _define(module, name, used)
    return repr((sorted(texts.items()), sorted(used.items())))


def _methods(kind: type[Entry]) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The methods of a class of entries, those that it inherits too, each with `module.class`."""
    for each in kind.__mro__:
        if _counts_by_name(each.__module__):
            body = source_of(each.__module__).definitions[each.__name__].body  # type: ignore[attr-defined]
            place = f"{each.__module__}.{each.__name__}"
            yield from ((place, node) for node in body if isinstance(node, ast.FunctionDef))


@cache
def _module_digest(module: str) -> str:
    origin = file_of(module)
    digest = hashlib.sha256(_digest(source_of(module)).encode())
    if origin.name == "__init__.py":  # templates and style sheets are code too
        for extra in sorted(origin.parent.iterdir()):
            if extra.is_file() and extra.suffix not in {".py", ".pyc"} and extra.name != "py.typed":
                digest.update(extra.name.encode() + extra.read_bytes())
    return digest.hexdigest()


def _digest(source: Source) -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"  # the form of syntax trees depends on it
    return hashlib.sha256(f"{version}{source.whole.text}".encode()).hexdigest()
