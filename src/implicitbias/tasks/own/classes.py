"""From labels as they are stored to the classes 0 ... C - 1."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from implicitbias.errors import DataError
from implicitbias.tasks.own.raw import Part

Classes = NDArray[np.int64]


def check_labels(part: Part) -> None:
    """Labels are names, or whole numbers from 0.

    Raises:
        DataError: for the first one that is neither; it names the row.

    """
    if _is_text(part.labels):
        return
    if part.labels.dtype.kind not in "biuf":
        raise DataError(f"{part.where(0)}: labels are {part.labels.dtype}; allowed: whole numbers, or names")
    values = part.labels.astype(np.float64)
    wrong = ~(np.isfinite(values) & (values >= 0) & (values == np.floor(values)))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"{part.where(row)}: the label {_shown(part.labels[row])} is no class; allowed: the whole numbers"
            " 0 ... C - 1, or names"
        )


def numbered(train: Part, test: Part) -> tuple[Classes, Classes, tuple[str, ...]]:
    """The classes of training points `(n,)` and test points `(m,)`, and the names of the C classes.

    Labels are the whole numbers 0 ... C - 1, or names: then classes are numbered in the names' order (of names that are
    all whole numbers, in that of the numbers). There are the classes that training points have.

    Raises:
        DataError: for a test label that no training point has, a class without training points, or a single class; it
            names the row.

    """
    kinds = [_is_text(part.labels) for part in (train, test)]
    if kinds[0] != kinds[1]:
        named = ["names" if text else "numbers" for text in kinds]
        raise DataError(f"{test.where(0)}: labels of test points are {named[1]}, but of training points {named[0]}")
    names = _names(train) if kinds[0] else _numbers(train)
    if len(names) < 2:
        raise DataError(f"{train.where(0)}: all training points have the label {names[0]!r}; allowed: two or more")
    found = []
    for part in (train, test):
        labels = part.labels.astype(str) if kinds[0] else part.labels.astype(np.float64)
        known = np.array(names) if kinds[0] else np.arange(len(names), dtype=np.float64)
        order = np.argsort(known)
        place = np.searchsorted(known[order], labels).clip(max=len(names) - 1)
        wrong = known[order][place] != labels
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataError(
                f"{part.where(row)}: no training point has the label {_shown(part.labels[row])};"
                f" they have {_few(names)}"
            )
        found.append(order[place].astype(np.int64))
    return found[0], found[1], names


def _is_text(labels: NDArray[Any]) -> bool:
    return labels.dtype.kind in "OU"


def _names(train: Part) -> tuple[str, ...]:
    names = sorted(set(train.labels.astype(str).tolist()))
    if all(name.isdecimal() for name in names):
        names.sort(key=lambda name: (int(name), name))
    return tuple(names)


def _numbers(train: Part) -> tuple[str, ...]:
    """The names 0 ... C - 1, if labels are those numbers."""
    present = np.unique(train.labels.astype(np.float64))
    if (absent := np.flatnonzero(present != np.arange(len(present)))).size:
        row = int(np.argmax(train.labels == train.labels.max()))
        raise DataError(
            f"{train.where(row)}: there is a label {_shown(train.labels[row])}, but class {absent[0]} has no training"
            " point; allowed: the whole numbers 0 ... C - 1, each in the training set"
        )
    return tuple(str(number) for number in range(len(present)))


def _shown(label: Any) -> str:
    return repr(label.item() if isinstance(label, np.generic) else label)


def _few(names: tuple[str, ...], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f", ... ({len(names)} in all)" if len(names) > most else "")
