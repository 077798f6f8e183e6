"""Whatever is wrong with your own data is said in one error with the file and, where there is one, the row."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import own_data
from implicitbias.errors import ConfigError, DataError
from implicitbias.tasks.own.files import inspect


def refused(path, *told):
    with pytest.raises((ConfigError, DataError)) as caught:
        inspect(str(path))
    for part in told:
        assert part in str(caught.value), str(caught.value)


def changed(name, row, value):
    """An array of the valid data with another value in one row."""
    values = own_data.arrays()[name]
    values = values.astype(type(value)) if isinstance(value, float) else values
    values[row] = value
    return {name: values}


ARRAYS = {
    "a class without training points": ({"y_train": np.array([0, 1, 3] * 4)}, "row 2 of the training set", "class 2"),
    "a negative label": (changed("y_train", 5, -1), "row 5 of the training set", "label -1"),
    "a fraction as label": (changed("y_train", 4, 1.5), "row 4 of the training set", "label 1.5"),
    "NaN as label": (changed("y_train", 4, np.nan), "row 4 of the training set", "label nan"),
    "a label that training does not have": (changed("y_test", 2, 3), "row 2 of the test set", "label 3", "0, 1, 2"),
    "one class": ({"y_train": np.zeros(12, int), "y_test": np.zeros(6, int)}, "row 0", "'0'", "two or more"),
    "names beside numbers": ({"y_test": np.array(["a"] * 6)}, "row 0 of the test set", "names", "numbers"),
    "fewer labels": ({"y_train": np.arange(11) % 3}, "x_train has 12 points, but y_train 11"),
    "one-hot labels": ({"y_train": np.eye(12)}, "y_train has shape (12, 12)"),
    "another size of test images": ({"x_test": np.zeros((6, 5, 5, 3), np.uint8)}, "row 0 of the test set", "(5, 5, 3)"),
    "channels first": ({"x_train": np.zeros((12, 3, 32, 32), np.uint8)}, "(12, 3, 32, 32)", "last axis"),
    "five axes": ({"x_train": np.zeros((12, 1, 2, 2, 3))}, "x_train has shape (12, 1, 2, 2, 3)"),
    "NaN": (changed("x_train", 7, np.nan), "row 7 of the training set", "nan", "finite"),
    "infinity": (changed("x_test", 1, np.inf), "row 1 of the test set", "inf"),
    "a pixel beyond 255": ({"x_train": own_data.arrays()["x_train"].astype(int) + 200}, "row 0", "0 to 255"),
    "text as points": ({"x_train": np.full((12, 2), "a")}, "row 0", "not numbers"),
    "no points": ({"x_train": np.zeros((0, 2)), "y_train": np.zeros(0)}, "no points"),
    "points without numbers": ({"x_train": np.zeros((12, 0))}, "no numbers"),
    "Python objects": ({"y_train": np.array([{}] * 12, dtype=object)}, "Python objects"),
    "no labels": ({"y_train": None, "y_test": None}, "x_train, x_test", "or x and y alone"),
    "half a test set": ({"y_test": None}, "holds x_train, y_train, x_test of the arrays"),
}  # fmt: skip


@pytest.mark.parametrize("what", ARRAYS)
def test_arrays(tmp_path, what):
    changes, *told = ARRAYS[what]
    refused(own_data.npz(tmp_path, **changes), "own.npz", *told)


def test_damaged_arrays(tmp_path):
    path = own_data.npz(tmp_path)
    path.write_bytes(path.read_bytes()[:500])
    refused(path, "own.npz: cannot be read as a .npz file")
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "one.npy").rename(path)
    refused(path, "own.npz: cannot be read as a .npz file")


TABLES = {
    "a missing value": ("height,label\n1,a\n,b\n3,a\n", "line 3", "'height' has no value"),
    "a missing label": ("height,label\n1,a\n2,b\n3,\n", "line 4", "'label' has no value"),
    "a blank line": ("height,label\n1,a\n\n3,b\n", "line 3", "has no value"),
    "a column of text": ("height,label\n1,a\n2,b\ntall,a\n", "line 4", "'height' is 'tall'"),
    "NaN": ("height,label\n1,a\n2,b\nnan,a\n", "line 4", "'height'"),
    "NA": ("height,label\n1,a\nNA,b\n3,a\n", "line 3", "'NA'"),
    "infinity": ("height,label\n1,a\ninf,b\n2,a\n", "line 3", "inf"),
    "true and false": ("height,label\nTrue,a\nFalse,b\n", "'height' is", "numbers"),
    "no column of labels": ("height,kind\n1,a\n2,b\n", "'height', 'kind'", "'label'"),
    "no column of numbers": ("label\na\nb\n", "0 columns of numbers"),
    "no rows": ("height,label\n", "0 rows"),
    "nothing": ("", "cannot be read as a table"),
    "a line too long": ("height,label\n1,a\n2,b,c\n", "cannot be read as a table", "line 3"),
    "all lines too long": ("height,label\n1,a,c\n2,b,c\n", "cannot be read", "does not match length of data"),
    "a short line": ("height,label\n1,a\n2\n", "line 3", "'label' has no value"),
    "another split": ("height,label,split\n1,a,train\n2,b,valid\n", "line 3", "split is 'valid'", "train, test"),
    "no test row": ("height,label,split\n1,a,train\n2,b,train\n", "all rows are 'train'"),
    "a negative label": ("height,label\n1,0\n2,-1\n3,1\n", "line 3", "-1"),
    "a fraction as label": ("height,label\n1,0\n2,1\n3,0.5\n", "line 4", "0.5"),
    "a name among numbers": ("height,label\n1,0\n2,1\n3,l\n", "line 4", "'l' is a name", "all numbers"),
    "a number among names": ("height,label\n1,a\n2,b\n3,3\n", "line 4", "'3' is a number"),
    "a gap": ("height,label,split\n1,0,train\n2,2,train\n3,0,test\n", "line 3", "class 1 has no training point"),
    "one class": ("height,label,split\n1,a,train\n2,a,test\n", "'a'", "two or more"),
    "a label that training does not have": ("x,label,split\n1,a,train\n2,b,train\n3,c,test\n", "line 4", "'c'", "a, b"),
    "too few rows to split": ("height,label\n1,a\n2,b\n", "2 points and no test set"),
}  # fmt: skip


@pytest.mark.parametrize("what", TABLES)
def test_tables(tmp_path, what):
    text, *told = TABLES[what]
    (tmp_path / "own.csv").write_text(text)
    refused(tmp_path / "own.csv", "own.csv", *told)


def picture(path, size=(5, 4), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size).save(path)


PICTURES = {
    "another size": (lambda f: picture(f / "train/cat/001.png", (6, 4)), "cat/001.png", "6 x 4", "5 x 4"),
    "another mode": (lambda f: picture(f / "test/dog/001.png", mode="L"), "dog/001.png", "mode L", "mode RGB"),
    "a mode that is not read": (lambda f: picture(f / "train/bird/000.png", mode="P"), "bird/000.png", "mode P"),
    "no picture": (lambda f: (f / "train/dog/002.png").write_text("a dog"), "dog/002.png", "cannot be read"),
    "a cut picture": (lambda f: (f / "train/dog/002.png").write_bytes((f / "train/dog/002.png").read_bytes()[:60]),
                      "dog/002.png", "cannot be read"),
    "an empty class": (lambda f: (f / "train/emu").mkdir(), "train/emu", "holds no pictures"),
    "a class that training does not have": (lambda f: picture(f / "test/emu/1.png"), "emu/1.png", "'emu'", "bird, cat"),
    "a picture beside the classes": (lambda f: picture(f / "train/1.png"), "train/1.png", "wrong place"),
    "a picture beside train": (lambda f: picture(f / "1.png"), "own/1.png", "wrong place"),
    "a folder beside train": (lambda f: picture(f / "valid/cat/1.png"), "own/valid", "wrong place"),
    "a folder in a class": (lambda f: (f / "train/cat/more").mkdir(), "cat/more", "is no picture"),
    "another file in a class": (lambda f: (f / "train/cat/a.txt").touch(), "cat/a.txt", "is no picture", ".png"),
    "a link to nothing": (lambda f: (f / "train/cat/9.png").symlink_to(f / "gone.png"), "cat/9.png", "cannot be read"),
    "no train": (lambda f: (f / "train").rename(f / ".train"), "own/train", "no such folder"),
    "an empty test": (lambda f: [(f / "test" / name).rename(f / f".{name}") for name in own_data.NAMES],
                      "own/test", "holds no pictures"),
}  # fmt: skip


@pytest.mark.parametrize("what", PICTURES)
def test_pictures(tmp_path, what):
    spoil, *told = PICTURES[what]
    folder = own_data.pictures(tmp_path)
    spoil(folder)
    refused(folder, *told)


def test_an_empty_folder(tmp_path):
    refused(tmp_path, f"{tmp_path}/train: there is no such folder", "train/<class>/")
    (tmp_path / "train").mkdir()
    refused(tmp_path, f"{tmp_path}: holds no pictures")


def test_paths(tmp_path):
    refused("", "needs the key path", ".npz", "folder")
    refused(tmp_path / "gone.csv", "gone.csv", "No such file")
    refused("a\0b", "'a\\x00b'")
    (tmp_path / "own.txt").touch()
    refused(tmp_path / "own.txt", "own.txt", "no known form", ".npz, .csv, .parquet")


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    """Valid data of three forms, by the path of a file and of what is to be inspected."""
    folder = tmp_path_factory.mktemp("valid")
    whole = own_data.pictures(folder)
    jpeg = own_data.pictures(tmp_path_factory.mktemp("jpeg"), suffix=".jpg")
    files = {
        own_data.npz(folder): "own.npz", own_data.csv(folder): "own.csv",
        whole / "train" / "cat" / "001.png": whole, jpeg / "test" / "dog" / "000.jpg": jpeg,
    }  # fmt: skip
    return [(path, folder / top, path.read_bytes()) for path, top in files.items()]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.integers(0, 3),
    cut=st.floats(0, 1),
    noise=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=4)), max_size=4),
    insert=st.booleans(),
)
def test_whatever_is_damaged_gives_one_error_with_the_name_or_can_be_read(valid, which, cut, noise, insert):
    path, top, content = valid[which]
    damaged = bytearray(content[: int(len(content) * cut)] if cut < 0.5 else content)
    for where, what in noise:
        start = int(len(damaged) * where)
        damaged[start : start if insert else start + len(what)] = what
    path.write_bytes(damaged)
    try:
        found = inspect(str(top))
    except (ConfigError, DataError) as error:
        assert path.name in str(error)  # noqa: PT017
    else:
        assert len(found.counts[0]) >= 2
        assert min(found.counts[0]) >= 1
    finally:
        path.write_bytes(content)


LINES = st.text(st.sampled_from("0123456789.,-+eE\"'\n\r\t ;#aNinfbtrue\0é"), max_size=60)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.sampled_from(["a,label\n", "label,split,a\n", "a,b,label\n", ""]), text=LINES)
def test_whatever_stands_in_a_table_gives_one_error_with_the_name_or_can_be_read(tmp_path, head, text):
    (tmp_path / "own.csv").write_text(head + text, newline="")
    try:
        found = inspect(str(tmp_path / "own.csv"))
    except (ConfigError, DataError) as error:
        assert "own.csv" in str(error)  # noqa: PT017
    else:
        assert min(found.counts[0]) >= 1
