import gzip
import struct

import numpy as np
import pytest

from implicitbias.errors import DataError
from implicitbias.tasks.idx import read_idx


def write(path, content):
    path.write_bytes(gzip.compress(content))
    return path


def header(*shape, kind=8):
    return bytes((0, 0, kind, len(shape))) + struct.pack(f">{len(shape)}I", *shape)


@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4), (0, 28, 28)])
def test_reads_what_was_written(tmp_path, shape):
    expected = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    found = read_idx(write(tmp_path / "a.gz", header(*shape) + expected.tobytes()))
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.uint8


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header(2, 3) + bytes(5), "holds 17 bytes, but its header promises 18"),
        (header(2, 3) + bytes(7), "holds 19 bytes, but its header promises 18"),
        (header(2**31, 2**31, 4) + bytes(4), f"promises {2**64 + 16}"),
        (header(2, 3)[:7], "ends within its header, after 7 of 12 bytes"),
        (header(2, kind=0x0D) + bytes(8), "not an IDX file of unsigned bytes .it starts with 00000d01"),
        (header(), "not an IDX file"),
        (b"PNG?", "not an IDX file"),
        (b"\0", "not an IDX file"),
        (b"", "starts with nothing"),
    ],
)
def test_contents_that_are_no_idx_are_refused(tmp_path, content, message):
    path = write(tmp_path / "a.gz", content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def corrupted(content):
    """A gzip file with a wrong byte in its deflate stream."""
    middle = len(content) // 2
    return content[:middle] + bytes((content[middle] ^ 0xFF,)) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[:-20], corrupted, lambda whole: b"<html>", lambda whole: whole[:5]]
)
def test_damaged_archives_are_refused(tmp_path, damage):
    noise = np.random.RandomState(0).bytes(4000)
    path = write(tmp_path / "a.gz", header(4000) + noise)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match="not a whole gzip file") as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"b\.gz: no such file"):
        read_idx(tmp_path / "b.gz")
