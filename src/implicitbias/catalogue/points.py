"""What the settings of a task say of its points before there are any: sizes, shapes and classes."""

from collections.abc import Mapping
from functools import cache
from math import prod
from typing import Any, NamedTuple

from implicitbias.catalogue.data import LABELS, SOURCES
from implicitbias.catalogue.entries import Labels, function_of

Counts = tuple[tuple[int, ...], tuple[int, ...]]


class Contents(NamedTuple):
    """What a source has.

    Attributes:
        shape: of an input.
        counts: of data, the numbers of training and of test points of every class.
        digest: of the contents of data of your own.
    """

    shape: tuple[int, ...]
    counts: Counts | None = None
    digest: str = ""


class Points(NamedTuple):
    """The points of a task.

    Attributes:
        shape: of an input, `(features,)` or `(channels, rows, columns)`.
        classes: C of labels that are classes; 0 where they are +-1.
        kept: of data, the classes whose points are kept.
        counts: of data, the numbers of training and of test points of every class; None where points are drawn.
        digest: of the contents of data of your own.
    """

    shape: tuple[int, ...]
    classes: int
    kept: tuple[int, ...]
    counts: Counts | None
    digest: str = ""

    @property
    def features(self) -> int:
        """Numbers in an input."""
        return prod(self.shape)

    @property
    def outputs(self) -> int:
        """How many outputs a network for these labels has."""
        return max(1, self.classes)

    @property
    def sizes(self) -> tuple[int, int]:
        """Numbers of training and test points that data have of the classes that are kept."""
        assert self.counts is not None
        return _sizes(self.counts, self.kept)


@cache
def _sizes(counts: Counts, kept: tuple[int, ...]) -> tuple[int, int]:
    train, test = (sum(each[number] for number in kept) for each in counts)
    return train, test


def described(task: Mapping[str, Any]) -> Points:
    """The points of a task with these settings.

    Data of your own are read once, and remembered until `look_anew`: so a config is validated and planned on one view
    of them.

    Args:
        task: source, labels, and of their parameters those that are needed: `features` of a synthetic source, `path`
            of your own data, and `classes` of labels that are classes.

    Raises:
        ConfigError: if a path is of no known form.
        DataError: if data of your own cannot be used.
    """
    source, rule = SOURCES[task["source"]], LABELS[task["labels"]]
    if source.inspect:
        found = _contents(source.inspect, task.get("path") or "")
    else:
        found = Contents(source.shape(source.features or task["features"]), source.counts)
    kept = kept_classes(rule, task.get("classes"), len(found.counts[0]) if found.counts else 0)
    return Points(found.shape, len(kept) if rule.several else 0, kept, found.counts, found.digest)


def kept_classes(rule: Labels, classes: int | None, available: int) -> tuple[int, ...]:
    """The classes that a label rule keeps, of so many; `classes` is its parameter of that name."""
    return rule.keeps or tuple(range(classes or available))


def look_anew() -> None:
    """Forget what data of your own have been found to have: they are read again when they are asked for."""
    _contents.cache_clear()


@cache
def _contents(inspect: str, path: str) -> Contents:
    found: Contents = function_of(inspect)(path)
    return found
