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
    """What the file says of itself: its `code`, and of datasets all other attributes; empty if it cannot be read."""
    if path.suffix == ".nc":
        return _attributes(path)
    with path.open("rb") as file:
        if path.suffix == ".pdf":  # whose metadata stand at the end
            file.seek(max(0, path.stat().st_size - _NEAR))
        found = _TEXT.search(file.read(_NEAR))
    return {"code": found[1].decode()} if found else {}


def _attributes(path: Path) -> dict[str, str]:
    from netCDF4 import Dataset  # takes a while, and is not needed as long as the workflow remembers

    try:
        with Dataset(path) as dataset:
            return {name: str(dataset.getncattr(name)) for name in ("code", *dataset.ncattrs()) if name != "parameters"}
    except (OSError, RuntimeError, AttributeError):  # damaged, or of somebody else
        return {}
