"""The architecture's share of the fall from chance and how sure it is; the published estimator's gap."""

import numpy as np
import pytest
import xarray as xr

from implicitbias.schema import variable
from implicitbias.studies.answers import estimator_gap, shares


def study(gibbs: np.ndarray, large: np.ndarray) -> xr.Dataset:
    """Errors by seed; networks of the small label scale are at chance, the last of two training sizes counts."""
    errors = np.stack([np.full_like(large, 0.5), large], axis=1)
    variables = {
        "gibbs_error": variable(("train_size", "seed"), np.stack([np.full_like(gibbs, 0.45), gibbs]), "Gibbs"),
        "test_error": variable(
            ("train_size", "seed", "label_scale"), np.stack([np.full_like(errors, 0.4), errors]), "test error"
        ),
    }
    coords = {"train_size": [10, 50], "seed": range(len(gibbs)), "label_scale": [0.1, 1.0], "labels": "decimal"}
    return xr.Dataset(variables, coords)


def test_the_share_is_a_ratio_of_means() -> None:
    (found,) = shares(study(np.array([0.3, 0.2]), np.array([0.1, 0.1])))
    assert (found.labels, found.train_size, found.scales, found.seeds) == ("decimal", 50, (0.1, 1.0), 2)
    assert found.small == 0.5
    assert found.share == pytest.approx(0.25 / 0.4)
    assert found.stderr == pytest.approx(0.05 / 0.4)  # only the numerator varies


def test_the_standard_error_is_that_of_many_studies() -> None:
    """Gibbs and test errors of a seed go together, which the standard error knows."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        common = rng.normal(0, 0.02, 10)
        found += shares(study(0.2 + common, 0.1 + common + rng.normal(0, 0.005, 10)))
    spread = np.std([one.share for one in found])
    assert np.mean([one.stderr for one in found]) == pytest.approx(spread, rel=0.15)


def test_targets_that_are_not_labels_do_not_count() -> None:
    whole = study(np.array([0.3, 0.2]), np.array([0.1, 0.1]))
    both = xr.concat([whole["test_error"], whole["test_error"] + 0.2], "targets").assign_coords(
        targets=["labels", "spherised"]
    )
    assert shares(whole.assign(test_error=both)) == shares(whole)


def test_where_nothing_was_learned_there_is_no_share() -> None:
    (found,) = shares(study(np.array([0.5, 0.5]), np.array([0.49, 0.47])))
    assert np.isnan(found.share)


def test_one_seed_has_no_standard_error() -> None:
    (found,) = shares(study(np.array([0.3]), np.array([0.1])))
    assert found.share == pytest.approx(0.5)
    assert np.isnan(found.stderr)


def test_studies_without_posterior_or_label_scales_have_none() -> None:
    whole = study(np.array([0.3]), np.array([0.1]))
    assert shares(whole.drop_vars("gibbs_error")) == []
    assert shares(whole.isel(label_scale=0)) == []


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
    assert estimator_gap(study(np.array([0.3]), np.array([0.1]))) is None
