"""Studies of the dimension beside the number of points: their values by the ratio d/n."""

from typing import Any

import numpy as np
import xarray as xr

from implicitbias.config.values import counted
from implicitbias.studies.verdicts import MissingData, axis


def by_ratio(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with the dimension `ratio`, rising, in the place of `features`, and rising training sizes.

    Raises:
        MissingData: if it has no dimension `features`, or dimensions that are not the same multiples of every n.
    """
    if "train_size" not in dataset.coords:
        raise MissingData("no train_size")
    sizes = np.atleast_1d(dataset["train_size"].values)
    ratios = np.array([[float(counted(d, int(n))) / n for d in axis(dataset, "features")] for n in sizes])
    if not np.allclose(ratios, ratios[0]):
        raise MissingData("dimensions that are other multiples of one training size than of another")
    whole = dataset if "train_size" in dataset.dims else dataset.expand_dims("train_size")
    return whole.assign_coords(features=ratios[0]).rename(features="ratio").sortby(["ratio", "train_size"])


def signal_at(dataset: xr.Dataset, points: int) -> float:
    """The fraction of the squared norm that is signal, at this n.

    Raises:
        MissingData: if the source has none, or several.
    """
    return float(counted(_setting(dataset, "signal"), points))


def flip_of(dataset: xr.Dataset) -> float:
    """The probability that a training label is flipped.

    Raises:
        MissingData: if the source has none, or several.
    """
    return float(_setting(dataset, "flip"))


def _setting(dataset: xr.Dataset, name: str) -> Any:
    if name not in dataset.coords or dataset[name].ndim:
        raise MissingData(f"no {name} that is the same everywhere")
    return dataset[name].item()
