import gzip
import hashlib
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from implicitbias.catalogue import SOURCES
from implicitbias.catalogue.downloads import Download
from implicitbias.errors import DataError
from implicitbias.tasks.build import build
from implicitbias.tasks.mnist import load, load_fashion

DATA = Path(__file__).parents[2] / "data"
FILES = list(SOURCES["mnist"].download.sha256)
needs_mnist = pytest.mark.skipif(
    not all((DATA / "raw/mnist" / name).exists() for name in FILES),
    reason="data/raw/mnist does not hold the four MNIST files",
)


def tiny(tmp_path, monkeypatch, source="mnist", *, test_labels=3):
    """A raw folder with an MNIST of 5 + 3 images of 2x2 pixels; returns it with the images and digits."""
    random = np.random.RandomState(0)
    arrays = {
        "train-images-idx3-ubyte.gz": random.randint(0, 256, (5, 2, 2)),
        "train-labels-idx1-ubyte.gz": random.randint(0, 10, 5),
        "t10k-images-idx3-ubyte.gz": random.randint(0, 256, (3, 2, 2)),
        "t10k-labels-idx1-ubyte.gz": random.randint(0, 10, test_labels),
    }
    folder = tmp_path / "raw" / source
    folder.mkdir(parents=True)
    sha256, md5 = {}, {}
    for name, array in arrays.items():
        sizes = struct.pack(f">{array.ndim}I", *array.shape)
        content = bytes((0, 0, 8, array.ndim)) + sizes + array.astype(np.uint8).tobytes()
        (folder / name).write_bytes(gzip.compress(content))
        sha256[name] = hashlib.sha256(content).hexdigest()
        md5[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()
    download = Download((), sha256=sha256) if source == "mnist" else Download((), md5=md5)
    monkeypatch.setitem(SOURCES, source, replace(SOURCES[source], download=download))
    return tmp_path / "raw", list(arrays.values())


def test_preprocessing_of_a_tiny_mnist(tmp_path, monkeypatch):
    raw, (train, train_class, test, test_class) = tiny(tmp_path, monkeypatch)
    superset = load(raw)
    for found, images in ((superset.train_input, train), (superset.test_input, test)):
        for row, image in zip(found, images, strict=True):
            point = (image.ravel() / 255 - 0.1307) / 0.3081
            np.testing.assert_allclose(row, 2 * point / np.linalg.norm(point), rtol=1e-12)
    np.testing.assert_allclose(load(raw, scaling="pixels").test_input, test.reshape(3, 4) / 255, rtol=1e-12)
    standardised = (train.reshape(5, 4) / 255 - 0.1307) / 0.3081
    np.testing.assert_allclose(load(raw, scaling="standardised").train_input, standardised, rtol=1e-12)
    np.testing.assert_array_equal(superset.train_class, train_class)
    np.testing.assert_array_equal(superset.test_class, test_class)


def test_as_many_labels_as_images(tmp_path, monkeypatch):
    raw, _ = tiny(tmp_path, monkeypatch, test_labels=4)
    with pytest.raises(DataError, match=r"t10k has images of shape \(3, 2, 2\) but labels of shape \(4,\)"):
        load(raw)


def test_a_changed_file_is_refused(tmp_path, monkeypatch):
    raw, _ = tiny(tmp_path, monkeypatch)
    changed = raw / "mnist" / "train-labels-idx1-ubyte.gz"
    content = gzip.decompress(changed.read_bytes())
    changed.write_bytes(gzip.compress(content[:-1] + bytes((content[-1] ^ 1,))))
    with pytest.raises(DataError, match="sha256 of its contents") as caught:
        load(raw)
    assert str(changed) in str(caught.value)


def test_without_files_and_mirrors_the_message_says_where_to_put_them(tmp_path, monkeypatch):
    raw, _ = tiny(tmp_path, monkeypatch)
    missing = raw / "mnist" / "t10k-images-idx3-ubyte.gz"
    missing.unlink()
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte\.gz could not be downloaded") as caught:
        load(raw)
    assert f"Put the file into {raw / 'mnist'}/" in str(caught.value)


def test_fashion_has_the_same_form_and_its_own_mean_and_deviation(tmp_path, monkeypatch):
    raw, (train, train_class, test, test_class) = tiny(tmp_path, monkeypatch, "fashion_mnist")
    superset = load_fashion(raw, scaling="standardised")
    np.testing.assert_allclose(superset.train_input.ravel(), (train - train.mean()).ravel() / train.std(), rtol=1e-10)
    np.testing.assert_allclose(superset.test_input.ravel(), (test - train.mean()).ravel() / train.std(), rtol=1e-10)
    np.testing.assert_allclose(load_fashion(raw, scaling="pixels").test_input, test.reshape(3, 4) / 255, rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(load_fashion(raw).train_input, axis=1), 2, rtol=1e-12)
    np.testing.assert_array_equal(superset.train_class, train_class)
    np.testing.assert_array_equal(superset.test_class, test_class)
    assert (superset.names[0], superset.names[9]) == ("T-shirt/top", "ankle boot")


def test_a_repacked_archive_of_fashion_is_refused(tmp_path, monkeypatch):
    raw, _ = tiny(tmp_path, monkeypatch, "fashion_mnist")
    changed = raw / "fashion_mnist" / "t10k-labels-idx1-ubyte.gz"
    changed.write_bytes(gzip.compress(gzip.decompress(changed.read_bytes()), 1, mtime=5))
    with pytest.raises(DataError, match="its md5 is") as caught:
        load_fashion(raw)
    assert str(changed) in str(caught.value)


@pytest.fixture(scope="module")
def mnist():
    return load(DATA / "raw")


@needs_mnist
def test_sizes_and_classes_of_the_real_files(mnist):
    zero_one = mnist.only((0, 1))
    assert (len(mnist.train_input), len(mnist.test_input)) == SOURCES["mnist"].sizes(tuple(range(10)))
    assert (len(zero_one.train_input), len(zero_one.test_input)) == SOURCES["mnist"].sizes((0, 1))
    np.testing.assert_array_equal(
        np.bincount(mnist.test_class), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    )
    np.testing.assert_array_equal(mnist.train_class[:5], [5, 0, 4, 1, 9])


@needs_mnist
def test_real_points_have_norm_sqrt_d(mnist):
    np.testing.assert_allclose(np.linalg.norm(mnist.test_input, axis=1), 28, rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(mnist.train_input[::50], axis=1), 28, rtol=1e-12)


# published bounds of seed 0 at n = 100: these need the authors' points, their order and their labels
PUBLISHED = {
    ("decimal", 2): 0.543133, ("decimal", 7): 0.513271,
    ("random", 2): 0.684481, ("random", 7): 0.619440,
    ("binary", 2): 0.491740, ("binary", 7): 0.446516,
    ("binary_random", 2): 0.660423, ("binary_random", 7): 0.593623,
}  # fmt: skip


@needs_mnist
@pytest.mark.parametrize("labels", ["decimal", "random", "binary", "binary_random"])
def test_published_bounds_are_met(labels):
    """Bernstein & Yue 2021: 1 - exp(-(C1 + ln(2n/delta))/(n - 1)), C1 with the authors' constant n/5."""
    n = 100
    task = build(source="mnist", labels=labels, train_size=n, test_size=1, seed=[0], raw_dir=DATA / "raw")
    x, y = task.train_input.values[0], task.train_label.values[0].astype(float)
    kernel = x @ x.T / x.shape[1]
    for depth in range(2, 8):
        t = np.clip(kernel, -1, 1)
        kernel = (np.sqrt(1 - t**2) + t * (np.pi - np.arccos(t))) / np.pi
        if (labels, depth) in PUBLISHED:
            inverse = np.linalg.inv(kernel)
            scale = np.exp(np.linalg.slogdet(kernel)[1] / n)
            bound = n / 5 + scale * ((0.5 - 1 / np.pi) * np.trace(inverse) + y @ inverse @ y / np.pi)
            error = 1 - np.exp(-(bound + np.log(2 * n / 0.01)) / (n - 1))
            assert error == pytest.approx(PUBLISHED[labels, depth], abs=1e-5)
