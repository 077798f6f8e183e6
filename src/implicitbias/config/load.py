"""Reading a config: from YAML or a mapping to a validated `Config`, or one clear error."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from implicitbias.catalogue import look_anew
from implicitbias.config.models import Config
from implicitbias.errors import ConfigError

_UNION_TAGS = frozenset({"scalar", "axis"})
"""Parts of an error's location that name a branch of `Axis`, not a key that the user wrote."""


class _UniqueKeys(yaml.SafeLoader):
    """A YAML loader that refuses a mapping with the same key twice, which YAML itself would drop silently."""


def _mapping(loader: _UniqueKeys, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise ConfigError(f"line {key_node.start_mark.line + 1}: the key {key!r} stands twice in the same block")
        seen.add(key)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        ConfigError: if the file is missing, is no YAML, is no mapping, or has a key twice; it names the file.

    """
    try:
        content = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not valid YAML: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: a mapping of keys is expected, with at least 'studies'")
    return content


def validate(values: Mapping[str, Any], files: Iterable[str | Path] = ()) -> Config:
    """The config that `values` describe.

    Args:
        values: the merged content of the config files.
        files: the files that it came from: they are read again for what a mapping cannot show (keys
            that stand twice), and named in every error.

    Raises:
        ConfigError: one line for each problem, with file, key, value and what is allowed.

    """
    names = [str(file) for file in files]
    for name in names:
        read_yaml(name)
    look_anew()
    try:
        return Config.model_validate(dict(values))
    except ValidationError as error:
        where = ", ".join(names) or "config"
        raise ConfigError("\n".join(_printable(f"{where}: {line}") for line in _problems(error))) from None


def _printable(line: str) -> str:
    """The line with line breaks and other control characters as escapes: a problem stays one line."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


def _problems(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"] if part not in _UNION_TAGS)
        shown = "" if isinstance(problem["input"], dict) else f" = {problem['input']!r}"
        lines.append(f"{key or 'top level'}{shown}: {_sentence(problem)}")
    return list(dict.fromkeys(lines))


_SENTENCES = {
    "missing": "this key is required",
    "too_short": "an empty list (or block) has no value to run; allowed: at least one value",
    "finite_number": "allowed: a finite number",
    "int_type": "allowed: a whole number",
    "int_from_float": "allowed: a whole number",
    "float_type": "allowed: a number",
    "bool_type": "allowed: true or false",
    "string_type": "allowed: text",
    "list_type": "allowed: a list",
}


def _sentence(problem: Any) -> str:
    kind, message = problem["type"], problem["msg"]
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    return str(message).replace("Input should be", "allowed:")
