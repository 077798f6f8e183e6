"""Raw files: taken from disk when their contents are right, else downloaded from the first mirror that works."""

import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pooch
import yaml
from requests.exceptions import RequestException

from implicitbias.errors import DataError, nearest


@dataclass(frozen=True)
class Listing:
    """What `data/sources.yaml` says of a source.

    Attributes:
        mirrors: addresses of folders, in the order they are tried.
        sha256: of the uncompressed contents of every file, by file name. The same data goes round in
            differently compressed archives, so the archive's own digest would refuse good files.

    """

    mirrors: Sequence[str]
    sha256: Mapping[str, str]


def read_listing(sources: Path, source: str) -> Listing:
    """The entry of a source in `data/sources.yaml`.

    Raises:
        DataError: if the file is missing, does not list the source, or lists it in another form.

    """
    try:
        content = yaml.safe_load(sources.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise DataError(f"{sources}: the list of downloads cannot be read ({error})") from error
    if source not in content:
        raise DataError(f"{sources}: no source {source!r}{nearest(source, content)}; it lists {', '.join(content)}")
    try:
        entry = content[source]
        return Listing(tuple(entry["mirrors"]), {name: str(file["sha256"]) for name, file in entry["files"].items()})
    except (AttributeError, KeyError, TypeError) as error:
        raise DataError(f"{sources}: {source} needs `mirrors` and `files`, each file with its `sha256`") from error


def fetch(name: str, folder: Path, listing: Listing) -> Path:
    """The path of a gzipped raw file with the contents that the listing promises.

    A file that is there is checked and never overwritten. A download is checked in a folder of its own and
    only then renamed into place, so that an interrupted one never looks whole and two at once do no harm.

    Raises:
        DataError: if the file is there with other contents, or no mirror delivers it.

    """
    path, expected = folder / name, listing.sha256.get(name)
    if expected is None:
        raise DataError(f"{path}: its sha256 is not listed; listed are {', '.join(listing.sha256)}")
    if path.exists():
        if problem := _mismatch(path, expected):
            raise DataError(
                f"{path}: {problem}. The file is left as it is: "
                "delete it to have it downloaded, or put the right one in its place."
            )
        return path
    failures = []
    for mirror in listing.mirrors:
        url = f"{mirror.rstrip('/')}/{name}"
        if not (failure := _download(url, path, expected)):
            return path
        failures.append(f"  {url}: {failure}")
    raise DataError(
        "\n".join([f"{name} could not be downloaded:", *failures])
        + f"\nPut the file into {folder}/ by hand (sha256 of its uncompressed contents: {expected})"
        " and call the workflow again."
    )


def _download(url: str, path: Path, expected: str) -> str | None:
    """Bring `url` to `path` if it holds what is expected; else why not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".download-") as scratch:
        part = Path(scratch) / path.name
        try:
            pooch.HTTPDownloader(timeout=30)(url, str(part), None)
        except RequestException as error:
            return str(error) or type(error).__name__
        if problem := _mismatch(part, expected):
            return problem
        part.replace(path)
    return None


def _mismatch(path: Path, expected: str) -> str | None:
    """How the contents of a gzipped file differ from what is expected, or None."""
    try:
        with gzip.open(path) as contents:
            found = hashlib.file_digest(contents, "sha256").hexdigest()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        return f"is not a whole gzip file ({error}); expected are contents of sha256 {expected}"
    return None if found == expected else f"the sha256 of its contents is {found}, but {expected} is expected"
