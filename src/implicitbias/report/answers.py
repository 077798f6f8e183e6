"""The first page: what the studies say in plain sentences, none without its number and its 95 % interval."""

from collections.abc import Collection

import numpy as np
import xarray as xr

from implicitbias.studies.decomposition import NEEDS, OWN, Path, paths
from implicitbias.studies.intervals import Interval, error_intervals
from implicitbias.studies.learning_rate import ends, fall
from implicitbias.studies.verdicts import Lacking, last, mean, structured


def sentences(dataset: xr.Dataset, figures: Collection[str]) -> list[str]:
    """What a study says on the first page, if it draws one of the two figures that tell the main result.

    Args:
        dataset: of the study; with a single draw of training points it has no intervals, and says nothing.
        figures: names in `catalogue.FIGURES` of what it draws.
    """
    if dataset.sizes.get("seed", 1) < 2:
        return []
    if "decomposition" in figures and {*NEEDS, "labels"} <= {*map(str, dataset.variables)}:
        return _path(dataset)
    if "learning_rate" in figures and {"learning_rate", "width"} <= {*map(str, dataset.dims)}:
        return [_learning_rate(last(dataset.sortby("width"), "width"))]
    return []


def _path(dataset: xr.Dataset) -> list[str]:
    """Of the deepest network, the largest training set and the labels on which its average function errs most."""
    try:
        part = structured(dataset)
    except Lacking:
        return []
    deepest = part.isel(depth=[int(np.argmax(part["depth"].values))]) if "depth" in part.dims else part
    found = [path for path in paths(deepest, "labels", "label_scale") if path.errors["prior"].centre >= 0]  # not NaN
    if not found:
        return []
    hardest = max(path.errors["prior"].centre for path in found)
    own = sorted((path for path in found if path.errors["prior"].centre == hardest), key=lambda path: path.prior_stds)
    large = own[-1]
    lines = [_prior(large), _targets(large), _gradient_descent(large)]
    return lines if len(own) < 2 else [*lines, _small_targets(own[0])]


def _prior(path: Path) -> str:
    return (
        f"The architecture alone: given n = {path.at['train_size']} points with {path.at['labels']} labels, random"
        f" functions of the infinitely wide network of depth {path.at['depth']} that fit these labels err on"
        f" {_percent(path.errors['prior'])} of test points, where chance errs on {100 * path.chance:g} %."
    )


def _targets(path: Path) -> str:
    return (
        f"The choice of targets: conditioned on outputs of {_outputs(path)} instead of the labels' signs alone, the"
        f" same infinitely wide network errs on {_percent(path.errors['targets'])}, {_change(path.falls['targets'])},"
        " without any training."
    )


def _gradient_descent(path: Path) -> str:
    return (
        "Gradient descent on these targets: trained networks of finite width err on"
        f" {_percent(path.errors['features'])}, {_change(path.falls[OWN])} than the conditioned network; the infinitely"
        f" wide network that gradient descent trains errs on {_percent(path.errors['lazy'])}."
    )


def _small_targets(path: Path) -> str:
    return (
        f"Gradient descent on small targets: at outputs of {_outputs(path)} the conditioned network errs on"
        f" {_percent(path.errors['targets'])}, trained networks on {_percent(path.errors['features'])},"
        f" {_change(path.falls[OWN])}."
    )


def _learning_rate(part: xr.Dataset) -> str:
    """Of the widest networks."""
    small, best = ends(part)
    errors = error_intervals(part, small, best)
    rates = np.sort(part["learning_rate"].values)
    margins = mean(last(part)["smallest_margin"], "learning_rate", "seed") / float(part["label_scale"])
    low, high = (f"{float(margins.mean('seed').reduce(end)):.2f}" for end in (np.min, np.max))
    factor = fall(part)
    return (
        f"The size of the steps: trained to ±{float(part['label_scale']):g}, networks of width {part['width'].item()}"
        f" err on {_percent(errors[0])} at the smallest of {len(rates)} learning rates from {rates[0]:g} to"
        f" {rates[-1]:g} and on {_percent(errors[1])} at the best, {factor.centre:.1f} times less ({factor.low:.1f} to"
        f" {factor.high:.1f}), though their smallest margins are alike ({low} to {high} times the targets)."
    )


def _outputs(path: Path) -> str:
    return f"±{path.at['label_scale']:g} ({path.prior_stds:.2g} prior standard deviations)"


def _percent(error: Interval) -> str:
    """An error in per cent with its interval: "16.0 % (14.9 to 17.2 %)"."""
    low, centre, high = (f"{100 * value:.1f}" for value in error)
    return f"{centre} % ({low} to {high} %)"


def _change(fall: Interval) -> str:
    """By how much an error is lower or higher: "11.8 points less (11.1 to 12.5)"."""
    sign, word = (1, "less") if fall.centre >= 0 else (-1, "more")
    low, high = sorted((sign * fall.low, sign * fall.high))
    told = "" if low > 0 else ", which the interval does not tell from none"
    return f"{100 * abs(fall.centre):.1f} points {word} ({100 * low:.1f} to {100 * high:.1f}{told})"
