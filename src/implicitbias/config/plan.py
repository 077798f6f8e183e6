"""The plan: a config's grids become tables of jobs, and every study a list of the files that it is put together from.

Axes named in a study's `ensemble` are computed together in one job; every other axis makes a job of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import Any

from pydantic import BaseModel

from implicitbias import catalogue
from implicitbias.catalogue import Entry
from implicitbias.config import jobs
from implicitbias.config.blocks import NOT_AXES, VECTORISABLE, as_list, axes_of
from implicitbias.config.grid import DECIDING, chosen_network, chosen_task, classes_of, grid, points_of, rows_of
from implicitbias.config.jobs import Jobs, digest
from implicitbias.config.models import Config, Study
from implicitbias.config.values import counted
from implicitbias.errors import ConfigError

_VECTORISED = {
    "task": ("seed",),
    "training": VECTORISABLE,
    "sampling": ("seed",),
    "nngp": ("seed", "label_scale"),
}
"""The axes that each stage can compute together."""


@dataclass(frozen=True)
class Piece:
    """A file of a study: the part of the grid that it covers, and how its variables are called there.

    `kept` are coordinates that stay, though other parts of the grid share the file.
    """

    path: str
    coords: Mapping[str, Any]
    prefix: str = ""
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudyPlan:
    """Everything that the study's dataset is put together from."""

    pieces: tuple[Piece, ...]
    axes: Mapping[str, list[Any]]
    fixed: Mapping[str, Any]
    labels: Mapping[str, str]
    """What the axes are that are parameters of catalogue entries."""
    figures: Mapping[str, Mapping[str, Any]]
    classes: str = ""
    """Which networks its kernels are those of, and whether they are those that it trains."""


@dataclass
class Plan(Jobs):
    """All jobs of a config, and the plan of every study."""

    studies: dict[str, StudyPlan] = field(default_factory=dict)

    @cached_property
    def studies_of(self) -> dict[str, list[str]]:
        """The studies that every job is for, by its address, in the config's order: as a piece or on the way to one."""
        found: dict[str, list[str]] = {}
        for study, plan in self.studies.items():
            before = [piece.path for piece in plan.pieces]
            while before:
                address = before.pop()
                known = found.setdefault(address, [])
                if study not in known:
                    known.append(study)
                    before += self.job(address).inputs.values()
        return found

    @cached_property
    def urgency(self) -> dict[str, int]:
        """How early a study's jobs come, by its name: the config's first study has the highest number, the last 1."""
        return {study: len(self.studies) - place for place, study in enumerate(self.studies)}


def identity(config: Config) -> str:
    """A digest of all in a config that its results depend on, with defaults filled in."""
    return digest(
        config.model_dump(exclude={"execution": True, "extensions": True, "studies": {"__all__": {"ensemble"}}})
    )


def make_plan(config: Config) -> Plan:
    """The jobs that a config asks for, each once.

    Raises:
        ConfigError: for a job that is larger than `execution` allows, and cannot be cut into smaller ones.

    """
    plan = Plan(execution=config.execution)
    for name, study in config.studies.items():
        plan.studies[name] = _plan_study(plan, study)
        if plan.refused:
            more = [f" (and {len(plan.refused) - 1} more of this study)"] if len(plan.refused) > 1 else []
            raise ConfigError(f"studies.{name}: {plan.refused[0]}{''.join(more)}")
    return plan


def _plan_study(plan: Plan, study: Study) -> StudyPlan:
    metrics = study.metrics or []
    pieces = _experiments(plan, study, {})
    for coords, task, network in _points(study):
        pieces += _experiments(plan, study, coords, task)
        for more, settings, ensemble in _settings(study, "training", study.training, coords):
            paths = jobs.trained(plan, task, network, settings, ensemble, metrics)
            pieces += [Piece(path, {**coords, **more}) for path in paths]
        for where, rows in _classes(study, network, coords):
            same = {**network, "rows": rows}
            for more, settings, _ in _settings(study, "sampling", study.sampling, coords):
                paths = jobs.sampled(plan, task, same, settings, metrics)
                at = {**coords, **where, **more}
                pieces += [Piece(path, at, "sampled_", tuple(where)) for path in paths]
            for more, settings, _ in _settings(study, "nngp", study.nngp, coords):
                of = {**network, "rows": settings["rows"] or rows}
                kept = () if settings["rows"] else tuple(where)
                paths = jobs.infinite(plan, task, of, settings)
                pieces += [Piece(path, {**coords, **where, **more}, kept=kept) for path in paths]
    return StudyPlan(
        tuple(_trimmed(pieces)), _axes(study), _fixed(study), _labels(study), _figures(study), _told_classes(study)
    )


def _axes(study: Study) -> dict[str, list[Any]]:
    """The axes of the grid, and the estimators, which a job has in an order of its own."""
    estimators = study.nngp.estimators if study.nngp else []
    return {**({"estimator": estimators} if len(estimators) > 1 else {}), **study.axes()}


def _experiments(
    plan: Plan, study: Study, coords: Mapping[str, Any], task: Mapping[str, Any] | None = None
) -> list[Piece]:
    """The study's experiment at every point of its block, on a task if it is one that takes tasks, else on none."""
    block = study.experiment
    if block is None or catalogue.EXPERIMENTS[block.name].task != (task is not None):
        return []
    points = grid(block, set())
    return [
        Piece(path, {**coords, **more}) for more, settings in points for path in jobs.experiment(plan, settings, task)
    ]


# ------------------------------------------------------------------------------------- the grid's points
def _points(study: Study) -> Iterable[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
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


def _classes(study: Study, network: Mapping[str, Any], coords: Mapping[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """The classes of networks of a point by the constraint on their rows, which its random and infinite networks share.

    It is the network's own, or what the optimizers keep; where these differ each has its coordinates, else there are
    none.
    """
    if study.training is None or network["rows"]:
        return [({}, network.get("rows") or "free")]
    found = [(more, rows_of(settings)) for more, settings, _ in _settings(study, "training", study.training, coords)]
    if len({rows for _, rows in found}) == 1:
        return [({}, found[0][1])]
    places = [({key: value for key, value in more.items() if key in DECIDING}, rows) for more, rows in found]
    return [place for number, place in enumerate(places) if place not in places[:number]]


def _counted(task: Mapping[str, Any]) -> dict[str, Any]:
    """The task with numbers in the place of what follows its training size ("2n", "5/n")."""
    parameters = catalogue.SOURCES[task["source"]].parameters
    sizes = [key for key, parameter in parameters.items() if parameter.per_point]
    return {**task, **{key: counted(task[key], task["train_size"]) for key in sizes}}


def _pinned(task: Mapping[str, Any]) -> dict[str, Any]:
    """The task with the digest of your own data: other contents under the same path are another task."""
    digest = catalogue.described(task).digest
    return {**task, **({"digest": digest} if digest else {})}


_ROWS = {
    "free": "free rows", "unit": "rows of norm 1", "mean_free": "rows of mean 0",
    "mean_free_unit": "rows of mean 0 and norm 1",
}  # fmt: skip


def _told_classes(study: Study) -> str:
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


def _settings(
    study: Study, stage: str, block: BaseModel | None, coords: Mapping[str, Any]
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


def _fixed(study: Study) -> dict[str, Any]:
    """Scalars of the grid that become scalar coordinates of the study's dataset."""
    fixed: dict[str, Any] = {}
    # the task comes last: of an experiment on tasks, the seed is the task's
    for block in (study.network, study.training, study.experiment, study.task):
        if block is not None:
            fixed.update({k: v for k, v in block if isinstance(v, int | float | str) and k not in NOT_AXES})
    networks = [chosen_network(settings) for _, settings in grid(study.network, set()) if settings]
    for key in dict.fromkeys(key for network in networks for key in network):  # defaults that all networks have
        values = {network.get(key) for network in networks}
        if key not in axes_of(study.network) and len(values) == 1 and values != {None}:
            fixed[key] = values.pop()
    return fixed


def _labels(study: Study) -> dict[str, str]:
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


def _figures(study: Study) -> dict[str, dict[str, Any]]:
    return {
        name: {**settings.model_dump(exclude_none=True), "figure": settings.figure or name}
        for name, settings in study.figures.items()
    }


def _trimmed(pieces: Iterable[Piece]) -> Iterable[Piece]:
    """Each file once a study and prefix: infinite-width pieces do not depend on width and the like."""
    seen: dict[tuple[Any, ...], Piece] = {}
    for piece in pieces:
        where = (piece.path, piece.prefix, *(piece.coords[key] for key in piece.kept))
        known = seen.get(where)
        if known is None:
            seen[where] = piece
        else:  # keep only the coordinates on which all uses of this file agree
            shared = {key: value for key, value in known.coords.items() if piece.coords.get(key) == value}
            seen[where] = replace(piece, coords=shared)
    return seen.values()
