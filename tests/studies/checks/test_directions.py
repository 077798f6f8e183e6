"""Checks of where weights go after the fit: optimality, direction, alignment, norms.

Each passes on data that obey it, and fails on spoiled data.
"""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed, reverse, study

from implicitbias.catalogue import CHECKS
from implicitbias.studies.checks import run_check

STEPS = [0, 1, 10, 100, 1000]
ALIGNED = study(
    {"optimizer": ["steepest_l2", "steepest_linf"], "init_scale": [0.1, 1.0], "step": STEPS},
    path_alignment=(("optimizer", "init_scale", "step"), np.ones((2, 2, 1)) * [0, 0.5, 0.9, 0.95, 0.98]),
    alignment_l2=(("optimizer", "init_scale", "step"), np.ones((2, 2, 1)) * [0, 0.5, 0.8, 0.85, 0.9]),
)
BOTH = ("activation", "depth", "step")
SOFT_LOSSES = np.array([-3.0, 1.01, 2.0, 4.0, 8.0])
MARGINS = study(
    {"activation": ["plain_relu", "linear"], "depth": [2, 3], "layer": [0, 1, 2], "step": STEPS},
    train_loss=(BOTH, np.ones((2, 2, 1)) * -(SOFT_LOSSES + np.log(50))),
    train_error=(BOTH, np.ones((2, 2, 1)) * [0.5, 0.1, 0, 0, 0]),
    margin_l2=(BOTH, np.ones((2, 2, 1)) * [-0.5, -0.1, 0.1, 0.2, 0.3]),
    kkt_stationarity=(BOTH, np.ones((2, 2, 1)) * [1.4, 1.3, 1.2, 0.6, 0.3]),
    kkt_slackness=(BOTH, np.ones((2, 2, 1)) * [np.nan, np.nan, 5, 1, 0.1]),
    nnls_residual=(BOTH, np.ones((2, 2, 1)) * [np.nan, np.nan, 0.9, 0.5, 0.2]),
    direction_cosine=(BOTH, np.ones((2, 2, 1)) * [0.1, 0.3, 0.6, 0.9, 1]),
    path_length=(BOTH, np.ones((2, 2, 1)) * [0, 0.5, 0.75, 0.875, 0.9375]),
    second_singular_value=((*BOTH, "layer"), np.ones((2, 2, 1, 1)) * np.array([[0.9, 0.9, 0.5, 0.3, 0.1]] * 3).T),
    layer_alignment=((*BOTH, "layer"), np.ones((2, 2, 5, 1)) * [0.999, 1, np.nan]),
).assign_coords(train_size=50)
SUMMED = study(  # at degree 2, loss 1/(T log T)
    {"schedule": ["plain", "loss_based"], "step": [100, 1000, 10000, 100000]},
    train_loss=(("schedule", "step"), -np.log([T * np.log(T) for T in (10, 100, 1000, 10000)]) * np.ones((2, 1))),
).assign_coords(learning_rate=0.1, depth=2)
BATCHES = study(
    {"batch_size": ["1", "full"], "step": [0, 10, 100, 200, 2000, 10000]},
    train_error=(("batch_size", "step"), [[0.5, 0, 0.1, 0, 0, 0], [0.5, 0.1, 0, 0, 0, np.nan]]),
    parameter_norm=(
        ("batch_size", "step"),
        np.sqrt([[4, 5, 7, 10 + np.log(2), 10 + np.log(20), 10 + np.log(100)], [4, 4, 8, 8.7, 11, np.nan]]),
    ),
).assign_coords(activation="plain_relu", depth=2, output="trained")

CASES: list[tuple[str, xr.Dataset, Callable[[xr.Dataset], xr.Dataset]]] = [
    ("kkt_residuals_fall", MARGINS, changed(nnls_residual=reverse("step"), train_error=lambda error: 0 * error)),
    ("directions_converge", MARGINS, changed(direction_cosine=lambda c: c.where(c["step"] != 100, 0.2))),
    ("paths_settle", MARGINS, changed(path_length=lambda path: path * path["step"])),
    ("deep_linear_layers_align", MARGINS, changed(second_singular_value=lambda ratio: 0 * ratio + 0.9)),
    ("deep_linear_layers_align", MARGINS, changed(layer_alignment=lambda aligned: aligned - 0.2)),
    ("norms_grow_logarithmically", BATCHES, changed(parameter_norm=lambda norm: 0 * norm + 4)),
    ("norms_grow_logarithmically", BATCHES, changed(parameter_norm=lambda norm: 9 - norm)),
    ("norms_grow_logarithmically", BATCHES, changed(parameter_norm=lambda norm: 0 * norm + norm["step"] ** 0.25)),
    ("norms_grow_logarithmically", BATCHES, changed(train_error=lambda error: error + 0.1)),
    ("constant_steps_follow_the_rate", SUMMED, changed(train_loss=lambda loss: 1.5 * loss)),
    ("constant_steps_follow_the_rate", SUMMED.assign_coords(depth=1000), changed(train_loss=lambda loss: loss / 2)),
    ("mean_gradients_align", ALIGNED, changed(path_alignment=lambda cosine: cosine - 0.04)),
    ("mean_gradients_align", ALIGNED, changed(alignment_l2=lambda cosine: cosine + 0.1)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "dataset", "spoil"), CASES, ids=[name for name, _, _ in CASES])
def test_check(name: str, dataset: xr.Dataset, spoil: Callable[[xr.Dataset], xr.Dataset]) -> None:
    assert_check_decides(name, dataset, spoil)


def test_every_check_of_this_topic_is_tested() -> None:
    of_topic = {name for name, entry in CHECKS.items() if ".directions:" in entry.function}
    assert {name for name, _, _ in CASES} == of_topic


def test_growth_is_judged_over_a_decade_of_steps_at_least() -> None:
    early = run_check("norms_grow_logarithmically", BATCHES.where(BATCHES["step"] < 2000))
    assert early.outcome == "not run"
    assert "decades of steps after a network's fit, at batch size" in early.numbers


def test_growth_is_of_the_norm_to_the_networks_degree() -> None:
    deep = BATCHES.assign_coords(depth=3).assign(parameter_norm=BATCHES["parameter_norm"] ** (2 / 3))
    assert run_check("norms_grow_logarithmically", deep).numbers.startswith("|theta|^3")
    assert run_check("norms_grow_logarithmically", deep).outcome == "passed"


def test_paths_are_judged_over_three_doublings_at_least() -> None:
    """And by the last three alone: far from the limit the direction still moves more and more."""
    assert run_check("paths_settle", MARGINS.isel(step=slice(0, -1))).outcome == "not run"
    slow = np.array([0, 0.1, 0.11, 0.13, 0.6, 0.8, 0.9])
    sizes = np.array([-3.0, 1.01, 2.0, 4.0, 8.0, 16.0, 32.0])
    long = study(
        {"step": range(7)}, train_loss=("step", -(sizes + np.log(50))), path_length=("step", slow)
    ).assign_coords(train_size=50)
    assert run_check("paths_settle", long).outcome == "passed"
