"""Checks of two-layer networks on nearly orthogonal data: low rank, equal margins, the limit, less signal.

Each passes on data that obey it, and fails on spoiled data.
"""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy.special import expi
from spoiled import assert_check_decides, changed, reverse, study

from implicitbias.catalogue import CHECKS
from implicitbias.studies.checks import run_check

STEPS = [0, 1, 10, 100, 1000]
WIDE = study(
    {"init_scale": [0.02, 1.0], "step": [0, 1], "seed": range(3)},
    stable_rank=(
        ("init_scale", "step", "seed"),
        [[[200, 202, 198], [1.4, 1.5, 1.4]], [[200, 202, 198], [200, 202, 198]]],
    ),
).assign_coords(features=10_000)
HALVES = study(
    {"slope": [0.0, 0.8], "init_scale": [1e-5, 1e-3], "step": [1, 50]},
    positive_stable_rank=(("slope", "init_scale", "step"), [[[9, 1.05], [50, 40]], [[7, 1.01], [50, 15]]]),
)
ORTHOGONAL = study(
    {"slope": [0.0, 0.5], "step": STEPS, "seed": [0, 1]},
    train_loss=(("slope", "step"), [[0.7, 0.6, 0.4, 0.04, 4e-3], [0.7, 0.5, 0.15, 0.016, 1.6e-3]]),
    positive_stable_rank=(
        ("slope", "step", "seed"),
        np.array([[1.6, 1.75], [1.001, 1.002]])[:, None] * np.ones((5, 1)),
    ),
    positive_share=(("slope", "step", "seed"), np.ones((2, 5, 1)) * [0.4, 0.7]),
    parameter_norm=(("slope", "step"), [[0, 0.1, 2, 4.1, 6], [0, 0.1, 2, 4, 6.2]]),
).assign_coords(train_size=10, width=400, features=2000, learning_rate="1000/d")
LIMIT = study(
    {"features": [1000, 5000], "layer": [0, 1], "step": STEPS},
    third_singular_value=(("features", "layer", "step"), [[[0.9, 0.1, 0.03, 0.01, 0.005], [0] * 5]] * 2),
    svm_norm_ratio=(("features", "step"), [[-5, 1.5, 1.4, 1.3, 1.2]] * 2),
    optimum_cosine=(("features", "step"), [[0, 0.9, 0.99, 0.995, 0.999]] * 2),
    svm_cosine=(("features", "step"), [[0, 0.99, 0.995, 0.999, 0.9999]] * 2),
    margin_ratio=(("features", "step"), [[-3, 0.8, 0.9, 0.95, 0.99]] * 2),
).assign_coords(slope=0.5)
DIGITS = study(
    {"init_scale": [0.02, 1.0], "step": STEPS},
    stable_rank=(("init_scale", "step"), [[36, 36.1, 14, 2, 1], [36, 36.0, 35, 30, 20]]),
    test_error=(("init_scale", "step"), [[0.5, 0.4, 0.1, 0.05, 0.03], [0.5, 0.3, 0.1, 0.02, 0.01]]),
)
HEIGHTS = np.array([5.0, 6.0, 7.0, 8.0, 9.0])  # log 1/L, where L' = -L^2 log(1/L)/10 from step 500 on
EARLY = study(
    {"step": [0, 10, 100, 500, *(500 + 10 * expi(HEIGHTS))], "seed": range(3)},
    train_loss=(
        ("step", "seed"), np.array([0.69, 0.69, 0.69, 0.68, *np.exp(-HEIGHTS)])[:, None] * [0.99, 1.0, 1.01],
    ),
    class_alignment=("step", [0, 0.5, 0.99, 0.99, 0.9, 0.9, 0.9, 0.9, 0.9]),
    stable_rank=("step", [15, 10, 2, 1, 1, 1, 1, 1, 1.1]),
).assign_coords(depth=2)  # fmt: skip
THRESHOLD = study(
    {"signal": [0.0, 0.01, 0.04], "train_size": [50, 200]},
    test_error=(("signal", "train_size"), [[0.49, 0.51], [0.32, 0.06], [0.03, 0.03]]),
)

CASES: list[tuple[str, xr.Dataset, Callable[[xr.Dataset], xr.Dataset]]] = [
    ("a_step_takes_the_rank", WIDE, changed(stable_rank=lambda rank: rank + 1)),
    ("a_step_takes_the_rank", WIDE, changed(stable_rank=lambda rank: rank + rank["step"] * (rank["seed"] - 1))),
    ("slope_lowers_rank", HALVES, changed(positive_stable_rank=reverse("slope"))),
    ("initialisation_lowers_rank", HALVES, changed(positive_stable_rank=reverse("init_scale"))),
    ("initialisation_lowers_rank", HALVES, changed(positive_stable_rank=lambda rank: rank + 0.2)),
    ("limit_is_the_convex_optimum", LIMIT, changed(optimum_cosine=lambda cosine: cosine - 0.05)),
    ("limit_is_the_convex_optimum", LIMIT, changed(svm_cosine=lambda c: c.where(c["step"] != 100, 0.99))),
    ("limit_has_rank_two", LIMIT, changed(third_singular_value=lambda ratio: ratio + 0.03)),
    ("limit_has_rank_two", LIMIT, changed(third_singular_value=reverse("step"))),
    ("predictor_is_nearly_the_shortest", LIMIT, changed(svm_norm_ratio=lambda ratio: 1.2 * ratio)),
    ("margins_equalise", LIMIT, changed(margin_ratio=reverse("step"))),
    ("small_initialisation_keeps_rank_low", DIGITS, changed(stable_rank=reverse("init_scale"))),
    ("small_initialisation_keeps_rank_low", DIGITS, changed(test_error=lambda e: e.where(e["init_scale"] < 1, 0.2))),
    ("loss_times_steps_is_predicted", ORTHOGONAL, changed(train_loss=reverse("slope"))),
    ("loss_times_steps_is_predicted", ORTHOGONAL.assign_coords(learning_rate=0.5), changed(train_loss=lambda e: 2 * e)),
    ("rank_of_halves_is_predicted", ORTHOGONAL, changed(positive_stable_rank=lambda rank: rank + 0.05)),
    ("rank_of_halves_is_predicted", ORTHOGONAL, changed(positive_share=lambda share: 0 * share + 0.1)),
    ("weights_grow_as_the_logarithm", ORTHOGONAL, changed(parameter_norm=lambda norm: norm**2)),
    ("neurons_align_before_the_loss_moves", EARLY, changed(class_alignment=lambda cosine: cosine / 2)),
    ("neurons_align_before_the_loss_moves", EARLY, changed(stable_rank=lambda rank: rank + 1)),
    ("loss_falls_as_one_over_t", EARLY, changed(train_loss=lambda loss: loss**0.8)),
    ("loss_falls_as_one_over_t", EARLY, changed(train_loss=lambda loss: loss**1.3)),
    ("loss_falls_as_one_over_t", EARLY, changed(train_loss=lambda loss: loss ** (1 + 0.1 * (loss["seed"] - 1)))),
    ("loss_falls_as_one_over_t", EARLY, changed(train_loss=lambda loss: 0 * loss + 0.69)),
    ("less_signal_suffices_with_more_points", THRESHOLD, changed(test_error=reverse("train_size"))),
    ("less_signal_suffices_with_more_points", THRESHOLD, changed(test_error=lambda error: error + 0.3)),
    ("less_signal_suffices_with_more_points", THRESHOLD, changed(test_error=lambda error: 0.8 * error)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "dataset", "spoil"), CASES, ids=[name for name, _, _ in CASES])
def test_check(name: str, dataset: xr.Dataset, spoil: Callable[[xr.Dataset], xr.Dataset]) -> None:
    assert_check_decides(name, dataset, spoil)


def test_every_check_of_this_topic_is_tested() -> None:
    of_topic = {name for name, entry in CHECKS.items() if ".rank:" in entry.function}
    assert {name for name, _, _ in CASES} == of_topic - {
        "rank_falls_faster_in_high_dimension",
        "small_initialisation_lowers_rank",
    }


def test_a_step_is_not_judged_in_fewer_dimensions() -> None:
    assert run_check("a_step_takes_the_rank", WIDE.assign_coords(features=4000)).outcome == "not run"
    assert run_check("a_step_takes_the_rank", WIDE.sel(init_scale=[1.0])).outcome == "not run"
    assert run_check("a_step_takes_the_rank", WIDE.isel(seed=[0])).outcome == "not run"
    assert run_check("a_step_takes_the_rank", WIDE.sel(init_scale=0.02)).outcome == "passed"


def test_the_law_of_the_loss_depends_on_the_degree() -> None:
    """At degree 3 the loss falls faster by a third of a power of the logarithm."""
    numbers = [run_check("loss_falls_as_one_over_t", EARLY.assign_coords(depth=depth)).numbers for depth in (2, 100)]
    assert "power -0.0" in numbers[0] or "power 0.0" in numbers[0]
    assert "power -0.2" in numbers[1]


def test_a_lone_checkpoint_is_judged() -> None:
    judged = {"slope_lowers_rank": HALVES, "predictor_is_nearly_the_shortest": LIMIT}
    for name, dataset in judged.items():
        assert run_check(name, dataset.isel(step=-1)).outcome == "passed", name
