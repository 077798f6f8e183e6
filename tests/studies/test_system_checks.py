"""Checks of random against trained networks and of smaller systems: passed by data that obeys, failed by the rest."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed, reverse, study

from implicitbias.catalogue import CHECKS
from implicitbias.studies.checks import run_check
from implicitbias.studies.verdicts import rank_correlation, rank_interval

FACTORS = [0.2, 0.5, 1.0]
FOUND = study(
    {"factor": FACTORS, "train_size": [4, 16], "seed": [0, 1], "found_by": ["guess", "sgd"]},
    test_accuracy=(
        ("factor", "train_size", "seed", "found_by"),
        [[[[0.6 + n, 0.7 + n + f], [0.61 + n, 0.72 + n + f]] for n in (0, 0.1)] for f in (0, 0.04, 0.08)],
    ),
)
DEEP = study(
    {"layers": [2, 3, 4, 5], "train_size": [8, 16], "found_by": ["guess", "sgd"]},
    test_accuracy=(
        ("layers", "train_size", "found_by"),
        [[[0.9 - 0.01 * depth + n, 0.95 - 0.02 * depth + n] for n in (0, 0.02)] for depth in range(4)],
    ),
)
SHARES = np.arange(8, 0, -1) / 36
FUNCTIONS = study(
    {"seed": [0, 1], "rank": range(8)},
    bayes_probability=(("seed", "rank"), [SHARES, SHARES]), sgd_probability=(("seed", "rank"), [SHARES, SHARES]),
    bayes_count=("seed", [1000, 1000]), sgd_count=("seed", [1000, 1000]),
    bayes_accuracy=("seed", [0.9, 0.9]), sgd_accuracy=("seed", [0.95, 0.88]),
)  # fmt: skip
RATES, DECAYS, DEPTHS = [0.01, 0.1], [0.0, 0.01], [2, 4]
SLOPES = study(
    {"learning_rate": RATES, "weight_decay": DECAYS, "depth": DEPTHS, "step": [0, 100]},
    train_error=(("learning_rate", "weight_decay", "depth", "step"), np.ones((2, 2, 2, 1)) * [0.5, 0.01]),
    geometric_complexity=(
        ("learning_rate", "weight_decay", "depth", "step"),
        [
            [[[1 / depth, 20 - 50 * rate - 300 * decay + depth] for depth in DEPTHS] for decay in DECAYS]
            for rate in RATES
        ],
    ),
)
SLABS = study(
    {"data": ["lms_5", "ms_5_7", "noisy_lms_7", "ms_7"]},
    accuracy=("data", [1, 1, 0.95, 1]), simple_randomized_auc=("data", [0.51, 0.49, 0.5, 1]),
    complex_randomized_auc=("data", [1, 1, 0.985, 0.5]),
)  # fmt: skip
ARMS = ("random_share", "label_scale")
MARGINS = study(
    {"random_share": [0.0, 0.75], "label_scale": [0.1, 1.0], "member": [0, 1], "averaged": [1, 2, 4]},
    test_error=((*ARMS, "member"), [[[0.2, 0.2], [0.1, 0.1]], [[0.4, 0.4], [0.35, 0.35]]]),
    train_error=((*ARMS, "member"), np.zeros((2, 2, 2))),
    normalized_margin=((*ARMS, "member"), [[[0.01, 0.01], [0.1, 0.1]], [[0.009, 0.01], [0.08, 0.09]]]),
    average_error=(
        (*ARMS, "averaged"),
        [[[0.2, 0.1, np.nan], [0.1, 0.1, np.nan]], [[0.4, 0.38, np.nan], [0.35, 0.351, np.nan]]],
    ),
)
FIT = study({"depth": [2, 32], "step": [0, 9]}, train_error=(("depth", "step"), [[0.5, 0], [0.5, 0]]))
STUCK = study(
    {"depth": [2, 32], "optimizer": ["adam", "sgd"], "learning_rate": [0.1, 1.0]},
    train_error=(("depth", "optimizer", "learning_rate"), [[[0, 0], [0, 0]], [[0.5, 0.5], [0.4, np.nan]]]),
)
RATES = study(
    {"optimizer": ["adam", "sgd"], "learning_rate": [0.001, 0.1], "seed": [0, 1]},
    train_error=(("optimizer", "learning_rate", "seed"), [[[0, 0], [0.5, 0.5]], [[0.02, 0.09], [0.5, np.nan]]]),
)
PRUNED = study({"keep": [0.01, 0.5, 1.0]}, train_loss=("keep", [0.04, 0, 0]), test_error=("keep", [0.45, 0.01, 0]))
BALL = study(
    {"features": [10, 20], "network": ["two hidden layers", "one hidden layer", "one hidden layer, fixed"]},
    test_loss=(("features", "network"), [[0.05, 0.1, 0.2], [0.06, 0.2, 0.1]]),
)


def at_chance(name: str) -> Callable[[xr.DataArray], xr.DataArray]:
    """Nothing has been learned of this data."""
    return lambda accuracy: accuracy.where(accuracy["data"] != name, 0.5)


COUNT_THOSE_THAT_FIT = {  # of networks that do not fit, or were not found, there is no accuracy
    "width_helps_gradient_descent", "depth_lowers_accuracy", "trained_networks_follow_the_prior",
    "complexity_falls_with_regularisation", "deepest_networks_do_not_fit",
}  # fmt: skip

CASES: list[tuple[str, xr.Dataset, Callable[[xr.Dataset], xr.Dataset]]] = [
    ("width_helps_gradient_descent", FOUND, changed(test_accuracy=reverse("factor"))),
    ("width_leaves_guesses_alone", FOUND, lambda d: d.assign(test_accuracy=d["test_accuracy"] + 0.05 * d["factor"])),
    ("trained_networks_beat_guesses", FOUND, changed(test_accuracy=reverse("found_by"))),
    ("depth_lowers_accuracy", DEEP, changed(test_accuracy=reverse("layers"))),
    ("trained_networks_follow_the_prior", FUNCTIONS, changed(sgd_probability=reverse("rank"))),
    ("trained_networks_generalise_as_random_ones", FUNCTIONS, changed(sgd_accuracy=lambda a: a - 0.2)),
    ("complexity_falls_with_regularisation", SLOPES, changed(geometric_complexity=reverse("learning_rate"))),
    ("complexity_falls_with_regularisation", SLOPES, changed(geometric_complexity=reverse("weight_decay"))),
    ("complexity_falls_with_depth", SLOPES, changed(geometric_complexity=reverse("depth"))),
    ("networks_rely_on_the_simplest_feature", SLABS, changed(simple_randomized_auc=lambda a: a + 0.1)),
    ("networks_rely_on_the_simplest_feature", SLABS, changed(complex_randomized_auc=lambda a: a - 0.02)),
    ("a_noisy_simple_feature_costs_accuracy", SLABS, changed(accuracy=reverse("data"))),
    (
        "a_noisy_simple_feature_costs_accuracy",
        SLABS,
        changed(accuracy=at_chance("noisy_lms_7")),
    ),
    ("a_noisy_simple_feature_costs_accuracy", SLABS, changed(accuracy=at_chance("ms_7"))),
    ("random_labels_cost_accuracy_at_equal_margin", MARGINS, changed(test_error=reverse("random_share"))),
    ("random_labels_cost_accuracy_at_equal_margin", MARGINS, changed(train_error=lambda e: e + 0.01 * (e["member"]))),
    (
        "random_labels_cost_accuracy_at_equal_margin",
        MARGINS,
        changed(normalized_margin=lambda margin: margin * (1 - 0.3 * margin["random_share"])),
    ),
    ("averages_beat_members", MARGINS, changed(average_error=lambda error: error + 0.02 * error["averaged"])),
    (
        "averages_beat_members",
        MARGINS,
        changed(average_error=lambda error: error.where(error["label_scale"] > 0.5, 0.2)),
    ),
    ("deepest_networks_fit", FIT, changed(train_error=reverse("step"))),
    ("deepest_networks_do_not_fit", STUCK, changed(train_error=reverse("depth"))),
    ("fitting_depends_on_the_learning_rate", RATES, changed(train_error=lambda error: error.clip(min=0.3))),
    ("fitting_depends_on_the_learning_rate", RATES, changed(train_error=lambda error: error.clip(max=0.3))),
    ("mild_pruning_is_free_and_extreme_pruning_is_not", PRUNED, changed(test_error=lambda error: error - 0.1)),
    ("mild_pruning_is_free_and_extreme_pruning_is_not", PRUNED, changed(test_error=reverse("keep"))),
    ("mild_pruning_is_free_and_extreme_pruning_is_not", PRUNED, changed(train_loss=lambda loss: loss + 0.02)),
    ("a_second_layer_finds_the_ball", BALL, changed(test_loss=reverse("network"))),
]


@pytest.mark.parametrize(("name", "dataset", "spoil"), CASES, ids=[name for name, _, _ in CASES])
def test_check(name: str, dataset: xr.Dataset, spoil: Callable[[xr.Dataset], xr.Dataset]) -> None:
    as_well = ("passed",) if name in COUNT_THOSE_THAT_FIT else ()
    assert_check_decides(name, dataset, spoil, ("failed", "not run", *as_well))


def test_rare_functions_are_not_compared() -> None:
    rare = FUNCTIONS.assign(sgd_count=("seed", [20, 20]))
    assert run_check("trained_networks_follow_the_prior", rare).outcome == "not run"


def test_every_check_of_systems_is_tested() -> None:
    assert {name for name, _, _ in CASES} == {n for n, entry in CHECKS.items() if "systems:" in entry.function}


def test_rank_intervals_cover() -> None:
    """95 % of intervals from 30 pairs hold the rank correlation of the bivariate normal, 6/pi asin(rho/2)."""
    rng, truth = np.random.default_rng(0), 6 / np.pi * np.arcsin(0.6 / 2)
    held = 0
    for _ in range(400):
        x, noise = rng.normal(size=(2, 30))
        low, middle, high = rank_interval(x, 0.6 * x + 0.8 * noise)
        assert low < middle < high
        held += low <= truth <= high
    assert 0.91 <= held / 400 <= 0.99
    assert rank_correlation([1, 1, 1], [1, 2, 3]) == 0
    assert np.isnan(rank_interval([1, 2, 3], [1, 2, 3])[0])
