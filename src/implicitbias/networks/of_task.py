"""The network that parameters describe, for the inputs of a task."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from implicitbias.catalogue import SOURCES
from implicitbias.networks.network import Network, network_of
from implicitbias.schema import parameters_of


def network_for(parameters: Mapping[str, Any], task: xr.Dataset, outputs: int | None = None) -> Network:
    """The network of these parameters (see `network_of`) for vectors or images, as the task's source has them.

    It has one output for labels +-1 and one for every class otherwise, unless `outputs` says how many.
    """
    shape = SOURCES[parameters_of(task)["source"]].shape(task.sizes["feature"])
    return network_of(parameters, shape, outputs=outputs or task.sizes.get("class", 1))
