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


def average_error(test_outputs: Array, test_labels: Array) -> Array:
    """Share of test points on which the sign of the networks' mean output is wrong; NaN networks are left out.

    Args:
        test_outputs: `(..., networks, m)`.
        test_labels: `(..., 1, m)` of +-1.

    Returns:
        `(...)`, NaN where there is no network.

    Source: Farhang et al. 2022, section 5.
    """
    nobody = np.isnan(test_outputs).all(-2)
    average = np.nan_to_num(test_outputs).sum(-2)  # its sign is the mean's
    return _error(np.where(nobody, np.nan, average), test_labels[..., 0, :])


def _error(outputs: Array, labels: Array) -> Array:
    wrong = np.where(np.isnan(outputs), np.nan, outputs * labels <= 0)
    share: Array = wrong.mean(-1)
    return share
