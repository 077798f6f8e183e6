"""Reading extension files: their entries join the tables, in the process that plans and in those of all jobs."""

import hashlib
import inspect
import json
import keyword
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import invalidate_caches
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from implicitbias.errors import ConfigError
from implicitbias.extensions.entries import ADDED
from implicitbias.syntax import read

VARIABLE = "IMPLICITBIAS_EXTENSIONS"
"""Of the environment: the files that a run's jobs are to read, and what all files that these read meant."""

_state: dict[str, Any] = {"extensions": [], "meanings": {}}
_contents: dict[str, bytes] = {}  # of all files that were read
_modules: set[str] = set()  # those that extensions have brought
_folders: list[str] = []  # where these import from


def use(paths: Sequence[Path]) -> bool:
    """Have the tables hold the package's entries and those of these files, and no others.

    Jobs that this process starts will read the same files.

    Returns:
        Whether the tables have changed.

    Raises:
        ConfigError: for a file that cannot be used; it names the file and the line. The tables are then the package's.
    """
    extensions = list(dict.fromkeys(str(path.absolute()) for path in paths))
    if extensions == _state["extensions"] and _contents == {file: _content(file) for file in _contents}:
        _announce()
        return False
    _forget()
    try:
        for path in extensions:
            _run(Path(path))
    except BaseException:
        _forget()
        _announce()
        raise
    files = [*extensions, *_files_beside(extensions)]
    _contents.update((file, _content(file)) for file in files)
    _state.update(extensions=extensions, meanings={file: _meaning(file) for file in files})
    _announce()
    return True


def use_those_of_the_run() -> None:
    """In a job: read the extension files that the process which started it has read.

    Raises:
        ConfigError: if one of them means something else by now, so that the results would not be of the code that they
            are said to be of.
    """
    announced = json.loads(os.environ.get(VARIABLE, "{}")) or _state
    for path, meaning in announced["meanings"].items():
        if _meaning(path) != meaning:
            raise ConfigError(f"{path}: was edited while the workflow was running. Call the workflow again.")
    use([Path(path) for path in announced["extensions"]])


def said_by_extension(error: BaseException) -> str:
    """The last line of extensions that an error passed, with what it says; nothing of an error that passed none."""
    passed = [frame for frame in extract_tb(error.__traceback__) if frame.filename in _contents]
    return f"{passed[-1].filename}: line {passed[-1].lineno}: {_what(error)}" if passed else ""


def _forget() -> None:
    """Take all entries of extensions out of the tables, and their modules out of memory."""
    for each in ADDED:
        each.kind.table.pop(each.name, None)
    for name in _modules:
        sys.modules.pop(name, None)
    ADDED.clear()
    for folder in _folders:
        sys.path.remove(folder)
    _modules.clear()
    _folders.clear()
    _contents.clear()
    _state.update(extensions=[], meanings={})


def _announce() -> None:
    if _state["extensions"]:
        os.environ[VARIABLE] = json.dumps(_state)
    else:
        os.environ.pop(VARIABLE, None)


def _run(path: Path) -> None:
    """Run a file as the module of its name."""
    spec = _spec(path)
    if spec.name in _modules:  # another one has imported it
        return
    before = set(sys.modules)
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        with _said_of(path), _without_bytecode():
            exec(compile(path.read_text("utf-8"), str(path), "exec", dont_inherit=True), module.__dict__)
    finally:
        _modules.update(name for name in set(sys.modules) - before if _lies_in(path.parent, name))
    for each in ADDED:
        if each.place.startswith(f"{path}: ") and not _stands(each.function, module, each.name):
            raise ConfigError(
                f"{each.place}: {each.kind.name} {each.name!r}: the file's name {each.name!r} is of something else;"
                " allowed: functions at the top level of the file, each with a name of its own"
            )


def _spec(path: Path) -> ModuleSpec:
    """Of the module that a file is to be."""
    name = path.stem
    if path.suffix != ".py" or not name.isidentifier() or keyword.iskeyword(name):
        raise ConfigError(f"{path}: allowed: a Python file, whose name is of letters, digits and _ and ends in .py")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
        _folders.append(str(path.parent))
    invalidate_caches()  # of folders
    try:
        known = find_spec(name)
    except ValueError:  # a module without one
        known = sys.modules[name].__spec__
    if known is not None and known.origin != str(path):
        raise ConfigError(f"{path}: there is a module {name!r} already ({known.origin}); allowed: another file name")
    spec = spec_from_file_location(name, path)
    assert spec is not None
    return spec


@contextmanager
def _said_of(path: Path) -> Iterator[None]:
    """What goes wrong inside, as an error that names the file and the line."""
    try:
        yield
    except ConfigError:
        raise
    except OSError as error:
        if error.filename != str(path):
            raise ConfigError(f"{_line(path, error)}: {type(error).__name__}: {error}") from error
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); allowed: a Python file") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}: line {line}: is not UTF-8 text; save the file in that encoding") from error
    except SyntaxError as error:
        raise ConfigError(f"{error.filename or path}: line {error.lineno or 1}: SyntaxError: {error.msg}") from error
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{_line(path, error)}: {_what(error)}") from error


def _what(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}{f': {said}' if said else ''}"


def _line(path: Path, error: BaseException) -> str:
    """The last line of files beside the extension, it included, that an error passed."""
    passed = [frame for frame in extract_tb(error.__traceback__) if Path(frame.filename).parent == path.parent]
    return f"{passed[-1].filename}: line {passed[-1].lineno}" if passed else f"{path}: line 1"


@contextmanager
def _without_bytecode() -> Iterator[None]:
    """Without .pyc files beside the extension, which tell an edit by its second only."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _stands(function: Any, module: ModuleType, name: str) -> bool:
    return inspect.unwrap(getattr(module, name, None)) is inspect.unwrap(function)  # type: ignore[arg-type]


def _lies_in(folder: Path, name: str) -> bool:
    """Whether the module is a file in this folder, or of a package in it."""
    file = Path(str(getattr(sys.modules[name], "__file__", "")))
    place = folder.joinpath(*name.split("."))
    return file in (place.with_suffix(".py"), place / "__init__.py") and name.split(".")[0] != __name__.split(".")[0]


def _files_beside(extensions: Sequence[str]) -> list[str]:
    """The files that extensions have imported from beside them."""
    files = (str(getattr(sys.modules.get(name), "__file__", "")) for name in _modules)
    return sorted(file for file in files if file.endswith(".py") and file not in extensions)


def _content(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError:
        return b""


def _meaning(file: str) -> str:
    """A digest of what its code means, or nothing where there is no such file, or no such code."""
    try:
        return hashlib.sha256(read(Path(file)).whole.text.encode()).hexdigest()
    except (OSError, SyntaxError, ValueError):
        return ""
