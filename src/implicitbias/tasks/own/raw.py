"""Points and labels as files hold them, and what all formats share."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implicitbias.errors import DataError

_LARGEST = 1e100  # squares of numbers, and sums of them, are to be finite
_BRIGHTEST = 255


@dataclass(frozen=True)
class Part:
    """A training set, a test set, or both before they are split.

    Attributes:
        points: `(n, d)`, or of images `(n, rows, columns, channels)`, as stored.
        labels: `(n,)` numbers or text, as stored.
        where: the file and the row of a point, for errors.

    """

    points: NDArray[Any]
    labels: NDArray[Any]
    where: Callable[[int], str]

    def take(self, rows: NDArray[np.int64]) -> "Part":
        """These rows, in this order."""
        return Part(self.points[rows], self.labels[rows], lambda row: self.where(int(rows[row])))


@dataclass(frozen=True)
class Raw:
    """What a path holds: a training set, a test set if one is given, and the digest of all contents."""

    train: Part
    test: Part | None
    digest: str


def contents(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        DataError: if it cannot be read.

    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def digest_of(files: Iterable[tuple[str, bytes]]) -> str:
    """The sha256 over files, given as (relative name, contents) in a fixed order."""
    digest = hashlib.sha256()
    for name, content in files:
        digest.update(f"{hashlib.sha256(content).hexdigest()} {name}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def check_points(part: Part) -> None:
    """Numbers that can be computed with: finite, and from 0 to 255 where they are whole numbers of an image.

    Raises:
        DataError: for the first point that has another; it names its row.

    """
    points = part.points
    if not points.size:
        raise DataError(f"{part.where(0)}: there are no points, or they have no numbers")
    if points.dtype.kind not in "biuf":
        raise DataError(f"{part.where(0)}: points are {points.dtype}, not numbers")
    axes = tuple(range(1, points.ndim))
    if points.dtype.kind == "f":
        wrong, allowed = ~(np.abs(points) <= _LARGEST), f"finite numbers up to {_LARGEST:g}"
    elif points.ndim == 4 and points.dtype != np.uint8:
        wrong, allowed = (points < 0) | (points > _BRIGHTEST), f"whole numbers from 0 to {_BRIGHTEST}, or fractions"
    else:
        return
    if wrong.any():
        row = int(np.argmax(wrong.any(axes)))
        raise DataError(f"{part.where(row)}: a value is {points[row][wrong[row]][0]}; allowed: {allowed}")


def check_alike(train: Part, test: Part) -> None:
    """Training and test points have one shape.

    Raises:
        DataError: if they do not.

    """
    if train.points.shape[1:] != test.points.shape[1:]:
        raise DataError(
            f"{test.where(0)}: test points have shape {test.points.shape[1:]}, but training points"
            f" {train.points.shape[1:]}"
        )
