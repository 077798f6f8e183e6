"""The source `files`: what is in them, and its points."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from implicitbias.catalogue.points import Contents
from implicitbias.errors import ConfigError, DataError
from implicitbias.tasks.own import arrays, pictures, tables
from implicitbias.tasks.own.classes import Classes, check_labels, numbered
from implicitbias.tasks.own.raw import Part, Raw, check_alike, check_points
from implicitbias.tasks.superset import Superset, prepared_by_channel

_READERS = {".npz": arrays.read, ".csv": tables.read_csv, ".parquet": tables.read_parquet}
_FORMS = f"a file {', '.join(_READERS)}, or a folder train/<class>/ of pictures"
_ASIDE = 5  # one point in five tests where no test set is given


class _Whole(NamedTuple):
    train: Part
    test: Part
    train_class: Classes
    test_class: Classes
    names: tuple[str, ...]
    digest: str


def inspect(path: str) -> Contents:
    """What the catalogue says of other sources: the shape of an input, the classes and how many points each has.

    Raises:
        ConfigError: if there is no path, or it is of no known form.
        DataError: if what is there cannot be used; it names the file and the row.

    """
    whole = _whole(path)
    count = len(whole.names)
    counts = (
        tuple(np.bincount(whole.train_class, minlength=count).tolist()),
        tuple(np.bincount(whole.test_class, minlength=count).tolist()),
    )
    return Contents(_shape(whole.train), counts, whole.digest)


def load(raw_dir: Path | None = None, *, path: str, scaling: str = "norm", digest: str | None = None) -> Superset:
    """All points: images as pixels from 0 to 1, standardised channel by channel, vectors column by column.

    Where no test set is given, one point in five is put aside by a fixed permutation (seed 0).

    Args:
        raw_dir: not used; every source has the same form.
        path: a .npz, .csv or .parquet file, or a folder of pictures (see the modules beside this one).
        scaling: as in `superset.prepared`.
        digest: of the contents that are meant; None for whatever is there.

    Raises:
        ConfigError: if there is no path, or it is of no known form.
        DataError: if what is there cannot be used, or is not what is meant.

    """
    whole = _whole(path)
    if digest not in (None, whole.digest):
        raise DataError(f"{path}: its contents changed after the work was planned; call the workflow again")
    shape = _shape(whole.train)
    try:
        train, test = prepared_by_channel(_inputs(whole.train.points), _inputs(whole.test.points), shape[0], scaling)
    except DataError as error:
        raise DataError(f"{path}: {error}; scaling: standardised leaves out this step") from error
    image = shape if len(shape) == 3 else ()
    return Superset(train, whole.train_class, test, whole.test_class, whole.names, image)


def _whole(path: str) -> _Whole:
    """Everything that is there, checked."""
    raw = _read(path)
    for part in (raw.train, raw.test):
        if part is not None:
            check_points(part)
            check_labels(part)
    train, test = (raw.train, raw.test) if raw.test else _split(path, raw.train)
    check_alike(train, test)
    return _Whole(train, test, *numbered(train, test), raw.digest)


def _read(path: str) -> Raw:
    """What is there, as it is stored."""
    if not path:
        raise ConfigError(f"source 'files' needs the key path: {_FORMS}")
    where = Path(path)
    try:
        where.stat()
        folder = where.is_dir()
    except (OSError, ValueError) as error:  # no text with a zero byte is a path
        told = getattr(error, "strerror", None) or error
        raise DataError(f"path: {path!r} cannot be read ({told}); allowed: {_FORMS}") from error
    if folder:
        return pictures.read(where)
    if where.suffix.lower() not in _READERS:
        raise ConfigError(f"path: {path!r} is of no known form; allowed: {_FORMS}")
    return _READERS[where.suffix.lower()](where)


def _split(path: str, whole: Part) -> tuple[Part, Part]:
    """One point in five is for testing, by a fixed permutation: files are often in the order of their classes."""
    order = np.random.RandomState(0).permutation(len(whole.points))
    aside = len(order) // _ASIDE
    if not aside:
        raise DataError(f"{path}: has {len(order)} points and no test set; allowed: {_ASIDE} or more")
    return whole.take(order[aside:]), whole.take(order[:aside])


def _shape(part: Part) -> tuple[int, ...]:
    """The shape of an input, `(d,)` or `(channels, rows, columns)`."""
    shape = part.points.shape[1:]
    return (shape[2], *shape[:2]) if len(shape) == 3 else shape


def _inputs(points: NDArray[Any]) -> NDArray[np.float64]:
    """Points `(n, d)`; of images channel by channel, and whole numbers over 255."""
    if points.ndim == 2:
        return points.astype(np.float64)
    rows = points.transpose(0, 3, 1, 2).reshape(len(points), -1)
    return rows / 255.0 if points.dtype.kind in "iu" else rows.astype(np.float64)
