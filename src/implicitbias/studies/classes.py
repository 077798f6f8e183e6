"""How complexity and errors depend on the number of classes of the same data at equal training sizes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from implicitbias.studies.decomposition import Path, paths
from implicitbias.studies.intervals import Interval, error_intervals
from implicitbias.studies.verdicts import MissingData, arms, estimated_by, last, mean, mean_interval

KINDS = ("source", "labels", "architecture", "readout", "depth", "train_size")
"""Axes besides the number of classes, whose every value is looked at by itself."""


@dataclass(frozen=True)
class Row:
    """What a study says of one number of classes, with 95 % intervals over draws of training points and test points.

    Attributes:
        classes: their number C.
        complexity: -ln P over the number of training points, in nats, a value a draw.
        bayes: error of the majority of the functions that fit.
        path: the errors from chance to the trained networks, at the largest label scale.
    """

    classes: int
    complexity: np.ndarray
    bayes: Interval
    path: Path

    @property
    def complexity_interval(self) -> Interval:
        """The mean complexity a point."""
        return Interval(*mean_interval(self.complexity))


def by_classes(dataset: xr.Dataset) -> Iterator[tuple[str, list[Row]]]:
    """Name and rows, by rising number of classes, of every kind of network and data that the study has.

    Raises:
        MissingData: if the study has no axis of numbers of classes, or lacks errors at its test points.
    """
    if "classes" not in dataset.dims:
        raise MissingData("no axis classes")
    chosen = estimated_by(dataset, "mixture").sortby("classes")
    for name, arm in arms(chosen, *KINDS):
        yield name, [_row(arm.sel(classes=number)) for number in arm["classes"].values]


def _row(part: xr.Dataset) -> Row:
    (path,) = paths(part.sortby("label_scale") if "label_scale" in part.dims else part)
    (bayes,) = error_intervals(part, part["bayes_error_by_point"])
    complexity = mean(last(part["complexity"], "label_scale"), "seed") / float(part["train_size"])
    return Row(int(part["classes"]), np.atleast_1d(complexity.values), bayes, path)


def differs(one: Interval, other: Interval) -> Interval:
    """The interval of the first less the second, of independent draws."""
    half = np.hypot(one.high - one.low, other.high - other.low) / 2
    centre = one.centre - other.centre
    return Interval(centre - half, centre, centre + half)
