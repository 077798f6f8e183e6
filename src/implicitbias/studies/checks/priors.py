"""Checks of what architectures give, and of what trained networks of the same architecture add."""

import xarray as xr

from implicitbias.studies.variants import variants
from implicitbias.studies.verdicts import (
    MissingData,
    Verdict,
    axis,
    last,
    mean,
    mean_interval,
    several_draws,
    structured,
    verdict,
)


def convolutions_are_the_better_prior(dataset: xr.Dataset) -> Verdict:
    """On labels with structure, the average function that fits errs less under convolutions than under the perceptron:
    the paired differences of Gibbs errors are below 0 by their 95 % intervals over draws.

    Of the architecture cnn, in all variants that the study has; means over its sizes and kinds of labels.

    Novak et al. 2019 say so of trained networks; of the average function it was computed once beforehand, on MNIST.
    """
    errors = structured(dataset)["gibbs_error"]
    found = list(variants(errors))
    perceptron = next((one for one in found if one.architecture == "mlp"), None)
    convolutional = [one for one in found if one.architecture == "cnn"]
    if perceptron is None or not convolutional:
        raise MissingData("no perceptron beside convolutional networks")
    base = errors.sel(perceptron.at)
    return _below({one.name: errors.sel(one.at) - base for one in convolutional}, "Gibbs error minus the perceptron's")


def networks_beat_their_architectures_average(dataset: xr.Dataset) -> Verdict:
    """On labels with structure, trained networks of every architecture err less than its average function that fits:
    the paired differences are below 0 by their 95 % intervals over draws.

    Of every architecture that the study has; means over sizes, kinds of labels and members.
    """
    part = last(structured(dataset))
    gap = part["test_error"] - part["gibbs_error"]
    return _below({one.name: gap.sel(one.at) for one in variants(gap)}, "test error minus Gibbs error")


def _below(differences: dict[str, xr.DataArray], what: str) -> Verdict:
    """Whether the 95 % intervals of all differences, paired within draws of training points, are below 0."""
    passed, numbers = True, []
    for name, difference in differences.items():
        several_draws(difference)
        low, centre, high = mean_interval(mean(difference, "seed"))
        passed &= high < 0
        numbers.append(f"{name} {centre:+.4f} ({low:+.4f} to {high:+.4f})")
    return verdict(passed, f"{what}, 95 % over {len(axis(difference, 'seed'))} draws: {'; '.join(numbers)}")
