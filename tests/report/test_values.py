"""The values of a study, for readers who query its figures: means, their errors and numbers, on the page and as CSV."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from implicitbias.report.values import means, quantities, values
from implicitbias.schema import describe, variable


def table_of(csv: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(base64.b64decode(csv).decode()))


def test_means_are_over_seeds_with_their_standard_error(generalisation: xr.Dataset) -> None:
    table = means(generalisation, "test_error").set_index(["labels", "train_size", "depth", "label_scale"])
    row = table.loc[("decimal", 50, 2, 1.0)]
    draws = generalisation["test_error"].sel(labels="decimal", train_size=50, depth=2, label_scale=1.0).values
    assert row["mean"] == pytest.approx(draws.mean())
    assert row["standard_error"] == pytest.approx(draws.std(ddof=1) / np.sqrt(3))
    assert row["n"] == 3
    assert len(table) == 3 * 3 * 2 * 2


def test_networks_of_a_seed_are_averaged_before_seeds_are(decomposed: xr.Dataset) -> None:
    table = means(decomposed, "test_error")
    assert set(table["n"]) == {10}  # draws of points, not their 20 networks


def test_of_one_draw_the_error_is_the_quantitys_own() -> None:
    both = {
        "complexity": variable("depth", [1.0, 2.0], "complexity", "nat"),
        "complexity_stderr": variable("depth", [0.1, 0.2], "its standard error", "nat"),
        "width_needed": variable("depth", [np.nan, 8.0], "width"),
    }
    dataset = describe(xr.Dataset(both, {"depth": [2, 7]}), "a study", {})
    assert means(dataset, "complexity")["standard_error"].tolist() == [0.1, 0.2]
    assert means(dataset, "width_needed")["mean"].tolist() == [8.0]  # what is not known is left out
    assert quantities(dataset) == ["complexity", "width_needed"]


def test_the_page_shows_the_last_step_and_the_file_all_of_them(learning_rate: xr.Dataset) -> None:
    tables, csv = values(learning_rate)
    shown = next(table for table in tables if "test error" in table.quantities)
    assert len(shown.rows) == 2 * 3
    assert {row[shown.axes.index("step")] for row in shown.rows} == {"800"}
    assert set(table_of(csv)["step"].dropna()) == {0, 800}
    expected = learning_rate["test_error"].isel(step=-1).sel(width=64, learning_rate=0.001)
    assert shown.rows[0][shown.axes.index("step") + 1 :][shown.quantities.index("test error")].startswith(
        f"{float(expected.mean()):.4g} ± "
    )


def test_long_tables_are_cut_on_the_page_and_whole_in_the_file() -> None:
    many = xr.Dataset({"loss": variable("rank", np.arange(100.0), "loss")}, {"rank": range(100)})
    (table,), csv = values(describe(many, "a study", {}))
    assert len(table.rows) + table.more == 100
    assert table.more > 0
    assert len(table_of(csv)) == 100


def test_errors_point_by_point_and_words_are_no_values(generalisation: xr.Dataset) -> None:
    names = quantities(generalisation)
    assert "test_error" in names
    assert not {"test_error_by_point", "test_index", "stop_reason", "complexity_stderr"} & {*names}


def test_a_study_without_numbers_has_no_values() -> None:
    assert values(xr.Dataset()) == ([], "")
