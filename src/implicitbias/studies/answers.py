"""How far the published estimator of the complexity is off."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from implicitbias.studies.verdicts import last, mean


@dataclass(frozen=True)
class Gap:
    """The published estimator against the true complexity, true labels at the largest training set, means over seeds.

    Attributes:
        train_size: number of training points.
        smallest: smallest difference over labels and depths, in nats.
        largest: largest difference.
        effective: median effective sample size of the published estimator.
        stderr: largest standard error of one true complexity, in nats.

    """

    train_size: int
    smallest: float
    largest: float
    effective: float
    stderr: float


def estimator_gap(dataset: xr.Dataset) -> Gap | None:
    """The gap, or None for a study without both estimators or without true labels.

    Source: Bernstein & Yue 2021, section 3 (the estimator); the true probability is this project's.
    """
    if not {"effective_sample_size", "labels", "train_size"} <= {*dataset.data_vars, *dataset.coords}:
        return None
    if "estimator" not in dataset.dims or not {"importance", "mixture"} <= set(dataset["estimator"].values):
        return None
    end = last(dataset, "train_size")
    names = [name for name in np.atleast_1d(end["labels"].values) if "random" not in str(name)]
    if not names:
        return None
    end = end.sel(labels=names) if "labels" in end.dims else end
    published, true = (end.sel(estimator=name) for name in ("importance", "mixture"))
    gap = mean(published["complexity"] - true["complexity"], "labels", "depth")
    return Gap(
        int(end["train_size"]), float(gap.min()), float(gap.max()),
        float(published["effective_sample_size"].median()), float(true["complexity_stderr"].max()),
    )  # fmt: skip
