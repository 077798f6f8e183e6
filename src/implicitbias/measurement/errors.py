"""Errors of the sign of the output. A NaN output (diverged, not accepted) gives a NaN error."""

import numpy as np

from implicitbias.measurement.arrays import Array


def train_error(train_outputs: Array, train_labels: Array) -> Array:
    """Share of training points with the wrong sign; an output of 0 is wrong.

    Args:
        train_outputs: `(..., n)`.
        train_labels: `(..., n)` of +-1.

    Returns:
        `(...)`.

    """
    return _error(train_outputs, train_labels)


def test_error(test_outputs: Array, test_labels: Array) -> Array:
    """Share of test points with the wrong sign; an output of 0 is wrong.

    Args:
        test_outputs: `(..., m)`.
        test_labels: `(..., m)` of +-1.

    Returns:
        `(...)`.

    """
    return _error(test_outputs, test_labels)


test_error.__test__ = False  # type: ignore[attr-defined]  # a metric, whatever pytest thinks of the name


def test_error_by_point(test_outputs: Array, test_labels: Array) -> Array:
    """Whether the sign at a test point is wrong (1) or right (0); an output of 0 is wrong.

    Args:
        test_outputs: `(..., m)`.
        test_labels: `(..., m)` of +-1.

    Returns:
        `(..., m)`.

    """
    return _wrong(test_outputs, test_labels)


test_error_by_point.__test__ = False  # type: ignore[attr-defined]


def vote_error(test_outputs: Array, test_labels: Array) -> Array:
    """Share of test points on which at least half of the networks are wrong; networks that are NaN have no vote.

    Args:
        test_outputs: `(..., networks, m)`.
        test_labels: `(..., 1, m)` of +-1.

    Returns:
        `(...)`, NaN where no network votes.

    Source: Bernstein & Yue 2021 (second version), section 5 (the Bayes classifier of an ensemble).
    """
    votes = np.sign(np.nan_to_num(test_outputs)).sum(-2)
    nobody = np.isnan(test_outputs).all(-2)
    return _error(np.where(nobody, np.nan, votes), test_labels[..., 0, :])


def average_error(test_outputs: Array, test_labels: Array, averaged: Array) -> Array:
    """Share of test points on which the sign of a mean of k networks' outputs is wrong, mean over groups of k.

    Groups are of consecutive networks, and of no network twice. NaN networks are left out of their group.

    Args:
        test_outputs: `(..., networks, m)`.
        test_labels: `(..., 1, m)` of +-1.
        averaged: `(sizes,)`, the numbers k.

    Returns:
        `(..., sizes)`, NaN where there are fewer than k networks, or no network that is not NaN.

    Source: Farhang et al. 2022, section 5.
    """
    *lead, networks, m = test_outputs.shape
    error = np.full((*lead, len(averaged)), np.nan)
    for position, k in enumerate(averaged):
        groups = test_outputs[..., : networks // k * k, :].reshape(*lead, networks // k, k, m)
        nobody = np.isnan(groups).all(-2)
        sums = np.nan_to_num(groups).sum(-2)  # their signs are the means'
        each = _error(np.where(nobody, np.nan, sums), test_labels)
        with np.errstate(invalid="ignore"):
            error[..., position] = np.nansum(each, axis=-1) / np.isfinite(each).sum(-1)
    return error


def _error(outputs: Array, labels: Array) -> Array:
    mean: Array = _wrong(outputs, labels).mean(-1)
    return mean


def _wrong(outputs: Array, labels: Array) -> Array:
    wrong: Array = np.where(np.isnan(outputs), np.nan, outputs * labels <= 0)
    return wrong
