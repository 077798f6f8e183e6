"""What the report says first: the architecture's share of learning, and how far the published estimator is off."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from implicitbias.studies.verdicts import last, mean

_LEARNED = 0.05  # networks that fall by less have learned nothing that could be shared out


@dataclass(frozen=True)
class Share:
    """Errors on one kind of labels at the largest training set, and the architecture's share of the fall from chance.

    Attributes:
        labels: the kind.
        train_size: number of training points.
        gibbs: average error over the orthant, of the architecture alone.
        small: error of networks trained to the smallest label scale.
        large: error of networks trained to the largest label scale.
        scales: the smallest and the largest label scale.
        share: (1/2 - gibbs)/(1/2 - large); NaN where the networks did not learn.
        stderr: its standard error over seeds; NaN for a single seed.
        seeds: their number.

    """

    labels: str
    train_size: int
    gibbs: float
    small: float
    large: float
    scales: tuple[float, float]
    share: float
    stderr: float
    seeds: int


def shares(dataset: xr.Dataset) -> list[Share]:
    """The share for each kind of labels, depths together; none for a study without labels, label scales or posterior.

    The standard error is the delta method's for a ratio, as both errors are of the same seeds' points.

    Source: Bernstein & Yue 2021, section 5 (networks against the average over the orthant).
    """
    if not {"test_error", "gibbs_error"} <= set(dataset.data_vars) or "labels" not in dataset.coords:
        return []
    if "label_scale" not in dataset.dims:
        return []
    end = last(last(dataset, "train_size"))
    end = end.sel(targets="labels") if "targets" in end.dims else end  # others have scales of their own
    return [
        _share(end.sel(labels=labels) if "labels" in end.dims else end, str(labels))
        for labels in np.atleast_1d(end["labels"].values)
    ]


def _share(part: xr.Dataset, labels: str) -> Share:
    scales = np.sort(part["label_scale"].values)
    trained = mean(part["test_error"], "seed", "label_scale")
    errors = [mean(part["gibbs_error"], "seed"), *(trained.sel(label_scale=scale) for scale in scales[[0, -1]])]
    gibbs, small, large = (np.atleast_1d(error.values) for error in errors)
    fall = 0.5 - large.mean()
    share, stderr, seeds = np.nan, np.nan, len(gibbs)
    if fall > _LEARNED:
        share = (0.5 - gibbs.mean()) / fall
        if seeds > 1:
            stderr = ((0.5 - gibbs) - share * (0.5 - large)).std(ddof=1) / (fall * np.sqrt(seeds))
    return Share(
        labels, int(part["train_size"]), float(gibbs.mean()), float(small.mean()), float(large.mean()),
        (float(scales[0]), float(scales[-1])), float(share), float(stderr), seeds,
    )  # fmt: skip


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
