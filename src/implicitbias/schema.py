"""The result contract: what every dataset of this project says about itself, and how it reaches the disk.

CF-like (https://cfconventions.org): dimensions by name and singular, each with a coordinate; every data
variable has `long_name`, `units` ("1", "nat", …) and `source` (paper, equation); the uncertainty of `x`
is `x_stderr`, linked by `ancillary_variables`. No timestamps: equal runs give equal files.
"""

import errno
import fcntl
import glob
import json
import os
import shutil
import socket
import zlib
from collections.abc import Hashable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from implicitbias import __version__
from implicitbias.canonical import canonical_json
from implicitbias.errors import ResultError

VARIABLE_ATTRIBUTES = ("long_name", "units", "source")
GLOBAL_ATTRIBUTES = ("title", "package_version", "parameters")
LIBRARIES = ("torch", "numpy", "scipy")
_PROBE = 1 << 13  # numbers of an array by which its compression is judged
"""What makes the numbers, besides this package."""


def variable(
    dims: str | tuple[str, ...],
    values: Any,
    long_name: str,
    units: str = "1",
    source: str = "this project",
    **attrs: Any,
) -> xr.Variable:
    """A data variable with the attributes that the contract asks for.

    Args:
        dims: dimension names, one per axis of `values`.
        values: array-like; torch tensors must be moved to the CPU by the caller.
        long_name: what it is, as an axis label would say it.
        units: "1" for numbers and fractions, "nat" for negative log-probabilities.
        source: paper and equation or section that defines it.
        **attrs: more attributes (`ancillary_variables`, `comment`, …).

    """
    return xr.Variable(dims, np.asarray(values), {"long_name": long_name, "units": units, "source": source, **attrs})


def with_stderr(name: str, estimate: xr.Variable, stderr: Any) -> dict[str, xr.Variable]:
    """The pair `{name, name_stderr}`, linked by `ancillary_variables`."""
    estimate.attrs["ancillary_variables"] = f"{name}_stderr"
    error = variable(
        estimate.dims,  # type: ignore[arg-type]
        stderr,
        f"standard error of {estimate.attrs['long_name']}",
        estimate.attrs["units"],
        estimate.attrs["source"],
    )
    return {name: estimate, f"{name}_stderr": error}


def mean_with_stderr(
    name: str,
    dims: str | tuple[str, ...],
    draws: np.ndarray,
    long_name: str,
    units: str = "1",
    source: str = "this project",
) -> dict[str, xr.Variable]:
    """The pair of `with_stderr` for the mean of independent draws, which are the last axis of `draws`.

    The standard error of a single draw's mean is NaN.
    """
    mean, count = draws.mean(-1), draws.shape[-1]
    stderr = draws.std(-1, ddof=1) / np.sqrt(count) if count > 1 else np.full_like(mean, np.nan)
    return with_stderr(name, variable(dims, mean, long_name, units, source), stderr)


def describe(dataset: xr.Dataset, title: str, parameters: Mapping[str, Any], **attrs: Any) -> xr.Dataset:
    """The dataset with the global attributes of the contract.

    Args:
        dataset: what is described.
        title: one line on what the dataset is.
        parameters: everything that its numbers depend on, stored as canonical JSON.
        **attrs: more global attributes, e.g. `device`, `dtype`.

    """
    fixed = {
        "title": title,
        "package_version": __version__,
        **versions(),
        "parameters": canonical_json(parameters),
    }
    return dataset.assign_attrs({**fixed, **attrs})


@cache
def versions() -> dict[str, str]:
    """The installed versions of the libraries that make the numbers, as the attributes that say so."""
    return {f"{library}_version": version(library) for library in LIBRARIES}


def versions_of(*datasets: xr.Dataset) -> dict[str, str]:
    """The versions that datasets were computed with, "2.6.0, 2.7.0" where they differ, as attributes of their sum."""
    known = {key: [str(dataset.attrs.get(key, "unknown")) for dataset in datasets] for key in versions()}
    return {key: ", ".join(sorted({*", ".join(found).split(", ")})) for key, found in known.items()}


def mixture(dataset: xr.Dataset) -> str:
    """What to say of a dataset that mixes results of several versions of a library; nothing of others."""
    told = {library: str(dataset.attrs.get(f"{library}_version", "")) for library in LIBRARIES}
    mixed = "; ".join(f"{library} {versions}" for library, versions in told.items() if "," in versions)
    return mixed and (
        f"These results were computed with several versions of libraries, between which numbers may differ: {mixed}."
        " With execution: {rerun_on_upgrade: true} the older ones are computed anew."
    )


def parameters_of(dataset: xr.Dataset) -> dict[str, Any]:
    """The parameters that `describe` stored."""
    stored: dict[str, Any] = json.loads(dataset.attrs["parameters"])
    return stored


def violations(dataset: xr.Dataset) -> list[str]:
    """Every way in which the dataset breaks the contract, one sentence each."""
    found = [f"global attribute {name!r} is missing" for name in GLOBAL_ATTRIBUTES if name not in dataset.attrs]
    found += [f"dimension {dim!r} has no coordinate" for dim in dataset.dims if dim not in dataset.coords]
    for name, data in dataset.data_vars.items():
        found += [
            f"variable {name!r} has no attribute {key!r}" for key in VARIABLE_ATTRIBUTES if not data.attrs.get(key)
        ]
        found += [
            f"variable {name!r} names {other!r} in ancillary_variables, which does not exist"
            for other in str(data.attrs.get("ancillary_variables", "")).split()
            if other not in dataset
        ]
        owner = str(name).removesuffix("_stderr")
        links = str(dataset.data_vars.get(owner, data).attrs.get("ancillary_variables", "")).split()
        if owner != name and name not in links:
            found.append(f"variable {name!r} is not linked from {owner!r} by ancillary_variables")
    return found


def _encoding(dataset: xr.Dataset) -> dict[Hashable, dict[str, Any]]:
    """Checksums for all numeric arrays, and lossless compression for those that gain from it."""
    return {
        name: {"fletcher32": True} | ({"zlib": True, "complevel": 1} if _shrinks(data.values) else {})
        for name, data in dataset.variables.items()
        if data.dtype.kind in "iufb" and data.ndim
    }


def _shrinks(values: np.ndarray) -> bool:
    """Whether compression halves the array, judged by its middle: random weights lose a tenth, and take seconds."""
    if values.size <= 1000:
        return False
    flat = values.reshape(-1)
    middle = flat[flat.size // 2 :][:_PROBE]
    shuffled = middle.view(np.uint8).reshape(len(middle), -1).T.tobytes()  # as the file would hold them
    return len(zlib.compress(shuffled, 1)) < len(shuffled) / 2


def save(dataset: xr.Dataset, path: str | Path, code: str = "unknown") -> None:
    """Validate the dataset and write it whole or not at all (temporary file, fsync, rename).

    Args:
        dataset: the dataset to write.
        path: where to; missing folders are made.
        code: fingerprint of the code that computed it, kept as a global attribute.

    Raises:
        ResultError: if the dataset breaks the contract, naming every violation, or if it cannot be written (the disk
            is full, say); no partial file is left.

    """
    path = Path(path)
    if problems := violations(dataset):
        raise ResultError(f"{path}: not written, the dataset breaks the result contract: " + "; ".join(problems))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}.part")
    try:
        dataset.assign_attrs(code=code).to_netcdf(part, engine="netcdf4", encoding=_encoding(dataset))
        with open(part, "rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    except (OSError, RuntimeError) as error:  # the netCDF library raises RuntimeError for a full disk
        free = shutil.disk_usage(path.parent).free
        raise ResultError(
            f"{path}: cannot be written ({error}); {free / 2**20:.1f} MB are free there. Nothing that was whole is"
            " lost: make room and call the workflow again."
        ) from error
    finally:
        part.unlink(missing_ok=True)
    _sweep(path)


def _sweep(path: Path) -> None:
    """Delete what jobs of this machine that were killed while they wrote this file have left."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        host, _, pid = leftover.name.removeprefix(f".{path.name}.").removesuffix(".part").rpartition(".")
        if host == socket.gethostname() and pid.isdigit() and not _alive(int(pid)):
            leftover.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _kept_by_system(path: Path) -> str:
    """Why the system does not let a file be read or locked, or an empty text where it does."""
    try:
        with open(path, "rb") as file:
            os.read(file.fileno(), 1)
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # as HDF5 does
    except BlockingIOError:
        return (
            "another process has locked it; wait for that process, or set HDF5_USE_FILE_LOCKING=FALSE if there is none"
        )
    except OSError as error:
        locks = error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
        return f"{error.strerror}{'; set HDF5_USE_FILE_LOCKING=FALSE, the disk has no locks' if locks else ''}"
    return ""


def load(path: str | Path) -> xr.Dataset:
    """Read a dataset of this project into memory and check it.

    Raises:
        ResultError: if the file is missing, truncated or damaged, or breaks the contract; the message
            says which file it is and how to have it rebuilt. If the system does not let it be read (permissions, too
            many open files, another process that holds it), the message says that.

    """
    path = Path(path)
    # a link leads into the cache between workflows: deleting it alone would bring the same damage back
    file = path.resolve() if path.is_symlink() else path
    remedy = f"Delete it (rm {file}) and call the workflow again: it is rebuilt from its inputs."
    if not path.exists():
        raise ResultError(f"{path}: no such result file. Call the workflow to build it.")
    try:
        with xr.open_dataset(path, engine="netcdf4", decode_timedelta=False) as opened:
            dataset = opened.load()
    except MemoryError:
        raise
    except Exception as error:  # netCDF4, HDF5 and zlib raise a dozen different types for a damaged file
        if reason := _kept_by_system(path):
            raise ResultError(f"{path}: cannot be read now: {reason}. The file itself may be whole.") from error
        raise ResultError(f"{path}: cannot be read, the file is damaged ({error}). {remedy}") from error
    if problems := violations(dataset):
        raise ResultError(f"{path}: breaks the result contract: {'; '.join(problems)}. {remedy}")
    return dataset
