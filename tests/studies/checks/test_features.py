"""Checks of which features neurons learn when they may turn, and of which features networks rely on.

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
DISCS = study(
    {"train_size": [32, 64, 128], "output": ["mean_field", "random_features"], "width": [8, 64, 128], "seed": range(4)},
    test_error=(
        ("train_size", "output", "seed"),
        np.array([[0.36, 0.35], [0.2, 0.3], [0.1, 0.25]])[..., None] + np.array([-0.08, -0.04, 0.04, 0.08]),
    ),
    train_error=(("train_size", "output", "seed"), np.zeros((3, 2, 4))),
    margin_f1=("width", [0.01, 0.03, 0.031]),
)
KERNEL = study({"seed": [0, 1]}, margin_l2_share=("seed", [0.99, 0.92]), train_error=("seed", [0, 0]))
HIDDEN = study(
    {"features": [5, 15, 25], "output": ["mean_field", "random_features"]},
    test_error=(("features", "output"), [[0, 0.1], [0.04, 0.24], [0.17, 0.31]]),
)
XOR = study(
    {"step": STEPS, "neuron_0": range(4), "seed": range(3)},
    neuron_angle=(("step", "neuron_0", "seed"), np.full((5, 4, 1), 0.005) * [0.9, 1, 1.1]),
    neuron_norm=(
        ("step", "neuron_0", "seed"),
        np.array([[1, 0.1, 0.001, 0.01]] * 4 + [[2, 2.05, 2.1, 2]])[..., None] * np.ones(3),
    ),
)


def apart(values: list[float]) -> np.ndarray:
    """Values of three draws, a thousandth apart."""
    return np.array(values)[:, None] + np.array([-0.001, 0, 0.001])


SLABS = study(
    {"data": ["lms_5", "ms_5_7", "noisy_lms_7", "ms_7"], "seed": range(3)},
    accuracy=(("data", "seed"), apart([1, 1, 0.95, 1])),
    simple_randomized_auc=(("data", "seed"), apart([0.51, 0.49, 0.5, 1])),
    complex_randomized_auc=(("data", "seed"), apart([1, 1, 0.985, 0.5])),
)  # fmt: skip


def at_chance(name: str) -> Callable[[xr.DataArray], xr.DataArray]:
    """Nothing has been learned of this data."""
    return lambda accuracy: accuracy.where(accuracy["data"] != name, 0.5)


CASES: list[tuple[str, xr.Dataset, Callable[[xr.Dataset], xr.Dataset]]] = [
    ("free_neurons_learn_parities", PARITY, changed(test_error=reverse("output"))),
    ("free_neurons_learn_parities", PARITY, changed(train_error=reverse("output"))),
    ("tangent_margin_falls_as_one_over_d", PARITY, changed(tangent_margin=lambda margin: margin**0.6)),
    ("both_layers_beat_the_output_layer", DISCS, changed(test_error=reverse("output"))),
    (
        "both_layers_beat_the_output_layer", DISCS,
        changed(test_error=lambda e: e + 0.1 * (e["output"] == "mean_field") * (e["train_size"] == 64)),
    ),
    (
        "both_layers_beat_the_output_layer", DISCS,  # the same means, but draws do not agree
        changed(test_error=lambda e: e + 0.2 * (e["seed"] % 2 - 0.5) * (e["output"] == "mean_field")),
    ),
    ("output_layer_reaches_the_kernels_margin", KERNEL, changed(margin_l2_share=lambda share: share - 0.1)),
    ("output_layer_reaches_the_kernels_margin", KERNEL, changed(train_error=lambda error: error + 0.1)),
    ("noise_coordinates_hurt_the_output_layer_more", HIDDEN, changed(test_error=reverse("output"))),
    ("noise_coordinates_hurt_the_output_layer_more", HIDDEN, changed(test_error=reverse("features"))),
    ("both_layers_reach_the_published_error", DISCS, changed(test_error=lambda error: error + 0.15)),
    (
        "both_layers_reach_the_published_error", DISCS,  # at one size only, by draws that agree
        changed(test_error=lambda error: error.where(error["train_size"] < 128, 0.15 + 0 * error)),
    ),
    ("wide_margin_reaches_a_plateau", DISCS, changed(margin_f1=lambda margin: margin * margin["width"])),
    ("wide_margin_reaches_a_plateau", DISCS, changed(margin_f1=reverse("width"))),
    ("neurons_keep_to_few_directions", XOR, changed(neuron_angle=lambda angle: 10 * angle)),
    ("neurons_keep_to_few_directions", XOR, changed(neuron_norm=reverse("step"))),
    (
        "neurons_keep_to_few_directions", XOR,  # the mean is small, but draws do not agree
        changed(neuron_angle=lambda angle: angle.where(angle["seed"] < 2, 0.04)),
    ),
    ("networks_rely_on_the_simplest_feature", SLABS, changed(simple_randomized_auc=lambda a: a + 0.1)),
    ("networks_rely_on_the_simplest_feature", SLABS, changed(complex_randomized_auc=lambda a: a - 0.02)),
    ("a_noisy_simple_feature_costs_accuracy", SLABS, changed(accuracy=reverse("data"))),
    (
        "a_noisy_simple_feature_costs_accuracy",
        SLABS,
        changed(accuracy=at_chance("noisy_lms_7")),
    ),
    ("a_noisy_simple_feature_costs_accuracy", SLABS, changed(accuracy=at_chance("ms_7"))),
    ("a_noisy_simple_feature_costs_accuracy", SLABS, changed(accuracy=lambda a: a.where(a["data"] == "ms_7", 1))),
    ("a_noisy_simple_feature_costs_accuracy", SLABS, changed(accuracy=lambda a: a + 0.1 * (a["seed"] - 1))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "dataset", "spoil"), CASES, ids=[name for name, _, _ in CASES])
def test_check(name: str, dataset: xr.Dataset, spoil: Callable[[xr.Dataset], xr.Dataset]) -> None:
    assert_check_decides(name, dataset, spoil)


def test_every_check_of_this_topic_is_tested() -> None:
    of_topic = {name for name, entry in CHECKS.items() if ".features:" in entry.function}
    assert {name for name, _, _ in CASES} == of_topic


def test_a_tangent_margin_on_few_points_is_not_judged() -> None:
    few = run_check("tangent_margin_falls_as_one_over_d", PARITY.assign_coords(train_size=256))
    assert (few.outcome, few.numbers) == (
        "not run",
        "this study has no 1024 training points, which dimension 32 asks for",
    )


def test_without_its_control_a_noisy_feature_is_not_judged() -> None:
    found = run_check("a_noisy_simple_feature_costs_accuracy", SLABS.sel(data=["lms_5", "noisy_lms_7"]))
    assert (found.outcome, found.numbers) == ("not run", "this study has no slabs alone, the control (data ms_7)")


def test_a_lone_checkpoint_is_judged() -> None:
    judged = {"free_neurons_learn_parities": PARITY}
    for name, dataset in judged.items():
        assert run_check(name, dataset.isel(step=-1)).outcome == "passed", name
