"""Published values beside ours: the right point is found, and what is not there stays empty."""

import numpy as np
import pytest
import xarray as xr

from implicitbias.catalogue import PUBLISHED, resolve
from implicitbias.studies.published import compare


def test_ours_is_the_mean_over_seeds_at_the_rows_point(generalisation: xr.Dataset) -> None:
    table = compare(generalisation, "bernstein_yue_2021_section4").set_index(["quantity", "at"])
    row = table.loc[("test error of trained networks", "labels decimal, depth 7, train_size 500, label_scale 1.0")]
    assert row["published"] == 0.070
    assert row["ours"] == pytest.approx(2 / np.sqrt(500))
    assert row["stderr"] == pytest.approx(0.001 / np.sqrt(3))
    assert row["difference"] == pytest.approx(row["ours"] - 0.070)


def test_estimators_are_matched_by_name(generalisation: xr.Dataset) -> None:
    table = compare(generalisation, "bernstein_yue_2021_section4")
    bound = table[
        table["at"].str.contains("estimator bound") & table["at"].str.contains("decimal, depth 2, train_size 50,")
    ]
    ours = generalisation["pac_bayes_bound"].sel(labels="decimal", depth=2, train_size=50, estimator="bound").mean()
    assert bound["ours"].item() == pytest.approx(ours.item())
    assert bound["published"].item() == 0.600


def test_points_that_the_study_lacks_are_empty(generalisation: xr.Dataset) -> None:
    table = compare(generalisation.sel(train_size=[100]), "bernstein_yue_2021_section4")
    assert table["ours"].isna().all()
    assert table["published"].notna().all()


def test_scalar_coordinates_count_as_points(generalisation: xr.Dataset) -> None:
    fixed = generalisation.sel(depth=7)
    table = compare(fixed, "bernstein_yue_2021_section4")
    assert table[table["at"].str.contains("depth 7") & table["at"].str.contains("train_size 50,")]["ours"].notna().all()
    assert table[table["at"].str.contains("depth 2")]["ours"].isna().all()


def test_missing_networks_are_left_out_of_the_mean(label_ray: xr.Dataset) -> None:
    table = compare(label_ray, "bernstein_yue_2021_section5").set_index("quantity")
    assert table.loc["rejection-sampled networks", "ours"] == pytest.approx(0.33)
    assert table.loc["NNGP average over the orthant", "ours"] == pytest.approx(0.335)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_row_names_its_source(name: str) -> None:
    for row in resolve(PUBLISHED[name])():
        assert "20" in row.source
        assert row.quantity
