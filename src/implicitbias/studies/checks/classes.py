"""Checks of what changes with the number of classes: differences between numbers of classes, over draws of points."""

from itertools import pairwise

import numpy as np
import xarray as xr

from implicitbias.studies.classes import Row, by_classes, differs
from implicitbias.studies.intervals import Interval
from implicitbias.studies.verdicts import MissingData, Verdict, mean_interval, several_draws, verdict


def complexity_rises_with_the_number_of_classes(dataset: xr.Dataset) -> Verdict:
    """At equal training sizes, the labels' complexity per point rises from every number of classes to the next larger
    one: the differences are above 0 by their 95 % intervals over draws.

    From every number of classes to the next larger one, for every kind of network.
    """
    numbers, passed = [], True
    for name, rows in _kinds(dataset):
        steps = [
            (more.classes, Interval(*mean_interval(more.complexity - less.complexity))) for less, more in pairwise(rows)
        ]
        passed &= all(step.low > 0 for _, step in steps)
        told = "; ".join(f"to {classes} classes {step}" for classes, step in steps)
        numbers.append(f"{name}{rows[0].classes} classes {rows[0].complexity.mean():.3g}; {told}")
    return verdict(passed, f"nats a training point, 95 % over draws: {' | '.join(numbers)}")


def few_classes_flatter_the_architecture(dataset: xr.Dataset) -> Verdict:
    """Random functions that fit the labels account for a larger fraction of the fall from chance to the trained
    networks with the fewest classes than with the most: the difference is above 0 by its 95 % interval.

    The fraction of the fall from chance that the prior takes: of the fewest classes less that of the most.
    """
    numbers, passed = [], True
    for name, rows in _kinds(dataset):
        fewest, most = (row.path.fractions["prior"] for row in (rows[0], rows[-1]))
        gap = differs(fewest, most)
        passed &= gap.low > 0
        numbers.append(f"{name}{rows[0].classes} classes {fewest}, {rows[-1].classes} classes {most}, difference {gap}")
    return verdict(passed, f"95 % intervals: {' | '.join(numbers)}")


def average_functions_of_many_classes_are_no_use(dataset: xr.Dataset) -> Verdict:
    """With the most classes, the average function that fits errs more than twice as often as trained networks, by the
    ends of the 95 % intervals.

    Of the most classes, the average function that fits against the trained networks: a factor of the errors.
    """
    numbers, passed = [], True
    for name, rows in _kinds(dataset):
        errors = rows[-1].path.errors
        average, trained = errors["prior"], errors["features"]
        passed &= average.low > 2 * trained.high
        numbers.append(f"{name}{rows[-1].classes} classes: average function {average}, networks {trained}")
    return verdict(passed, f"errors, 95 % intervals: {' | '.join(numbers)}")


def _kinds(dataset: xr.Dataset) -> list[tuple[str, list[Row]]]:
    """Of every kind of network the rows of two numbers of classes or more.

    Raises:
        MissingData: if there are no two draws of training points, or no two numbers of classes.
    """
    several_draws(dataset)
    found = [(f"{name}: " if name else "", rows) for name, rows in by_classes(dataset)]
    if len(found[0][1]) < 2:
        raise MissingData("no two numbers of classes")
    if any(np.isnan(row.path.errors["features"].centre) for _, rows in found for row in rows):
        raise MissingData("networks that have not diverged at every number of classes")
    return found
