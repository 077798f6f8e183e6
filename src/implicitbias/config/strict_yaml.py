"""YAML read as people write it: what YAML 1.1 takes for something else than it looks is refused.

In YAML 1.1 the number 017 is 15, 1:30 is 90, 1_0 is 10, 2001-02-03 is a date, `no` is false, and of two equal keys the
first is dropped. Snakemake reads the same files by these rules; what passes here means the same to both.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from implicitbias.errors import ConfigError

_TAG = "tag:yaml.org,2002:"
_AS_WRITTEN = {
    "int": re.compile(r"[-+]?(0|[1-9][0-9]*)"),
    "float": re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
    "bool": re.compile(r"true|false|yes|no|on|off", re.IGNORECASE),
    "null": re.compile(r"~|null|Null|NULL|"),
    "str": re.compile(r".*", re.DOTALL),
}
"""Kind of a scalar: how it is written if it means what it looks like."""
_SAID = {"int": "a number", "float": "a number", "bool": "true or false", "null": "nothing", "timestamp": "a date"}


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        ConfigError: if the file is missing, is no YAML, is no mapping, or holds what YAML takes for something else
            than it looks; it names the file.

    """
    try:
        content = parse(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); allowed: a YAML file") from error
    except UnicodeDecodeError as error:
        wrong = f"byte {error.object[error.start]:#04x} at position {error.start}"
        raise ConfigError(f"{path}: is not UTF-8 text ({wrong}); save it in that encoding") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: has blocks within blocks too deep to read") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{path}: is not valid YAML: {_reason(error)}") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {printable(str(error))}") from error
    if not isinstance(content, dict):
        found = "is empty" if content is None else "is no mapping"
        raise ConfigError(f"{path}: {found}; a mapping of keys is expected, with at least 'studies'")
    return content


def _reason(error: Exception) -> str:
    """What is wrong where, in one line."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return printable(" ".join(str(error).split()))
    tabs = "; indent by spaces, not by tabs" if "\\t" in str(error.problem) else ""
    return printable(f"line {error.problem_mark.line + 1}: {error.problem}{tabs}")


def printable(line: str) -> str:
    """The line with line breaks and other control characters as escapes: a problem stays one line."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


def parse(text: str) -> Any:
    """The content of a YAML document; blocks that are merged (`<<: *name`) are merged.

    Raises:
        ConfigError: naming line, key and value, for a number that is not written in plain decimal digits, a date, a key
            that is no text or stands twice, or a tag.
        yaml.YAMLError: if it is no YAML.
        ValueError: for characters or numbers that Python cannot hold.

    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _check(node, "", set())
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _check(node: yaml.Node, path: str, seen: set[int]) -> None:
    """Refuse surprises at or below a node; a node that has several names is looked at once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            name = _key(key, path)
            if name in keys:
                raise _error(key, path, f"the key {name!r} stands twice in the same block; allowed: once")
            keys.add(name)
            _check(value, f"{path}.{name}" if path else name, seen)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            _check(value, f"{path}.{position}", seen)
    else:
        _check_scalar(node, path)


def _key(node: yaml.Node, path: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _error(
            node, path, "a key is a word, not a list or a block; templates in braces ({{ }}) are not filled in"
        )
    if node.tag not in (f"{_TAG}str", f"{_TAG}merge"):
        said = _SAID.get(node.tag.removeprefix(_TAG), node.tag)
        raise _error(node, path, f"YAML reads the key {node.value} as {said}; allowed: text, here in quotes")
    return str(node.value)


def _check_scalar(node: yaml.Node, path: str) -> None:
    kind = node.tag.removeprefix(_TAG)
    if kind not in _AS_WRITTEN and kind not in _SAID:
        raise _error(node, path, f"there are no tags ({node.tag}) in a config; allowed: text, numbers, true and false")
    if kind not in _AS_WRITTEN or not _AS_WRITTEN[kind].fullmatch(node.value):
        raise _error(
            node, path, f"YAML reads {node.value} as {_SAID[kind]} in a notation of its own; allowed: decimal"
            " numbers without leading zeros, underscores or colons, and text in quotes",
        )  # fmt: skip


def _error(node: yaml.Node, path: str, text: str) -> ConfigError:
    return ConfigError(f"line {node.start_mark.line + 1}: {f'{path}: ' if path else ''}{text}")
