"""The network that parameters describe, for the inputs of a task."""

import json
from collections.abc import Mapping
from typing import Any

import xarray as xr

from implicitbias.networks.network import Network, network_of


def network_for(parameters: Mapping[str, Any], task: xr.Dataset, outputs: int | None = None) -> Network:
    """The network of these parameters (see `network_of`) for vectors or images, as the task has them.

    It has one output for labels +-1 and one for every class otherwise, unless `outputs` says how many.
    """
    shape = tuple(json.loads(task.attrs["image"])) if "image" in task.attrs else (task.sizes["feature"],)
    return network_of(parameters, shape, outputs=outputs or task.sizes.get("class", 1))
