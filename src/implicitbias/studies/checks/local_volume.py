"""Checks of local volumes of trained networks: how well they are known, and whether they go with test errors."""

import numpy as np
import xarray as xr

from implicitbias.studies.verdicts import (
    MissingData,
    Verdict,
    arms,
    estimated_by,
    last,
    mean_interval,
    rank_correlation,
    several_draws,
    verdict,
)

_KNOWN = 0.5
_KINDS = ("architecture", "depth", "width", "optimizer", "train_size")


def larger_volumes_go_with_smaller_errors(dataset: xr.Dataset) -> Verdict:
    """At every training size, networks of larger local volume err less than others trained on the same points: the rank
    correlation of local volume and test error is below 0 by its 95 % interval over draws of training points.

    Scherlis & Belrose 2025; over label scales and members of one draw of training points.
    """
    several_draws(dataset)
    passed, numbers = True, []
    for name, part in _parts(dataset):
        found = [correlation for seed in part["seed"].values if not np.isnan(correlation := _correlation(part, seed))]
        low, centre, high = mean_interval(found) if found else (np.nan,) * 3
        passed &= high < 0
        numbers.append(f"{name} {centre:.3g} ({low:.3g} to {high:.3g})".strip())
    return verdict(passed, f"mean rank correlation within draws, 95 % over draws: {'; '.join(numbers)}")


def local_volumes_are_parts_of_the_whole(dataset: xr.Dataset) -> Verdict:
    """No local volume is above the probability that the infinitely wide network fits, by more than three standard
    errors.

    Of the infinitely wide network's probability, which networks of finite width have about.
    """
    chosen = last(dataset)
    whole = estimated_by(dataset, "mixture")["complexity"]
    beyond = chosen["local_log_volume"] + whole
    excess = (beyond / chosen["local_log_volume_stderr"]).values
    if np.isnan(excess).all():
        raise MissingData("no local volume")
    return verdict(np.nanmax(excess) <= 3, f"largest excess {np.nanmax(excess):.3g} standard errors")


def local_volumes_are_known(dataset: xr.Dataset) -> Verdict:
    """The standard error of the local volume's logarithm is below .5 for nine networks in ten.

    Where it is not, a few directions decide, and the estimate is a lower bound: about 1/s^2 directions decide on an
    estimate of standard error s, four at .5.
    """
    numbers, passed = [], True
    for name, part in _parts(dataset):
        errors = part["local_log_volume_stderr"].values
        errors = errors[~np.isnan(errors)]
        if not errors.size:
            raise MissingData("no local volume")
        known = float((errors < _KNOWN).mean())
        passed &= known >= 0.9
        numbers.append(f"{name} {known:.0%} of {errors.size}, median {np.median(errors):.2g}".strip())
    return verdict(passed, f"networks with a standard error below {_KNOWN:g}: {'; '.join(numbers)}")


def _parts(dataset: xr.Dataset) -> list[tuple[str, xr.Dataset]]:
    chosen = last(dataset)[["local_log_volume", "local_log_volume_stderr", "test_error"]]
    return list(arms(chosen, *_KINDS))


def _correlation(part: xr.Dataset, seed: int) -> float:
    """Of the networks that fit; NaN for fewer than three."""
    volume, error = (part[name].sel(seed=seed).values.ravel() for name in ("local_log_volume", "test_error"))
    fits = ~np.isnan(volume)
    return rank_correlation(volume[fits], error[fits]) if fits.sum() > 2 else np.nan
