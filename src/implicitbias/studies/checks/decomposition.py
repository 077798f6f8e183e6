"""Checks of what the prior, the choice of targets and gradient descent each contribute."""

import xarray as xr

from implicitbias.studies.decomposition import OWN, Path, paths
from implicitbias.studies.intervals import Interval
from implicitbias.studies.verdicts import Verdict, axis, several_draws, structured, verdict


def gradient_descent_adds_little_at_large_label_scales(dataset: xr.Dataset) -> Verdict:
    """At the largest label scale, gradient descent changes the error of the infinitely wide network conditioned on the
    same targets by less than a tenth of the whole fall from chance, by the 95 % intervals.

    Of the whole fall from chance, at the largest label scale, for every depth and kind of labels.
    """
    scale = axis(dataset, "label_scale").max()
    found = {_name(path): path.fractions[OWN] for path in _paths(dataset, scale)}
    passed = all(interval.low > -0.1 and interval.high < 0.1 for interval in found.values())
    return _verdict(passed, f"fraction of the fall at label scale {scale:g}", found)


def small_targets_leave_room_for_gradient_descent(dataset: xr.Dataset) -> Verdict:
    """At the smallest label scale, the deepest trained networks err less, by over .1, than the infinitely wide network
    conditioned on the same targets, by the lower ends of the 95 % intervals.

    At the smallest label scale, of the deepest networks, for every kind of labels.
    """
    scale = axis(dataset, "label_scale").min()
    deepest = axis(dataset, "depth").max()
    found = {_name(path): path.falls[OWN] for path in _paths(dataset.sel(depth=[deepest]), scale)}
    passed = all(interval.low > 0.1 for interval in found.values())
    return _verdict(passed, f"fall by gradient descent at label scale {scale:g}", found)


def large_targets_beat_the_orthant_average(dataset: xr.Dataset) -> Verdict:
    """Without any training, the infinitely wide network conditioned on the largest targets errs less than its average
    function that fits the signs: the difference is above 0 by its 95 % intervals.

    The step from signs to the largest targets, by the prior alone, for every depth and kind of labels.
    """
    scale = axis(dataset, "label_scale").max()
    found = {_name(path): path.falls["targets"] for path in _paths(dataset, scale)}
    return _verdict(all(interval.low > 0 for interval in found.values()), f"fall at label scale {scale:g}", found)


def _paths(dataset: xr.Dataset, scale: float) -> list[Path]:
    """Of labels with structure, at the largest training set.

    Raises:
        MissingData: if there are no two draws of training points.
    """
    several_draws(dataset)
    return list(paths(structured(dataset).sel(label_scale=scale), "labels", "classes", "depth"))


def _name(path: Path) -> str:
    words = {"labels": "{}", "classes": "{} classes", "depth": "depth {}"}
    return " ".join(word.format(path.at[key]) for key, word in words.items() if key in path.at)


def _verdict(passed: bool, what: str, found: dict[str, Interval]) -> Verdict:
    return verdict(passed, f"{what}, 95 % intervals: {'; '.join(f'{name} {value}' for name, value in found.items())}")
