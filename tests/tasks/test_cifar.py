"""CIFAR-10's format, from small archives written as Python 2 wrote the real one."""

import hashlib
import io
import os
import pickle
import struct
import tarfile
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from test_download import mirror

from implicitbias.catalogue import SOURCES
from implicitbias.catalogue.downloads import Download
from implicitbias.errors import DataError
from implicitbias.tasks.build import build
from implicitbias.tasks.cifar import load

NAMES = ["airplane", "automobile", "bird"]
EACH = 4


class Python2(pickle._Pickler):
    """Writes text and bytes as Python 2 did, and numpy's function where it was then."""

    def as_text(self, value):
        content = value if isinstance(value, bytes) else value.encode("latin1")
        self.write(pickle.BINSTRING + struct.pack("<i", len(content)) + content)
        self.memoize(value)

    dispatch: ClassVar = {**pickle._Pickler.dispatch, str: as_text, bytes: as_text}


def written(value):
    stream = io.BytesIO()
    Python2(stream, protocol=2).dump(value)
    return stream.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def batches():
    random = np.random.RandomState(0)
    found = {}
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        data = random.randint(0, 256, (EACH, 3072)).astype(np.uint8)
        found[name] = {"data": data, "labels": random.randint(0, 3, EACH).tolist(), "batch_label": name}
    found["batches.meta"] = {"label_names": NAMES, "num_vis": 3072}
    return found


def archive(contents):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def given(tmp_path, monkeypatch):
    """Puts an archive where it is looked for, with its md5 in the catalogue."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def put(content, *mirrors, there=True):
        download = Download(mirrors, md5={"cifar-10-python.tar.gz": hashlib.md5(content).hexdigest()})
        monkeypatch.setitem(SOURCES, "cifar10", replace(SOURCES["cifar10"], download=download))
        if there:
            (tmp_path / "cifar10").mkdir(exist_ok=True)
            (tmp_path / "cifar10" / "cifar-10-python.tar.gz").write_bytes(content)
        return tmp_path

    return put


def test_images_classes_and_names(given):
    whole = batches()
    raw = given(archive({name: written(value) for name, value in whole.items()}))
    found = load(raw, scaling="pixels")
    train = np.concatenate([whole[f"data_batch_{number}"]["data"] for number in range(1, 6)])
    np.testing.assert_array_equal(found.train_input, train / 255)
    np.testing.assert_array_equal(found.test_input, whole["test_batch"]["data"] / 255)
    np.testing.assert_array_equal(found.test_class, whole["test_batch"]["labels"])
    assert len(found.train_class) == 5 * EACH
    assert found.names == tuple(NAMES)


def test_every_channel_is_standardised_by_the_training_set(given):
    raw = given(archive({name: written(value) for name, value in batches().items()}))
    plain, found = load(raw, scaling="pixels"), load(raw, scaling="standardised")
    for channel in range(3):
        part = slice(1024 * channel, 1024 * (channel + 1))
        mean, deviation = plain.train_input[:, part].mean(), plain.train_input[:, part].std()
        np.testing.assert_allclose(found.test_input[:, part], (plain.test_input[:, part] - mean) / deviation, rtol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(load(raw).train_input, axis=1), np.sqrt(3072), rtol=1e-12)


def test_it_is_downloaded_once_and_nothing_is_unpacked(given):
    content = archive({name: written(value) for name, value in batches().items()})
    with mirror(content) as (url, asked):
        raw = given(content, url, there=False)
        for _ in range(2):
            task = build(source="cifar10", labels="class", train_size=9, test_size=3, seed=[0], raw_dir=raw)
    assert asked == ["/data/cifar-10-python.tar.gz"]
    assert [path.name for path in (raw / "cifar10").iterdir()] == ["cifar-10-python.tar.gz"]
    assert task.attrs["image"] == "[3,32,32]"
    assert task["class"].values.tolist() == NAMES


class Trap:
    def __reduce__(self):
        return os.mkdir, ("trapped",)


def test_a_pickle_that_calls_something_is_refused(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    contents = {name: written(value) for name, value in batches().items()}
    raw = given(archive({**contents, "test_batch": pickle.dumps({"data": Trap()}, protocol=2)}))
    with pytest.raises(DataError, match=r"asks for \w+\.mkdir, which is no array"):
        load(raw)
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda whole: whole.pop("data_batch_3"), "holds no cifar-10-batches-py/data_batch_3"),
        (lambda whole: whole["test_batch"]["labels"].pop(), "images of shape (4, 3072) but 3 labels"),
        (lambda whole: whole["test_batch"].pop("data"), "images of shape (0,) but 4 labels"),
        (lambda whole: whole.update({"batches.meta": {}}), "does not name the classes"),
        (lambda whole: whole.update(test_batch=[1, 2]), "cannot be read"),
    ],
)
def test_an_archive_of_another_form_is_named(given, change, told):
    whole = batches()
    change(whole)
    with pytest.raises(DataError) as caught:
        load(given(archive({name: written(value) for name, value in whole.items()})))
    assert told in str(caught.value)
    assert "cifar-10-python.tar.gz" in str(caught.value)


def test_what_is_no_archive_is_named(given):
    with pytest.raises(DataError, match=r"cifar-10-python\.tar\.gz: cannot be read"):
        load(given(b"no archive"))
