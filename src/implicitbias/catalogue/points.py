"""What the settings of a task say of its points before there are any: sizes, shapes and classes."""

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

from implicitbias.catalogue.data import LABELS, SOURCES


class Points(NamedTuple):
    """The points of a task.

    Attributes:
        shape: of an input, `(features,)` or `(channels, rows, columns)`.
        classes: C of labels that are classes; 0 where they are +-1.
        kept: of data, the classes whose points are kept.
        counts: of data, the numbers of training and of test points of every class; None where points are drawn.
    """

    shape: tuple[int, ...]
    classes: int
    kept: tuple[int, ...]
    counts: tuple[tuple[int, ...], tuple[int, ...]] | None

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
        train, test = (sum(counts[number] for number in self.kept) for counts in self.counts)
        return train, test


def described(task: Mapping[str, Any]) -> Points:
    """The points of a task with these settings.

    Args:
        task: source, labels, and of their parameters those that are needed: `features` of a synthetic source, and
            `classes` of labels that are classes.
    """
    source, rule = SOURCES[task["source"]], LABELS[task["labels"]]
    available = len(source.counts[0]) if source.counts else 0
    kept = rule.keeps or tuple(range(task.get("classes") or available))
    return Points(
        shape=source.shape(source.features or task["features"]),
        classes=len(kept) if rule.several else 0,
        kept=kept,
        counts=source.counts,
    )
