"""Whether what a study chooses goes together: the limits that catalogue entries state, judged on the whole grid."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

from implicitbias.catalogue import ARCHITECTURES, CHOICES, EXPERIMENTS, FIGURES, Entry
from implicitbias.catalogue.limits import Limits, mentioned, misfit
from implicitbias.config.blocks import as_list, problem
from implicitbias.config.values import counted

if TYPE_CHECKING:
    from implicitbias.config.models import Study

Grid = Mapping[str, list[Any]]
"""Settings by their keys, each as the list of the values that it has on the grid."""


def check_limits(study: "Study") -> None:
    """Every entry that the study chooses goes with all other settings, at every point of the grid.

    Raises:
        PydanticCustomError: for the first one that does not, with the setting and what is allowed in its place.
    """
    for grid in _stages(study):
        for key, choice in CHOICES.items():
            for name in grid.get(key, []):
                if name is None:
                    continue
                entry = choice.table[name]
                for limits in (entry.limits, choice.only):
                    for reason in _misfits(entry, limits, grid):
                        raise problem(f"{choice.kind} {name!r} does not go with {reason}")
        for name, settings in study.figures.items():
            figure = FIGURES.get(settings.figure or name)  # one of another name is refused with the figures' settings
            part = {**grid, **{axis: [value] for axis, value in settings.select.items()}}
            for reason in _misfits(figure, figure.limits, part) if figure else ():
                raise problem(f"figure {name!r} does not go with {reason}")


def _stages(study: "Study") -> Iterator[Grid]:
    """The settings of every stage of the study, with the key `stage` for its name.

    Parameters of entries are absent where they are left out, for which default holds depends on the entry; those of the
    chosen architectures have their defaults.
    """
    parameters = {key for choice in CHOICES.values() for entry in choice.table.values() for key in entry.parameters}
    metrics = [] if study.metrics is None else study.metrics
    on_task = study.experiment is not None and EXPERIMENTS[study.experiment.name].task
    stages = {
        "training": (study.training, study.task, study.network),
        "sampling": (study.sampling, study.task, study.network),
        "nngp": (study.nngp, study.task, study.network),
        "experiment": (study.experiment, study.task if on_task else None),
    }
    for stage, (block, *others) in stages.items():
        if block is None:
            continue
        grid = {
            key: as_list(value)
            for each in (*others, block)
            for key, value in each or ()
            if value is not None or key not in parameters
        }
        for name in as_list(study.network.architecture) if study.network in others and study.network else ():
            for key, parameter in ARCHITECTURES[name].parameters.items():
                if getattr(study.network, key) is None:
                    grid[key] = [*grid.get(key, []), parameter.default]
        yield {**grid, "stage": [stage], "metrics": metrics if stage in ("training", "sampling") else []}


def _misfits(entry: Entry, limits: Limits, grid: Grid) -> Iterator[str]:
    """What the limits do not allow, point by point of the part of the grid that they look at."""
    defaults: Grid = {key: [parameter.default] for key, parameter in entry.parameters.items()}
    known = {**defaults, **grid}
    keys = [key for key in mentioned(limits) if key in known]
    if any(counted(value, 1) != value for key in keys for value in known[key]):  # which follow the training size
        keys = list(dict.fromkeys([*keys, "train_size"]))
    for values in product(*(known[key] for key in keys)):
        point = dict(zip(keys, values, strict=True))
        settings = {key: counted(value, point.get("train_size", 1)) for key, value in point.items()}
        if reason := misfit(limits, settings):
            yield reason
