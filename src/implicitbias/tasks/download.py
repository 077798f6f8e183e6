"""Raw files: taken from disk when their contents are right, else downloaded from the first mirror that works."""

import gzip
import hashlib
import tempfile
import zlib
from pathlib import Path

import pooch
from requests.exceptions import RequestException

from implicitbias.catalogue.downloads import Download
from implicitbias.errors import DataError


def fetch(name: str, folder: Path, download: Download) -> Path:
    """The path of a raw file with the contents that the catalogue promises.

    A file that is there is checked and never overwritten. A download is checked in a folder of its own and
    only then renamed into place, so that an interrupted one never looks whole and two at once do no harm.

    Raises:
        DataError: if the file is there with other contents, or no mirror delivers it.

    """
    path = folder / name
    if name not in (known := [*download.sha256, *download.md5]):
        raise DataError(f"{path}: its digest is not listed; listed are {', '.join(known)}")
    if path.exists():
        if problem := _mismatch(path, download):
            raise DataError(
                f"{path}: {problem}. The file is left as it is: "
                "delete it to have it downloaded, or put the right one in its place."
            )
        return path
    failures = []
    for mirror in download.mirrors:
        url = f"{mirror.rstrip('/')}/{name}"
        if not (failure := _download(url, path, download)):
            return path
        failures.append(f"  {url}: {failure}")
    raise DataError(
        "\n".join([f"{name} could not be downloaded:", *failures])
        + f"\nPut the file into {folder}/ by hand ({_promised(name, download)}) and call the workflow again."
    )


def _download(url: str, path: Path, download: Download) -> str | None:
    """Bring `url` to `path` if it holds what is expected; else why not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".download-") as scratch:
        part = Path(scratch) / path.name
        try:
            pooch.HTTPDownloader(timeout=30)(url, str(part), None)
        except RequestException as error:
            return str(error) or type(error).__name__
        if problem := _mismatch(part, download):
            return problem
        part.replace(path)
    return None


def _promised(name: str, download: Download) -> str:
    if name in download.sha256:
        return f"sha256 of its uncompressed contents: {download.sha256[name]}"
    return f"md5: {download.md5[name]}"


def _mismatch(path: Path, download: Download) -> str | None:
    """How a file differs from what is promised, or None."""
    promised = _promised(path.name, download)
    if path.name in download.md5:
        with path.open("rb") as contents:
            found = hashlib.file_digest(contents, "md5").hexdigest()
        return None if found == download.md5[path.name] else f"its md5 is {found}; expected is {promised}"
    try:
        with gzip.open(path) as contents:
            found = hashlib.file_digest(contents, "sha256").hexdigest()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        return f"is not a whole gzip file ({error}); expected is {promised}"
    if found == download.sha256[path.name]:
        return None
    return f"the sha256 of its contents is {found}; expected is {promised}"
