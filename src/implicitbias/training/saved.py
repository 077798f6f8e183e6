"""What a training that is cut off (by a time limit, say) goes on from: all of its state, written every few minutes."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import torch

from implicitbias.logs import note

_EVERY = 300.0  # seconds between two states
_COST = 0.05  # of the time, at most, goes into writing them

State = dict[str, Any]
"""Tensors, numbers and texts, in lists, tuples and dictionaries."""


class Saved:
    """The state of one training in a file, which goes when the training is done.

    A state of another identity (other code, another device or version of torch) is left alone: its training would go
    on to other numbers than one that is not cut off.

    Args:
        path: of the file.
        identity: of all that decides the numbers.
        every: seconds between two states.
    """

    def __init__(self, path: str | Path, identity: str, every: float = _EVERY) -> None:
        self._path, self._identity, self._every = Path(path), f"{identity} torch {torch.__version__}", every
        self._last, self._pause = monotonic(), every

    def load(self, device: torch.device) -> State | None:
        """What to go on from, on the device; None if there is nothing, or nothing that can be used."""
        try:
            state: State = torch.load(self._path, map_location=device, weights_only=True)
        except Exception:  # damaged, in whatever way: then it starts again
            return None
        return state if state.pop("identity", None) == self._identity else None

    def offer(self, state: Callable[[], State]) -> None:
        """Write the state if it is time; what cannot be written is done without."""
        start = monotonic()
        if start - self._last < self._pause:
            return
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            torch.save({**state(), "identity": self._identity}, part)
            part.replace(self._path)
        except (OSError, RuntimeError) as error:  # torch raises RuntimeError for a full disk
            note(f"{self._path}: the state of this training cannot be written, to go on from it ({error})")
            with suppress(OSError):
                part.unlink(missing_ok=True)
        self._last = monotonic()
        self._pause = max(self._every, (self._last - start) / _COST)

    def clear(self) -> None:
        """Delete the file: the training is done, and its result is written."""
        self._path.unlink(missing_ok=True)
