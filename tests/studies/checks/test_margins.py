"""Checks of which margin an algorithm maximises, of homogeneity, and of what a margin says.

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
OPTIMIZERS = ["steepest_l2", "steepest_linf", "steepest_l1", "steepest_spectral"]
NORMS = ["l2", "linf", "l1", "spectral"]
SHAMPOO = study(
    {"optimizer": ["steepest_l2", "steepest_linf", "shampoo"], "step": [0, 100]},
    margin_spectral=(("optimizer", "step"), [[-1, 1.7], [-1, 1.4], [-1, 2.0]]),
)
DISTANCES = study(
    {"schedule": ["plain", "loss_based"], "step": [0, 10, 100]},
    train_error=(("schedule", "step"), [[0.4, 0, 0], [0.4, 0.1, 0]]),
    boundary_distance=(("schedule", "step"), [[0.2, 1.2, 1.3], [0.2, 1.5, 1.8]]),
    test_error=(("schedule", "step"), [[0.4, 0.07, 0.06], [0.4, 0.07, 0.05]]),
)
DISTANCES = xr.concat([DISTANCES, DISTANCES.isel(step=[2]).assign_coords(step=[1000]) * 1.1], "step")
STEEPEST = study(
    {"optimizer": OPTIMIZERS, "init_scale": [0.1, 1.0], "step": STEPS, "seed": range(3)},
    euler_defect=(("optimizer", "step"), np.full((4, 5), 1e-15)),
    **{
        f"margin_{norm}": (
            ("optimizer", "init_scale", "step", "seed"),
            (1 + (np.arange(4) == i))[:, None, None, None]
            * (np.array([1.2, 1.0])[:, None] * np.linspace(-0.5, 1, 5))[..., None]
            * (1 + 0.1 * np.arange(3) * np.array([1.0, 0.9, 1.1, 1.0])[:, None, None, None]),
        )
        for i, norm in enumerate(NORMS)
    },
    **{
        f"soft_margin_{norm}": (
            ("optimizer", "step"),
            np.where((np.arange(4) == i)[:, None], [-1, 0.5, 0.6, 0.7, 0.8], [-1, 0.5, 0.4, 0.6, 0.5]),
        )
        for i, norm in enumerate(NORMS)
    },
)
ADAM = study(
    {"optimizer": ["sgd", "adam"], "epsilon": [1e-8, 1e-2], "step": STEPS},
    margin_linf=(("optimizer", "epsilon", "step"), np.array([[[0.1]], [[1]]]) * np.ones((2, 1)) * [-1, 5, 20, 12, 10]),
    margin_l2=(("optimizer", "epsilon", "step"), np.ones((2, 2, 1)) * [-1, 0.1, 0.2, 0.3, 0.4]),
)
SCHEDULES = study(
    {"schedule": ["plain", "loss_based"], "step": [1, 100]},
    train_loss=(("schedule", "step"), [[-1, -8], [-1, -300]]),
    margin_layers=(("schedule", "step"), [[-1, 0.02], [-1, 0.09]]),
)
SMOOTH = study(
    {"activation": ["plain_relu", "gelu"], "step": STEPS},
    train_error=(("activation", "step"), [[0.5, 0, 0, 0, 0]] * 2),
    modified_margin=(("activation", "step"), [[-1, 0.05, 0.1, 0.2, 0.2]] * 2),
    euler_defect=(("activation", "step"), [[1e-15] * 5, [0.5, 0.3, 0.1, 0.05, 0.02]]),
)
LINEAR = study(
    {"step_exponent": [0.3, 0.5, 0.7, 1.0], "step": [1, 20000, 200000]},
    margin_linf_share=(  # at the end those of a reference run
        ("step_exponent", "step"),
        [[0, 0.94, 0.979], [0, 0.96, 0.982], [0, 0.9, 0.940], [0, 0.53, 0.681]],
    ),
)
SEPARABLE = study(
    {"step": [1, 10000, 50000, 100000, 200000]},
    margin_l2_share=("step", [0.1, 0.9, 0.928, 0.937, 0.944]),
    margin_linf_share=("step", [0.1, 0.47, 0.46, 0.46, 0.464]),
)


def only_others_fall(margin: xr.DataArray) -> xr.DataArray:
    """Coordinate descent's margin rises in every norm."""
    return margin.where(margin["optimizer"] != "steepest_l1", margin["step"])


ARMS = ("random_share", "label_scale")
CONTROLLED = study(
    {"random_share": [0.0, 0.75], "label_scale": [0.1, 1.0], "member": [0, 1], "averaged": [1, 2, 4]},
    test_error=((*ARMS, "member"), [[[0.2, 0.2], [0.1, 0.1]], [[0.4, 0.4], [0.35, 0.35]]]),
    train_error=((*ARMS, "member"), np.zeros((2, 2, 2))),
    normalized_margin=((*ARMS, "member"), [[[0.01, 0.01], [0.1, 0.1]], [[0.009, 0.01], [0.08, 0.09]]]),
    average_error=(
        (*ARMS, "averaged"),
        [[[0.2, 0.1, np.nan], [0.1, 0.1, np.nan]], [[0.4, 0.38, np.nan], [0.35, 0.351, np.nan]]],
    ),
)


def from_small_weights(factor: float) -> Callable[[xr.DataArray], xr.DataArray]:
    """Coordinate descent has another margin, or none, from small initial weights of one draw."""
    return lambda margin: (
        margin
        * xr.where(
            (margin["optimizer"] == "steepest_l1") & (margin["init_scale"] < 1) & (margin["seed"] == 2), factor, 1
        )
    )


CASES: list[tuple[str, xr.Dataset, Callable[[xr.Dataset], xr.Dataset]]] = [
    ("each_algorithm_wins_its_margin", STEEPEST, changed(margin_l1=reverse("optimizer"))),
    ("each_algorithm_wins_its_margin", STEEPEST, changed(margin_l1=from_small_weights(0.4))),
    ("each_algorithm_wins_its_margin", STEEPEST, changed(margin_l1=from_small_weights(-1.0))),
    (
        "each_algorithm_wins_its_margin", STEEPEST,  # the mean is the largest, thanks to one draw
        changed(margin_linf=lambda m: m * (0.9 + 4 * (m["seed"] == 0) * (m["optimizer"] == "steepest_linf"))
                * xr.where((m["seed"] > 0) & (m["optimizer"] == "steepest_linf"), 0.5, 1)),
    ),
    ("matched_soft_margins_never_fall", STEEPEST, changed(soft_margin_linf=reverse("optimizer"))),
    (
        "mismatched_soft_margins_may_fall", STEEPEST,
        changed(**{f"soft_margin_{norm}": only_others_fall for norm in NORMS}),
    ),
    ("smaller_initialisation_raises_margins", STEEPEST, changed(margin_l2=reverse("init_scale"))),
    ("eulers_identity_holds", STEEPEST, changed(euler_defect=lambda defect: defect + 1e-6)),
    ("adam_turns_from_linf_to_l2", ADAM, changed(margin_linf=lambda m: m.cumsum("step"))),
    ("adam_turns_from_linf_to_l2", ADAM, changed(margin_l2=reverse("step"))),
    ("adam_turns_from_linf_to_l2", ADAM, changed(margin_linf=lambda m: m.where(m["optimizer"] == "adam", 6))),
    ("loss_based_steps_raise_margins", SCHEDULES, changed(margin_layers=reverse("schedule"))),
    ("loss_based_steps_raise_margins", SCHEDULES, changed(train_loss=lambda loss: loss.clip(min=-10))),
    ("modified_margins_never_fall", SMOOTH, changed(modified_margin=lambda m: m.where(m["step"] < 1000, 0.1))),
    ("networks_become_homogeneous", SMOOTH, changed(euler_defect=lambda defect: defect**0.1)),
    ("shampoo_raises_the_spectral_margin", SHAMPOO, changed(margin_spectral=reverse("optimizer"))),
    ("larger_margins_are_further_from_the_boundary", DISTANCES, changed(boundary_distance=reverse("schedule"))),
    ("larger_margins_are_further_from_the_boundary", DISTANCES, changed(boundary_distance=reverse("step"))),
    ("larger_margins_are_further_from_the_boundary", DISTANCES, changed(test_error=lambda error: 10 * error)),
    ("each_algorithm_wins_its_margin", STEEPEST.isel(init_scale=-1), changed(margin_l2=reverse("optimizer"))),
    ("adam_reaches_the_linf_margin", LINEAR, changed(margin_linf_share=reverse("step_exponent"))),
    ("adam_reaches_the_linf_margin", LINEAR, changed(margin_linf_share=lambda share: 0.6 * share)),
    ("adam_reaches_the_linf_margin", LINEAR, changed(margin_linf_share=lambda s: s.where(s["step"] != 20000, 0.99))),
    ("gradient_descent_reaches_the_l2_margin", SEPARABLE, changed(margin_l2_share=lambda share: 0.9 * share)),
    ("gradient_descent_reaches_the_l2_margin", SEPARABLE, changed(margin_linf_share=lambda share: share + 0.4)),
    ("gradient_descent_reaches_the_l2_margin", SEPARABLE, changed(margin_l2_share=lambda s: s.where(s < 0.94, 0.99))),
    ("random_labels_cost_accuracy_at_equal_margin", CONTROLLED, changed(test_error=reverse("random_share"))),
    ("random_labels_cost_accuracy_at_equal_margin", CONTROLLED, changed(train_error=lambda e: e + 0.01 * e["member"])),
    (
        "random_labels_cost_accuracy_at_equal_margin",
        CONTROLLED,
        changed(normalized_margin=lambda margin: margin * (1 - 0.3 * margin["random_share"])),
    ),
    ("averages_beat_members", CONTROLLED, changed(average_error=lambda error: error + 0.02 * error["averaged"])),
    (
        "averages_beat_members",
        CONTROLLED,
        changed(average_error=lambda error: error.where(error["label_scale"] > 0.5, 0.2)),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "dataset", "spoil"), CASES, ids=[name for name, _, _ in CASES])
def test_check(name: str, dataset: xr.Dataset, spoil: Callable[[xr.Dataset], xr.Dataset]) -> None:
    assert_check_decides(name, dataset, spoil)


def test_every_check_of_this_topic_is_tested() -> None:
    of_topic = {name for name, entry in CHECKS.items() if ".margins:" in entry.function}
    assert {name for name, _, _ in CASES} == of_topic


def test_an_algorithm_that_does_not_fit_has_not_won() -> None:
    spoiled = changed(margin_l1=from_small_weights(-1.0))(STEEPEST)
    assert (
        "l1 from 0.1 none (1 of 3 networks do not fit)" in run_check("each_algorithm_wins_its_margin", spoiled).numbers
    )
    others = changed(margin_l1=lambda m: m.where(m["optimizer"] == "steepest_l1", -m))(STEEPEST)
    assert run_check("each_algorithm_wins_its_margin", others).outcome == "failed"  # there is nothing to win against
    assert run_check("each_algorithm_wins_its_margin", STEEPEST.isel(seed=[0])).outcome == "not run"


def test_margins_that_never_become_positive_are_not_judged_and_named() -> None:
    never = SMOOTH.assign(modified_margin=SMOOTH["modified_margin"] - 1)
    assert run_check("modified_margins_never_fall", never).outcome == "not run"
    one = SMOOTH.assign(modified_margin=SMOOTH["modified_margin"].where(SMOOTH["activation"] != "gelu", -1))
    found = run_check("modified_margins_never_fall", one)
    assert found.outcome == "passed"
    assert "3 steps of 1 networks, 1 never positive, not judged: gelu" in found.numbers


def test_a_margin_on_one_or_two_checkpoints_is_not_judged() -> None:
    late = SMOOTH.assign(modified_margin=SMOOTH["modified_margin"].where(SMOOTH["step"] > 100, -1))
    assert run_check("modified_margins_never_fall", late).outcome == "not run"


def test_margins_of_networks_that_diverge_have_fallen() -> None:
    end = SMOOTH.assign(modified_margin=SMOOTH["modified_margin"].where(SMOOTH["step"] < 1000))
    assert run_check("modified_margins_never_fall", end).outcome == "failed"


def test_a_lone_checkpoint_is_judged() -> None:
    judged = {
        "each_algorithm_wins_its_margin": STEEPEST,
        "smaller_initialisation_raises_margins": STEEPEST,
        "shampoo_raises_the_spectral_margin": SHAMPOO,
        "loss_based_steps_raise_margins": SCHEDULES,
    }
    for name, dataset in judged.items():
        assert run_check(name, dataset.isel(step=-1)).outcome == "passed", name
