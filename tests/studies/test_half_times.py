"""Half-times of curves that are known."""

import numpy as np

from implicitbias.studies.half_times import half_times


def test_half_times_by_hand() -> None:
    """Half way from .2 to .6 between the checkpoints 10 and 20; what falls back counts by its maximum."""
    values = np.array([[0.2, 0.3, 0.5, 0.6], [0.2, 0.6, 0.4, 0.3], [0.3, 0.2, 0.3, 0.1]])
    np.testing.assert_allclose(half_times(values, np.array([0, 10, 20, 40])), [15, 5, np.nan])
