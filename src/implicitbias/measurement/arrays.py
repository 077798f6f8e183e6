"""The array type of metrics: float64 on the host."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
