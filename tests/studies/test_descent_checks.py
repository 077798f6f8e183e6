"""Checks of what gradient descent selects: each passes on data that obeys it, fails on data that breaks it."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed, reverse, study

from implicitbias.catalogue import CHECKS
from implicitbias.studies.checks import run_check

STEPS = [0, 1, 10, 100, 1000]
ONE = np.ones(5)


OPTIMIZERS = ["steepest_l2", "steepest_linf", "steepest_l1", "steepest_spectral"]
NORMS = ["l2", "linf", "l1", "spectral"]
WIDE = study(
    {"init_scale": [0.02, 1.0], "step": [0, 1]}, stable_rank=(("init_scale", "step"), [[200, 1.4], [200, 200]])
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
EARLY = study(
    {"step": [0, 10, 100, 500, 1000, 2000, 4000]},
    train_loss=("step", [0.69, 0.69, 0.68, 9e-3, 4e-3, 2e-3, 9e-4]),
    class_alignment=("step", [0, 0.5, 0.99, 0.9, 0.9, 0.9, 0.9]),
    stable_rank=("step", [15, 10, 2, 1, 1, 1, 1.1]),
)
BENIGN = study(
    {"features": [100, 400, 1000]}, train_error=("features", [0, 0, 0]), test_error=("features", [0.07, 0.002, 0]),
).assign_coords(train_size=100)  # fmt: skip
THRESHOLD = study(
    {"signal": [0.0, 0.01, 0.04], "train_size": [50, 200]},
    test_error=(("signal", "train_size"), [[0.49, 0.51], [0.32, 0.06], [0.03, 0.03]]),
)
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
    {"optimizer": OPTIMIZERS, "init_scale": [0.1, 1.0], "step": STEPS},
    euler_defect=(("optimizer", "step"), np.full((4, 5), 1e-15)),
    path_alignment=(("optimizer", "init_scale", "step"), np.ones((4, 2, 1)) * [0, 0.5, 0.9, 0.95, 0.98]),
    alignment_l2=(("optimizer", "init_scale", "step"), np.ones((4, 2, 1)) * [0, 0.5, 0.8, 0.85, 0.9]),
    **{
        f"margin_{norm}": (
            ("optimizer", "init_scale", "step"),
            (1 + (np.arange(4) == i))[:, None, None] * np.array([1.2, 1.0])[:, None] * np.linspace(-0.5, 1, 5),
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
SCHEDULES = study(
    {"schedule": ["plain", "loss_based"], "step": [1, 100]},
    train_loss=(("schedule", "step"), [[-1, -8], [-1, -300]]),
    margin_layers=(("schedule", "step"), [[-1, 0.02], [-1, 0.09]]),
)
RATES = study(  # at degree 2, loss 1/(T log T)
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
SMOOTH = study(
    {"activation": ["plain_relu", "gelu"], "step": STEPS},
    train_error=(("activation", "step"), [[0.5, 0, 0, 0, 0]] * 2),
    modified_margin=(("activation", "step"), [[-1, 0.05, 0.1, 0.2, 0.2]] * 2),
    euler_defect=(("activation", "step"), [[1e-15] * 5, [0.5, 0.3, 0.1, 0.05, 0.02]]),
)
PARITY = study(
    {"features": [8, 16, 32], "output": ["mean_field", "random_features"], "step": [0, 1000]},
    train_error=(
        ("features", "output", "step"),
        [[[0.5, 0], [0.5, 0]], [[0.5, 0], [0.5, 0.1]], [[0.5, 0], [0.5, 0.2]]],
    ),
    test_error=(
        ("features", "output", "step"),
        [[[0.5, 0.01], [0.5, 0.02]], [[0.5, 0.02], [0.5, 0.2]], [[0.5, 0.1], [0.5, 0.4]]],
    ),
    rotation=(("features", "output", "step"), np.full((3, 2, 2), 0.3)),
    tangent_margin=(("features", "output", "step"), np.ones((3, 2, 2)) / np.array([8, 16, 32])[:, None, None]),
).assign_coords(train_size=1024)  # fmt: skip
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
DISCS = study(
    {"train_size": [32, 64, 128], "output": ["mean_field", "random_features"], "width": [8, 64, 128]},
    test_error=(("train_size", "output"), [[0.36, 0.35], [0.2, 0.3], [0.1, 0.25]]),
    margin_f1=("width", [0.01, 0.03, 0.031]),
)
KERNEL = study({"seed": [0, 1]}, margin_l2_share=("seed", [0.99, 0.92]), train_error=("seed", [0, 0]))
HIDDEN = study(
    {"features": [5, 15, 25], "output": ["mean_field", "random_features"]},
    test_error=(("features", "output"), [[0, 0.1], [0.04, 0.24], [0.17, 0.31]]),
)
XOR = study(
    {"step": STEPS, "neuron_0": range(4)},
    neuron_angle=(("step", "neuron_0"), np.full((5, 4), 0.005)),
    neuron_norm=(("step", "neuron_0"), [[1, 0.1, 0.001, 0.01]] * 4 + [[2, 2.05, 2.1, 2]]),
)


def only_others_fall(margin: xr.DataArray) -> xr.DataArray:
    """Coordinate descent's margin rises in every norm."""
    return margin.where(margin["optimizer"] != "steepest_l1", margin["step"])


CASES: list[tuple[str, xr.Dataset, Callable[[xr.Dataset], xr.Dataset]]] = [
    ("a_step_takes_the_rank", WIDE, changed(stable_rank=lambda rank: rank + 1)),
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
    ("loss_falls_as_one_over_t", EARLY, changed(train_loss=lambda loss: loss**0.9)),
    ("loss_falls_as_one_over_t", EARLY, changed(train_loss=lambda loss: loss**1.5)),
    ("overfitting_is_benign_in_high_dimension", BENIGN, changed(test_error=lambda error: error + 0.02)),
    ("overfitting_is_benign_in_high_dimension", BENIGN, changed(train_error=lambda error: error + 0.1)),
    ("each_algorithm_wins_its_margin", STEEPEST, changed(margin_l1=reverse("optimizer"))),
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
    ("kkt_residuals_fall", MARGINS, changed(nnls_residual=reverse("step"), train_error=lambda error: 0 * error)),
    ("directions_converge", MARGINS, changed(direction_cosine=lambda c: c.where(c["step"] != 100, 0.2))),
    ("paths_settle", MARGINS, changed(path_length=lambda path: path * path["step"])),
    ("deep_linear_layers_align", MARGINS, changed(second_singular_value=lambda ratio: 0 * ratio + 0.9)),
    ("deep_linear_layers_align", MARGINS, changed(layer_alignment=lambda aligned: aligned - 0.2)),
    ("loss_based_steps_raise_margins", SCHEDULES, changed(margin_layers=reverse("schedule"))),
    ("norms_grow_logarithmically", BATCHES, changed(parameter_norm=lambda norm: 0 * norm + 4)),
    ("norms_grow_logarithmically", BATCHES, changed(parameter_norm=lambda norm: 9 - norm)),
    ("norms_grow_logarithmically", BATCHES, changed(parameter_norm=lambda norm: 0 * norm + norm["step"] ** 0.25)),
    ("norms_grow_logarithmically", BATCHES, changed(train_error=lambda error: error + 0.1)),
    ("loss_based_steps_raise_margins", SCHEDULES, changed(train_loss=lambda loss: loss.clip(min=-10))),
    ("constant_steps_follow_the_rate", RATES, changed(train_loss=lambda loss: 1.5 * loss)),
    ("constant_steps_follow_the_rate", RATES.assign_coords(depth=1000), changed(train_loss=lambda loss: loss / 2)),
    ("mean_gradients_align", STEEPEST, changed(path_alignment=lambda cosine: cosine - 0.04)),
    ("mean_gradients_align", STEEPEST, changed(alignment_l2=lambda cosine: cosine + 0.1)),
    ("modified_margins_never_fall", SMOOTH, changed(modified_margin=lambda m: m.where(m["step"] < 1000, 0.1))),
    ("networks_become_homogeneous", SMOOTH, changed(euler_defect=lambda defect: defect**0.1)),
    ("less_signal_suffices_with_more_points", THRESHOLD, changed(test_error=reverse("train_size"))),
    ("less_signal_suffices_with_more_points", THRESHOLD, changed(test_error=lambda error: error + 0.3)),
    ("less_signal_suffices_with_more_points", THRESHOLD, changed(test_error=lambda error: 0.8 * error)),
    ("shampoo_raises_the_spectral_margin", SHAMPOO, changed(margin_spectral=reverse("optimizer"))),
    ("larger_margins_are_further_from_the_boundary", DISTANCES, changed(boundary_distance=reverse("schedule"))),
    ("larger_margins_are_further_from_the_boundary", DISTANCES, changed(boundary_distance=reverse("step"))),
    ("larger_margins_are_further_from_the_boundary", DISTANCES, changed(test_error=lambda error: 10 * error)),
    ("each_algorithm_wins_its_margin", STEEPEST.isel(init_scale=-1), changed(margin_l2=reverse("optimizer"))),
    ("free_neurons_learn_parities", PARITY, changed(test_error=reverse("output"))),
    ("free_neurons_learn_parities", PARITY, changed(train_error=reverse("output"))),
    ("tangent_margin_falls_as_one_over_d", PARITY, changed(tangent_margin=lambda margin: margin**0.6)),
    ("adam_reaches_the_linf_margin", LINEAR, changed(margin_linf_share=reverse("step_exponent"))),
    ("adam_reaches_the_linf_margin", LINEAR, changed(margin_linf_share=lambda share: 0.6 * share)),
    ("adam_reaches_the_linf_margin", LINEAR, changed(margin_linf_share=lambda s: s.where(s["step"] != 20000, 0.99))),
    ("gradient_descent_reaches_the_l2_margin", SEPARABLE, changed(margin_l2_share=lambda share: 0.9 * share)),
    ("gradient_descent_reaches_the_l2_margin", SEPARABLE, changed(margin_linf_share=lambda share: share + 0.4)),
    ("gradient_descent_reaches_the_l2_margin", SEPARABLE, changed(margin_l2_share=lambda s: s.where(s < 0.94, 0.99))),
    ("both_layers_beat_the_output_layer", DISCS, changed(test_error=reverse("output"))),
    ("output_layer_reaches_the_kernels_margin", KERNEL, changed(margin_l2_share=lambda share: share - 0.1)),
    ("output_layer_reaches_the_kernels_margin", KERNEL, changed(train_error=lambda error: error + 0.1)),
    ("noise_coordinates_hurt_the_output_layer_more", HIDDEN, changed(test_error=reverse("output"))),
    ("noise_coordinates_hurt_the_output_layer_more", HIDDEN, changed(test_error=reverse("features"))),
    ("wide_margin_reaches_a_plateau", DISCS, changed(margin_f1=lambda margin: margin * margin["width"])),
    ("wide_margin_reaches_a_plateau", DISCS, changed(margin_f1=reverse("width"))),
    ("neurons_keep_to_few_directions", XOR, changed(neuron_angle=lambda angle: 10 * angle)),
    ("overfitting_is_benign_in_high_dimension", BENIGN, changed(test_error=lambda error: error / 10)),
    ("neurons_keep_to_few_directions", XOR, changed(neuron_norm=reverse("step"))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "dataset", "spoil"), CASES, ids=[name for name, _, _ in CASES])
def test_check(name: str, dataset: xr.Dataset, spoil: Callable[[xr.Dataset], xr.Dataset]) -> None:
    assert_check_decides(name, dataset, spoil)


def test_a_step_is_not_judged_in_fewer_dimensions() -> None:
    assert run_check("a_step_takes_the_rank", WIDE.assign_coords(features=4000)).outcome == "not run"


def test_every_check_of_descent_is_tested() -> None:
    of_descent = {name for name, entry in CHECKS.items() if "descent:" in entry.function}
    elsewhere = {"rank_falls_faster_in_high_dimension", "small_initialisation_lowers_rank"}
    assert {name for name, _, _ in CASES} | elsewhere == of_descent


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


def test_growth_is_judged_over_a_decade_of_steps_at_least() -> None:
    early = run_check("norms_grow_logarithmically", BATCHES.where(BATCHES["step"] < 2000))
    assert early.outcome == "not run"
    assert "decades of steps after a network's fit, at batch size" in early.numbers


def test_growth_is_of_the_norm_to_the_networks_degree() -> None:
    deep = BATCHES.assign_coords(depth=3).assign(parameter_norm=BATCHES["parameter_norm"] ** (2 / 3))
    assert run_check("norms_grow_logarithmically", deep).numbers.startswith("|theta|^3")
    assert run_check("norms_grow_logarithmically", deep).outcome == "passed"


def test_a_tangent_margin_on_few_points_is_not_judged() -> None:
    few = run_check("tangent_margin_falls_as_one_over_d", PARITY.assign_coords(train_size=256))
    assert (few.outcome, few.numbers) == (
        "not run",
        "this study has no 1024 training points, which dimension 32 asks for",
    )


def test_a_study_that_keeps_the_last_checkpoint_alone_is_judged() -> None:
    """Without a dimension `step`, as with checkpoints: final."""
    judged = {
        "each_algorithm_wins_its_margin": STEEPEST,
        "smaller_initialisation_raises_margins": STEEPEST,
        "shampoo_raises_the_spectral_margin": SHAMPOO,
        "loss_based_steps_raise_margins": SCHEDULES,
        "slope_lowers_rank": HALVES,
        "predictor_is_nearly_the_shortest": LIMIT,
        "free_neurons_learn_parities": PARITY,
    }
    for name, dataset in judged.items():
        assert run_check(name, dataset.isel(step=-1)).outcome == "passed", name
