"""MNIST, preprocessed as Bernstein & Yue (2021) do, or less; and Fashion-MNIST, which has the same form."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from implicitbias.catalogue import SOURCES
from implicitbias.errors import DataError
from implicitbias.tasks.download import fetch
from implicitbias.tasks.idx import read_idx
from implicitbias.tasks.superset import Superset, prepared, prepared_by_channel

_MEAN, _DEVIATION = 0.1307, 0.3081  # of the training pixels over 255, as in the authors' code

_CLOTHES = ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")

_Half = tuple[NDArray[np.float64], NDArray[np.int64]]


def load(raw_dir: Path, *, scaling: str = "norm") -> Superset:
    """MNIST's 60,000 + 10,000 images: pixels/255, (x - 0.1307)/0.3081, flattened, rows of norm sqrt(784).

    Args:
        raw_dir: folder of raw data; files are looked for in, or downloaded to, `raw_dir/mnist`.
        scaling: of the images, as in `superset.prepared`.

    Raises:
        DataError: if a file has a wrong checksum, is damaged, or cannot be downloaded.

    """
    halves = (_half("mnist", half, raw_dir) for half in ("train", "t10k"))
    (train, train_digit), (test, test_digit) = (
        (prepared(points, _MEAN, _DEVIATION, scaling), digit) for points, digit in halves
    )
    return Superset(train, train_digit, test, test_digit)


def load_fashion(raw_dir: Path, *, scaling: str = "norm") -> Superset:
    """Fashion-MNIST's 60,000 + 10,000 images (Xiao, Rasul & Vollgraf 2017), standardised by the training pixels.

    Args:
        raw_dir: folder of raw data; files are looked for in, or downloaded to, `raw_dir/fashion_mnist`.
        scaling: of the images, as in `superset.prepared`.

    Raises:
        DataError: if a file has a wrong checksum, is damaged, or cannot be downloaded.

    """
    (train, train_class), (test, test_class) = (_half("fashion_mnist", half, raw_dir) for half in ("train", "t10k"))
    train, test = prepared_by_channel(train, test, 1, scaling)
    return Superset(train, train_class, test, test_class, _CLOTHES)


def _half(source: str, half: str, raw_dir: Path) -> _Half:
    """Pixels over 255 `(n, d)` and classes `(n,)` of the training ("train") or the test ("t10k") half."""
    folder, download = raw_dir / source, SOURCES[source].download
    assert download is not None
    images, digits = (
        read_idx(fetch(f"{half}-{what}-ubyte.gz", folder, download)) for what in ("images-idx3", "labels-idx1")
    )
    if images.ndim != 3 or digits.shape != images.shape[:1]:
        raise DataError(f"{folder}: {half} has images of shape {images.shape} but labels of shape {digits.shape}")
    # from here on in place: the training half is 376 MB
    return images.reshape(len(images), -1) / 255.0, digits.astype(np.int64)
