"""The figure of training losses: a panel a study, a line a network, a cross where one has diverged."""

import numpy as np
import pytest
import xarray as xr

from implicitbias.figures.draw import draw
from implicitbias.schema import describe, variable, violations
from implicitbias.studies.all_runs import gather


def study(losses: list[list[float]], epochs: list[int], ends: list[str]) -> xr.Dataset:
    """A study of several networks with these losses by epoch."""
    variables = {
        "loss_curve": variable(("seed", "epoch"), losses, "loss"),
        "stop_reason": variable("seed", ends, "why"),
        "test_error": variable("seed", np.zeros(len(ends)), "test error"),
    }
    dataset = xr.Dataset(variables, {"seed": range(len(ends)), "epoch": epochs})
    return describe(dataset, "study", {"task": {"source": "digits"}, "network": {}, "training": {"epochs": epochs[-1]}})


@pytest.fixture
def runs() -> xr.Dataset:
    plain = [[4.0, 2.0, 1.0], [4.0, 9.0, np.nan], 3 * [np.nan]]
    one_epoch = study([[0.5], [0.4]], [1], ["finished"] * 2).squeeze("epoch", drop=True)
    followed = variable("epoch", [3.0, 2.0], "what an experiment of the same study follows")
    found = gather(
        {
            "plain": study(plain, [1, 2, 8], ["finished", "diverged", "diverged"]),
            "in_logarithms": study([[0.5, -3.0]], [1, 2], ["finished"]),
            "untrained": one_epoch,
            "beside_an_experiment": one_epoch.assign(followed=followed).assign_coords(epoch=[0, 5]),
        }
    )
    assert violations(found) == []
    return found


def test_a_row_a_network_that_trains_for_epochs(runs: xr.Dataset) -> None:
    assert runs["curve_study"].values.tolist() == ["plain", "plain", "in_logarithms"]
    assert runs["curve_end"].values.tolist() == ["finished", "diverged", "finished"]
    np.testing.assert_array_equal(runs["curve_epoch"].values[2], [1, 2, np.nan])
    np.testing.assert_array_equal(runs["curve_loss"].values[1], [4, 9, np.nan])


def test_panels_lines_and_crosses(runs: xr.Dataset) -> None:
    plain, logarithms = draw(runs, figure="loss_curves").axes
    assert [axis.get_title() for axis in (plain, logarithms)] == ["plain", "in logarithms"]
    lines = plain.collections[0].get_segments()
    np.testing.assert_array_equal(lines[0], [[1, 4], [2, 2], [8, 1]])
    np.testing.assert_array_equal(lines[1], [[1, 4], [2, 9]])
    (cross,) = plain.get_lines()
    assert cross.get_xydata().tolist() == [[2, 9]]
    assert not logarithms.get_lines()
    assert (plain.get_yscale(), logarithms.get_yscale()) == ("log", "linear")
