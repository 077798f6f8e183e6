"""The plan: a config's grids become tables of jobs, and every study a list of the files that it is put together from.

Axes named in a study's `ensemble` are computed together in one job; every other axis makes a job of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from implicitbias import catalogue
from implicitbias.config import jobs
from implicitbias.config.description import dataset_axes, figures, fixed, labels, told_classes
from implicitbias.config.grid import classes, grid, points, settings_of
from implicitbias.config.jobs import Jobs, digest
from implicitbias.config.models import Config, Study
from implicitbias.config.products import Product, products_of
from implicitbias.errors import ConfigError


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
    """All jobs of a config: its points stage by stage, the plan of every study, and what is made of these."""

    name: str = ""
    """The config's own, in whose folder its products lie."""
    studies: dict[str, StudyPlan] = field(default_factory=dict)

    @cached_property
    def products(self) -> dict[str, Product]:
        """The config's own studies, figures and report, by their addresses."""
        return products_of(self.studies, self.name)

    @cached_property
    def studies_of(self) -> dict[str, list[str]]:
        """The studies that every job is for, by its address, in the config's order; none of what is for all of them."""
        found: dict[str, list[str]] = {}
        for product in filter(lambda one: one.study, self.products.values()):
            before = list(product.inputs)
            while before:
                address = before.pop()
                known = found.setdefault(address, [])
                if product.study not in known:
                    known.append(product.study)
                    before += self.job(address).inputs.values() if address not in self.products else []
        return found

    @cached_property
    def _urgency(self) -> dict[str, int]:
        return {study: len(self.studies) - place for place, study in enumerate(self.studies)}

    def priority(self, address: str) -> int:
        """How early a job comes: the first study's and what it needs have the highest number, what is for all has 0."""
        product = self.products.get(address)
        studies = self.studies_of[address][:1] if product is None else filter(None, [product.study])
        return max((self._urgency[study] for study in studies), default=0)


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
    plan = Plan(execution=config.execution, name=config.name)
    for name, study in config.studies.items():
        plan.studies[name] = _plan_study(plan, study)
        if plan.refused:
            more = [f" (and {len(plan.refused) - 1} more of this study)"] if len(plan.refused) > 1 else []
            raise ConfigError(f"studies.{name}: {plan.refused[0]}{''.join(more)}")
    return plan


def _plan_study(plan: Plan, study: Study) -> StudyPlan:
    metrics = study.metrics or []
    pieces = _experiments(plan, study, {})
    for coords, task, network in points(study):
        pieces += _experiments(plan, study, coords, task)
        for more, settings, ensemble in settings_of(study, "training", study.training, coords):
            paths = jobs.trained(plan, task, network, settings, ensemble, metrics)
            pieces += [Piece(path, {**coords, **more}) for path in paths]
        for where, rows in classes(study, network, coords):
            same = {**network, "rows": rows}
            for more, settings, _ in settings_of(study, "sampling", study.sampling, coords):
                paths = jobs.sampled(plan, task, same, settings, metrics)
                at = {**coords, **where, **more}
                pieces += [Piece(path, at, "sampled_", tuple(where)) for path in paths]
            for more, settings, _ in settings_of(study, "nngp", study.nngp, coords):
                of = {**network, "rows": settings["rows"] or rows}
                kept = () if settings["rows"] else tuple(where)
                paths = jobs.infinite(plan, task, of, settings)
                pieces += [Piece(path, {**coords, **where, **more}, kept=kept) for path in paths]
    return StudyPlan(
        tuple(_trimmed(pieces)), dataset_axes(study), fixed(study), labels(study), figures(study), told_classes(study)
    )


def _experiments(
    plan: Plan, study: Study, coords: Mapping[str, Any], task: Mapping[str, Any] | None = None
) -> list[Piece]:
    """The study's experiment at every point of its block, on a task if it is one that takes tasks, else on none."""
    block = study.experiment
    if block is None or catalogue.EXPERIMENTS[block.name].task != (task is not None):
        return []
    return [
        Piece(path, {**coords, **more})
        for more, settings in grid(block, set())
        for path in jobs.experiment(plan, settings, task)
    ]


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
