"""Checks of which functions networks prefer: simple ones, of low frequency, of small slope.

Each passes on data that obey it, and fails on spoiled data.
"""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed, reverse, study

from implicitbias.catalogue import CHECKS
from implicitbias.studies.checks import run_check

H = [0.025, 0.05, 0.1]
FLOW = study(
    {"step_size": H, "seed": [0, 1, 2]},
    distance=(("step_size", "seed"), np.outer(H, [1, 2, 3])),
    modified_distance=(("step_size", "seed"), np.outer(np.square(H), [1, 2, 3])),
    mean_square_gradient=(("step_size", "seed"), np.outer([3, 2, 1], [1.0, 1.1, 1.2])),
)  # fmt: skip
RANKS = np.arange(1, 2001)
PRIOR = study(
    {"rank": RANKS}, probability=("rank", 0.1 / RANKS), complexity=("rank", 7 + 7 * np.floor(np.log2(RANKS))),
).assign_coords(draws=100_000)  # fmt: skip
SINES = study(  # the last frequency is learned from rising amplitudes only
    {"frequency": [5, 10, 15, 20, 25, 30], "rising": [0, 1], "radius": [0.0, 2.0], "direction": range(4)},
    first_step=(("frequency", "rising"), [[100, 100], [200, 300], [300, 500], [400, 600], [900, 700], [np.nan, 900]]),
    robust=(
        ("frequency", "radius", "direction"),
        np.array([[1, 0.9], [1, 0.8], [1, 0.7], [0.5, 0.2], [0.5, 0.1], [0.5, 0.1]])[..., None]
        + np.array([0, 1])[:, None] * [-0.02, -0.01, 0.01, 0.02],
    ),
)
CIRCLE = study(
    {"degree": [1, 2, 3, 4, 5], "sobolev": [-1.0, 2.5], "trained_degree": [1, 2], "seed": range(3)},
    eigenvalue=("degree", 1 / np.arange(1, 6) ** 2.0),
    half_time=(("degree", "sobolev"), [[1, 5], [2, 4], [3, 3], [4, 2], [5, 1]]),
    trained_half_time=(
        ("trained_degree", "sobolev", "seed"),
        np.array([[1, 5], [3, 6]])[..., None] * [0.99, 1, 1.02],
    ),
)
SHARES = np.arange(8, 0, -1) / 36
FUNCTIONS = study(
    {"seed": [0, 1, 2], "rank": range(8)},
    bayes_probability=(("seed", "rank"), [SHARES] * 3), sgd_probability=(("seed", "rank"), [SHARES] * 3),
    bayes_count=("seed", [1000] * 3), sgd_count=("seed", [1000] * 3),
    bayes_accuracy=("seed", [0.92, 0.93, 0.9]), sgd_accuracy=("seed", [0.97, 0.98, 0.96]),
)  # fmt: skip
RATES = [0.01, 0.1]
DECAYS = [0.0, 0.01]
DEPTHS = [2, 4]
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


def shuffled(complexity: xr.DataArray) -> xr.DataArray:
    """It has nothing to do with the probability; the largest one at a complexity still falls with it."""
    return complexity.copy(data=np.random.default_rng(0).permutation(complexity.values))


CASES: list[tuple[str, xr.Dataset, Callable[[xr.Dataset], xr.Dataset]]] = [
    ("descent_follows_the_regularised_flow", FLOW, changed(modified_distance=lambda d: d**0.5)),
    ("descent_follows_the_regularised_flow", FLOW, changed(distance=lambda d: d**0.5)),
    ("descent_follows_the_regularised_flow", FLOW, changed(distance=lambda d: d ** (1 + 0.1 * (d["seed"] - 1)))),
    ("larger_steps_find_flatter_slopes", FLOW, changed(mean_square_gradient=reverse("step_size"))),
    ("larger_steps_find_flatter_slopes", FLOW, changed(mean_square_gradient=lambda g: g ** (1 - g["seed"]))),
    ("frequent_functions_are_simple", PRIOR, changed(complexity=reverse("rank"))),
    ("frequent_functions_are_simple", PRIOR, changed(complexity=shuffled)),
    ("prior_is_far_from_uniform", PRIOR, changed(probability=lambda p: 0 * p + 1e-4)),
    ("prior_is_far_from_uniform", PRIOR, changed(probability=lambda p: p**0.6)),
    ("low_frequencies_come_first", SINES, changed(first_step=reverse("frequency"))),
    ("low_frequencies_come_first", SINES, changed(first_step=lambda first: first.where(first["frequency"] > 15))),
    ("low_frequencies_come_first", SINES, changed(first_step=lambda first: first.where(first["rising"] < 1, 100))),
    (  # one of two networks learns them the other way about
        "low_frequencies_come_first",
        SINES.assign(first_step=xr.concat([SINES["first_step"], 2 * SINES["first_step"]], "member")),
        changed(first_step=lambda first: first.where(first["member"] == 0, reverse("frequency")(first))),
    ),
    ("low_frequencies_survive_noise", SINES, changed(robust=reverse("frequency"))),
    (
        "low_frequencies_survive_noise", SINES,  # the same means, but it depends on the direction
        changed(robust=lambda left: left + left["radius"] * (left["frequency"] < 18) * (left["direction"] % 2 - 0.5)),
    ),
    ("eigenvalues_fall_with_the_degree_squared", CIRCLE, changed(eigenvalue=lambda value: value**0.75)),
    ("eigenvalues_fall_with_the_degree_squared", CIRCLE, changed(eigenvalue=reverse("degree"))),
    ("trained_networks_follow_the_sobolev_loss", CIRCLE, changed(trained_half_time=reverse("sobolev"))),
    (  # the same means, but networks do not agree
        "trained_networks_follow_the_sobolev_loss", CIRCLE,
        changed(trained_half_time=lambda t: t * (1 + (t["trained_degree"] == 2) * (t["sobolev"] > 0) * t["seed"])),
    ),
    ("sobolev_loss_turns_the_order", CIRCLE, changed(half_time=reverse("sobolev"))),
    ("trained_networks_follow_the_prior", FUNCTIONS, changed(sgd_probability=reverse("rank"))),
    ("trained_networks_are_no_posterior_draws", FUNCTIONS, changed(sgd_accuracy=lambda a: a - 0.2)),
    ("trained_networks_are_no_posterior_draws", FUNCTIONS, changed(sgd_accuracy=lambda a: a - 0.05)),
    ("trained_networks_are_no_posterior_draws", FUNCTIONS, changed(sgd_accuracy=lambda a: a + 0.2 * (a["seed"] - 1))),
    ("complexity_falls_with_regularisation", SLOPES, changed(geometric_complexity=reverse("learning_rate"))),
    ("complexity_falls_with_regularisation", SLOPES, changed(geometric_complexity=reverse("weight_decay"))),
    ("complexity_falls_with_depth", SLOPES, changed(geometric_complexity=reverse("depth"))),
]  # fmt: skip
# of what was not found, or does not fit, there is no number
MAY_LACK = {
    "frequent_functions_are_simple",
    "trained_networks_follow_the_prior",
    "complexity_falls_with_regularisation",
}


@pytest.mark.parametrize(("name", "dataset", "spoil"), CASES, ids=[name for name, _, _ in CASES])
def test_check(name: str, dataset: xr.Dataset, spoil: Callable[[xr.Dataset], xr.Dataset]) -> None:
    assert_check_decides(name, dataset, spoil, ("failed", "not run", *(("passed",) if name in MAY_LACK else ())))


def test_every_check_of_this_topic_is_tested() -> None:
    of_topic = {name for name, entry in CHECKS.items() if ".functions:" in entry.function}
    assert {name for name, _, _ in CASES} == of_topic


def test_frequencies_that_are_never_learned_are_no_evidence() -> None:
    """They come last in the order, and the noise in an amplitude that was never there says nothing."""
    few = SINES.assign(first_step=SINES["first_step"].where(SINES["frequency"] <= 5))
    assert run_check("low_frequencies_come_first", few).outcome == "not run"
    few = SINES.assign(first_step=SINES["first_step"].where(SINES["frequency"] <= 15))
    assert "3 of 6 learned" in run_check("low_frequencies_come_first", few).numbers
    assert run_check("low_frequencies_come_first", few).outcome == "passed"
    assert run_check("low_frequencies_survive_noise", few).outcome == "not run"
    speck = xr.DataArray([1e-9, 1.0], {"radius": [0.0, 2.0]}, ["radius"])
    noise = SINES["robust"].where(SINES["frequency"] < 30, speck)
    unlearned = SINES.assign(robust=noise).sel(rising=0)
    assert run_check("low_frequencies_survive_noise", unlearned).outcome == "passed"


def test_rare_functions_are_not_compared() -> None:
    rare = FUNCTIONS.assign(sgd_count=("seed", [20] * 3))
    assert run_check("trained_networks_follow_the_prior", rare).outcome == "not run"
