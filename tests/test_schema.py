import errno
import fcntl
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from implicitbias import __version__, schema
from implicitbias.canonical import canonical_json
from implicitbias.errors import ResultError


def example(points=3, **parameters):
    """A dataset that keeps the contract, with every kind of variable that the project stores."""
    estimate = schema.variable("point", np.linspace(0, 1, points), "test error", source="Some Paper 2020, eq. 1")
    names = np.array(["nero", "sgd"])
    dataset = xr.Dataset(
        {
            **schema.with_stderr("error", estimate, np.full(points, 0.1)),
            "label": schema.variable(("optimizer", "point"), np.ones((2, points), dtype=np.int8), "label"),
            "loss": schema.variable("point", np.full(points, np.nan, dtype=np.float32), "loss", "nat"),
            "reason": schema.variable("optimizer", np.array(["all steps", ""]), "why the run stopped"),
            "reached": schema.variable("optimizer", np.array([True, False]), "zero training error was reached"),
            "duration": schema.variable((), 2.5, "time", "seconds"),
        },
        coords={"point": np.arange(points), "optimizer": names},
    )
    return schema.describe(dataset, "an example", {"n": points, **parameters}, device="cpu")


def in_another_process(statements, path):
    """The exit status of statements in this module's terms, with `path` as their argument."""
    return run_here("from test_schema import example, os, schema, sys; " + statements, path)


def run_here(script, path):
    """The exit status of a script that can import this module, with `path` as its argument."""
    search = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    command = [sys.executable, "-c", script, str(path)]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": search}, check=False).returncode


def files(folder):
    return sorted(path.name for path in folder.iterdir())


# ------------------------------------------------------------------------------------- the contract


def test_the_example_keeps_the_contract():
    assert schema.violations(example()) == []


def test_variable_and_stderr_carry_their_attributes():
    found = example()
    assert found.error.attrs == {
        "long_name": "test error", "units": "1", "source": "Some Paper 2020, eq. 1",
        "ancillary_variables": "error_stderr",
    }  # fmt: skip
    assert found.error_stderr.attrs == {
        "long_name": "standard error of test error", "units": "1", "source": "Some Paper 2020, eq. 1",
    }  # fmt: skip
    assert found.error_stderr.dims == found.error.dims
    assert schema.variable("x", [1], "x", comment="rough").attrs["comment"] == "rough"


def test_describe_stores_parameters_that_come_back():
    found = example(seed=[0, 1], labels="décimal", test_size=None)
    assert schema.parameters_of(found) == {"n": 3, "seed": [0, 1], "labels": "décimal", "test_size": None}
    assert (found.attrs["title"], found.attrs["device"]) == ("an example", "cpu")
    assert found.attrs["package_version"] == __version__


def test_canonical_json():
    assert canonical_json({"b": 1, "a": [1.0, None, "é"]}) == '{"a":[1.0,null,"é"],"b":1}'
    assert canonical_json({"a": 1, "b": 2}) == canonical_json({"b": 2, "a": 1})
    assert json.loads(canonical_json({"x": 0.1})) == {"x": 0.1}
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON"):
            canonical_json({"x": bad})


@pytest.mark.parametrize("name", schema.GLOBAL_ATTRIBUTES)
def test_missing_global_attribute(name):
    broken = example()
    del broken.attrs[name]
    assert schema.violations(broken) == [f"global attribute {name!r} is missing"]


@pytest.mark.parametrize("name", schema.VARIABLE_ATTRIBUTES)
@pytest.mark.parametrize("empty", [False, True])
def test_missing_or_empty_variable_attribute(name, empty):
    broken = example()
    if empty:
        broken.label.attrs[name] = ""
    else:
        del broken.label.attrs[name]
    assert schema.violations(broken) == [f"variable 'label' has no attribute {name!r}"]


def test_dimension_without_coordinate():
    assert schema.violations(example().drop_vars("point")) == ["dimension 'point' has no coordinate"]


def test_ancillary_variable_that_does_not_exist():
    assert schema.violations(example().drop_vars("error_stderr")) == [
        "variable 'error' names 'error_stderr' in ancillary_variables, which does not exist"
    ]


def test_stderr_that_is_not_linked():
    broken = example()
    del broken.error.attrs["ancillary_variables"]
    expected = ["variable 'error_stderr' is not linked from 'error' by ancillary_variables"]
    assert schema.violations(broken) == expected
    assert schema.violations(example().drop_vars("error")) == expected


def test_a_stderr_may_be_one_of_several_ancillary_variables():
    dataset = example()
    dataset["ess"] = schema.variable("point", [1.0, 2.0, 3.0], "effective sample size")
    dataset.error.attrs["ancillary_variables"] = "error_stderr ess"
    assert schema.violations(dataset) == []


def test_all_violations_are_reported_at_once():
    broken = example().drop_vars(["point", "error_stderr"]).assign_attrs(title="t")
    del broken.attrs["parameters"]
    assert len(schema.violations(broken)) == 3


# ----------------------------------------------------------------------------------------- the disk


@pytest.mark.parametrize("points", [3, 5000])
def test_round_trip(tmp_path, points):
    dataset, path = example(points), tmp_path / "new" / "folder" / "a.nc"
    schema.save(dataset, path, code="abc")
    found = schema.load(path)
    xr.testing.assert_identical(found, dataset.assign_attrs(code="abc"))
    assert {name: found[name].dtype.kind for name in found} == {name: dataset[name].dtype.kind for name in dataset}
    assert found.label.dtype == np.int8
    assert found.loss.dtype == np.float32
    assert files(path.parent) == ["a.nc"]


def test_the_callers_dataset_is_left_alone(tmp_path):
    dataset = example()
    before = dataset.copy(deep=True)
    schema.save(dataset, tmp_path / "a.nc", code="abc")
    xr.testing.assert_identical(dataset, before)


def test_the_file_can_be_deleted_or_replaced_after_load(tmp_path):
    schema.save(example(), tmp_path / "a.nc")
    found = schema.load(tmp_path / "a.nc")
    schema.save(example(4), tmp_path / "a.nc")
    assert found.sizes["point"] == 3
    assert schema.load(tmp_path / "a.nc").sizes["point"] == 4


def test_a_loaded_dataset_is_saved_to_an_equal_file(tmp_path):
    schema.save(example(5000), tmp_path / "a.nc")
    schema.save(schema.load(tmp_path / "a.nc"), tmp_path / "b.nc")
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_equal_datasets_give_equal_files_in_another_process_and_second(tmp_path):
    schema.save(example(5000), tmp_path / "a.nc")
    time.sleep(1.1)  # a time stamp would show
    assert in_another_process("schema.save(example(5000), sys.argv[1])", tmp_path / "b.nc") == 0
    digests = {hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("a.nc", "b.nc")}
    assert len(digests) == 1


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        schema.save(example(), tmp_path / "a.nc")
        assert os.umask(0o027) == 0o027  # and the umask is as it was
    finally:
        os.umask(before)
    assert (tmp_path / "a.nc").stat().st_mode & 0o777 == 0o640


def test_arrays_that_shrink_are_compressed(tmp_path):
    dataset, path = example(), tmp_path / "a.nc"
    drawn = np.random.default_rng(0).standard_normal((3, 10_000))

    def size(values):
        dataset["more"] = schema.variable(("point", "number"), values, "numbers")
        schema.save(dataset.assign_coords(number=np.arange(10_000)), path)
        assert np.array_equal(schema.load(path)["more"], values)
        return path.stat().st_size

    nothing = size(np.zeros_like(drawn))
    assert size(np.round(drawn)) < nothing + drawn.nbytes / 4
    assert size(drawn > 0) < nothing + drawn.size / 2
    assert size(drawn) > drawn.nbytes  # random numbers would lose little, and take seconds
    assert size(drawn[::-1]) > drawn.nbytes


def test_a_dataset_that_breaks_the_contract_is_not_written(tmp_path):
    broken = example().drop_vars("point")
    with pytest.raises(ResultError, match="dimension 'point' has no coordinate") as caught:
        schema.save(broken, tmp_path / "a.nc")
    assert str(tmp_path / "a.nc") in str(caught.value)
    assert files(tmp_path) == []


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("when", ["write", "fsync", "rename"])
@pytest.mark.parametrize("existing", [False, True])
def test_a_failed_save_leaves_nothing_and_touches_nothing(tmp_path, monkeypatch, failure, when, existing):
    path = tmp_path / "a.nc"
    if existing:
        schema.save(example(), path)
    before = path.read_bytes() if existing else None

    def fail(self_or_handle, target=None, **_):
        if when == "write":
            with open(target, "wb") as part:
                part.write(b"half a file")
        raise failure

    owner, name = {"write": (xr.Dataset, "to_netcdf"), "fsync": (os, "fsync"), "rename": (os, "replace")}[when]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        with pytest.raises(ResultError if isinstance(failure, OSError) else KeyboardInterrupt) as caught:
            schema.save(example(4), path)
    if isinstance(failure, OSError):
        assert f"{path}: cannot be written" in str(caught.value)
        assert "No space left on device" in str(caught.value)
    assert files(tmp_path) == (["a.nc"] if existing else [])
    assert (path.read_bytes() if existing else None) == before


def test_what_netcdf_cannot_hold_leaves_no_file(tmp_path):
    dataset = example()
    dataset["odd"] = schema.variable("optimizer", np.array([1j, 2], dtype=object), "an object")
    with pytest.raises((TypeError, ValueError)):
        schema.save(dataset, tmp_path / "a.nc")
    assert files(tmp_path) == []


def test_a_killed_save_leaves_the_old_file_whole(tmp_path):
    """kill -9 just before the rename: the half-made file is never taken for the result."""
    path = tmp_path / "a.nc"
    schema.save(example(), path)
    kill = "os.replace = lambda *_: os.kill(os.getpid(), 9); schema.save(example(4), sys.argv[1])"
    assert in_another_process(kill, path) == -9
    assert schema.load(path).sizes["point"] == 3
    assert [name for name in files(tmp_path) if name.endswith(".nc")] == ["a.nc"]
    assert len(files(tmp_path)) == 2
    living = tmp_path / f".a.nc.{socket.gethostname()}.1.part"  # process 1 is alive
    elsewhere = tmp_path / ".a.nc.another-host.99999999.part"
    unknown = tmp_path / ".a.nc.k3j2.part"  # not named as ours are
    for part in (living, elsewhere, unknown):
        part.touch()
    schema.save(example(), path)  # the next save sweeps up what is certainly dead
    assert files(tmp_path) == sorted([living.name, elsewhere.name, unknown.name, "a.nc"])


@pytest.mark.parametrize("size", [50, 5000])
def test_a_flipped_bit_anywhere_in_the_numbers_is_noticed(tmp_path, size):
    path = tmp_path / "a.nc"
    dataset = example(size)
    schema.save(dataset, path)
    whole = path.read_bytes()
    numbers = dataset["error"].values.astype("<f8").tobytes()[:64]
    at = whole.find(numbers)
    at = len(whole) // 2 if at < 0 else at + 3  # compressed, or as they are
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with pytest.raises(ResultError, match="damaged"):
        schema.load(path)


# ----------------------------------------------------------------------------------- damaged results


def test_a_flipped_truth_value_is_noticed(tmp_path):
    dataset, path = example(), tmp_path / "a.nc"
    dataset["fits"] = schema.variable("point", [True, True, True], "it fits")
    schema.save(dataset, path)
    whole = path.read_bytes()
    places = [at for at in range(len(whole) - 3) if whole[at : at + 3] == bytes([1, 1, 1])]
    readable = 0
    for at in places:
        path.write_bytes(whole[:at] + bytes([0]) + whole[at + 1 :])
        try:
            assert schema.load(path)["fits"].values.all(), at
            readable += 1
        except ResultError:
            pass
    assert places
    assert readable < len(places)


def test_the_remedy_for_a_damaged_file_behind_a_link_is_to_delete_the_file(tmp_path):
    stored, link = tmp_path / "stored.nc", tmp_path / "a.nc"
    schema.save(example(), stored)
    stored.write_bytes(stored.read_bytes()[:1000])
    link.symlink_to(stored)
    with pytest.raises(ResultError) as caught:
        schema.load(link)
    assert f"rm {stored.resolve()})" in str(caught.value)


def test_a_missing_file_is_named_with_what_to_do(tmp_path):
    with pytest.raises(ResultError, match=r"no such result file\. Call the workflow") as caught:
        schema.load(tmp_path / "a.nc")
    assert str(tmp_path / "a.nc") in str(caught.value)


def flipped(whole):
    """Every fourth byte of the second half changed: HDF5's own structures, or compressed numbers."""
    damaged = bytearray(whole)
    for position in range(len(whole) // 2, len(whole), 4):
        damaged[position] ^= 0xFF
    return bytes(damaged)


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: b"not a netCDF file",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-1],
        lambda whole: bytes(64) + whole[64:],
        flipped,
    ],
    ids=["empty", "text", "half", "one byte short", "header lost", "flipped"],
)
@pytest.mark.parametrize("points", [3, 20_000])
def test_a_damaged_file_is_named_with_the_remedy(tmp_path, damage, points):
    path = tmp_path / "a.nc"
    schema.save(example(points), path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ResultError, match="the file is damaged") as caught:
        schema.load(path)
    assert f"rm {path}" in str(caught.value)
    assert "call the workflow again" in str(caught.value)


def test_a_foreign_file_is_refused(tmp_path):
    path = tmp_path / "a.nc"
    xr.Dataset({"x": ("y", [1.0])}).to_netcdf(path)
    with pytest.raises(ResultError, match=r"breaks the result contract: .*'title' is missing") as caught:
        schema.load(path)
    assert f"rm {path}" in str(caught.value)


# ------------------------------------------------------------------ files that are whole and cannot be read


def refused(path):
    """What is said of a file that cannot be read; it is never said to be damaged, nor that it is to be deleted."""
    with pytest.raises(ResultError) as caught:
        schema.load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: cannot be read now: ")
    assert "damaged" not in text
    assert "rm " not in text
    return text


def test_a_locked_file_is_said_to_be_locked(tmp_path):
    path = tmp_path / "a.nc"
    schema.save(example(), path)
    with open(path, "rb+") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        text = refused(path)
    assert "another process has locked it" in text
    assert "HDF5_USE_FILE_LOCKING" in text
    assert schema.load(path).sizes["point"] == 3


def test_too_many_open_files_are_named(tmp_path):
    """In a process of its own, whose limit it lowers."""
    path = tmp_path / "a.nc"
    schema.save(example(), path)
    script = (
        "import resource, sys; from test_schema import refused, schema; schema.load(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50)); held = []\n"
        "try:\n    while True: held.append(open(sys.argv[1]))\nexcept OSError: pass\n"
        "assert 'Too many open files' in refused(sys.argv[1])"
    )
    assert run_here(script, path) == 0


def test_a_file_that_may_not_be_read_is_named_with_the_reason(tmp_path, monkeypatch):
    path = tmp_path / "a.nc"
    schema.save(example(), path)
    if os.getuid() == 0:  # who may read everything: the system is played

        def denied(*_, **__):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

        monkeypatch.setattr(schema.xr, "open_dataset", denied)
        monkeypatch.setattr("builtins.open", denied)
    else:
        path.chmod(0)
    assert "Permission denied" in refused(path)


def test_a_lack_of_memory_is_no_damage(tmp_path, monkeypatch):
    schema.save(example(), tmp_path / "a.nc")

    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(schema.xr, "open_dataset", full)
    with pytest.raises(MemoryError):
        schema.load(tmp_path / "a.nc")
