"""What a job says while it runs: a log file, and a progress bar with figures in it."""

import contextlib
import errno
import io
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from implicitbias.errors import ImplicitBiasError


class _Log(io.TextIOWrapper):
    """A log that a full disk leaves incomplete, but that never ends the job whose words it holds."""

    def write(self, text: str, /) -> int:
        with contextlib.suppress(OSError):
            return super().write(text)
        return len(text)


@contextlib.contextmanager
def logged_to(path: str | Path | None) -> Iterator[None]:
    """Send everything that is printed, warned or raised inside the block to the file `path`.

    An error that the user can put right (a full disk among them) ends the program with its message alone; any other
    one goes on, with its traceback, after it was written to the log.
    """
    if path is None:
        yield
        return
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


def bar(total: int, description: str) -> "tqdm[Any]":
    """A progress bar on the current stderr, at most one line every five seconds; set figures by `set_postfix`."""
    return tqdm(total=total, desc=description, file=sys.stderr, mininterval=5, ascii=True)
