"""The grid of a study: the points of its blocks, each with all parameters of the entries that it chooses."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from implicitbias.catalogue import ACTIVATIONS, ARCHITECTURES, LABELS, OPTIMIZERS, SOURCES, Entry, described
from implicitbias.config.blocks import VECTORISABLE, as_list, axes_of
from implicitbias.config.values import counted

if TYPE_CHECKING:
    from implicitbias.config.models import Study

_VECTORISED = {
    "task": ("seed",),
    "training": VECTORISABLE,
    "sampling": ("seed",),
    "nngp": ("seed", "label_scale"),
}
"""The axes that each stage can compute together."""


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


def points(study: "Study") -> Iterable[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Every point of task and network: coordinates, task parameters and network parameters.

    Axes of the ensemble stay lists in the parameters and out of the coordinates.
    """
    if study.task is None:
        return
    together = set(study.ensemble) & set(_VECTORISED["task"])
    for (where, task), (more, network) in product(grid(study.task, together), grid(study.network, together)):
        task = _pinned(_counted(chosen_task(task)))
        if study.network is not None:
            network = chosen_network(network)
        yield {**where, **more}, task, network


def classes(study: "Study", network: Mapping[str, Any], coords: Mapping[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """The classes of networks of a point by the constraint on their rows, which its random and infinite networks share.

    It is the network's own, or what the optimizers keep; where these differ each has its coordinates, else there are
    none.
    """
    if study.training is None or network["rows"]:
        return [({}, network.get("rows") or "free")]
    found = [(more, rows_of(settings)) for more, settings, _ in settings_of(study, "training", study.training, coords)]
    if len({rows for _, rows in found}) == 1:
        return [({}, found[0][1])]
    places = [({key: value for key, value in more.items() if key in DECIDING}, rows) for more, rows in found]
    return [place for number, place in enumerate(places) if place not in places[:number]]


def _counted(task: Mapping[str, Any]) -> dict[str, Any]:
    """The task with numbers in the place of what follows its training size ("2n", "5/n")."""
    parameters = SOURCES[task["source"]].parameters
    sizes = [key for key, parameter in parameters.items() if parameter.per_point]
    return {**task, **{key: counted(task[key], task["train_size"]) for key in sizes}}


def _pinned(task: Mapping[str, Any]) -> dict[str, Any]:
    """The task with the digest of your own data: other contents under the same path are another task."""
    digest = described(task).digest
    return {**task, **({"digest": digest} if digest else {})}


def settings_of(
    study: "Study", stage: str, block: BaseModel | None, coords: Mapping[str, Any]
) -> Iterable[tuple[dict[str, Any], dict[str, Any], dict[str, list[Any]]]]:
    """The points of a stage's block: new coordinates, scalar settings, and the axes trained together.

    An axis that the coordinates already fix (shared with another block) is not expanded again. What is trained together
    stands in rising order, for the config's order changes no number: it is that of the study's dataset alone.
    """
    if block is None:
        return
    together = set(study.ensemble) & set(_VECTORISED[stage])
    for more, values in grid(block, together):
        if all(coords.get(key, value) == value for key, value in more.items()):
            axes = [key for key in study.ensemble if key in together and isinstance(values.get(key), list)]
            ensemble = {key: sorted(values[key]) for key in axes}
            yield more, values, ensemble
