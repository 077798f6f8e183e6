"""How far a job is: a line in its log every few seconds."""

import sys
from collections.abc import Callable
from time import monotonic

_EVERY = 5.0  # seconds between lines


class Progress:
    """Counts what is done, and says so on the current stderr: at most every five seconds, and once at the end.

    A line ends with figures (loss and error, say). They are worked out for lines alone, since they may make the program
    wait for the device.
    """

    def __init__(self, total: int, description: str, unit: str, done: int = 0) -> None:
        self._total, self._description, self._unit = total, description, unit
        self._count = self._told = self._before = done
        self._start = self._last = monotonic()
        self._figures: Callable[[], str] | None = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._told < self._count:
            self._tell()

    def update(self, count: int = 1, figures: Callable[[], str] | None = None) -> None:
        """Count `count` more as done; `figures` says what a line written now would end with."""
        self._count += count
        self._figures = figures
        if monotonic() - self._last >= _EVERY:
            self._tell()

    def _tell(self) -> None:
        self._told, self._last = self._count, monotonic()
        past = self._last - self._start
        line = f"{self._description}: {self._unit} {self._count} of {self._total}, {past:.0f} s"
        if self._count < self._total:
            line += f", {past / (self._count - self._before) * (self._total - self._count):.0f} s left"
        if self._figures:
            line += f", {self._figures()}"
        print(line, file=sys.stderr, flush=True)
