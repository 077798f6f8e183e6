"""Checks of the rank of convolutional filters beside background noise."""

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import Interval
from implicitbias.studies.verdicts import MissingData, Verdict, arms, axis, mean, mean_interval, verdict


def filters_are_spared_the_noise(dataset: xr.Dataset) -> Verdict:
    """From the least to the most background noise, the data's stable rank more than doubles, and the filters' stable
    rank grows beyond 1 by less than half as much as the data's does, by the 95 % interval over draws of data.

    Zhang, Gao, Zou & Cao 2025, theorem and experiments; growth is from the least to the most noise.
    """
    levels = np.sort(axis(dataset, "background"))
    passed, numbers = True, []
    for name, part in arms(dataset[["filter_rank", "data_rank"]], "source", "labels"):
        draws = _draws(part)
        filters, data = (
            mean(part[kind], draws, "background").sel(background=levels[-1])
            / mean(part[kind], draws, "background").sel(background=levels[0])
            for kind in ("filter_rank", "data_rank")
        )
        share = Interval(*mean_interval((filters - 1) / (data - 1)))
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
        draws = _draws(part)
        ratio = Interval(*mean_interval(mean(part["filter_rank"], draws) / mean(part["clean_rank"], draws)))
        passed &= ratio.low > 2 / 3 and ratio.high < 4 / 3
        numbers.append(f"{name}: {ratio}")
    return verdict(passed, f"stable rank of the filters over that of clean data, by noise: {'; '.join(numbers)}")


def _draws(dataset: xr.Dataset) -> str:
    """The dimension of independent draws of data.

    Raises:
        MissingData: if there is none.
    """
    for name in ("draw", "seed"):
        if dataset.sizes.get(name, 1) > 1:
            return name
    raise MissingData("no two draws of data")
