"""Learning curves of the infinitely wide network, from the complexities of nested training sets, and what they bound.

If the first m of n training points are the training set of size m, then C_n - C_m = -ln P[Y_n]/P[Y_m] is the log loss
of predicting the labels m + 1 to n one after the other, each from all before it.
"""

from itertools import product

import numpy as np
import xarray as xr

from implicitbias.catalogue import NESTED
from implicitbias.catalogue.limits import mentioned, misfit
from implicitbias.nngp.bounds import pac_bayes_given_first
from implicitbias.schema import parameters_of
from implicitbias.studies.verdicts import MissingData, axis, estimated_by


def predictive_log_loss(dataset: xr.Dataset) -> xr.DataArray:
    """(C_n - C_m)/(n - m) in nats, at every size n of the study, for the next smaller size m (or m = 0, where C is 0).

    Its coordinate `first` is m. A guess has ln 2.

    Raises:
        MissingData: if the training sets are not nested, or without the estimator mixture.
    """
    complexity = _nested_complexity(dataset)
    sizes = complexity["train_size"].values
    first = np.concatenate([[0], sizes[:-1]])
    known = complexity.shift(train_size=1, fill_value=0.0)
    loss = (complexity - known) / xr.DataArray(sizes - first, {"train_size": sizes}, ["train_size"])
    return loss.assign_coords(first=("train_size", first)).assign_attrs(
        long_name="log loss of predicting a label from those before it", units="nat"
    )


def bound_given_first(dataset: xr.Dataset) -> xr.DataArray:
    """The PAC-Bayes bound whose prior knows the first m labels, for the best of the study's smaller sizes m.

    It holds with the study's probability 1 - delta for all choices of m together; NaN at the smallest size.

    Raises:
        MissingData: if the training sets are not nested, or without the estimator mixture.
    """
    complexity = _nested_complexity(dataset)
    sizes = complexity["train_size"].values.tolist()
    delta = dataset["delta"] if "delta" in dataset.coords else parameters_of(dataset)["nngp"]["delta"]
    found = []
    for choices, n in enumerate(sizes):
        whole = complexity.sel(train_size=n, drop=True)
        best = xr.full_like(whole, np.nan) * delta
        for first in sizes[:choices]:
            known = complexity.sel(train_size=first, drop=True)
            bound = xr.apply_ufunc(pac_bayes_given_first, whole, known, n, first, delta, choices, vectorize=True)
            best = np.fmin(best, bound)
        found.append(best)
    bounds = xr.concat(found, xr.DataArray(sizes, {"train_size": sizes}, ["train_size"], name="train_size"))
    return bounds.assign_attrs(long_name="PAC-Bayes bound given the first m labels", units="1")


def _nested_complexity(dataset: xr.Dataset) -> xr.DataArray:
    """C by the mixture estimator, of nested training sets in rising order of their sizes."""
    task = parameters_of(dataset).get("task") or {}
    keys = [key for key in mentioned(NESTED) if key in dataset.coords or key in task]
    settings = [np.ravel(dataset[key].values if key in dataset.coords else task[key]).tolist() for key in keys]
    for values in product(*settings):
        if reason := misfit(NESTED, dict(zip(keys, values, strict=True))):
            raise MissingData(f"no nested training sets ({reason})")
    axis(dataset, "train_size")
    return estimated_by(dataset, "mixture")["complexity"].sortby("train_size")
