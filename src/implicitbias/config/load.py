"""Reading a config: from YAML or a mapping to a validated `Config`, or one clear error."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from implicitbias.catalogue import look_anew
from implicitbias.config.models import Config
from implicitbias.config.strict_yaml import parse
from implicitbias.errors import ConfigError


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
        raise ConfigError(f"{path}: {_printable(str(error))}") from error
    if not isinstance(content, dict):
        found = "is empty" if content is None else "is no mapping"
        raise ConfigError(f"{path}: {found}; a mapping of keys is expected, with at least 'studies'")
    return content


def _reason(error: Exception) -> str:
    """What is wrong where, in one line."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return _printable(" ".join(str(error).split()))
    tabs = "; indent by spaces, not by tabs" if "\\t" in str(error.problem) else ""
    return _printable(f"line {error.problem_mark.line + 1}: {error.problem}{tabs}")


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
        raise ConfigError("\n".join(_printable(f"{where}: {line}") for line in _problems(error, values))) from None


def retyped(values: Any, given: Any) -> Any:
    """The values, with numbers and words in the place of text that was given (on a command line, say) in a mapping.

    Text that stands elsewhere, or is of no simple type, stays.
    """
    if isinstance(values, Mapping) and isinstance(given, Mapping):
        return {key: retyped(value, given.get(key)) for key, value in values.items()}
    if isinstance(values, list) and isinstance(given, list | tuple):
        return [retyped(*both) for both in zip(values, given, strict=True)] if len(values) == len(given) else values
    if not isinstance(values, str) or values != given:
        return values
    with suppress(yaml.YAMLError, ValueError, ConfigError):
        value = parse(values)
        return value if value is None or isinstance(value, int | float) else values
    return values


def _printable(line: str) -> str:
    """The line with line breaks and other control characters as escapes: a problem stays one line."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


def _problems(error: ValidationError, values: Mapping[str, Any]) -> list[str]:
    """A line for every key whose value is refused, with what is allowed in each of the forms that it may have."""
    found: dict[tuple[str, str], list[Any]] = {}
    for problem in error.errors():
        key, value = _place(problem, values), problem["input"]
        shown = "" if isinstance(value, dict) else f" = {value!r}"
        if problem["loc"][-1:] == ("[key]",):
            shown = f", key {value!r}"
        found.setdefault((key, shown), []).append(problem)
    # of a value that may be a list or not, what is said of its elements says it all
    closer = {(key.rpartition(".")[0], False) for key, _ in found}
    kept = {
        (key, shown): same
        for (key, shown), same in found.items()
        if (key, shown.startswith(", key")) not in closer or not all(map(_of_another_kind, same))
    }
    return [f"{key or 'top level'}{shown}: {_either(same)}" for (key, shown), same in kept.items()]


def _place(problem: Any, values: Any) -> str:
    """The keys that lead to a value, as the user wrote them: pydantic's own names of forms and checks are left out."""
    parts, here = [], values
    for part in problem["loc"]:
        inside = part in here if isinstance(here, dict) else isinstance(here, list) and isinstance(part, int)
        if inside:
            here = here[part]
        if inside or (problem["type"] == "missing" and part == problem["loc"][-1]):
            parts.append(str(part))
    return ".".join(parts[:-1] if problem["loc"][-1:] == ("[key]",) else parts)


def _either(problems: Sequence[Any]) -> str:
    """What is allowed, where each problem says why the value is not of one of the forms that it may have.

    Where the value is of the kind of one form, the others are left out.
    """
    kinds = [problem for problem in problems if not _of_another_kind(problem)]
    first, *others = dict.fromkeys(_sentence(problem) for problem in kinds or problems)
    return "; or ".join([first, *(other.removeprefix("allowed: ") for other in others)])


def _of_another_kind(problem: Any) -> bool:
    kind = problem["type"]
    return str(kind).endswith("_type") or (kind == "unknown_name" and not isinstance(problem["input"], str))


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
    "dict_type": "allowed: a block of keys",
    "greater_than": "allowed: greater than {gt}",
    "greater_than_equal": "allowed: greater than or equal to {ge}",
    "less_than": "allowed: less than {lt}",
    "less_than_equal": "allowed: less than or equal to {le}",
    "recursion_loop": "this block holds itself; allowed: a block of its own",
}
"""What is said of pydantic's own types of errors that the models can raise; the project's own speak for themselves."""


def _sentence(problem: Any) -> str:
    own = _SENTENCES.get(problem["type"])
    return str(problem["msg"]) if own is None else own.format(**problem.get("ctx", {}))
