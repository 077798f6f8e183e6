"""What a study's dataset says of itself: its axes in the config's order, what is fixed, and what these mean."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from implicitbias import catalogue
from implicitbias.catalogue import Entry
from implicitbias.config.blocks import NOT_AXES, as_list, axes_of
from implicitbias.config.grid import DECIDING, chosen_network, classes_of, grid, points_of, rows_of
from implicitbias.config.models import Study


def dataset_axes(study: Study) -> dict[str, list[Any]]:
    """The axes of the grid, and the estimators, which a job has in an order of its own."""
    estimators = study.nngp.estimators if study.nngp else []
    return {**({"estimator": estimators} if len(estimators) > 1 else {}), **study.axes()}


def fixed(study: Study) -> dict[str, Any]:
    """Scalars of the grid that become scalar coordinates of the study's dataset."""
    found: dict[str, Any] = {}
    # the task comes last: of an experiment on tasks, the seed is the task's
    for block in (study.network, study.training, study.experiment, study.task):
        if block is not None:
            found.update({k: v for k, v in block if isinstance(v, int | float | str) and k not in NOT_AXES})
    networks = [chosen_network(settings) for _, settings in grid(study.network, set()) if settings]
    for key in dict.fromkeys(key for network in networks for key in network):  # defaults that all networks have
        values = {network.get(key) for network in networks}
        if key not in axes_of(study.network) and len(values) == 1 and values != {None}:
            found[key] = values.pop()
    return found


def labels(study: Study) -> dict[str, str]:
    """The summary of every parameter of the entries that the study names, by its key."""
    chosen: list[tuple[BaseModel | None, Mapping[str, Entry], str]] = [
        (study.task, catalogue.SOURCES, "source"),
        (study.task, catalogue.LABELS, "labels"),
        (study.network, catalogue.ARCHITECTURES, "architecture"),
        (study.network, catalogue.ACTIVATIONS, "activation"),
        (study.training, catalogue.OPTIMIZERS, "optimizer"),
        (study.experiment, catalogue.EXPERIMENTS, "name"),
    ]
    return {
        key: parameter.summary
        for block, table, kind in chosen
        if block is not None
        for name in as_list(getattr(block, kind))
        for key, parameter in table[name].parameters.items()
        if key in study.axes()
    }


def figures(study: Study) -> dict[str, dict[str, Any]]:
    """The settings of every figure, by its name in the study."""
    return {
        name: {**settings.model_dump(exclude_none=True), "figure": settings.figure or name}
        for name, settings in study.figures.items()
    }


_ROWS = {
    "free": "free rows", "unit": "rows of norm 1", "mean_free": "rows of mean 0",
    "mean_free_unit": "rows of mean 0 and norm 1",
}  # fmt: skip


def told_classes(study: Study) -> str:
    """In words: the classes of networks that the kernels and the trained networks of a study belong to."""
    if study.nngp is None or study.network is None:
        return ""
    trainings = points_of(study.training, DECIDING)
    trained = {rows_of(settings) for settings in trainings}
    own = set[str]().union(*(classes_of(rows, trainings) for rows in as_list(study.network.rows)))
    kernels = {str(rows) for rows in as_list(study.nngp.rows)} if study.nngp.rows else own
    told = f"The infinitely wide networks have {' or '.join(_ROWS[rows] for rows in sorted(kernels))}"
    if not trained:
        return f"{told}."
    if kernels == trained:
        return f"{told}, as the trained ones have."
    others = " or ".join(_ROWS[rows] for rows in sorted(trained))
    return (
        f"{told}, the trained ones {others}: these are different classes of networks, and what differs between their"
        " errors is not what gradient descent adds."
    )
