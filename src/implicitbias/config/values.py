"""The kinds of value that a config can hold: numbers without surprises, names from a table, and axes.

A list is an axis of the study's grid, a scalar is fixed. Nothing is coerced:
"5" is no number and `true` is no 1.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from annotated_types import Ge, Gt, Le, Lt
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from implicitbias.catalogue import Parameter
from implicitbias.errors import listed, nearest

T = TypeVar("T")

_MULTIPLE = r"^[1-9][0-9]{0,5}n$"  # of the number n of training points
_OVER = r"^(?=.*[1-9])[0-9]{0,5}\.?[0-9]{1,5}/n$"
_EXPONENT = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+")


def _exponent(value: Any) -> Any:
    """YAML 1.1 reads 1e-8, which has no dot, and 1.5e3, whose exponent has no sign, as text; both mean numbers."""
    return float(value) if isinstance(value, str) and _EXPONENT.fullmatch(value) else value


def _distinct(values: list[Any]) -> list[Any]:
    repeated = sorted({repr(value) for value in values if values.count(value) > 1})
    if repeated:
        raise PydanticCustomError(
            "duplicate", "the value {repeated} stands twice; every value of a list must be different",
            {"repeated": ", ".join(repeated)},
        )  # fmt: skip
    return values


def _form(value: Any) -> str:
    return "axis" if isinstance(value, list) else "scalar"


Distinct = Annotated[list[T], Field(min_length=1), AfterValidator(_distinct)]
"""A list that is a set: not empty, no value twice."""

Axis = Annotated[
    Annotated[T, Tag("scalar")] | Annotated[Distinct[T], Tag("axis")],
    Discriminator(_form),
]
"""A scalar, or a list that becomes an axis of the study's grid."""

Text = Annotated[str, Field(min_length=1)]
LARGEST = 10**12
"""No machine counts to it; what is estimated from sizes stays a number, and what is named after them a file."""

Whole = Annotated[int, Field(ge=0, le=LARGEST)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]  # what numpy's RandomState takes
Count = Annotated[int, Field(ge=1, le=LARGEST)]
Real = Annotated[float, BeforeValidator(_exponent), Field(allow_inf_nan=False)]
Positive = Annotated[Real, Field(gt=0)]
Probability = Annotated[Real, Field(gt=0, lt=1)]
Share = Annotated[Real, Field(ge=0, le=1)]


@dataclass(frozen=True, eq=False)
class OneOf:
    """Marks a text as a name that must stand in a table, as it then is; the error shows the nearest and all names."""

    names: Collection[str]
    what: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check before the text is looked at otherwise."""
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """An enumeration, so that editors can complete it."""
        return {"type": "string", "enum": list(self.names)}

    def _check(self, value: Any) -> Any:
        if value not in tuple(self.names):  # a value may have no hash
            raise PydanticCustomError(
                "unknown_name", "there is no {what} of that name{hint}; allowed: {allowed}",
                {"what": self.what, "hint": nearest(value, self.names), "allowed": listed(value, self.names)},
            )  # fmt: skip
        return value


LONGEST_NAME = 100
"""Characters of a name: with what temporary files add to it, it stays below the 255 bytes of file systems."""


def _as_file(value: str) -> str:
    if len(value) > LONGEST_NAME or not re.fullmatch(r"[A-Za-z0-9_-]*", value):
        raise PydanticCustomError(
            "file_name", "a name becomes part of a file's name; allowed: letters a to z, A to Z, digits, _ and -,"
            " {most} characters at most", {"most": LONGEST_NAME},
        )  # fmt: skip
    if re.search(r"(.+)\1{19}$", value):  # which workflows take for a rule that feeds on itself
        raise PydanticCustomError("periodic", "allowed: a name that does not end in 20 repetitions", {})
    return value


def _not_empty(value: str) -> str:
    if not value:
        raise PydanticCustomError("empty_name", "a name is missing; allowed: one character or more", {})
    return value


def _pattern(least: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": rf"^[A-Za-z0-9_-]{{{least},{LONGEST_NAME}}}$"})


NameOrNone = Annotated[str, AfterValidator(_as_file), _pattern(0)]
"""A name that can stand in a file's, or an empty text."""
Name = Annotated[str, AfterValidator(_as_file), AfterValidator(_not_empty), _pattern(1)]
"""A name that can stand in a file's."""


@dataclass(frozen=True)
class OrMultiple:
    """Marks a number in whose place a text may stand: by default a multiple of the number of training points, as 2n."""

    pattern: str = _MULTIPLE
    allowed: str = "a whole number, or a multiple of the training size as 2n"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text is looked at first."""
        written = core_schema.simple_ser_schema("any")  # as it is, number or text
        return core_schema.no_info_wrap_validator_function(self._check, handler(source), serialization=written)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Either of the two."""
        return {"anyOf": [handler(schema["schema"]), {"type": "string", "pattern": self.pattern}]}

    def _check(self, value: Any, number: Callable[[Any], Any]) -> Any:
        if not isinstance(value, str) or _EXPONENT.fullmatch(value):
            return number(value)
        if not re.fullmatch(self.pattern, value):
            raise PydanticCustomError("multiple", "allowed: {allowed}", {"allowed": self.allowed})
        return value


Rate = Annotated[
    Positive,
    OrMultiple(
        r"^(?=.*[1-9])[0-9]{0,15}\.?[0-9]{1,15}(/n|/d|m)$",
        "a number above 0, or one over the training size as 1/n, over the inputs' dimension as 10/d, or times the"
        " width as 0.5m",
    ),
]
"""A step size that may follow the sizes of the problem."""


def counted(value: Any, points: int) -> Any:
    """The value, with a number in the place of a multiple "2n" of the number of training points, or of "5/n"."""
    if not isinstance(value, str):
        return value
    if re.match(_OVER, value):
        return float(value.removesuffix("/n")) / points
    return int(value[:-1]) * points if re.match(_MULTIPLE, value) else value


def number(parameter: Parameter) -> Any:
    """The type of a parameter that the catalogue describes."""
    if parameter.choices:
        return Annotated[str, OneOf(parameter.choices, "choice")]
    if isinstance(parameter.default, bool):
        return bool
    if isinstance(parameter.default, str):
        return Text
    kind: Any = Real if isinstance(parameter.default, float) else int
    bounds: list[Any] = []
    if parameter.minimum is not None:
        bounds.append(Gt(parameter.minimum) if parameter.exclusive_minimum else Ge(parameter.minimum))
    if parameter.maximum is not None:
        bounds.append(Lt(parameter.maximum) if parameter.exclusive_maximum else Le(parameter.maximum))
    elif kind is int:
        bounds.append(Le(LARGEST))
    for bound in bounds:
        kind = Annotated[kind, bound]
    if not parameter.per_point:
        return kind
    over = OrMultiple(_OVER, "a number, or one over the training size as 5/n")
    return Annotated[kind, over if isinstance(parameter.default, float) else OrMultiple()]
