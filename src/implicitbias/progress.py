"""What a job says while it runs: a log file, and a progress bar with figures in it."""

import contextlib
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from implicitbias.errors import ImplicitBiasError


@contextlib.contextmanager
def logged_to(path: str | Path | None) -> Iterator[None]:
    """Send everything that is printed, warned or raised inside the block to the file `path`.

    An error that the user can put right ends the program with its message alone; any other one goes on, with
    its traceback, after it was written to the log.
    """
    if path is None:
        yield
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with (
        open(path, "w", buffering=1, encoding="utf-8") as log,
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
        except Exception:
            traceback.print_exc(file=log)
            raise


def bar(total: int, description: str) -> "tqdm[Any]":
    """A progress bar on the current stderr, at most one line every five seconds; set figures by `set_postfix`."""
    return tqdm(total=total, desc=description, file=sys.stderr, mininterval=5, ascii=True)
