"""Reading a config: from YAML or a mapping to a validated `Config`, or one clear error."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from implicitbias.catalogue import look_anew
from implicitbias.config.compose import Composition, compose
from implicitbias.config.layers import found_file, nearest_file
from implicitbias.config.models import Config, follow_tables
from implicitbias.config.strict_yaml import parse, printable
from implicitbias.errors import ConfigError
from implicitbias.extensions.files import use


def config_of(*files: str | Path, given: Mapping[str, Any] | None = None) -> Config:
    """The config that files make together, and keys given on a command line over them.

    Raises:
        ConfigError: one line for each problem, with file, key, value and what is allowed.

    """
    return validate(compose(files, given, "--config"))


def validate(values: Mapping[str, Any] | Composition) -> Config:
    """The config that a mapping, or a composition of files, describes.

    Raises:
        ConfigError: one line for each problem, with file, key, value and what is allowed.

    """
    whole = values if isinstance(values, Composition) else compose([], values)
    _join(_extensions(whole))
    look_anew()
    try:
        return Config.model_validate(whole.values)
    except ValidationError as error:
        raise ConfigError("\n".join(dict.fromkeys(map(printable, _problems(error, whole))))) from None


def _extensions(whole: Composition) -> list[Path]:
    """The extension files that a config's files name, each by the folder of the file that names it.

    Raises:
        ConfigError: for a file that is not there, with the config that names it.
    """
    found = []
    for layer in whole.layers if whole.values.get("extensions") else ():
        named = layer.values.get("extensions")
        # what is no list of texts is refused later on
        for each in [each for each in named if isinstance(each, str)] if isinstance(named, list) else []:
            path = layer.folder / each
            if found_file(path) is None:
                raise ConfigError(
                    f"{layer.name}: extensions = {each!r}: there is no file {str(path)!r}{nearest_file(path, '*.py')};"
                    " allowed: paths of Python files, from the folder of this config"
                )
            found.append(path)
    return found


def _join(extensions: Sequence[Path]) -> None:
    """Have the tables, and the models that are made of them, hold the entries of these extensions."""
    try:
        if use(extensions):
            follow_tables()
    except ConfigError:
        use([])
        follow_tables()
        raise


def retyped(given: Any) -> Any:
    """Keys given on a command line, with numbers, true, false and null in the place of text that means them."""
    if isinstance(given, Mapping):
        return {key: retyped(value) for key, value in given.items()}
    if isinstance(given, list | tuple):
        return [retyped(value) for value in given]
    if isinstance(given, str):
        with suppress(yaml.YAMLError, ValueError, ConfigError):
            value = parse(given)
            return value if value is None or isinstance(value, int | float) else given
    return given


def _problems(error: ValidationError, whole: Composition) -> list[str]:
    """A line for every key whose value is refused, with what is allowed in each of the forms that it may have."""
    found: dict[tuple[tuple[Any, ...], str], list[Any]] = {}
    for problem in error.errors():
        key, value = _place(problem, whole.values), problem["input"]
        shown = "" if isinstance(value, dict) else f" = {value!r}"
        if problem["loc"][-1:] == ("[key]",):
            shown = f", key {value!r}"
        found.setdefault((key, shown), []).append(problem)
    # of a value that may be a list or not, what is said of its elements says it all
    closer = {(key[:-1], False) for key, _ in found}
    kept = {
        (key, shown): same
        for (key, shown), same in found.items()
        if (key, shown.startswith(", key")) not in closer or not all(map(_of_another_kind, same))
    }
    lines = []
    for (key, shown), same in kept.items():
        told = same[0].get("ctx", {}).get("name")  # the key of a block that is not right, where the block is
        file, standing = whole.where(key if told is None else (*key, told))
        lines.append(f"{file}: {'.'.join(map(str, standing[: len(key)])) or 'top level'}{shown}: {_either(same)}")
    return lines


def _place(problem: Any, values: Any) -> tuple[Any, ...]:
    """The keys that lead to a value, as the user wrote them: pydantic's own names of forms and checks are left out."""
    parts, here = [], values
    for part in problem["loc"]:
        inside = part in here if isinstance(here, dict) else isinstance(here, list) and isinstance(part, int)
        if inside:
            here = here[part]
        if inside or (problem["type"] == "missing" and part == problem["loc"][-1]):
            parts.append(part)
    return tuple(parts[:-1] if problem["loc"][-1:] == ("[key]",) else parts)


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
