"""All jobs of a plan in one process, watched: which code each runs, and which entries of the catalogue it reads."""

import contextlib
import io
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import xarray as xr

from implicitbias import catalogue
from implicitbias.catalogue import Entry
from implicitbias.config.jobs import STAGES
from implicitbias.config.plan import Plan
from whole_run import RUNNERS

PACKAGE = Path(catalogue.__file__).parents[1]
TABLES: dict[str, dict[str, Entry]] = {
    name: table
    for name, table in vars(catalogue).items()
    if isinstance(table, dict) and table and all(isinstance(entry, Entry) for entry in table.values())
}


def compute(plan: Plan, address: str, known: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """The dataset of a job, from those of the jobs before it."""
    job, stage = plan.job(address), address.split("/")[0]
    with contextlib.redirect_stderr(io.StringIO()):
        found: xr.Dataset = RUNNERS[stage]({name: known[parent] for name, parent in job.inputs.items()}, job.parameters)
    return found


def addresses(plan: Plan) -> Iterator[str]:
    """All jobs, each after those that it needs."""
    return (f"{stage}/{key}" for stage in STAGES for key in plan.jobs[stage])


class Watch:
    """Notes what runs inside a `with` block: code objects of the package, and entries that are read by their names."""

    def __init__(self) -> None:
        self.codes: set[CodeType] = set()
        self.entries: list[Entry] = []

    def __enter__(self) -> "Watch":
        self._replaced: list[tuple[Any, str, Any]] = []
        known = {id(table): table for table in TABLES.values()}
        for module in [module for name, module in sys.modules.items() if name.startswith("implicitbias.")]:
            for name, value in list(vars(module).items()):
                if id(value) in known and "catalogue" not in module.__name__:
                    self._replaced.append((module, name, value))
                    setattr(module, name, _Watched(value, self.entries))
        sys.setprofile(self._see)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        for module, name, value in self._replaced:
            setattr(module, name, value)

    def _see(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
            self.codes.add(frame.f_code)

    @property
    def modules(self) -> set[str]:
        """The modules whose code ran, but for that of their import."""
        return {module_of(code) for code in self.codes if code.co_name != "<module>"}


def module_of(code: CodeType) -> str:
    """The module that a code object stands in."""
    path = Path(code.co_filename).relative_to(PACKAGE.parent).with_suffix("")
    return ".".join(path.parts[:-1] if path.name == "__init__" else path.parts)


class _Watched(dict[str, Entry]):
    def __init__(self, table: Mapping[str, Entry], read: list[Entry]) -> None:
        super().__init__(table)
        self._read = read

    def __getitem__(self, name: str) -> Entry:
        self._read.append(super().__getitem__(name))
        return self._read[-1]
