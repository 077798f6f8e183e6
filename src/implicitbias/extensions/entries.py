"""How a function of an extension file becomes an entry of a table: by its signature, its docstring and its name."""

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, GroupedMetadata, Gt, Le, Lt
from pydantic import TypeAdapter, ValidationError

from implicitbias.catalogue import FIGURES, Entry, Experiment, Figure, Metric, Parameter, Source
from implicitbias.catalogue.arguments import MADE_OF, OF_TRAINED, made_of
from implicitbias.catalogue.data import FLIP
from implicitbias.catalogue.entries import hints
from implicitbias.docstrings import meanings, sentence
from implicitbias.errors import ConfigError, nearest

_HERE = str(Path(__file__).parent)
_OF_FUNCTION = {"function", "summary", "parameters"}  # fields of entries that the function itself tells
_OWN = inspect.Parameter.empty


@dataclass(frozen=True)
class Kind:
    """A kind of entry: its table, how its functions are called, and whether what else they take is set by configs."""

    name: str
    table: dict[str, Any]
    entry: type[Entry]
    call: tuple[str, ...] = ()
    set_by_config: bool = False


@dataclass(frozen=True)
class Added:
    """An entry that an extension has added: where, and the function that it is of."""

    kind: Kind
    name: str
    function: Callable[..., Any]
    place: str


ADDED: list[Added] = []
"""In the order in which they were added."""


def add(kind: Kind, function: Any, given: Mapping[str, Any]) -> None:
    """Put an entry for the function into the table of its kind.

    Args:
        kind: what it is.
        function: the function.
        given: fields of the entry.

    Raises:
        ConfigError: for a function that is called in another way, a name that is taken, a field that there is not, or a
            setting whose default or meaning is missing or wrong; it names the file and the line.
    """
    place, name = _place(), getattr(function, "__name__", "")

    def refusal(text: str) -> ConfigError:
        return ConfigError(f"{place}: {kind.name} {name!r}: {text}")

    if not callable(function) or not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
        raise refusal("allowed: a function, whose name is of letters a to z, digits and _")
    if name in kind.table:
        by = next((f" ({each.place})" for each in ADDED if (each.kind, each.name) == (kind, name)), "")
        raise refusal(f"there is a {kind.name} of this name already{by}; allowed: another name")
    docstring = inspect.getdoc(function) if isinstance(getattr(function, "__doc__", None), str) else ""
    if not docstring:
        raise refusal("it has no docstring; allowed: one whose first line says what it is")
    settings = _checked_call(kind, function, given, refusal)
    told = meanings(docstring)
    parameters: dict[str, Parameter] = {}
    if kind.set_by_config:
        parameters = {key: _parameter(each, told.get(key, ""), function, refusal) for key, each in settings.items()}
    values = {**_defaults(kind, name, function, settings, parameters, refusal), **_fields(kind, given, refusal)}
    if kind.entry is Source:
        parameters = _of_source(parameters, values, refusal)
    if kind.entry is Experiment and not values.get("variables"):
        raise refusal("allowed: variables=(...), the names of the variables of the dataset that it returns")
    if kind.entry is Figure:
        values.setdefault("alt", sentence(docstring))
    if wrong := set(told) - set(inspect.signature(function).parameters):
        raise refusal(f"its docstring says what {min(wrong)!r} means, which is none of its arguments")
    summary = sentence(docstring) if kind.name == "check" else sentence(docstring).removesuffix(".")
    kind.table[name] = kind.entry(f"{function.__module__}:{name}", summary, parameters, **values)
    ADDED.append(Added(kind, name, function, place))


Refusal = Callable[[str], ConfigError]


def _place() -> str:
    """The file and the line that call into this package."""
    frame: Any = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}: line {frame.f_lineno}"


def _checked_call(
    kind: Kind, function: Callable[..., Any], given: Mapping[str, Any], refusal: Refusal
) -> dict[str, inspect.Parameter]:
    """What the function takes besides the arguments that it is always called with."""
    try:
        arguments = dict(inspect.signature(function).parameters)
    except (TypeError, ValueError) as error:
        raise refusal("its arguments cannot be told; allowed: a function written in Python") from error
    if kind.entry is Metric:
        return _checked_metric(arguments, given, refusal)
    call = ("task",) if kind.entry is Experiment and given.get("task") else kind.call
    first, rest = list(arguments.values())[: len(call)], list(arguments.values())[len(call) :]
    allowed = f"allowed: {', '.join(call)}" if call else "allowed: none"
    if kind.set_by_config or kind.entry is Figure:
        allowed = f"allowed: {', '.join([*call, '*', 'settings with defaults'])}"
    if kind.entry is Experiment:
        allowed = f"allowed: {', '.join([*call, '*', 'seed', 'settings with defaults'])}"
        if "seed" not in arguments:
            raise refusal(f"its arguments are ({', '.join(arguments)}), without seed; {allowed}")
    always = all(each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD) for each in first)
    by_name = all(each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY) for each in rest)
    optional = all(each.default is not _OWN for each in rest if each.name != "seed" or kind.entry is not Experiment)
    more = kind.set_by_config or kind.entry is Figure or not any(each.default is _OWN for each in rest)
    if len(first) < len(call) or not (always and by_name and optional and more):
        raise refusal(f"its arguments are {inspect.signature(function)}; {allowed}")
    return {each.name: each for each in rest if each.name != "seed" or kind.entry is not Experiment}


def _checked_metric(
    arguments: dict[str, inspect.Parameter], given: Mapping[str, Any], refusal: Refusal
) -> dict[str, inspect.Parameter]:
    known = {*MADE_OF, *(given.get("arguments") or ()), *(given.get("coordinates") or ())}
    for name in arguments:
        if name not in known:
            raise refusal(f"there is no argument {name!r}{nearest(name, known)}; allowed: {', '.join(sorted(known))}")
    return {}


def _parameter(argument: inspect.Parameter, meaning: str, function: Callable[..., Any], refusal: Refusal) -> Parameter:
    """A setting: its default, its limits as they are annotated, and its meaning."""
    name, default = argument.name, argument.default
    annotation = _annotation(argument, function, refusal)
    bare, marks = annotation, []
    if get_origin(annotation) is Annotated:
        bare, *marks = get_args(annotation)
    choices = get_args(bare) if get_origin(bare) is Literal else ()
    if bare is float and type(default) is int:
        default = float(default)
    if type(default) not in (int, float, bool, str):
        raise refusal(f"{name} = {default!r}; allowed: a number, a text, True or False as its default")
    kind = str if choices else bare
    if kind is not _OWN and type(default) is not kind:
        told = getattr(kind, "__name__", kind)
        raise refusal(f"{name} = {default!r} is annotated as {told}; allowed: int, float, bool, str or Literal[...]")
    if not all(isinstance(choice, str) for choice in choices):
        raise refusal(f"{name} is annotated as {bare}; allowed: texts in Literal")
    limits: dict[str, Any] = {}
    for mark in _single(marks):
        match mark:
            case Ge(bound):
                limits |= {"minimum": bound}
            case Gt(bound):
                limits |= {"minimum": bound, "exclusive_minimum": True}
            case Le(bound):
                limits |= {"maximum": bound}
            case Lt(bound):
                limits |= {"maximum": bound, "exclusive_maximum": True}
            case _:
                raise refusal(f"{name} is annotated with {mark!r}; allowed: Ge, Gt, Le and Lt")
    if limits and type(default) not in (int, float):
        raise refusal(f"{name} = {default!r} has limits; allowed: limits of numbers")
    if not all(type(bound) in (int, float, bool) for bound in limits.values()):
        raise refusal(f"{name} is annotated with limits that are no numbers; allowed: numbers")
    parameter = Parameter(default, meaning or name.replace("_", " "), choices=choices, **limits)
    if allowed := parameter.refuses(default):
        raise refusal(f"{name} = {default!r}; allowed: {allowed}")
    return parameter


def _single(marks: list[Any]) -> list[Any]:
    """The marks, with the single limits in the place of an interval."""
    return [one for mark in marks for one in (mark if isinstance(mark, GroupedMetadata) else [mark])]


def _annotation(argument: inspect.Parameter, function: Callable[..., Any], refusal: Refusal) -> Any:
    """What an argument is annotated with, in quotes or not."""
    if not isinstance(argument.annotation, str):
        return argument.annotation
    try:
        return eval(argument.annotation, getattr(inspect.unwrap(function), "__globals__", {}))
    except Exception as error:
        raise refusal(f"{argument.name} is annotated as {argument.annotation}, which is not known: {error}") from error


def _defaults(
    kind: Kind,
    name: str,
    function: Callable[..., Any],
    settings: Mapping[str, Any],
    parameters: Mapping[str, Any],
    refusal: Refusal,
) -> dict[str, Any]:
    """Fields that follow from the function, unless they are given."""
    if kind.entry is Metric:
        asked = set(inspect.signature(function).parameters)
        return {
            "long_name": name.replace("_", " "), "made_of": made_of(asked), "trained": bool(asked & OF_TRAINED),
            "source": Path(inspect.getfile(function)).name,
        }  # fmt: skip
    if kind.entry is Figure:
        known = {option for figure in FIGURES.values() for option in figure.options}
        if unknown := [key for key in settings if key not in known]:
            raise refusal(f"there is no setting {unknown[0]!r} of figures; allowed: {', '.join(sorted(known))}")
        return {"options": tuple(settings)}
    return {"vanishing": ("width",)} if "width" in parameters and kind.name == "architecture" else {}


def _fields(kind: Kind, given: Mapping[str, Any], refusal: Refusal) -> dict[str, Any]:
    """The fields that are given, each of the type that it has to be."""
    known = [field.name for field in fields(kind.entry) if field.name not in _OF_FUNCTION]
    of: Any = kind.entry
    types, values = hints(of), {}
    for key, value in given.items():
        if key not in known:
            raise refusal(f"there is no {key}{nearest(key, known)}; allowed: {', '.join(known)}")
        if inspect.isfunction(value):
            value = f"{value.__module__}:{value.__name__}"
        try:
            values[key] = TypeAdapter(types[key]).validate_python(value)
        except ValidationError as error:
            raise refusal(f"{key} = {value!r}; allowed: {types[key]}") from error
    return values


def _of_source(parameters: dict[str, Parameter], values: Mapping[str, Any], refusal: Refusal) -> dict[str, Parameter]:
    """The settings of a synthetic source, of which flipped labels are made elsewhere."""
    if values.get("counts"):
        return parameters
    if not values.get("features") and type(getattr(parameters.get("features"), "default", None)) is not int:
        raise refusal("it does not say how long inputs are; allowed: an argument features: int = ..., or features=...")
    if "flip" in parameters:
        raise refusal("flip is a setting that every source has; allowed: another name")
    return {**parameters, "flip": FLIP}
