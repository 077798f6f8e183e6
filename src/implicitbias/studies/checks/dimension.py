"""Checks of the rank of convolutional filters beside background noise."""

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import Interval, draw_interval, experiment_interval
from implicitbias.studies.verdicts import Verdict, arms, axis, mean, verdict


def filters_are_spared_the_noise(dataset: xr.Dataset) -> Verdict:
    """From the least to the most background noise, the data's stable rank more than doubles, and the filters' stable
    rank grows beyond 1 by less than half as much as the data's does, by the 95 % interval over draws of data.

    Zhang, Gao, Zou & Cao 2025, theorem and experiments; growth is from the least to the most noise.
    """
    levels = np.sort(axis(dataset, "background"))
    passed, numbers = True, []
    for name, part in arms(dataset[["filter_rank", "data_rank"]], "source", "labels"):
        filters, data = (
            _of_draws(part[kind].sel(background=levels[-1])) / _of_draws(part[kind].sel(background=levels[0]))
            for kind in ("filter_rank", "data_rank")
        )
        share = _interval((filters - 1) / (data - 1))
        passed &= share.high < 0.5 and bool((data > 2).all())
        grown = f"filters {float(filters.mean()):.3g}-fold, data {float(data.mean()):.3g}-fold"
        numbers.append(f"{f'{name}: ' if name else ''}{grown}, excess over 1 of the first in the second {share}")
    return verdict(passed, f"stable ranks from noise {levels[0]:g} to {levels[-1]:g}: {'; '.join(numbers)}")


def filters_have_the_rank_of_clean_data(dataset: xr.Dataset) -> Verdict:
    """At every level of noise, the filters' stable rank is that of the clean data, within a third, by the 95 %
    intervals over draws of data.

    Zhang, Gao, Zou & Cao 2025: at every level of noise.
    """
    axis(dataset, "background")
    passed, numbers = True, []
    for name, part in arms(dataset[["filter_rank", "clean_rank"]], "source", "labels", "background"):
        ratio = _interval(_of_draws(part["filter_rank"]) / _of_draws(part["clean_rank"]))
        passed &= ratio.low > 2 / 3 and ratio.high < 4 / 3
        numbers.append(f"{name}: {ratio}")
    return verdict(passed, f"stable rank of the filters over that of clean data, by noise: {'; '.join(numbers)}")


def _of_draws(values: xr.DataArray) -> xr.DataArray:
    return mean(values, "draw", "seed")


def _interval(values: xr.DataArray) -> Interval:
    """Over draws of data: an experiment's own, or those of its tasks.

    Raises:
        MissingData: if there are no two.
    """
    return experiment_interval(values) if "draw" in values.dims else draw_interval(values)
