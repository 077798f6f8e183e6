"""The process of a job, for the workflow's scripts, which import this module first: its imports, and its log.

A job's process may live for seconds only, of which imports are most. Nothing that they make is garbage, yet Python's
collector would go through all of it again and again, and once more at the end: a third of the time.
"""

import contextlib
import errno
import gc
import io
import os
import re
import resource
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

from implicitbias.errors import ImplicitBiasError
from implicitbias.warm import hand_over

hand_over()  # before this process imports what the run's warm process has imported already
gc.disable()


class _Log(io.TextIOWrapper):
    """A log that a full disk leaves incomplete, but that never ends the job whose words it holds."""

    whole = True

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError:
            self.whole = False
            return len(text)


@contextlib.contextmanager
def logged_to(path: str | Path) -> Iterator[None]:
    """Send everything that is printed, warned or raised inside the block to the file `path`.

    An error ends the program: one that the user can put right (a full disk among them) leaves its message in the log,
    any other one its traceback. Whoever runs the workflow looks there, so the program says nothing more, unless the log
    could not take it.

    Where the config has extensions, the block begins with their entries in the tables.

    The last line of what was finished says what the process has taken: compare it with what a scheduler is asked for.

    What was imported before the block stays out of the garbage collector's sight, and at the end everything does.
    """
    gc.freeze()
    gc.enable()
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        raw = io.FileIO(path, "w")
    except OSError as error:
        raise SystemExit(f"error: {path}: cannot be written ({error})") from error
    with (
        _Log(raw, encoding="utf-8", write_through=True) as log,  # no buffer to lose
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("default")
        try:
            if os.environ.get("IMPLICITBIAS_EXTENSIONS"):
                from implicitbias.extensions.files import use_those_of_the_run

                use_those_of_the_run()
            yield
            print(taken(), file=log)
        except Exception as error:
            message = _message(error)
            if message:
                print(f"error: {message}", file=log)
            else:
                traceback.print_exc(file=log)
                if told := _said_by_extension(error):
                    print(f"error: {told}", file=log)
            if log.whole:
                raise SystemExit(1) from error
            if message:
                raise SystemExit(f"error: {message}") from error
            raise
        finally:
            gc.freeze()


def taken() -> str:
    """What this process has taken so far, in words."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return f"finished: {used.ru_utime + used.ru_stime:.1f} s of processor time, {_peak() / 2**20:.0f} MB at most"


def _peak() -> int:
    """The most memory that this process has held so far, in bytes."""
    try:  # getrusage counts what the process was that started this one
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        found = None
    return int(found[1]) * 1024 if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _said_by_extension(error: Exception) -> str:
    """Where in an extension the error was, for those who wrote it."""
    if not os.environ.get("IMPLICITBIAS_EXTENSIONS"):
        return ""
    from implicitbias.extensions.files import said_by_extension

    return said_by_extension(error)


def _message(error: Exception) -> str:
    """All that is to be said of an error that the user can put right; nothing of others."""
    if isinstance(error, ImplicitBiasError):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"{error.filename or 'a file'} cannot be written: {error.strerror}"
    return ""
