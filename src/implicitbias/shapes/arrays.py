"""Types of arrays that many metrics share; the dimensions are those of `implicitbias.shapes`."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Layers = Sequence[Float[NDArray[np.float64], "*#lead _out _in"]]
"""Of every network of a run, an array for each weight matrix, or one of its shape."""

PerPoint = Float[NDArray[np.float64], "*#lead n"]
"""A number for each training point of every network: `*#lead n`."""

PerNetwork = Float[NDArray[np.float64], "*#lead"]
"""A number for each network: `*#lead`."""

PerLayer = Float[NDArray[np.float64], "*#lead layer"]
"""A number for each layer of every network: `*#lead layer`."""

Points = Float[NDArray[np.float64], "*#lead n d"]
"""The training points of every network: `*#lead n d`."""
