"""Which jobs a changed number makes stale, beside the jobs whose results it changes: `python tests/mutations.py`.

For every function of the package that jobs run one number in it is changed, and for every entry of the catalogue each
of its fields. Jobs that use it are computed again, in this process; fingerprints of all jobs are taken anew. A job
whose results change and whose fingerprint does not is a fault; one that has another fingerprint and did not use what
was changed is work for nothing, which is only listed.
"""

import ast
import copy
import gc
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from functools import _lru_cache_wrapper
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FunctionType
from typing import Any

import torch
import xarray as xr

from implicitbias import fingerprint, syntax
from implicitbias.catalogue import Entry
from implicitbias.codes import SCRIPTS
from implicitbias.config.load import config_of
from implicitbias.config.plan import Plan, make_plan
from traced import PACKAGE, TABLES, Watch, addresses, compute, module_of
from wide import wide_config

ROOT = Path(__file__).parents[1]
LONG = 3.0
"""Seconds that a job may take to be computed again for every mutation."""
MOST = 2
"""Jobs that are computed again for a mutation, the shortest first."""


@dataclass
class Job:
    """A job as it is before anything is changed."""

    plan: Plan
    address: str
    result: xr.Dataset
    seconds: float
    codes: set[CodeType]
    entries: list[Entry]
    code: str = ""


def own_code(plan: Plan, address: str, changed: Mapping[int, Entry] | None = None) -> str:
    """The fingerprint of a job's own code, without that of the jobs before it."""
    job = plan.job(address)
    entries = [(changed or {}).get(id(entry), entry) for entry in job.entries]
    script = ROOT / "workflow/scripts" / f"{SCRIPTS[address.split('/')[0]]}.py"
    return fingerprint.fingerprint(job.functions, entries, [script])


def with_later(jobs: list[Job], stale: set[str]) -> set[str]:
    """These jobs, and those that have one of them before them, whose fingerprints hold theirs."""

    def before(plan: Plan, address: str) -> set[str]:
        return {address}.union(*(before(plan, parent) for parent in plan.job(address).inputs.values()))

    return {job.address for job in jobs if stale & before(job.plan, job.address)}


def stale_now(jobs: list[Job]) -> set[str]:
    """Jobs whose own code has another fingerprint now; one is taken for all jobs that run the same code."""
    codes: dict[tuple[Any, ...], str] = {}
    found = set()
    for job in jobs:
        row = job.plan.job(job.address)
        key = (job.address.split("/")[0], row.functions, *map(id, row.entries))
        if key not in codes:
            codes[key] = own_code(job.plan, job.address)
        found |= {job.address} if codes[key] != job.code else set()
    return found


def baseline(plan: Plan, known: dict[str, xr.Dataset]) -> Iterator[Job]:
    """All jobs of a plan that can be computed, watched."""
    for address in addresses(plan):
        forget()
        start = time.process_time()
        with suppress(Exception), Watch() as watch:
            known[address] = compute(plan, address, known)
        if address in known:
            yield Job(
                plan, address, known[address], time.process_time() - start, watch.codes, watch.entries,
                own_code(plan, address),
            )  # fmt: skip


def forget() -> None:
    """Clear what functions of the package have remembered."""
    for name, module in list(sys.modules.items()):
        # but for data files, which are read once
        if (
            name.startswith("implicitbias.")
            and name not in {fingerprint.__name__, syntax.__name__}
            and "tasks" not in name
        ):
            for value in list(vars(module).values()):
                if isinstance(value, _lru_cache_wrapper):
                    value.cache_clear()


def changes(job: Job, known: Mapping[str, xr.Dataset]) -> bool:
    """Whether the job's results are now others; an error is none, and leaves those that there are right."""
    forget()
    try:
        return not compute(job.plan, job.address, known).equals(job.result)
    except Exception:
        return False


# ------------------------------------------------------------------------------------------------------- functions
def numbers_in(function: ast.AST) -> list[int | float]:
    """The numbers in a function's body, each once."""
    body = [inner for node in function.body for inner in ast.walk(node)]  # type: ignore[attr-defined]
    found = [node.value for node in body if isinstance(node, ast.Constant) and type(node.value) in (int, float)]
    return list(dict.fromkeys(found))


def other(number: int | float) -> int | float:
    """A number near this one, of the same type."""
    return number + 1 if isinstance(number, int) else 1.5 * number + (number == 0)


def mutated(code: CodeType, number: int | float) -> CodeType:
    """The code with another number in the place of this one, in the comprehensions inside it too."""

    def change(value: Any) -> Any:
        if isinstance(value, CodeType):
            return mutated(value, number)
        if isinstance(value, tuple):
            return tuple(map(change, value))
        return other(value) if type(value) is type(number) and value == number else value

    return code.replace(co_consts=tuple(map(change, code.co_consts)))


def mutate_tree(tree: ast.Module, place: int, number: int | float) -> ast.Module:
    """The module with the number changed in the function of this position among its functions."""
    tree = copy.deepcopy(tree)
    function = functions_of(tree)[place]
    for statement in function.body:  # type: ignore[attr-defined]
        for node in ast.walk(statement):
            if isinstance(node, ast.Constant) and type(node.value) is type(number) and node.value == number:
                node.value = other(number)
    return tree


def functions_of(tree: ast.Module) -> list[ast.AST]:
    """All functions of a module, in one order."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


@contextmanager
def edited(module: str, tree: ast.Module, function: FunctionType, code: CodeType) -> Iterator[None]:
    """The package with this module changed: for jobs that run the function, and for fingerprints."""
    own, unedited = function.__code__, syntax.source_of
    with TemporaryDirectory() as folder:
        path = Path(folder) / syntax.file_of(module).name
        path.write_text(ast.unparse(tree), encoding="utf-8")
        changed = syntax.read(path)

    def source_of(name: str) -> syntax.Source:
        return changed if name == module else unedited(name)

    function.__code__ = code
    fingerprint.source_of = source_of  # type: ignore[assignment]
    clear()
    try:
        yield
    finally:
        function.__code__ = own
        fingerprint.source_of = unedited  # type: ignore[assignment]
        clear()


def clear() -> None:
    """Forget what was found of modules' sources; not the graph of imports, which no number changes."""
    for name in ("_closure_digest", "_named_by", "_asked_by", "_attributes", "_methods_text", "_module_digest"):
        getattr(fingerprint, name).cache_clear()


@dataclass
class Outcome:
    """What a mutation did: jobs whose results or fingerprints it changed."""

    what: str
    changed: set[str]
    stale: set[str]
    same: set[str]

    @property
    def faults(self) -> set[str]:
        """Jobs whose results changed, and whose fingerprint did not."""
        return self.changed - self.stale


def mutate_functions(
    jobs: list[Job], known: Mapping[str, xr.Dataset], modules: set[str] | None = None
) -> Iterator[Outcome]:
    """One number of every function that jobs run: the first that changes a result, or else the last one tried."""
    gc.unfreeze()  # what a job's log has hidden from the collector in this process is not listed
    functions = {
        function.__code__: function
        for function in gc.get_objects()
        if type(function) is FunctionType and function.__code__.co_filename.startswith(str(PACKAGE))
    }
    ran = {code for job in jobs for code in job.codes}
    for module in sorted({module_of(code) for code in ran}):
        if (modules is not None and module not in modules) or module.startswith(
            ("implicitbias.config", "implicitbias.progress")
        ):
            continue
        tree = ast.parse(syntax.file_of(module).read_text(encoding="utf-8"))
        places = {node.lineno - len(node.decorator_list): at for at, node in enumerate(functions_of(tree))}  # type: ignore[attr-defined]
        lines = {node.lineno: at for at, node in enumerate(functions_of(tree))}  # type: ignore[attr-defined]
        for code in sorted(
            (c for c in ran if module_of(c) == module and c in functions), key=lambda c: c.co_firstlineno
        ):
            at = lines.get(code.co_firstlineno, places.get(code.co_firstlineno))
            if at is None:
                continue
            users = sorted(
                (job for job in jobs if code in job.codes and job.seconds < LONG), key=lambda job: job.seconds
            )
            outcome = None
            for number in numbers_in(functions_of(tree)[at])[:3]:
                new = mutated(code, number)
                if new == code:
                    continue
                with edited(module, mutate_tree(tree, at, number), functions[code], new):
                    different = {job.address for job in users[:MOST] if changes(job, known)}
                    stale = with_later(jobs, stale_now(jobs))
                what = f"{module}:{code.co_qualname} {number} -> {other(number)}"
                unused = {job.address for job in jobs if job.address in stale and code not in job.codes}
                outcome = Outcome(what, different, stale, unused)
                if different:
                    break
            if outcome:
                yield outcome


# --------------------------------------------------------------------------------------------------------- entries
def mutations_of(entry: Entry) -> Iterator[tuple[str, Entry]]:
    """The entry with one field changed, for each that is a number, a word or a tuple of them."""
    for each in fields(entry):
        value = getattr(entry, each.name)
        if each.name in {"function", "dual", "mean", "inspect", "uses"}:  # code, which is changed by itself
            continue
        if isinstance(value, bool):
            yield each.name, replace(entry, **{each.name: not value})
        elif isinstance(value, int | float):
            yield each.name, replace(entry, **{each.name: other(value)})
        elif isinstance(value, str):
            yield each.name, replace(entry, **{each.name: f"{value}x"})
        elif isinstance(value, tuple) and value and all(isinstance(item, int) for item in value):
            yield each.name, replace(entry, **{each.name: value[::-1]})
        elif each.name == "parameters":
            for key, parameter in value.items():
                if isinstance(parameter.default, int | float) and not isinstance(parameter.default, bool):
                    changed = {**value, key: replace(parameter, default=other(parameter.default))}
                    yield f"{each.name}.{key}", replace(entry, parameters=changed)


def mutate_entries(jobs: list[Job], known: Mapping[str, xr.Dataset]) -> Iterator[Outcome]:
    """Every field of every entry that jobs read."""
    for table, entries in TABLES.items():
        for name, entry in list(entries.items()):
            readers = [job for job in jobs if any(read is entry for read in job.entries)]
            short = sorted((job for job in readers if job.seconds < LONG), key=lambda job: job.seconds)[:MOST]
            for field, changed in mutations_of(entry) if readers else ():
                entries[name] = changed
                try:
                    different = {job.address for job in short if changes(job, known)}
                    named = [job for job in jobs if any(own is entry for own in job.plan.job(job.address).entries)]
                    codes = {job.address: own_code(job.plan, job.address, {id(entry): changed}) for job in named}
                finally:
                    entries[name] = entry
                stale = with_later(jobs, {job.address for job in named if codes[job.address] != job.code})
                unused = {job.address for job in short if job.address in stale - different}
                yield Outcome(f"{table}[{name}].{field}", different, stale, unused)


def main() -> None:
    """The whole list."""
    torch.set_num_threads(1)
    jobs, known = [], dict[str, xr.Dataset]()
    for config in (config_of(ROOT / "config/test.yaml"), wide_config()):
        jobs += list(baseline(make_plan(config), known))
    jobs = list({job.address: job for job in jobs}.values())
    print(len(jobs), "jobs", f"{sum(job.seconds for job in jobs):.0f} s", flush=True)
    count = changed = 0
    for outcome in chain(mutate_entries(jobs, known), mutate_functions(jobs, known)):
        count, changed = count + 1, changed + bool(outcome.changed)
        word = "FAULT" if outcome.faults else "ok" if outcome.changed else "no change"
        counts = f"{len(outcome.changed)} changed, {len(outcome.stale)} stale, {len(outcome.same)} for nothing"
        print(f"{word:10} {outcome.what}: {counts} {' '.join(sorted(outcome.faults))}", flush=True)
    print(count, "mutations,", changed, "change results")


if __name__ == "__main__":
    main()
