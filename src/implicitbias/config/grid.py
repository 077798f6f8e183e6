"""The grid of a study: the points of its blocks, each with all parameters of the entries that it chooses."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from pydantic import BaseModel

from implicitbias.catalogue import ACTIVATIONS, ARCHITECTURES, LABELS, OPTIMIZERS, SOURCES, Entry
from implicitbias.config.blocks import as_list, axes_of


def grid(block: BaseModel | None, together: set[str]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The points of one block: (coordinates of the axes that make jobs, all parameters).

    Axes that are computed together stay lists in the parameters and out of the coordinates.
    """
    if block is None:
        return [({}, {})]
    axes = {key: axis for key, axis in axes_of(block).items() if key not in together}
    fixed = {key: value for key, value in block if key not in axes}
    points = []
    for combination in product(*axes.values()):
        coords = dict(zip(axes, combination, strict=True))
        points.append((coords, {**fixed, **coords}))
    return points


def points_of(block: BaseModel | None, keys: Iterable[str]) -> list[dict[str, Any]]:
    """The different settings of some keys of a block on the grid."""
    if block is None:
        return []
    values = {key: as_list(value) for key, value in block if key in set(keys)}
    return [dict(zip(values, point, strict=True)) for point in product(*values.values())]


def chosen(table: Mapping[str, Entry], name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without parameters of other entries of the table, with defaults for this entry's own."""
    own = table[name].parameters
    foreign = {key for entry in table.values() for key in entry.parameters} - set(own)
    kept = {key: value for key, value in settings.items() if key not in foreign}
    return kept | {key: parameter.default for key, parameter in own.items() if kept.get(key) is None}


def chosen_task(settings: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a task: with the parameters of its source and its label rule, and no others."""
    return chosen(LABELS, settings["labels"], chosen(SOURCES, settings["source"], settings))


def chosen_network(settings: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a network: those of its architecture and its activation, and no others."""
    return chosen(ACTIVATIONS, settings["activation"], chosen(ARCHITECTURES, settings["architecture"], settings))


DECIDING = frozenset({"optimizer", *(entry.rows for entry in OPTIMIZERS.values() if entry.rows in entry.parameters)})
"""The keys of a training block that decide on the constraint on rows."""


def rows_of(training: Mapping[str, Any]) -> str:
    """The constraint on rows that the optimizer of these settings keeps."""
    return OPTIMIZERS[training["optimizer"]].rows_of(training)


def classes_of(rows: str | None, trainings: Iterable[Mapping[str, Any]]) -> set[str]:
    """The constraints on rows of random and infinitely wide networks: their own, or else those of the trained ones."""
    return {rows} if rows else {rows_of(training) for training in trainings} or {"free"}
