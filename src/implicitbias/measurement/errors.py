"""Errors of what outputs say: of their signs, or of the class with the largest one.

They are read off the margins, which are positive where the output is right: no margin at all (a tie) is an error. A NaN
margin (diverged, not accepted) gives a NaN error.
"""

import numpy as np
from jaxtyping import Float, Shaped

from implicitbias.measurement.arrays import Array, margins
from implicitbias.shapes.arrays import PerNetwork, PerPoint


def train_error(train_margins: PerPoint) -> PerNetwork:
    """Fraction of training points without a positive margin: `(..., n) -> (...)`."""
    return _error(train_margins)


def test_error(test_margins: Float[Array, "*lead m"]) -> Float[Array, "*lead"]:
    """Fraction of test points without a positive margin: `(..., m) -> (...)`."""
    return _error(test_margins)


test_error.__test__ = False  # type: ignore[attr-defined]  # a metric, whatever pytest thinks of the name


def test_error_by_point(test_margins: Float[Array, "*lead m"]) -> Float[Array, "*lead m"]:
    """Whether a test point has no positive margin (1) or has one (0): `(..., m) -> (..., m)`."""
    return _wrong(test_margins)


test_error_by_point.__test__ = False  # type: ignore[attr-defined]


def vote_error(test_outputs: Float[Array, "..."], test_labels: Float[Array, "*#lead 1 m"]) -> PerNetwork:
    """Fraction of test points on which no more networks vote for the true label than for another one.

    Networks that are NaN have no vote.

    Args:
        test_outputs: `(..., networks, m)`, or `(..., networks, m, C)`.
        test_labels: `(..., 1, m)` of +-1, or of classes.

    Returns:
        `(...)`, NaN where no network votes.

    Source: Bernstein & Yue 2021 (second version), section 5 (the Bayes classifier of an ensemble).
    """
    networks = test_labels.ndim - 2
    if test_outputs.ndim == test_labels.ndim:
        votes = np.sign(np.nan_to_num(test_outputs))
    else:
        votes = (test_outputs == test_outputs.max(-1, keepdims=True)).astype(np.float64)
    nobody = np.isnan(test_outputs).all(networks)
    return _error(margins(np.where(nobody, np.nan, votes.sum(networks)), test_labels[..., 0, :]))


def average_error(
    test_outputs: Float[Array, "..."],
    test_labels: Float[Array, "*#lead 1 m"],
    averaged: Shaped[np.ndarray, " size"],
) -> Float[Array, "*#lead size"]:
    """Fraction of test points on which a mean of k networks' outputs is wrong, mean over groups of k.

    Groups are of consecutive networks, and of no network twice. NaN networks are left out of their group.

    Args:
        test_outputs: `(..., networks, m)`, or `(..., networks, m, C)`.
        test_labels: `(..., 1, m)` of +-1, or of classes.
        averaged: `(sizes,)`, the numbers k.

    Returns:
        `(..., sizes)`, NaN where there are fewer than k networks, or no network that is not NaN.

    Source: Farhang et al. 2022, section 5.
    """
    axis = test_labels.ndim - 2
    lead, networks, each = test_outputs.shape[:axis], test_outputs.shape[axis], test_outputs.shape[axis + 1 :]
    error = np.full((*lead, len(averaged)), np.nan)
    for position, k in enumerate(averaged):
        used = np.take(test_outputs, range(networks // k * k), axis)
        groups = used.reshape(*lead, networks // k, k, *each)
        nobody = np.isnan(groups).all(axis + 1)
        sums = np.nan_to_num(groups).sum(axis + 1)  # they are right where the means are
        wrong = _error(margins(np.where(nobody, np.nan, sums), test_labels))
        with np.errstate(invalid="ignore"):
            error[..., position] = np.nansum(wrong, axis=-1) / np.isfinite(wrong).sum(-1)
    return error


def _error(margin: Float[Array, "*lead points"]) -> Float[Array, "*lead"]:
    mean: Array = _wrong(margin).mean(-1)
    return mean


def _wrong(margin: Float[Array, "*lead points"]) -> Float[Array, "*lead points"]:
    wrong: Array = np.where(np.isnan(margin), np.nan, margin <= 0)
    return wrong
