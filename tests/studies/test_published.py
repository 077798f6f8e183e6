"""Reference values beside ours: the right point is found, what is not there stays empty, no table is idle."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import complete
from implicitbias.catalogue import EXPERIMENTS, PUBLISHED, SOURCES, resolve
from implicitbias.config.load import config_of
from implicitbias.config.models import Study
from implicitbias.config.plan import make_plan
from implicitbias.nngp.evaluate import evaluate
from implicitbias.schema import variable
from implicitbias.studies import published
from implicitbias.studies.published import Row, compare
from implicitbias.tasks.build import build
from implicitbias.training.checkpoints import checkpoint_steps

ROOT = Path(__file__).parents[2]


def test_ours_is_the_mean_over_seeds_at_the_rows_point(generalisation: xr.Dataset) -> None:
    table = compare(generalisation, "bernstein_yue_2021_section4").set_index(["quantity", "at"])
    row = table.loc[("test error of trained networks", "labels decimal, depth 7, train size 500, label scale 1.0")]
    assert row["reference"] == 0.070
    assert row["ours"] == pytest.approx(2 / np.sqrt(500))
    assert row["stderr"] == pytest.approx(0.001 / np.sqrt(3))
    assert row["difference"] == pytest.approx(row["ours"] - 0.070)


def test_estimators_are_matched_by_name(generalisation: xr.Dataset) -> None:
    table = compare(generalisation, "bernstein_yue_2021_section4")
    bound = table[
        table["at"].str.contains("estimator bound") & table["at"].str.contains("decimal, depth 2, train size 50,")
    ]
    ours = generalisation["pac_bayes_bound"].sel(labels="decimal", depth=2, train_size=50, estimator="bound").mean()
    assert bound["ours"].item() == pytest.approx(ours.item())
    assert bound["reference"].item() == 0.600


def test_points_that_the_study_lacks_are_empty(generalisation: xr.Dataset) -> None:
    table = compare(generalisation.sel(train_size=[100]), "bernstein_yue_2021_section4")
    assert table["ours"].isna().all()
    assert table["reference"].notna().all()


def test_scalar_coordinates_count_as_points(generalisation: xr.Dataset) -> None:
    fixed = generalisation.sel(depth=7)
    table = compare(fixed, "bernstein_yue_2021_section4")
    assert table[table["at"].str.contains("depth 7") & table["at"].str.contains("train size 50,")]["ours"].notna().all()
    assert table[table["at"].str.contains("depth 2")]["ours"].isna().all()


def test_missing_networks_are_left_out_of_the_mean(label_ray: xr.Dataset) -> None:
    table = compare(label_ray, "bernstein_yue_2021_section5").set_index("quantity")
    assert table.loc["rejection-sampled networks", "ours"] == pytest.approx(0.335 - 0.009)  # of seed 0
    assert table.loc["NNGP average over the orthant", "ours"] == pytest.approx(0.335 - 0.009)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_row_names_its_source(name: str) -> None:
    for row in resolve(PUBLISHED[name])():
        assert "20" in row.source or "computed" in row.source
        assert row.quantity


def ours(dataset: xr.Dataset, row: Row, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `compare` says of a table of this row alone."""
    monkeypatch.setattr(published, "resolve", lambda _: lambda: [row])
    (found,) = compare(dataset, "true_complexity").to_dict("records")
    return found


def test_the_last_step_is_compared_and_on_request_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    margin = variable(("seed", "step"), [[1.0, 9.0, 4.0], [3.0, 7.0, 6.0]], "margin")
    study = xr.Dataset({"margin": margin}, {"seed": [0, 1], "step": [0, 10, 100]})
    for row, expected in (
        (Row("m", "margin", {}, 1, "s"), 5.0),
        (Row("m", "margin", {}, 1, "s", peak=True), 8.0),
        (Row("m", "margin", {"step": 10}, 1, "s"), 8.0),
    ):
        found = ours(study, row, monkeypatch)
        assert found["ours"] == expected
        assert found["stderr"] == pytest.approx(1.0)


def test_the_width_chooses_among_several_only(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row("e", "test_error", {}, 0.1, "s", width=5000)
    study = xr.Dataset({"test_error": variable("width", [0.2, 0.3], "test error")}, {"width": [5000, 10000]})
    assert ours(study, row, monkeypatch)["ours"] == 0.2
    assert np.isnan(ours(study.assign_coords(width=[500, 1000]), row, monkeypatch)["ours"])
    assert ours(study.isel(width=1), row, monkeypatch)["ours"] == 0.3


def test_networks_of_one_seed_are_no_independent_values(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = np.array([[0.1, 0.1, 0.1], [0.3, 0.3, 0.3]])
    study = xr.Dataset({"test_error": variable(("seed", "member"), errors, "test error")}, {"seed": [0, 1]})
    found = ours(study, Row("e", "test_error", {}, 0.1, "s"), monkeypatch)
    assert found["stderr"] == pytest.approx(0.1)


def test_a_lone_value_shows_its_own_standard_error(generalisation: xr.Dataset) -> None:
    table = compare(generalisation, "true_complexity")
    row = table[table["at"] == "labels binary, depth 2, train size 50, seed 0, estimator mixture"].iloc[0]
    true = generalisation.sel(labels="binary", depth=2, train_size=50, seed=0, estimator="mixture")
    assert row["ours"] == pytest.approx(float(true["complexity"]))
    assert row["stderr"] == 0.01
    assert row["spread"] == 0.005


def hits(study: Study, fixed: dict[str, Any], row: Row) -> bool:
    """Whether the study's grid has the row's variable at the row's point."""
    known = {key: [value] for key, value in fixed.items()} | study.axes()
    if study.nngp:
        known["estimator"] = list(study.nngp.estimators)
    own = EXPERIMENTS[study.experiment.name].dims if study.experiment else ()
    point = {key: value for key, value in row.point.items() if key not in own}  # dimensions that it always has
    if "step" in point:
        assert study.training is not None
        assert study.training.batch_size == "full"  # a step an epoch
        known["step"] = checkpoint_steps(study.training.checkpoints, study.training.epochs)
    if row.width and "width" in study.axes():
        point["width"] = row.width
    return row.variable in study.variables() and all(value in known.get(key, []) for key, value in point.items())


def shown(config: str) -> Iterator[tuple[str, str, list[tuple[Row, bool]]]]:
    """Study, table, and its rows with whether they hit a point, of a shipped config."""
    whole = config_of(ROOT / "config" / f"{config}.yaml")
    plan = make_plan(whole)
    for name, study in whole.studies.items():
        for table in study.published:
            rows = resolve(PUBLISHED[table])()
            yield name, table, [(row, hits(study, dict(plan.studies[name].fixed), row)) for row in rows]


@pytest.mark.parametrize("config", ["config", "paper"])
def test_no_study_shows_an_empty_table(config: str) -> None:
    empty = [(name, table) for name, table, rows in shown(config) if not any(hit for _, hit in rows)]
    assert empty == []


def test_every_row_is_compared_in_some_study() -> None:
    reached: dict[str, set[str]] = {}
    for config in ("config", "paper"):
        for _, table, rows in shown(config):
            reached.setdefault(table, set()).update(str(row) for row, hit in rows if hit)
    missed = [row for table in PUBLISHED for row in resolve(PUBLISHED[table])() if str(row) not in reached[table]]
    assert missed == []


needs_mnist = pytest.mark.skipif(
    not all((ROOT / "data/raw/mnist" / name).exists() for name in SOURCES["mnist"].download.sha256),
    reason="data/raw/mnist does not hold the four MNIST files",
)


def infinite_width(
    labels: str, size: int, depth: int, *, posterior: bool, test_size: int | None = 1, rows: str = "free", **more: Any
) -> xr.Dataset:
    """Seed 0 of real MNIST, with the whole test set for None."""
    task = build(
        source="mnist", labels=labels, train_size=size, test_size=test_size, seed=[0], raw_dir=ROOT / "data/raw"
    )
    return evaluate(
        task, network=complete.network(depth=depth, rows=rows), estimators=["mixture"], draws=1, samples=4096,
        delta=0.01, constant="published", posterior=posterior, **more,
    )  # fmt: skip


@needs_mnist
def test_the_true_complexities_are_met_on_mnist() -> None:
    """All that takes less than a second, and one of 500 points; three standard errors of both."""
    checked = 0
    for row in resolve(PUBLISHED["true_complexity"])():
        point = row.point
        if point["estimator"] == "mixture" and (point["train_size"] <= 100 or row.value == 170.50):
            found = infinite_width(point["labels"], point["train_size"], point["depth"], posterior=False)
            assert row.spread is not None
            allowed = 3 * np.hypot(found["complexity_stderr"].item(), row.spread)
            assert found["complexity"].item() == pytest.approx(row.value, abs=allowed), row
            checked += 1
    assert checked == 6 * 3 + 1 + 1


@needs_mnist
def test_the_posteriors_errors_are_met_on_mnist() -> None:
    """Up to 100 points; to the digits given, or three standard errors."""
    small = [row for row in resolve(PUBLISHED["orthant_posterior"])() if row.point.get("train_size", 500) <= 100]
    assert len(small) == 6
    for gibbs, bayes in zip(small[::2], small[1::2], strict=True):
        point = gibbs.point
        found = infinite_width(point["labels"], point["train_size"], point["depth"], posterior=True, test_size=None)
        allowed = 5e-4 + 3 * found["gibbs_error_stderr"].item()
        assert found["gibbs_error"].item() == pytest.approx(gibbs.value, abs=allowed)
        assert found["bayes_error"].item() == pytest.approx(bayes.value, abs=1e-3)


@needs_mnist
def test_the_average_over_the_orthant_is_met_on_the_label_rays_points() -> None:
    (row,) = [row for row in resolve(PUBLISHED["bernstein_yue_2021_section5"])() if row.spread == 2e-6]
    found = infinite_width("binary", 5, 7, posterior=True, test_size=50)
    assert abs(found["gibbs_error"].item() - row.value) < 3 * found["gibbs_error_stderr"].item()


@needs_mnist
@pytest.mark.parametrize("rows", ["free", "mean_free_unit"])
def test_both_kernels_are_met_on_the_label_rays_points(rows: str) -> None:
    known = {row.point["label_scale"]: row.value for row in resolve(PUBLISHED["bernstein_yue_2021_section5"])()
             if row.quantity.endswith("exact") and (row.point["constraint"] == "unit") == (rows == "free")}  # fmt: skip
    found = infinite_width("binary", 5, 7, posterior=False, test_size=50, rows=rows, label_scale=list(known))
    np.testing.assert_allclose(found["ray_error"].values[0], list(known.values()), atol=0.002)


@pytest.mark.parametrize("name", PUBLISHED)
def test_earlier_numbers_of_this_project_are_marked(name: str) -> None:
    """Their sources say that they were computed, those of the others where they were published."""
    for row in resolve(PUBLISHED[name])():
        assert row.own == ("computed once beforehand" in row.source), row
