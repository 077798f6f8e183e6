"""Keys of a config's blocks that are parameters of catalogue entries: a block has those of all its tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from implicitbias.catalogue import Entry, Parameter
from implicitbias.config.values import Axis, number
from implicitbias.errors import ConfigError
from implicitbias.extensions.entries import ADDED

Table = Mapping[str, Entry]


def parameter_fields(table: Table) -> dict[str, Any]:
    """A field for every parameter of the table's entries; null where the entry in use has no such parameter."""
    axis: Any = Axis
    fields: dict[str, Any] = {}
    for key, users in _users(table).items():
        text = "; ".join(
            f"{parameter.summary} ({name}; default {parameter.shown})" for name, parameter in users.items()
        )
        fields[key] = (axis[number(_widest(list(users.values())))] | None, Field(None, description=text))
    return fields


def add_parameters(block: type[BaseModel], tables: Sequence[Table]) -> None:
    """Give a block, which is then to be rebuilt, fields for the parameters of the tables' entries as they now are.

    Raises:
        ConfigError: for a parameter of an extension's entry whose name is that of another key, or that is of another
            kind than a parameter of the same name; it names the file and the line.
    """
    fields: dict[str, Any] = {}
    for table in tables:
        fields |= parameter_fields(table)
    own = {key for base in block.__bases__ for key in base.model_fields}  # type: ignore[attr-defined]
    for key in set(block.model_fields) - own:
        del block.model_fields[key]
    for each in ADDED:
        if any(each.kind.table is table for table in tables):
            for key, parameter in each.kind.table[each.name].parameters.items():
                if reason := _clash(key, parameter, own, tables):
                    raise ConfigError(f"{each.place}: {each.kind.name} {each.name!r}: {key} {reason}")
    for key, (annotation, default) in fields.items():
        block.model_fields[key] = FieldInfo.from_annotated_attribute(annotation, default)


def check_parameters(block: BaseModel, table: Table, kind: str) -> None:
    """Every parameter that is given belongs to an entry that is chosen, which allows its values."""
    chosen = getattr(block, kind)
    names = chosen if isinstance(chosen, list) else [chosen]
    for key, users in _users(table).items():
        given = getattr(block, key)
        if given is None:
            continue
        if not set(users) & set(names):
            raise PydanticCustomError(
                "unused", "{key} is a parameter of {owners}, but the {kind} here is {chosen}",
                {"name": key, "key": key, "owners": " and ".join(users), "kind": kind, "chosen": ", ".join(names)},
            )  # fmt: skip
        for name, value in _pairs(names, given):
            if name in users and (allowed := _refused(users[name], value)):
                raise PydanticCustomError(
                    "refused", "{kind} {entry}: {key} = {value}; allowed: {allowed}",
                    {
                        "name": key, "key": key, "kind": kind, "entry": repr(name), "value": repr(value),
                        "allowed": allowed,
                    },
                )  # fmt: skip


def _users(table: Table) -> dict[str, dict[str, Parameter]]:
    """Of every parameter, the entries that have it."""
    users: dict[str, dict[str, Parameter]] = {}
    for name, entry in table.items():
        for key, parameter in entry.parameters.items():
            users.setdefault(key, {})[name] = parameter
    return users


def _widest(parameters: Sequence[Parameter]) -> Parameter:
    """One that allows what any of these allows."""
    first = parameters[0]
    lows = [(each.minimum, each.exclusive_minimum) for each in parameters if each.minimum is not None]
    highs = [(each.maximum, not each.exclusive_maximum) for each in parameters if each.maximum is not None]
    low = min(lows) if len(lows) == len(parameters) else (None, False)
    high = max(highs) if len(highs) == len(parameters) else (None, True)
    return replace(
        first,
        minimum=low[0],
        exclusive_minimum=low[1],
        maximum=high[0],
        exclusive_maximum=not high[1],
        choices=tuple(dict.fromkeys(choice for each in parameters for choice in each.choices)),
        per_point=any(each.per_point for each in parameters),
    )


def _pairs(names: Sequence[str], given: Any) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name in names for value in (given if isinstance(given, list) else [given]))


def _refused(parameter: Parameter, value: Any) -> str:
    """What is allowed, if the value, which is no multiple of the training size, is not."""
    return "" if parameter.per_point and isinstance(value, str) else parameter.refuses(value)


def _clash(key: str, parameter: Parameter, own: set[str], tables: Sequence[Table]) -> str:
    """Why a block cannot have this parameter, or an empty text."""
    if key in own:
        return "is a key of every block of this kind; allowed: another name"
    for table in tables:
        for name, other in _users(table).get(key, {}).items():
            if type(other.default) is not type(parameter.default) or bool(other.choices) != bool(parameter.choices):
                return (
                    f"is of another type than that of {name!r}, {other.default!r}; allowed: this type, or another name"
                )
    return ""
