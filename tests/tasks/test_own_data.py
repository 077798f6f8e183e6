import importlib.util

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import own_data
from implicitbias.errors import ConfigError, DataError
from implicitbias.tasks.build import build
from implicitbias.tasks.own.files import inspect, load


def test_arrays_of_colour_images(tmp_path):
    path, held = own_data.npz(tmp_path), own_data.arrays()
    found = inspect(str(path))
    assert (found.shape, found.counts) == ((3, 4, 5), ((4, 4, 4), (2, 2, 2)))
    superset = load(path=str(path), scaling="pixels")
    assert superset.image == (3, 4, 5)
    assert superset.names == ("0", "1", "2")
    np.testing.assert_array_equal(superset.train_class, held["y_train"][:, 0])
    for number in range(12):
        channels = superset.train_input[number].reshape(3, 4, 5)
        np.testing.assert_allclose(channels.transpose(1, 2, 0), held["x_train"][number] / 255, rtol=1e-12)


@pytest.mark.parametrize(("shape", "expected"), [((4, 5), (1, 4, 5)), ((7,), (7,)), ((4, 5, 1), (1, 4, 5))])
def test_shapes_are_read(tmp_path, shape, expected):
    np.savez(tmp_path / "own.npz", **own_data.arrays(shape=shape))
    assert inspect(str(tmp_path / "own.npz")).shape == expected
    assert load(path=str(tmp_path / "own.npz")).image == (expected if len(expected) == 3 else ())


def test_fractions_are_taken_as_they_are(tmp_path):
    held = {name: value / 255 if name[0] == "x" else value for name, value in own_data.arrays().items()}
    found = load(path=str(own_data.npz(tmp_path, **held)), scaling="pixels")
    whole = load(path=str(own_data.npz(tmp_path)), scaling="pixels")
    np.testing.assert_allclose(found.train_input, whole.train_input, rtol=1e-12)


def test_images_are_standardised_channel_by_channel_by_the_training_set(tmp_path):
    path = str(own_data.npz(tmp_path))
    plain, found = load(path=path, scaling="pixels"), load(path=path, scaling="standardised")
    by_channel = plain.train_input.reshape(12, 3, 20)
    mean, deviation = by_channel.mean((0, 2)), by_channel.std((0, 2))
    expected = (plain.test_input.reshape(6, 3, 20) - mean[:, None]) / deviation[:, None]
    np.testing.assert_allclose(found.test_input.reshape(6, 3, 20), expected, rtol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(load(path=path).test_input, axis=1), np.sqrt(60), rtol=1e-12)


def test_tables_are_standardised_column_by_column_and_a_constant_column_becomes_zero(tmp_path):
    frame = own_data.table().assign(constant=3.7, split=["train"] * 9 + ["test"] * 3)
    frame.loc[10, "constant"] = 5
    found = load(path=str(own_data.csv(tmp_path, frame)), scaling="standardised")
    assert found.image == ()
    assert found.names == own_data.NAMES
    train = frame[["height", "weight"]].to_numpy()[:9]
    np.testing.assert_allclose(found.train_input[:, :2], (train - train.mean(0)) / train.std(0), rtol=1e-9)
    assert not found.train_input[:, 2].any()
    assert not found.test_input[:, 2].any()
    np.testing.assert_array_equal(found.train_class, np.arange(9) % 3)


def test_numbers_in_the_column_of_labels_are_classes(tmp_path):
    found = load(path=str(own_data.csv(tmp_path, own_data.table(40).assign(label=np.arange(40) % 12))))
    assert found.names == tuple(map(str, range(12)))
    assert set(found.train_class) == set(range(12))


@pytest.mark.skipif(not importlib.util.find_spec("pyarrow"), reason="pyarrow is not installed")
def test_parquet_holds_the_same_as_csv(tmp_path):
    own_data.table().to_parquet(tmp_path / "own.parquet")
    one, other = (load(path=str(tmp_path / "own.parquet")), load(path=str(own_data.csv(tmp_path))))
    np.testing.assert_allclose(one.train_input, other.train_input, rtol=1e-12)
    np.testing.assert_array_equal(one.test_class, other.test_class)
    own_data.table().assign(height=[1.0, None] * 6).to_parquet(tmp_path / "own.parquet")
    with pytest.raises(DataError, match=r"own\.parquet: row 1 \(counted from 0\): column 'height' has no value"):
        inspect(str(tmp_path / "own.parquet"))


def test_without_pyarrow_the_message_says_what_to_install(tmp_path, monkeypatch):
    def absent(*_, **__):
        raise ImportError("no engine")

    (tmp_path / "own.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(pd, "read_parquet", absent)
    with pytest.raises(ConfigError, match=r"own\.parquet: pyarrow.* is not installed; pip install pyarrow"):
        inspect(str(tmp_path / "own.parquet"))


@pytest.mark.parametrize(("mode", "suffix", "channels"), [("RGB", ".png", 3), ("L", ".JPG", 1), ("RGB", ".jpeg", 3)])
def test_pictures(tmp_path, mode, suffix, channels):
    folder = own_data.pictures(tmp_path, mode=mode, suffix=suffix)
    (folder / "README.md").write_text("where these are from")
    (folder / "train" / "cat" / ".DS_Store").write_text("hidden")
    found = inspect(str(folder))
    assert (found.shape, found.counts) == ((channels, 4, 5), ((4, 4, 4), (2, 2, 2)))
    superset = load(path=str(folder), scaling="pixels")
    assert superset.names == own_data.NAMES
    np.testing.assert_array_equal(superset.test_class, [0, 0, 1, 1, 2, 2])
    picture = np.asarray(Image.open(folder / "train" / "cat" / f"001{suffix}")).reshape(4, 5, channels)
    seen = superset.train_input[5].reshape(channels, 4, 5).transpose(1, 2, 0)
    np.testing.assert_allclose(seen, picture / 255, rtol=1e-12)


def test_folders_named_by_numbers_are_in_the_order_of_the_numbers(tmp_path):
    folder = own_data.pictures(tmp_path, m=0)
    for number, name in ((10, "bird"), (9, "cat"), (2, "dog")):
        (folder / "train" / name).rename(folder / "train" / str(number))
    assert load(path=str(folder)).names == ("2", "9", "10")


def test_one_point_in_five_is_put_aside_by_a_fixed_permutation(tmp_path):
    frame = own_data.table(30)
    order = np.random.RandomState(0).permutation(30)
    found = load(path=str(own_data.csv(tmp_path, frame)), scaling="pixels")
    numbers = frame[["height", "weight"]].to_numpy(float)
    np.testing.assert_array_equal(found.test_input, numbers[order[:6]])
    np.testing.assert_array_equal(found.train_input, numbers[order[6:]])
    np.testing.assert_array_equal(found.train_class, order[6:] % 3)
    for other in (own_data.npz(tmp_path, x=np.ones((10, 2)), y=np.arange(10) % 2, x_train=None),
                  own_data.pictures(tmp_path, n=5, m=0)):  # fmt: skip
        assert sum(inspect(str(other)).counts[1]) == {".npz": 2, "": 3}[other.suffix]


def test_the_digest_is_that_of_contents_and_names(tmp_path):
    folder = own_data.pictures(tmp_path)
    first = inspect(str(folder)).digest
    (folder / "train" / "cat" / "000.png").touch()
    assert inspect(str(folder)).digest == first
    (folder / "train" / "cat" / "000.png").rename(folder / "train" / "cat" / "100.png")
    renamed = inspect(str(folder)).digest
    Image.fromarray(np.zeros((4, 5, 3), np.uint8)).save(folder / "train" / "cat" / "100.png")
    assert len({first, renamed, inspect(str(folder)).digest}) == 3


def test_a_task_of_your_own_data(tmp_path):
    path = str(own_data.pictures(tmp_path))
    settings = {
        "source": "files",
        "path": path,
        "labels": "class",
        "train_size": 8,
        "seed": [0, 1],
        "raw_dir": tmp_path,
    }
    task = build(**settings, digest=inspect(path).digest)
    assert task.attrs["image"] == "[3,4,5]"
    assert task["class"].values.tolist() == list(own_data.NAMES)
    assert task.sizes["feature"] == 60
    assert build(**{**settings, "labels": "binary"})["train_label"].isin([-1, 1]).all()
    with pytest.raises(ConfigError, match="'decimal' needs class 9, but source 'files' has 3"):
        build(**{**settings, "labels": "decimal"})


def test_data_that_changed_after_planning_are_refused(tmp_path):
    path = own_data.csv(tmp_path)
    planned = inspect(str(path)).digest
    path.write_text(path.read_text().replace("144", "145").replace("\n", "\n", 1) + "0.5,cat,7\n")
    with pytest.raises(DataError, match=r"own\.csv: its contents changed after the work was planned"):
        load(path=str(path), digest=planned)


def test_a_point_without_direction_is_named_with_its_file(tmp_path):
    frame = pd.DataFrame({"x": [-1.0, 0, 1, 0], "label": [0, 1, 0, 1], "split": ["train"] * 3 + ["test"]})
    with pytest.raises(DataError, match=r"own\.csv: point 1 is zero .* scaling: standardised"):
        load(path=str(own_data.csv(tmp_path, frame)))
