"""Checks of what is claimed of random networks that fit and of trained ones: each has to hold for every family."""

import xarray as xr

from implicitbias.studies.verdicts import MissingData, Verdict, verdict
from implicitbias.studies.volume import CLAIMS, panels


def trained_networks_err_as_random_ones_at_few_points(dataset: xr.Dataset) -> Verdict:
    """At the study's middle training size, the test error of every family of trained networks is within .02 of that of
    random functions of its class that fit, by the 95 % interval over draws of training and test points.

    Chiang et al. 2023.
    """
    return _held(dataset, "comparable")


def trained_networks_beat_random_ones_at_few_points(dataset: xr.Dataset) -> Verdict:
    """At the study's middle training size, every family of trained networks errs less than random functions that fit:
    the gap is above 0 by its 95 % interval.

    Peleg & Hein 2024.
    """
    return _held(dataset, "better")


def trained_networks_err_as_a_draw(dataset: xr.Dataset) -> Verdict:
    """At the largest training size, the test error of every family of trained networks is within .02 of that of random
    functions that fit, as if it were a draw from the posterior, by the 95 % interval.

    Mingard et al. 2021: stochastic gradient descent finds functions about as often as the posterior has them.
    """
    return _held(dataset, "draw")


def the_gap_shrinks_with_the_training_set(dataset: xr.Dataset) -> Verdict:
    """From the middle training size to the largest, the gap between the errors of random functions and of trained
    networks shrinks for every family, by the 95 % interval of the difference.

    Pakman, Kreimer & Berchenko 2026.
    """
    return _held(dataset, "shrinks")


def the_ratio_grows_with_the_training_set(dataset: xr.Dataset) -> Verdict:
    """From the middle training size to the largest, the ratio of the errors of random functions and of trained networks
    grows for every family, by the 95 % interval of its logarithm.

    The advantage of trained networks as a factor, which grows where the gap shrinks.
    """
    return _held(dataset, "ratio")


def the_fraction_without_training_grows(dataset: xr.Dataset) -> Verdict:
    """From the middle training size to the largest, the fraction of the fall from chance that random functions account
    for grows for every family, by its 95 % interval.

    Of the fall from chance: what the volume hypothesis explains.
    """
    return _held(dataset, "fraction")


def trained_networks_err_as_the_vote(dataset: xr.Dataset) -> Verdict:
    """At the largest training size, the test error of every family of trained networks is within .02 of that of the
    majority vote of all functions that fit, by the 95 % interval.

    Bernstein & Yue 2021, version 2, of networks of large margin.
    """
    return _held(dataset, "vote")


def _held(dataset: xr.Dataset, name: str) -> Verdict:
    """Whether every family supports the claim, with the numbers of those that do not.

    Raises:
        MissingData: if no family fits at the middle and at the largest training size.
    """
    claim = CLAIMS[name]
    found = {
        f"{panel.name} {curve.family}".strip(): curve.findings[name]
        for panel in panels(dataset) for curve in panel.curves if curve.findings
    }  # fmt: skip
    if not found:
        raise MissingData("no family of networks that fit")
    verdicts = {family: claim.verdict(interval) for family, interval in found.items()}
    supported = [interval.centre for family, interval in found.items() if verdicts[family] == "supported"]
    told = [f"supported by {len(supported)} of {len(found)} families"]
    if supported:
        told.append(f"{min(supported):.3g} to {max(supported):.3g}")
    told += [f"{verdicts[family]} by {family} {found[family]}" for family in found if verdicts[family] != "supported"]
    return verdict(len(supported) == len(found), f"{claim.words} (95 % intervals): {'; '.join(told)}")
