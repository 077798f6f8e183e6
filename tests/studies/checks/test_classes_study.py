"""What a study says of the number of classes, its checks and its figure, on data whose answer is known."""

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed

from implicitbias.figures.draw import draw
from implicitbias.schema import variable
from implicitbias.studies.checks import run_check
from implicitbias.studies.classes import by_classes, differs
from implicitbias.studies.intervals import Interval
from implicitbias.studies.verdicts import MissingData

RISES, FLATTER, NO_USE = (
    "complexity_rises_with_the_number_of_classes", "few_classes_flatter_the_architecture",
    "average_functions_of_many_classes_are_no_use",
)  # fmt: skip
COUNTS = (2, 3, 10)
PRIOR = {2: 0.10, 3: 0.2, 10: 0.5}
"""Gibbs errors; trained networks err on .05, .06 and .1 of the test points."""


@pytest.fixture
def classes(decomposed: xr.Dataset) -> xr.Dataset:
    """Fewer test points with fewer classes, as of real data."""
    flat = decomposed.sel(depth=7, label_scale=1.0, train_size=200)
    parts = []
    for count in COUNTS:
        points = 30 * count
        part = flat.isel(test_point=slice(points))
        levels = {"gibbs": PRIOR[count], "ray": 0.08 * count**0.5, "lazy": 0.09, "test": 0.04 + 0.006 * count}
        part = part.assign(
            {
                f"{name}_error_by_point": part[f"{name}_error_by_point"] - part[f"{name}_error_by_point"].mean() + level
                for name, level in levels.items()
            }
        )
        part["bayes_error_by_point"] = part["gibbs_error_by_point"] / 2
        part["chance_error"] = variable("seed", np.full(10, 1 - 1 / count), "chance", source="test")
        noise = np.random.default_rng(count).normal(0, 2, 10)
        part["complexity"] = variable("seed", 40 * count + noise, "complexity", "nat", source="test")
        parts.append(part.assign_coords(classes=count))
    joined = xr.concat(parts, "classes", join="outer", combine_attrs="override")
    joined = joined.assign_coords(labels="digit", estimator="mixture")
    return joined.assign_attrs(decomposed.attrs)


def test_rows_are_the_means_of_every_number_of_classes(classes: xr.Dataset) -> None:
    ((name, rows),) = by_classes(classes.isel(classes=[2, 0, 1]))
    assert name == ""
    assert [row.classes for row in rows] == list(COUNTS)
    for row in rows:
        assert row.path.chance == pytest.approx(1 - 1 / row.classes)
        assert row.path.errors["prior"].centre == pytest.approx(PRIOR[row.classes])
        assert row.bayes.centre == pytest.approx(PRIOR[row.classes] / 2)
        assert row.path.test_points == 30 * row.classes
        whole = row.path.chance - row.path.errors["features"].centre
        assert row.path.fractions["prior"].centre == pytest.approx((row.path.chance - PRIOR[row.classes]) / whole)
        assert row.complexity.mean() == pytest.approx(float(classes.complexity.sel(classes=row.classes).mean()) / 200)
        assert row.complexity_interval.low < row.complexity.mean() < row.complexity_interval.high


def test_kinds_of_networks_are_told_apart(classes: xr.Dataset) -> None:
    both = xr.concat([classes.assign_coords(depth=2), classes.assign_coords(depth=7)], "depth")
    assert [name for name, _ in by_classes(both)] == ["2", "7"]
    with pytest.raises(MissingData, match="no axis classes"):
        list(by_classes(classes.isel(classes=0)))


def test_a_difference_of_independent_means_is_as_uncertain_as_both() -> None:
    assert differs(Interval(1, 4, 7), Interval(-3, 1, 5)) == Interval(-2, 3, 8)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        (RISES, changed(complexity=lambda data: data.where(data["classes"] != 10, 118))),
        (RISES, changed(complexity=lambda data: data + 1000 * (data["seed"] % 2 - 0.5) * (data["classes"] == 10))),
        (FLATTER, changed(gibbs_error_by_point=lambda data: data.where(data["classes"] != 10, data - 0.43))),
        (NO_USE, changed(gibbs_error_by_point=lambda data: data.where(data["classes"] != 10, data - 0.30))),
    ],
)
def test_a_check_decides(name: str, spoil, classes: xr.Dataset) -> None:
    assert_check_decides(name, classes, spoil)


@pytest.mark.parametrize("name", [RISES, FLATTER, NO_USE])
def test_what_one_draw_or_one_number_of_classes_cannot_show_is_not_claimed(name: str, classes: xr.Dataset) -> None:
    assert run_check(name, classes.isel(seed=[0])).outcome == "not run"
    assert run_check(name, classes.isel(classes=[0])).outcome == "not run"


def test_the_figure_shows_every_number_of_classes(classes: xr.Dataset) -> None:
    figure = draw(classes, figure="classes")
    left, middle, right = figure.axes
    assert [text.get_text() for text in left.get_xticklabels()] == ["2", "3", "10"]
    heights = {line.get_label(): line.get_ydata() for line in [*left.lines, *middle.lines]}
    assert heights["chance, 1 − 1/C"] == pytest.approx([1 / 2, 2 / 3, 9 / 10])
    assert heights["ln C: every labelling equally likely"] == pytest.approx(np.log([2, 3, 10]))
    texts = [text.get_text() for text in (*middle.get_legend().texts, *right.get_legend().texts)]
    assert "trained networks" in texts
    assert "gradient descent" in texts
    (container,) = [each for each in middle.containers if each.get_label() == "average function that fits (Gibbs)"]
    assert container.lines[0].get_ydata() == pytest.approx(list(PRIOR.values()))
