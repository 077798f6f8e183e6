"""The IDX format of MNIST and its relatives: a magic number, the sizes, then the numbers."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from implicitbias.errors import DataError

_UNSIGNED_BYTE = 0x08


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array of unsigned bytes in a gzipped IDX file.

    The format: two zero bytes, the type of the numbers (0x08 for unsigned bytes), the number of dimensions,
    each size as a big-endian 32-bit integer, then the numbers in C order.

    Raises:
        DataError: if the file is missing, no gzip, no IDX file of bytes, or shorter or longer than it says.

    """
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: is not a whole gzip file ({error})") from error
    if len(content) < 4 or content[:3] != bytes((0, 0, _UNSIGNED_BYTE)) or content[3] == 0:
        raise DataError(
            f"{path}: is not an IDX file of unsigned bytes (it starts with {content[:4].hex() or 'nothing'})"
        )
    dimensions = content[3]
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise DataError(f"{path}: ends within its header, after {len(content)} of {header} bytes")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    expected = header + int(
        np.prod(np.array(shape, dtype=object))
    )  # Python integers: damaged sizes must not wrap round
    if len(content) != expected:
        raise DataError(f"{path}: holds {len(content)} bytes, but its header promises {expected}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
