"""What an entry goes with, as data: the settings that it allows, and the words where a setting is another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, TypeGuard


@dataclass(frozen=True)
class Range:
    """Numbers from `minimum` to `maximum`, both included, that are multiples of `multiple_of`, if that is not 0.

    A bound is a number, or the key of another setting, of whose value it is `times` as much; where that setting is
    absent or no number, it bounds nothing. Values that are no numbers, such as "full" or null, are allowed.
    """

    minimum: float | str = -inf
    maximum: float | str = inf
    multiple_of: int = 0
    times: int = 1

    def permits(self, key: str, value: Any, settings: Mapping[str, Any]) -> bool:
        """Whether the value is allowed."""
        if not _is_number(value):
            return True
        least, most = self._bounds(settings)
        return bool(least <= value <= most and not (self.multiple_of and value % self.multiple_of))

    def words(self, key: str, settings: Mapping[str, Any]) -> str:
        """What is allowed."""
        bounds = zip(("at least", "at most"), (self.minimum, self.maximum), self._bounds(settings), strict=True)
        told = [
            f"{side} {self._multiple}{bound}, which is {number:g}" if isinstance(bound, str) else f"{side} {number:g}"
            for side, bound, number in bounds
            if abs(number) < inf
        ]
        return " and ".join([*told, *([f"a multiple of {self.multiple_of}"] if self.multiple_of else [])])

    def mentions(self) -> list[str]:
        """The keys of the settings whose values are bounds."""
        return [bound for bound in (self.minimum, self.maximum) if isinstance(bound, str)]

    @property
    def _multiple(self) -> str:
        return f"{self.times} times " if self.times > 1 else ""

    def _bounds(self, settings: Mapping[str, Any]) -> tuple[float, float]:
        return self._bound(self.minimum, settings, -inf), self._bound(self.maximum, settings, inf)

    def _bound(self, bound: float | str, settings: Mapping[str, Any], without: float) -> float:
        if not isinstance(bound, str):
            return bound
        value = settings.get(bound)
        return self.times * value if _is_number(value) else without


@dataclass(frozen=True)
class Having:
    """The names of all entries of the key's own table that have, of each of these traits, one of the listed values.

    The table is read when a value is judged: an entry that is added to it is allowed or not by its own traits. An error
    lists the names, or says `told` in their place.
    """

    traits: Mapping[str, tuple[Any, ...]]
    told: str = ""

    def permits(self, key: str, value: Any, settings: Mapping[str, Any]) -> bool:
        """Whether the value is such a name."""
        return value in self._names(key)

    def words(self, key: str, settings: Mapping[str, Any]) -> str:
        """The names."""
        return self.told or ", ".join(self._names(key))

    def mentions(self) -> list[str]:
        """No other settings."""
        return []

    def _names(self, key: str) -> list[str]:
        from implicitbias.catalogue.choices import CHOICES  # tables of entries, which hold limits such as this one

        return [
            name
            for name, entry in CHOICES[key].table.items()
            if all(getattr(entry, trait) in values for trait, values in self.traits.items())
        ]


@dataclass(frozen=True)
class _Listed:
    """The values of a tuple."""

    values: tuple[Any, ...]

    def permits(self, key: str, value: Any, settings: Mapping[str, Any]) -> bool:
        return value in self.values

    def words(self, key: str, settings: Mapping[str, Any]) -> str:
        return ", ".join("null" if value is None else str(value) for value in self.values)

    def mentions(self) -> list[str]:
        return []


Allowed = tuple[Any, ...] | Range | Having
"""What a setting may be: one of these values, a number in a range, or the name of an entry with certain traits."""

Limits = tuple[Mapping[str, Allowed], ...]
"""Alternatives: one of them has to allow the setting of each of its keys. Without any, everything is allowed."""

SIGNS: Mapping[str, Allowed] = {
    "labels": Having({"several": (False,)}, "labels +-1, such as decimal, binary, 3v6 or those of a synthetic source")
}
"""Labels +-1 only: for what is binary by nature."""

CLASSES: Mapping[str, Allowed] = {"labels": Having({"several": (True,)}, "labels that are classes: class, or digit")}
"""Labels that are classes only."""


def misfit(limits: Limits, settings: Mapping[str, Any]) -> str:
    """Of every alternative the first setting that it does not allow, as "key = value; allowed: values".

    Settings that are absent are not judged. The text is empty where an alternative allows all settings.
    """
    told = []
    for alternative in limits:
        wrong = [
            f"{key} = {settings[key]!r}; allowed: {allowed.words(key, settings)}"
            for key, allowed in _judges(alternative)
            if key in settings and not allowed.permits(key, settings[key], settings)
        ]
        if not wrong:
            return ""
        told.append(wrong[0])
    return ", nor with ".join(dict.fromkeys(told))


def also(limits: Limits, rule: Mapping[str, Allowed]) -> Limits:
    """The limits, with a rule that holds in every alternative, but for keys that an alternative has itself."""
    return tuple({**rule, **alternative} for alternative in limits or ({},))


def mentioned(limits: Limits) -> list[str]:
    """The keys of all settings that limits look at, each once."""
    keys = [name for rule in limits for key, allowed in _judges(rule) for name in (key, *allowed.mentions())]
    return list(dict.fromkeys(keys))


def _judges(alternative: Mapping[str, Allowed]) -> Iterator[tuple[str, Range | Having | _Listed]]:
    for key, allowed in alternative.items():
        yield key, _Listed(allowed) if isinstance(allowed, tuple) else allowed


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float)
