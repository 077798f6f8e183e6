"""The code that a result was made by, as the file itself tells it: what is left to go by where no workflow remembers.

Datasets have it among their attributes, pictures and pages in their metadata, as text that is found without a parser.
"""

import re
from pathlib import Path

_TEXT = re.compile(rb'(?:Code\0|code |name="code" content=")([0-9a-f]{16})\b')
_NEAR = 2**16  # bytes from an end of the file


def metadata(suffix: str, code: str) -> dict[str, str]:
    """Of a picture, for `savefig`: PNG takes any key, PDF has a few."""
    return {".png": {"Code": code}, ".pdf": {"Keywords": f"code {code}"}}.get(suffix, {})


def stamp_of(path: Path) -> dict[str, str]:
    """What the file says of itself: its `code`, of datasets other words too; nothing if it is damaged."""
    if path.suffix == ".nc":
        return _attributes(path)
    with path.open("rb") as file:
        if path.suffix == ".pdf":  # whose metadata stand at the end
            file.seek(max(0, path.stat().st_size - _NEAR))
        found = _TEXT.search(file.read(_NEAR))
    return {"code": found[1].decode()} if found else {}


def _attributes(path: Path) -> dict[str, str]:
    """A dataset's global attributes that are texts, but for the long one of its parameters.

    A netCDF file is one of HDF5, whose own library reads attributes in a tenth of the time: it does not look at the
    variables.
    """
    from h5py import File  # takes a while, and is not needed as long as the workflow remembers

    try:
        with File(path, "r", locking=False) as file:
            values = {name: file.attrs[name] for name in file.attrs if name != "parameters"}
    except OSError:
        return {}
    return {name: value.decode() for name, value in values.items() if isinstance(value, bytes)}
