"""The process of a job, for the workflow's scripts, which import this module first: its imports, and its log.

A job's process may live for seconds only, of which imports are most. Nothing that they make is garbage, yet Python's
collector would go through all of it again and again, and once more at the end: a third of the time.
"""

import contextlib
import errno
import gc
import io
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

from implicitbias.errors import ImplicitBiasError
from implicitbias.warm import hand_over

hand_over()  # before this process imports what the run's warm process has imported already
gc.disable()


def last_error(path: str | Path) -> str:
    """What ended the job whose log this is, or an empty text if the log does not say (the job was killed, say)."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for position in range(len(lines) - 1, -1, -1):
        if lines[position].startswith("error: "):
            return " ".join(lines[position:]).removeprefix("error: ")
        if lines[position].startswith("Traceback "):
            told = [line for line in lines[position + 1 :] if line.strip() and not line.startswith(" ")]
            return " ".join(told)
    return ""


class _Log(io.TextIOWrapper):
    """A log that a full disk leaves incomplete, but that never ends the job whose words it holds."""

    def write(self, text: str, /) -> int:
        with contextlib.suppress(OSError):
            return super().write(text)
        return len(text)


@contextlib.contextmanager
def logged_to(path: str | Path) -> Iterator[None]:
    """Send everything that is printed, warned or raised inside the block to the file `path`.

    An error that the user can put right (a full disk among them) ends the program with its message alone; any other
    one goes on, with its traceback, after it was written to the log.

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
            yield
        except ImplicitBiasError as error:
            print(f"error: {error}", file=log)
            raise SystemExit(f"error: {error}") from error
        except OSError as error:
            traceback.print_exc(file=log)
            if error.errno == errno.ENOSPC:
                raise SystemExit(f"error: {error.filename or 'a file'} cannot be written: {error.strerror}") from error
            raise
        except Exception:
            traceback.print_exc(file=log)
            raise
        finally:
            gc.freeze()
