"""Composition: one config out of the files that it includes, and out of studies that are like others.

::

    include: [studies/rank.yaml, studies/margins.yaml]   # paths from the file that says so
    only: [low_rank, my_ranks]
    studies:
      low_rank: {network: {width: 1024}}
      my_ranks: {like: low_rank, training: {epochs: 50}, figures: ~}

What a file says stands over what it includes, key by key: blocks are merged, lists and scalars are replaced, and a key
that is null (`~`) is taken away. Files that are included side by side may not both say the same. Once all files are
one, a study that is like another is that study with its own keys over it, by the same rules; a study that was taken
away still serves those that are like it. What comes out is a config without these three keys.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

from implicitbias.config.layers import Layer, layers_of
from implicitbias.errors import ConfigError, listed, nearest

KEYS = {
    "include": "config files whose keys stand here too unless this file has others for them; paths from this file",
    "only": "names of the studies to run; default: all",
    "like": "name of a study whose keys this one has too, unless it has others for them; null takes a key away",
}
"""What a file may say beside the keys of the models, and what each of it means."""


@dataclass(frozen=True)
class _Taken:
    """A value that a null has taken away; of a study, those that are like it still have it."""

    value: Any


@dataclass(frozen=True)
class Composition:
    """A whole config, and the layers that it is made of, each over those before it."""

    values: dict[str, Any]
    layers: tuple[Layer, ...]
    likes: Mapping[str, str] = field(default_factory=dict)
    """Studies that are like another: the other's name."""

    def where(self, keys: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
        """The file (of a block: the files) in which a key stands, and its place there.

        A key that a study has from another stands in that one. What stands nowhere, because it is missing, is the
        business of those who say the block that it is missing from.
        """
        places = [tuple(keys)]
        while (place := places[-1])[:1] == ("studies",) and len(place) > 1 and place[1] in self.likes:
            places.append(("studies", self.likes[place[1]], *place[2:]))
        for length in range(len(keys), -1, -1):
            for place in places:
                holders = [layer for layer in self.layers if _holds(layer.values, place[:length])]
                if holders:
                    block = isinstance(reduce(getitem, place[:length], holders[-1].values), Mapping)
                    return ", ".join(layer.name for layer in (holders if block else holders[-1:])), place
        return "config", tuple(keys)


def compose(files: Iterable[str | Path], given: Mapping[str, Any] | None = None, name: str = "config") -> Composition:
    """The config that files make together, later ones over earlier ones, and `given` over all of them.

    Args:
        files: paths of YAML files.
        given: further keys, as those of a command line; what they include is sought from the folder in which we are.
        name: what errors call `given`.

    Raises:
        ConfigError: naming file, key, value and what is allowed, for a file that cannot be read or includes itself, for
            what two files say side by side, for a study that is like none or itself, and for an unknown name in `only`.

    """
    named = list(files)
    try:
        return _composed(tuple(layers_of(named, given, name)))
    except RecursionError as error:
        where = ", ".join(map(str, named)) or name
        raise ConfigError(f"{where}: a block holds itself; allowed: blocks of their own") from error


def _composed(layers: tuple[Layer, ...]) -> Composition:
    """The layers as one, with studies made whole."""
    values = _laid(layer.values for layer in layers)
    parts, likes = Composition({}, layers), {}
    if isinstance(studies := values.get("studies"), Mapping):
        likes = _likes(parts, studies)
        whole = {name: _whole(name, studies, likes) for name in studies}
        values["studies"] = _chosen(parts, values, whole)
    values = {key: value for key, value in values.items() if key not in ("include", "only")}
    # one layer alone takes nothing away
    return Composition(_without_taken(values) if len(layers) > 1 or likes else values, layers, likes)


# ----------------------------------------------------------------------------------------------------------- merging
def _laid(blocks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Blocks laid over each other, the last on top."""
    whole: dict[str, Any] = {}
    for block in blocks:
        whole = _over(whole, block)
    return whole


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two blocks as one: blocks in both are merged, what else is above stands, and null takes away what is below."""
    whole = dict(below)
    for key, value in above.items():
        known = whole.get(key)
        if value is None and known is not None:
            whole[key] = known if isinstance(known, _Taken) else _Taken(known)
        elif isinstance(value, Mapping) and isinstance(known, Mapping):
            whole[key] = _over(known, value)
        else:
            whole[key] = value
    return whole


def _without_taken(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {key: _without_taken(each) for key, each in value.items() if not isinstance(each, _Taken)}


# ----------------------------------------------------------------------------------------------------------- studies
def _keys(study: Any) -> Mapping[str, Any]:
    """The keys of a study, whether it was taken away or not."""
    keys = study.value if isinstance(study, _Taken) else study
    return keys if isinstance(keys, Mapping) else {}


def _likes(parts: Composition, studies: Mapping[str, Any]) -> dict[str, str]:
    """The name of the study that each study is like, of those that are like another."""
    likes = {name: other for name in studies if (other := _keys(studies[name]).get("like")) is not None}
    likes = {name: other for name, other in likes.items() if not isinstance(other, _Taken)}
    for name, other in likes.items():
        said = f"{parts.where(('studies', name, 'like'))[0]}: studies.{name}.like = {other!r}"
        if not isinstance(other, str) or other not in studies:
            raise ConfigError(
                f"{said}: there is no study of that name{nearest(other, studies)};"
                f" allowed: {listed(other, studies, place=_files(parts))}"
            )
    for name in likes:
        chain = [name]
        while (other := likes.get(chain[-1])) is not None:
            chain.append(other)
            if other in chain[:-1]:
                raise ConfigError(
                    f"{parts.where(('studies', name, 'like'))[0]}: studies.{name}.like = {likes[name]!r}:"
                    f" {' is like '.join(chain)}; allowed: a study that is not like this one"
                )
    return likes


def _whole(name: str, studies: Mapping[str, Any], likes: Mapping[str, str]) -> Any:
    """A study with the keys of all that it is like."""
    if not isinstance(studies[name], Mapping | _Taken):
        return studies[name]
    chain = [name]
    while chain[-1] in likes:
        chain.append(likes[chain[-1]])
    keys = _laid(_keys(studies[each]) for each in reversed(chain))
    keys.pop("like", None)
    return _Taken(keys) if isinstance(studies[name], _Taken) else keys


def _chosen(parts: Composition, values: Mapping[str, Any], studies: Mapping[str, Any]) -> dict[str, Any]:
    """The studies that are to run, in the order in which they are said."""
    only = values.get("only")
    if only is None or isinstance(only, _Taken):
        return dict(studies)
    file = parts.where(("only",))[0]
    if not isinstance(only, list) or not only:
        raise ConfigError(f"{file}: only = {only!r}; allowed: a list of names of studies")
    there = [name for name, study in studies.items() if not isinstance(study, _Taken)]
    for name in only:
        if name not in there:
            hint = nearest(name, there)
            if wrong := [key for key in values if key != "studies" and nearest(key, ["studies"])]:
                hint += f", and there is no key {wrong[0]!r} (did you mean 'studies'?)"
            raise ConfigError(
                f"{file}: only = {name!r}: there is no study of that name{hint};"
                f" allowed: {listed(name, there, place=_files(parts))}"
            )
    return {name: study for name, study in studies.items() if name in only}


def _files(parts: Composition) -> str:
    """The files that have studies."""
    return ", ".join(layer.name for layer in parts.layers if layer.values.get("studies"))


# ------------------------------------------------------------------------------------------------------------ places
def _holds(values: Any, keys: Sequence[Any]) -> bool:
    """Whether blocks, and lists in them, lead along the keys."""
    for key in keys:
        if not (key in values if isinstance(values, Mapping) else isinstance(values, list) and isinstance(key, int)):
            return False
        if isinstance(values, list) and key >= len(values):
            return False
        values = values[key]
    return True
