"""The complexity of labels against the depth of the infinitely wide network, paired within draws of points."""

import numpy as np
import xarray as xr

from implicitbias.studies.verdicts import MissingData, axis, estimated_by

_ONE_HIDDEN_LAYER = 2


def reference_depth(dataset: xr.Dataset) -> int:
    """The depth that others are compared with: one hidden layer, or the shallowest networks of the study."""
    depths = axis(dataset, "depth")
    return _ONE_HIDDEN_LAYER if _ONE_HIDDEN_LAYER in depths else int(depths.min())


def complexity_beyond(dataset: xr.Dataset, depth: int) -> xr.DataArray:
    """C_L - C_depth in nats, by the mixture estimator, for every depth L in rising order; draw by draw.

    Networks of all depths are given the same points and labels, so the differences are known better than either.

    Raises:
        MissingData: if the study does not have this depth, or the estimator.
    """
    if depth not in axis(dataset, "depth"):
        raise MissingData(f"no networks of depth {depth}")
    complexity = estimated_by(dataset, "mixture")["complexity"]
    complexity = complexity.isel(depth=np.argsort(complexity["depth"].values))
    difference = complexity - complexity.sel(depth=depth, drop=True)
    return difference.assign_attrs(
        long_name=f"complexity minus that at depth {depth}", units=complexity.attrs.get("units", "nat")
    )
