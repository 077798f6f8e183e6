"""The path from chance to the trained network is that of the mean errors, with intervals over draws and test points."""

import numpy as np
import pytest
import xarray as xr

from implicitbias.studies.decomposition import OWN, paths
from implicitbias.studies.verdicts import MissingData


def path_at(dataset: xr.Dataset, **place: object):
    (found,) = [path for path in paths(dataset, *place) if {key: path.at[key] for key in place} == place]
    return found


def test_steps_are_differences_of_mean_errors(decomposed: xr.Dataset) -> None:
    path = path_at(decomposed, depth=7, label_scale=1.0)
    assert [error.centre for error in path.errors.values()] == pytest.approx([0.2, 0.1, 0.12, 0.08])
    assert [fall.centre for fall in path.falls.values()] == pytest.approx([0.3, 0.1, -0.02, 0.04, 0.02])
    assert [part.centre for part in path.fractions.values()] == pytest.approx(
        np.array([0.3, 0.1, -0.02, 0.04, 0.02]) / 0.42
    )
    ratios = np.log([0.5 / 0.2, 0.2 / 0.1, 0.1 / 0.12, 0.12 / 0.08, 0.1 / 0.08])
    assert [ratio.centre for ratio in path.log_ratios.values()] == pytest.approx(ratios)
    assert (path.at["train_size"], path.draws, path.test_points) == (200, 10, 300)
    assert path.prior_stds == pytest.approx(4)


def test_fractions_add_up_to_the_whole_fall(decomposed: xr.Dataset) -> None:
    for path in paths(decomposed, "depth", "label_scale", "train_size"):
        parts = [fraction.centre for name, fraction in path.fractions.items() if name != OWN]
        assert sum(parts) == pytest.approx(1)
        assert parts[2] + parts[3] == pytest.approx(path.fractions[OWN].centre)


def test_effects_that_all_errors_share_leave_their_differences_certain(decomposed: xr.Dataset) -> None:
    """Errors of the same draws and points move together: intervals of differences are shorter than those of errors."""
    path = path_at(decomposed, depth=7, label_scale=0.1)
    error, fall = path.errors["features"], path.falls[OWN]
    assert error.high - error.low > 0.005
    assert fall.high - fall.low < error.high - error.low


def test_test_points_that_other_labels_have_more_of_are_left_out(decomposed: xr.Dataset) -> None:
    fewer = decomposed.isel(test_point=slice(100)).assign_coords(labels="binary")
    both = xr.concat([decomposed, fewer], "labels", join="outer")
    expected = path_at(fewer, depth=7, label_scale=1.0)
    found = path_at(both.sel(labels="binary"), depth=7, label_scale=1.0)
    assert found.test_points == 100
    assert found.falls == expected.falls


def test_where_an_error_may_be_zero_its_factor_has_no_upper_end(decomposed: xr.Dataset) -> None:
    fitted = decomposed.assign(test_error_by_point=0 * decomposed["test_error_by_point"])
    ratio = path_at(fitted, depth=7, label_scale=1.0).log_ratios["features"]
    assert np.exp(ratio.low) == pytest.approx(0.117 / 0.0066, rel=0.15)  # .12 less its interval over t / 300
    assert ratio.high == np.inf


def test_a_diverged_network_leaves_no_path(decomposed: xr.Dataset) -> None:
    lost = decomposed.copy(deep=True)
    lost["test_error_by_point"][{"member": 1, "seed": 3}] = np.nan
    assert np.isnan(path_at(lost, depth=7, label_scale=1.0).falls["features"].centre)


def test_a_study_without_the_lazy_network_is_refused(decomposed: xr.Dataset) -> None:
    with pytest.raises(MissingData, match="lazy_error_by_point"):
        list(paths(decomposed.drop_vars("lazy_error_by_point")))
