"""The published estimator's gap."""

import numpy as np
import pytest
import xarray as xr

from implicitbias.studies.answers import estimator_gap


def test_the_gap_is_that_of_true_labels_at_the_largest_size(generalisation: xr.Dataset) -> None:
    gap = estimator_gap(generalisation)
    assert gap is not None
    # complexity (hardness + 1) sqrt(n) times 1.4 or 1, hardness 2 and 0.5
    assert (gap.smallest, gap.largest) == pytest.approx((0.4 * 1.5 * np.sqrt(500), 0.4 * 3 * np.sqrt(500)))
    assert (gap.train_size, gap.effective, gap.stderr) == (500, 3.0, 0.01)


def test_without_the_published_estimator_or_true_labels_there_is_no_gap(
    generalisation: xr.Dataset, calibrated: xr.Dataset, label_ray: xr.Dataset
) -> None:
    assert estimator_gap(calibrated) is None
    assert estimator_gap(label_ray) is None
    assert estimator_gap(generalisation.sel(estimator=["bound", "mixture"])) is None
    assert estimator_gap(generalisation.sel(labels=["random"])) is None
