"""Pictures in folders: train/<class>/*.png, and test/<class>/*.png if a test set is given."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from implicitbias.errors import DataError
from implicitbias.tasks.own.raw import Part, Raw, contents, digest_of

_SUFFIXES = (".png", ".jpg", ".jpeg")
_CHANNELS = {"L": 1, "RGB": 3}
_LAYOUT = f"train/<class>/ and test/<class>/ with pictures ({', '.join(_SUFFIXES)})"


def read(folder: Path) -> Raw:
    """All pictures of a folder, in the order of their names; the labels are the names of their folders.

    Hidden files, and files beside `train` and `test` that are no pictures, are left alone.

    Raises:
        DataError: for a file in the wrong place, one that cannot be read, or pictures of different sizes; it names it.

    """
    for entry in _visible(folder):
        if not (entry.is_dir() and entry.name in ("train", "test")) and (entry.is_dir() or _is_picture(entry)):
            raise DataError(f"{entry}: is in the wrong place; allowed: {_LAYOUT}")
    train = list(_files(folder / "train"))
    test = list(_files(folder / "test")) if (folder / "test").is_dir() else []
    paths = [path for path, _ in train + test]
    if not train or (not test and (folder / "test").is_dir()):
        raise DataError(f"{folder / 'test' if train else folder}: holds no pictures; allowed: {_LAYOUT}")
    read_files = [contents(path) for path in paths]
    pixels = _decoded(paths, read_files)
    digest = digest_of(
        (path.relative_to(folder).as_posix(), content) for path, content in zip(paths, read_files, strict=True)
    )
    labels = np.array([label for _, label in train + test])
    whole = Part(pixels, labels, lambda row: str(paths[row]))
    if not test:
        return Raw(whole, None, digest)
    rows = np.arange(len(paths))
    return Raw(whole.take(rows[: len(train)]), whole.take(rows[len(train) :]), digest)


def _files(half: Path) -> Iterator[tuple[Path, str]]:
    """The pictures of a training or a test set, each with its class."""
    for kind in _visible(half):
        if not kind.is_dir():
            raise DataError(f"{kind}: is in the wrong place; allowed: {_LAYOUT}")
        found = _visible(kind)
        if not found and half.name == "train":
            raise DataError(f"{kind}: holds no pictures; allowed: one or more in every class of the training set")
        for path in found:
            if path.is_dir() or not _is_picture(path):
                raise DataError(f"{path}: is no picture; allowed in {kind}: files {', '.join(_SUFFIXES)}")
            yield path, kind.name


def _visible(folder: Path) -> list[Path]:
    """The entries of a folder in the order of their names, without hidden ones."""
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except FileNotFoundError as error:
        raise DataError(f"{folder}: there is no such folder; allowed: {_LAYOUT}") from error
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror}); allowed: {_LAYOUT}") from error


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES


def _decoded(paths: list[Path], read_files: list[bytes]) -> NDArray[np.uint8]:
    """Pixels `(n, rows, columns, channels)` of pictures that are all of one size and mode."""
    first, pixels = "", np.empty((0, 0, 0, 0), np.uint8)
    for row, (path, content) in enumerate(zip(paths, read_files, strict=True)):
        values, mode = _pixels(path, content)
        told = f"{values.shape[1]} x {values.shape[0]} pixels of mode {mode}"
        if not first:
            first, pixels = told, np.empty((len(paths), *values.shape), np.uint8)
        if told != first:
            raise DataError(f"{path}: has {told}, but {paths[0]} has {first}; allowed: all alike")
        pixels[row] = values
    return pixels


def _pixels(path: Path, content: bytes) -> tuple[NDArray[np.uint8], str]:
    """Pixels `(rows, columns, channels)`, and the colour mode."""
    try:
        with Image.open(BytesIO(content), formats=("PNG", "JPEG")) as picture:
            picture.load()
            mode = picture.mode
            values: NDArray[Any] = np.asarray(picture)
    except Exception as error:  # decoders of damaged pictures raise a dozen different types
        told = str(error).replace(f"{BytesIO.__name__}", "file")
        raise DataError(f"{path}: cannot be read as a picture ({told})") from error
    if mode not in _CHANNELS:
        raise DataError(f"{path}: has the colour mode {mode}; allowed: L (grey) and RGB")
    return values.reshape(*values.shape[:2], _CHANNELS[mode]), mode
