"""The files of a config: each by itself, those that it includes before it.

`include: [studies/rank.yaml]` names files by their paths from the folder of the file that says so. Whatever else a
config names by such a path is to be sought from its layer's `folder`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from implicitbias.config.strict_yaml import read_yaml
from implicitbias.errors import ConfigError, nearest


@dataclass(frozen=True, eq=False)
class Layer:
    """What one file says by itself."""

    name: str
    folder: Path
    values: Mapping[str, Any]


def layers_of(files: Iterable[str | Path], given: Mapping[str, Any] | None = None, name: str = "config") -> list[Layer]:
    """All layers of a config, each once, in the order in which they are laid over each other.

    Args:
        files: paths of YAML files.
        given: keys over those of the files, from none; what they include is sought from the folder in which we are.
        name: what errors call `given`.

    Raises:
        ConfigError: for a file that cannot be read, is not there or includes itself, and for what two files say side by
            side.

    """
    read: dict[Path, tuple[Layer, ...]] = {}
    found = [layer for path in files for layer in _file(Path(path), str(path), read, {})]
    if given is not None:
        top = Layer(name, Path(), given)
        found += [*_included(top, read, {}), top]
    return list(dict.fromkeys(found))


def _file(path: Path, name: str, read: dict[Path, tuple[Layer, ...]], within: Mapping[Path, str]) -> tuple[Layer, ...]:
    """The layers of a file: those of the files that it includes, and then its own."""
    place = path.resolve()
    if place not in read:
        top = Layer(name, path.parent, read_yaml(path))
        read[place] = (*_included(top, read, {**within, place: name}), top)
    return read[place]


def _included(top: Layer, read: dict[Path, tuple[Layer, ...]], within: Mapping[Path, str]) -> list[Layer]:
    """The layers that a layer includes; no two files among them may say the same side by side."""
    paths = top.values.get("include")
    found: list[Layer] = []
    said: dict[tuple[str, ...], Layer] = {}
    for path in [] if paths is None else paths if isinstance(paths, list) else [paths]:
        where = f"{top.name}: include = {path!r}"
        if not isinstance(path, str) or not isinstance(paths, list):
            raise ConfigError(f"{where}; allowed: a list of paths of config files, from the folder of this one")
        target = top.folder / path
        if (place := found_file(target)) is None:
            hint = nearest_file(target, "*.y*ml")
            raise ConfigError(f"{where}: there is no file {str(target)!r}{hint}; allowed: paths of config files")
        if place in within:
            names = list(within.values())[list(within).index(place) :]
            raise ConfigError(
                f"{where}: {' includes '.join([*names, names[0]])}; allowed: files that do not include this one"
            )
        layers = _file(target, str(target), read, within)
        ours = {key: each for each in layers for key in _said(each.values)}
        for key, layer in ours.items():
            if (other := said.setdefault(key, layer)) is not layer:
                raise ConfigError(
                    f"{layer.name}: {'.'.join(key)} stands in {other.name} too, and {top.name} includes both side by"
                    " side; allowed: in one of them, or in a file that includes the other"
                )
        found += layers
    return found


def found_file(path: Path) -> Path | None:
    """Where the file is, if there is one, and the path is one that a file can have."""
    try:
        place = path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        return None
    return None if place.is_dir() else place


def nearest_file(path: Path, pattern: str) -> str:
    """The hint for the file in the folder of a path whose name is nearest to its own, or an empty text."""
    try:
        return nearest(path.name, [other.name for other in path.parent.glob(pattern)])
    except (OSError, ValueError):
        return ""


def _said(values: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    """What one of several files alone may say: a study, a key of `execution`, any other key."""
    for key, value in values.items():
        if key in ("studies", "execution") and isinstance(value, Mapping):
            yield from ((key, str(name)) for name in value)
        elif key not in ("include", "extensions"):
            yield (str(key),)
