"""The first screen: what the studies answer in plain sentences, none without its number and its 95 % interval."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr

from implicitbias.catalogue import LABELS
from implicitbias.studies.decomposition import NEEDS, OWN, STEPS, Path, paths
from implicitbias.studies.intervals import Interval, error_intervals
from implicitbias.studies.learning_rate import ends, fall
from implicitbias.studies.verdicts import MissingData, last, mean, structured

TELL = {
    "decomposition": "how much of the error the architecture, the targets and gradient descent each take away",
    "learning_rate": "what the size of gradient descent's steps changes",
}
"""The figures whose studies answer the question, and what they tell."""


class Sentence(NamedTuple):
    """A sentence of the answer, and what it is about."""

    topic: str
    text: str


def sentences(dataset: xr.Dataset, figures: Collection[str]) -> list[Sentence]:
    """What a study says on the first screen, if it draws one of the two figures that tell the main result.

    Args:
        dataset: of the study; with a single draw of training points it has no intervals, and says nothing.
        figures: names in `catalogue.FIGURES` of what it draws.
    """
    if dataset.sizes.get("seed", 1) < 2:
        return []
    told = _path(_decomposed(dataset, "labels", "label_scale")) if "decomposition" in figures else []
    if "learning_rate" in figures and {"learning_rate", "width"} <= {*map(str, dataset.dims)}:
        told.append(_learning_rate(last(dataset.sortby("width"), "width")))
    return told


def steps_table(dataset: xr.Dataset) -> list[dict[str, str]]:
    """The error after each step from chance to the trained networks, a row a kind of labels, depth and label scale."""
    return [
        {
            "labels": str(path.at["labels"]),
            "depth": str(path.at["depth"]),
            "outputs": f"±{path.at['label_scale']:g} ({path.prior_stds:.2g})",
            "chance": f"{100 * path.chance:g} %",
            **{step: _percent(path.errors[step]) for step in STEPS},
            "change": _points(path.falls[OWN]),
        }
        for path in _decomposed(dataset, "labels", "depth", "label_scale")
    ]


def label_rules(rows: Collection[Mapping[str, str]]) -> str:
    """What the labels of a table's rows are, in words."""
    names = dict.fromkeys(row["labels"] for row in rows)
    return "; ".join(f"{name}: {LABELS[name].summary}" for name in names if name in LABELS)


def unanswered(drawn: Mapping[str, Collection[str]], said: Collection[str], made: Collection[str]) -> list[str]:
    """What the first screen does not tell, and why.

    Args:
        drawn: study of the config -> names in `catalogue.FIGURES` of what it draws.
        said: the studies that say something.
        made: the studies that there are.
    """
    lines = []
    for figure, what in TELL.items():
        able = [study for study, figures in drawn.items() if figure in figures]
        if {*able} & {*said}:
            continue
        if not able:
            why = f"this config has no study with the figure {figure}"
        elif lost := [study for study in able if study not in made]:
            why = f"jobs of {', '.join(lost)} failed"
        else:
            why = f"{', '.join(able)} would need true labels, several draws of training points and all of its errors"
        lines.append(f"Not told here: {what}; {why}.")
    return lines


def _decomposed(dataset: xr.Dataset, *axes: str) -> list[Path]:
    """The steps of every value of these axes (of the deepest network, where depth is none of them); none if unknown."""
    if not {*NEEDS, "labels"} <= {*map(str, dataset.variables)}:
        return []
    try:
        part = structured(dataset)
    except MissingData:
        return []
    if "depth" in part.dims and "depth" not in axes:
        part = part.isel(depth=[int(np.argmax(part["depth"].values))])
    return [path for path in paths(part, *axes) if path.errors["prior"].centre >= 0]  # not NaN


def _path(found: list[Path]) -> list[Sentence]:
    """Of the largest training set and the labels on which the architecture's average function errs most."""
    if not found:
        return []
    hardest = max(path.errors["prior"].centre for path in found)
    own = sorted((path for path in found if path.errors["prior"].centre == hardest), key=lambda path: path.prior_stds)
    large = own[-1]
    told = [_prior(large), _targets(large), _gradient_descent(large)]
    return told if len(own) < 2 else [*told, _small_targets(own[0])]


def _prior(path: Path) -> Sentence:
    return Sentence(
        "The architecture alone",
        f"given n = {path.at['train_size']} points with {path.at['labels']} labels, random functions of the infinitely"
        f" wide network of depth {path.at['depth']} that fit these labels err on {_percent(path.errors['prior'])} of"
        f" test points, where chance errs on {100 * path.chance:g} %: {_percent(path.fractions['prior'])} of the way to"
        " the trained networks, without any training.",
    )


def _targets(path: Path) -> Sentence:
    return Sentence(
        "The choice of targets",
        f"conditioned on outputs of {_outputs(path)} instead of on the labels' signs alone, the same infinitely wide"
        f" network errs on {_percent(path.errors['targets'])}, {_change(path.falls['targets'])}, still without any"
        " training.",
    )


def _gradient_descent(path: Path) -> Sentence:
    return Sentence(
        "Gradient descent on these targets",
        f"trained networks of finite width err on {_percent(path.errors['features'])}, {_change(path.falls[OWN])} than"
        " the conditioned network; the infinitely wide network that gradient descent trains errs on"
        f" {_percent(path.errors['lazy'])}.",
    )


def _small_targets(path: Path) -> Sentence:
    return Sentence(
        "Gradient descent on small targets",
        f"at outputs of {_outputs(path)} the conditioned network errs on {_percent(path.errors['targets'])}, trained"
        f" networks on {_percent(path.errors['features'])}, {_change(path.falls[OWN])}.",
    )


def _learning_rate(part: xr.Dataset) -> Sentence:
    """Of the widest networks."""
    small, best = ends(part)
    errors = error_intervals(part, small, best)
    rates = np.sort(part["learning_rate"].values)
    margins = mean(last(part)["smallest_margin"], "learning_rate", "seed") / float(part["label_scale"])
    low, high = (f"{float(margins.mean('seed').reduce(end)):.2f}" for end in (np.min, np.max))
    factor = fall(part)
    return Sentence(
        "The size of the steps",
        f"trained to ±{float(part['label_scale']):g}, networks of width {part['width'].item()} err on"
        f" {_percent(errors[0])} at the smallest of {len(rates)} learning rates from {rates[0]:g} to {rates[-1]:g} and"
        f" on {_percent(errors[1])} at the best, {factor.centre:.1f} times less ({factor.low:.1f} to"
        f" {factor.high:.1f}), though their smallest margins are alike ({low} to {high} times the targets).",
    )


def _outputs(path: Path) -> str:
    return f"±{path.at['label_scale']:g} ({path.prior_stds:.2g} prior standard deviations)"


def _percent(error: Interval) -> str:
    """An error in per cent with its interval: "16.0 % (14.9 to 17.2 %)"."""
    low, centre, high = (f"{100 * value:.1f}" for value in error)
    return f"{centre} % ({low} to {high} %)"


def _points(fall: Interval) -> str:
    """What a step adds to the error, in points: "-11.8 (-12.5 to -11.1)"."""
    low, centre, high = (f"{round(-100 * value, 1) + 0.0:+.1f}" for value in reversed(fall))
    return f"{centre} ({low} to {high})"


def _change(fall: Interval) -> str:
    """By how much an error is lower or higher: "11.8 points less (11.1 to 12.5)"."""
    sign, word = (1, "less") if fall.centre >= 0 else (-1, "more")
    low, high = sorted((sign * fall.low, sign * fall.high))
    told = "" if low > 0 else ", which the interval does not tell from none"
    return f"{100 * abs(fall.centre):.1f} points {word} ({100 * low:.1f} to {100 * high:.1f}{told})"
