import numpy as np
import pytest

from implicitbias.errors import DataError
from implicitbias.tasks.superset import scaled


def test_scaled_keeps_the_direction():
    np.testing.assert_allclose(
        scaled(np.array([[3.0, 4.0], [0.0, -2.0]])), np.sqrt(2) * np.array([[0.6, 0.8], [0, -1]])
    )


def test_a_zero_row_is_refused_by_its_number():
    with pytest.raises(DataError, match="point 1 is zero"):
        scaled(np.array([[3.0, 4.0], [0.0, 0.0]]))
