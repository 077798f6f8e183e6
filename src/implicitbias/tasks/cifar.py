"""CIFAR-10 (Krizhevsky 2009): colour pictures, from pickles that are read without running what they ask for."""

import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implicitbias.catalogue import SOURCES
from implicitbias.errors import DataError
from implicitbias.tasks.download import fetch
from implicitbias.tasks.superset import Superset, prepared_by_channel

_ARCHIVE, _FOLDER = "cifar-10-python.tar.gz", "cifar-10-batches-py"
_TRAIN, _TEST, _META = tuple(f"data_batch_{number}" for number in range(1, 6)), ("test_batch",), "batches.meta"

_RECONSTRUCT: Any = np.empty(0).__reduce__()[0]
_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
}


def load(raw_dir: Path, *, scaling: str = "norm") -> Superset:
    """CIFAR-10's 50,000 + 10,000 images: pixels/255, standardised channel by channel over the training set.

    An input is the image channel by channel (red, green, blue), each row by row.

    Args:
        raw_dir: folder of raw data; the archive is looked for in, or downloaded to, `raw_dir/cifar10`.
        scaling: of the images, as in `superset.prepared`.

    Raises:
        DataError: if the archive has a wrong checksum, is damaged, or cannot be downloaded.

    """
    download = SOURCES["cifar10"].download
    assert download is not None
    path = fetch(_ARCHIVE, raw_dir / "cifar10", download)
    held = _unpickled(path, (*_TRAIN, *_TEST, _META))
    train, train_class = _joined(path, [held[name] for name in _TRAIN])
    test, test_class = _joined(path, [held[name] for name in _TEST])
    names = tuple(str(name) for name in held[_META].get("label_names", ()))
    if not names or max(train_class.max(), test_class.max()) >= len(names):
        raise DataError(f"{path}: {_META} does not name the classes of the labels")
    channels = SOURCES["cifar10"].image[0]
    train, test = prepared_by_channel(train, test, channels, scaling)
    return Superset(train, train_class, test, test_class, names)


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that makes numbers, texts, lists, dictionaries and numpy arrays, and calls nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no array")
        return _ADMITTED[module, name]


def _unpickled(path: Path, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The named pickles of the archive, read from it in place; Python 2 wrote them, with text as bytes."""
    found: dict[str, dict[str, Any]] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:  # in the file's order: going back would decompress it again
                name = member.name.removeprefix(f"{_FOLDER}/")
                stream = archive.extractfile(member) if name in names else None
                if stream is not None:
                    found[name] = dict(_ArraysOnly(stream, encoding="latin1").load())
    except Exception as error:  # tarfile, zlib and pickle raise a dozen different types for a damaged file
        raise DataError(f"{path}: cannot be read ({error})") from error
    if absent := [name for name in names if name not in found]:
        raise DataError(f"{path}: holds no {_FOLDER}/{absent[0]}")
    return found


def _joined(path: Path, batches: list[dict[str, Any]]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Pixels over 255 `(n, 3072)` and classes `(n,)` of all batches."""
    features = SOURCES["cifar10"].features
    for batch in batches:
        shape, labels = np.shape(batch.get("data", ())), len(batch.get("labels", ()))
        if shape != (labels, features):
            raise DataError(f"{path}: a batch has images of shape {shape} but {labels} labels")
    pixels = np.concatenate([batch["data"] for batch in batches])
    return pixels / 255.0, np.concatenate([np.asarray(batch["labels"], np.int64) for batch in batches])
