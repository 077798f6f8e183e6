"""What a study's dataset will hold: its variables and their dimensions, known from the config alone."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from implicitbias import catalogue
from implicitbias.config.blocks import Training, axes_of, problem
from implicitbias.config.grid import DECIDING, points_of, rows_of

if TYPE_CHECKING:
    from implicitbias.config.models import Study

Variables = dict[str, frozenset[str]]


def variables_of(study: "Study") -> Variables:
    """Every data variable of the study, with the dimensions that it has.

    An experiment's variables may lack some of the experiment's dimensions, which are not known one by one.

    Raises:
        PydanticCustomError: if two of its stages give variables of one name.
    """
    found: Variables = {}
    for stage in (_measured(study), _sampled(study), _infinite(study), _experiment(study)):
        if twice := sorted(set(found) & set(stage)):
            raise problem(
                f"experiment {study.experiment.name if study.experiment else None!r} and another block of this study"
                f" both give {twice[0]}; allowed: an experiment in a study of its own"
            )
        found |= stage
    return found


def _measured(study: "Study") -> Variables:
    if study.training is None:
        return {}
    axes = _axes(study, "task", "network", "training")
    axes |= {"step"} if _several_steps(study.training) else set()
    each = axes | ({"member"} if study.training.members > 1 else set())
    return {name: frozenset(own | (axes if over else each)) for name, own, over in _metrics(study)}


def _sampled(study: "Study") -> Variables:
    if study.sampling is None:
        return {}
    axes = _axes(study, "task", "network", "sampling") | _classes(study)
    found = {
        f"sampled_{name}": frozenset(own | axes | (set() if over else {"draw"})) for name, own, over in _metrics(study)
    }
    return {**found, "sampled_acceptance": frozenset(axes)}


def _infinite(study: "Study") -> Variables:
    if study.nngp is None:
        return {}
    settings = study.nngp
    names = catalogue.nngp_variables(
        posterior=settings.posterior, label_scale=settings.label_scale is not None, lazy=settings.lazy,
        by_point=settings.by_point, several={points.classes > 0 for _, points in study.points()},
    )  # fmt: skip
    vanishing = {key for entry in catalogue.ARCHITECTURES.values() for key in entry.vanishing}
    axes = _axes(study, "task", "network", "nngp") - vanishing - {"label_scale"}
    axes |= set() if settings.rows else _classes(study)
    lone = {"estimator"} if len(settings.estimators) == 1 else set()
    lone |= set() if isinstance(settings.label_scale, list) else {"label_scale"}
    found = {}
    for name in names:
        own = set(catalogue.NNGP_DIMS.get(name.removesuffix("_by_point"), ())) - lone
        found[name] = frozenset(axes | own | ({"test_point"} if name.endswith("_by_point") else set()))
    return found


def _experiment(study: "Study") -> Variables:
    if study.experiment is None:
        return {}
    entry = catalogue.EXPERIMENTS[study.experiment.name]
    axes = _axes(study, "task", "network", "experiment") if entry.task else _axes(study, "experiment")
    return dict.fromkeys(entry.variables, frozenset(axes | set(entry.dims)))


def _axes(study: "Study", *blocks: str) -> set[str]:
    return {key for block in blocks for key in axes_of(getattr(study, block))}


def _classes(study: "Study") -> set[str]:
    """The axes that tell classes of networks apart, which random and infinitely wide networks then have too."""
    if study.training is None or (study.network and study.network.rows):
        return set()
    rows = {rows_of(settings) for settings in points_of(study.training, DECIDING)}
    return _axes(study, "training") & DECIDING if len(rows) > 1 else set()


def _metrics(study: "Study") -> Iterator[tuple[str, set[str], bool]]:
    """Name, own dimensions, and whether networks are taken together, of every metric."""
    for name in study.metrics or []:
        entry = catalogue.METRICS[name]
        yield name, set(entry.dims), entry.over_networks


def _several_steps(training: Training) -> bool:
    rule = training.checkpoints
    return rule == "log" if isinstance(rule, str) else len(rule) > 1


def dimensions(variables: Variables, names: Iterable[str]) -> set[str]:
    """The dimensions that any of these variables has."""
    return set().union(*(variables.get(name, frozenset()) for name in names))
