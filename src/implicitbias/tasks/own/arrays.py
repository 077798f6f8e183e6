"""Arrays in a .npz file, as Keras and `numpy.savez` write them."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implicitbias.errors import DataError
from implicitbias.tasks.own.raw import Part, Raw, contents, digest_of

_SETS, _WHOLE = ("x_train", "y_train", "x_test", "y_test"), ("x", "y")
_MOST_CHANNELS = 4


def read(path: Path) -> Raw:
    """The arrays x_train, y_train, x_test and y_test, or x and y alone, of points in rows.

    Points are vectors `(n, d)` or images `(n, rows, columns)` or `(n, rows, columns, channels)`; labels `(n,)` or
    `(n, 1)`. Arrays of Python objects, which could run code, are not read.

    Raises:
        DataError: if the file is damaged, or does not hold such arrays.

    """
    content = contents(path)
    arrays = _arrays(path, content)
    digest = digest_of([(path.name, content)])
    if set(_SETS) <= arrays.keys():
        train = _part(path, arrays, "x_train", "y_train", " of the training set")
        return Raw(train, _part(path, arrays, "x_test", "y_test", " of the test set"), digest)
    if set(_WHOLE) <= arrays.keys():
        return Raw(_part(path, arrays, *_WHOLE, ""), None, digest)
    raise DataError(
        f"{path}: holds {', '.join(arrays) or 'none'} of the arrays that are looked for;"
        f" allowed: {', '.join(_SETS)}, or {' and '.join(_WHOLE)} alone"
    )


def _arrays(path: Path, content: bytes) -> dict[str, NDArray[Any]]:
    try:
        with np.load(BytesIO(content), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files if name in _SETS + _WHOLE}
    except Exception as error:  # zipfile, zlib and numpy raise a dozen different types for a damaged file
        told = "it holds Python objects, not numbers" if "allow_pickle" in str(error) else error
        raise DataError(f"{path}: cannot be read as a .npz file ({told})") from error


def _part(path: Path, arrays: dict[str, NDArray[Any]], x: str, y: str, told: str) -> Part:
    points, labels = arrays[x], arrays[y]
    if points.ndim not in (2, 3, 4):
        raise DataError(
            f"{path}: {x} has shape {points.shape}; allowed: (n, d), (n, rows, columns), (n, rows, columns, channels)"
        )
    if points.ndim == 3:
        points = points[..., None]
    if points.ndim == 4 and not 1 <= points.shape[3] <= _MOST_CHANNELS:
        raise DataError(
            f"{path}: {x} has shape {points.shape}; allowed: 1 to {_MOST_CHANNELS} channels, which are the last axis"
        )
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(f"{path}: {y} has shape {labels.shape}; allowed: (n,), the class of every point")
    if len(points) != len(labels):
        raise DataError(f"{path}: {x} has {len(points)} points, but {y} {len(labels)} labels")
    if labels.dtype.kind == "S":
        labels = np.array([label.decode(errors="replace") for label in labels.tolist()], dtype=str)
    return Part(points, labels, lambda row: f"{path}: row {row}{told} (counted from 0)")
