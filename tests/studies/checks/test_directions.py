"""Checks of where weights go after the fit: optimality, direction, alignment, norms.

Each passes on data that obey it, and fails on spoiled data.
"""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed, study

from implicitbias.catalogue import CHECKS
from implicitbias.studies.checks import run_check

STEPS = [0, 1, 10, 100, 1000]
ALIGNED = study(
    {"optimizer": ["steepest_l2", "steepest_linf"], "init_scale": [0.1, 1.0], "step": STEPS},
    path_alignment=(("optimizer", "init_scale", "step"), np.ones((2, 2, 1)) * [0, 0.5, 0.9, 0.95, 0.98]),
    alignment_l2=(("optimizer", "init_scale", "step"), np.ones((2, 2, 1)) * [0, 0.5, 0.8, 0.85, 0.9]),
)
BOTH = ("activation", "depth", "seed", "step")
SOFT_LOSSES = np.array([-3.0, 1.01, 2.0, 4.0, 8.0, 16.0, 32.0])
ONES = np.ones((2, 2, 3, 1))
POWER = -np.array([0.28, 0.3, 0.33])[:, None]  # of S, a draw each
LATE = np.where(SOFT_LOSSES > 1, SOFT_LOSSES, np.nan)
MARGINS = study(
    {"activation": ["plain_relu", "linear"], "depth": [2, 3], "seed": range(3), "layer": [0, 1, 2], "step": range(7)},
    train_loss=(BOTH, ONES * -(SOFT_LOSSES + np.log(50))),
    kkt_stationarity=(BOTH, ONES * 1.4 * LATE**POWER),
    kkt_slackness=(BOTH, ONES * 5 * LATE ** (3 * POWER)),
    nnls_residual=(BOTH, ONES * LATE**POWER),
    path_length=(BOTH, ONES * (1 - LATE**POWER)),
    second_singular_value=((*BOTH, "layer"), ONES[..., None] * np.array([[0.9, 0.9, 0.5, 0.3, 0.2, 0.15, 0.1]] * 3).T),
    layer_alignment=((*BOTH, "layer"), np.ones((2, 2, 3, 7, 1)) * [0.999, 1, np.nan]),
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


TURNING = study(
    {"batch_size": ["1", "full"], "seed": range(3), "step": [0, 10, 100, 1000, 10000]},
    train_error=(("batch_size", "seed", "step"), np.ones((2, 3, 1)) * [0.5, 0.1, 0, 0, 0]),
    nnls_residual=(
        ("batch_size", "seed", "step"),
        np.ones((2, 1, 1)) * [[np.nan, np.nan, *size * np.array([1, 0.97, 0.93])] for size in (0.9, 0.95, 1)],
    ),
)


def sluggish(residual: xr.DataArray) -> xr.DataArray:
    """In one draw the residual rises, by more than it falls in others."""
    return residual.where(residual["seed"] != 0, 1 / residual**2)


def wandering() -> np.ndarray:
    """A path that is as long for every doubling of S, in one draw a little more and in another a little less."""
    return np.stack([LATE**0.02 / 0.02, np.log(LATE), LATE**-0.02 / -0.02])


def in_one_kind(change: Callable[[xr.DataArray], xr.DataArray]) -> Callable[[xr.DataArray], xr.DataArray]:
    """Deep linear networks are changed, and no others."""
    return lambda data: data.where((data["activation"] != "linear") | (data["depth"] != 3), change(data))


def in_one_draw(change: Callable[[xr.DataArray], xr.DataArray]) -> Callable[[xr.DataArray], xr.DataArray]:
    """The mean still goes as it should, but draws do not agree."""
    return lambda data: data.where(data["seed"] > 0, change(data))


CASES: list[tuple[str, xr.Dataset, Callable[[xr.Dataset], xr.Dataset]]] = [
    ("kkt_residuals_fall", MARGINS, changed(nnls_residual=lambda residual: 1 - residual)),
    ("kkt_residuals_fall", MARGINS, changed(kkt_stationarity=in_one_kind(lambda residual: 0 * residual + 0.64))),
    ("kkt_residuals_fall", MARGINS, changed(kkt_slackness=in_one_draw(lambda slackness: 1 / slackness))),
    ("directions_converge", MARGINS, changed(path_length=lambda path: 0 * path + wandering())),
    ("directions_converge", MARGINS, changed(path_length=in_one_kind(lambda path: 0 * path + LATE**0.1))),
    ("directions_converge", MARGINS, changed(path_length=in_one_draw(lambda path: 0 * path + LATE**0.3))),
    ("deep_linear_layers_align", MARGINS, changed(second_singular_value=lambda ratio: 0 * ratio + 0.9)),
    ("deep_linear_layers_align", MARGINS, changed(layer_alignment=lambda aligned: aligned - 0.2)),
    ("late_subgradients_turn_to_kkt_points", TURNING, changed(nnls_residual=lambda residual: 1 / residual)),
    ("late_subgradients_turn_to_kkt_points", TURNING, changed(nnls_residual=sluggish)),
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


@pytest.mark.parametrize("name", ["kkt_residuals_fall", "directions_converge"])
def test_trends_are_judged_over_three_late_checkpoints_and_several_draws(name: str) -> None:
    few = run_check(name, MARGINS.isel(step=slice(0, 3)))
    assert (few.outcome, few.numbers) == ("not run", "this study has no 3 checkpoints late enough")
    assert run_check(name, MARGINS.isel(seed=[0])).outcome == "not run"


def test_networks_that_never_fit_do_not_converge() -> None:
    stuck = MARGINS.assign(train_loss=0 * MARGINS["train_loss"])
    assert run_check("directions_converge", stuck).outcome == "failed"


def test_the_numbers_are_told_of_every_kind() -> None:
    numbers = run_check("kkt_residuals_fall", MARGINS).numbers
    for kind in ("plain_relu 2", "plain_relu 3", "linear 2", "linear 3"):
        assert f"{kind} -0.303 (" in numbers
    assert "0.49 at the end" in numbers
