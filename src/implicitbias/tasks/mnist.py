"""MNIST, preprocessed as Bernstein & Yue (2021) do, or less."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from implicitbias.errors import DataError
from implicitbias.tasks.download import Listing, fetch, read_listing
from implicitbias.tasks.idx import read_idx
from implicitbias.tasks.superset import Superset, prepared

_MEAN, _DEVIATION = 0.1307, 0.3081  # of the training pixels over 255, as in the authors' code


def load(raw_dir: Path, *, scaling: str = "norm") -> Superset:
    """MNIST's 60,000 + 10,000 images: pixels/255, (x - 0.1307)/0.3081, flattened, rows of norm sqrt(784).

    Args:
        raw_dir: folder of raw data; files are looked for in, or downloaded to, `raw_dir/mnist`. The list of
            mirrors and checksums is `sources.yaml` beside `raw_dir`.
        scaling: of the images, as in `superset.prepared`.

    Raises:
        DataError: if a file has a wrong checksum, is damaged, or cannot be downloaded.

    """
    folder, listing = raw_dir / "mnist", read_listing(raw_dir.parent / "sources.yaml", "mnist")
    return Superset(*_half("train", folder, listing, scaling), *_half("t10k", folder, listing, scaling))


def _half(half: str, folder: Path, listing: Listing, scaling: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points `(n, d)` and digits `(n,)` of the training ("train") or the test ("t10k") half."""
    images, digits = (
        read_idx(fetch(f"{half}-{what}-ubyte.gz", folder, listing)) for what in ("images-idx3", "labels-idx1")
    )
    if images.ndim != 3 or digits.shape != images.shape[:1]:
        raise DataError(f"{folder}: {half} has images of shape {images.shape} but labels of shape {digits.shape}")
    points = images.reshape(len(images), -1) / 255.0  # from here on in place: the training half is 376 MB
    return prepared(points, _MEAN, _DEVIATION, scaling), digits.astype(np.int64)
