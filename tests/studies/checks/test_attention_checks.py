"""Checks of attention: each passes on data that obey it, and fails on spoiled data."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed, reverse, study

from implicitbias.catalogue import CHECKS

STEPS = [1, 10, 30, 100, 300, 1000]
RULES = ["gradient descent", "normalised", "Polyak", "normalised, factors"]
DRAWS = 6
UNSEEN = ["unseen, in order", "unseen, beyond the order"]
FACTORED = "factors_find_the_smallest_nuclear_norm"


def varied(values: object, spread: float = 0.1) -> np.ndarray:
    """A last axis of draws about the values."""
    return np.asarray(values)[..., None] * (1 + spread * np.linspace(-1, 1, DRAWS))


FALLING = 0.5 / np.sqrt(STEPS)
FROBENIUS = [FALLING, FALLING**2, FALLING**2 / 10, np.full(6, 0.4)]
NUCLEAR = [np.full(6, 0.3), np.full(6, 0.3), np.full(6, 0.3), FALLING**2 * 2]
ATTENTION = study(
    {"rule": RULES, "step": STEPS, "draw": range(DRAWS)},
    frobenius_distance=(("rule", "step", "draw"), varied(FROBENIUS)),
    nuclear_distance=(("rule", "step", "draw"), varied(NUCLEAR)),
    attention=(("rule", "step", "draw"), varied([[0.9] * 6, [0.999] * 6, [0.999] * 6, [1] * 6], 1e-4)),
)


def where(rule: str, change: Callable[[xr.DataArray], xr.DataArray]) -> Callable[[xr.DataArray], xr.DataArray]:
    """The change for one rule of the steps alone."""
    return lambda data: data.where(data["rule"] != rule, change(data))


def stalled(distance: xr.DataArray) -> xr.DataArray:
    """Near 0, but no nearer with further steps."""
    return 0 * distance + 0.001 + 1e-7 * distance["step"]


LATE = [1, 10, 100, 300, 400, 500, 600, 800, 1000]
RATES = np.outer([0.02, 0.01], LATE)
LEARNED = study(
    {"layer": ["feed-forward", "attention"], "sentences": ["training", *UNSEEN], "step": LATE, "draw": range(DRAWS)},
    distance=(("layer", "step", "draw"), varied(0.3 / np.array([LATE, LATE]))),
    log_excess_loss=(("layer", "step", "draw"), 2 - varied(RATES)),
    largest_margin=(("layer", "draw"), varied([0.2, 0.1])),
    accuracy=(("sentences", "step", "draw"), varied([[0.3] * 8 + [1], [0.3] * 8 + [0.99], [0.3] * 8 + [0.8]], 1e-3)),
).assign_coords(step_length=0.1)

OTHER = (ATTENTION["rule"] == RULES[3]) & (ATTENTION["draw"] == 0)
ELSEWHERE = changed(
    attention=lambda attention: attention.where(~OTHER, 0),
    nuclear_distance=lambda distance: distance.where(~OTHER, 0.3),
)(ATTENTION)
"""In one draw the factors select another token."""

CASES: list[tuple[str, xr.Dataset, Callable[[xr.Dataset], xr.Dataset]]] = [
    ("attention_turns_to_its_max_margin", ATTENTION, changed(frobenius_distance=lambda d: d + 0.01)),
    ("attention_turns_to_its_max_margin", ATTENTION, changed(frobenius_distance=where("Polyak", stalled))),
    ("attention_turns_to_its_max_margin", ATTENTION, changed(frobenius_distance=where("Polyak", lambda d: d * 1000))),
    ("adaptive_steps_turn_faster", ATTENTION, changed(frobenius_distance=where("normalised", lambda d: d + 0.1))),
    ("adaptive_steps_turn_faster", ATTENTION, changed(frobenius_distance=where("Polyak", lambda d: d * 1000))),
    ("attention_selects_the_optimal_tokens", ATTENTION, changed(attention=where("Polyak", lambda a: a - 0.02))),
    (FACTORED, ATTENTION, changed(nuclear_distance=reverse("rule"))),
    (FACTORED, ATTENTION, changed(nuclear_distance=where(RULES[3], lambda d: d + 0.02))),
    (FACTORED, ATTENTION, changed(nuclear_distance=where(RULES[3], stalled))),
    (FACTORED, ELSEWHERE, changed(attention=lambda a: 0 * a + 1)),
    (FACTORED, ATTENTION, changed(frobenius_distance=where(RULES[3], lambda d: 0 * d))),
    (FACTORED, ATTENTION, changed(frobenius_distance=where("normalised", lambda d: d + 1))),
    ("both_layers_turn_to_their_max_margins", LEARNED, changed(distance=lambda d: d + 0.01)),
    ("both_layers_turn_to_their_max_margins", LEARNED, changed(distance=stalled)),
    ("losses_fall_at_the_rate_of_the_margins", LEARNED, changed(largest_margin=lambda m: 1.2 * m)),
    ("losses_fall_at_the_rate_of_the_margins", LEARNED, changed(largest_margin=reverse("layer"))),
    ("losses_fall_at_the_rate_of_the_margins", LEARNED, changed(log_excess_loss=lambda d: d - (d.step / 300) ** 2)),
    ("predictions_carry_to_unseen_sentences", LEARNED, changed(accuracy=lambda a: a - 0.05)),
    ("predictions_carry_to_unseen_sentences", LEARNED, changed(accuracy=lambda a: a.where(a > 0.9, a - 0.35))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "dataset", "spoil"), CASES, ids=[name for name, _, _ in CASES])
def test_check(name: str, dataset: xr.Dataset, spoil: Callable[[xr.Dataset], xr.Dataset]) -> None:
    assert_check_decides(name, dataset, spoil)


def test_every_check_of_this_topic_is_tested() -> None:
    of_topic = {name for name, entry in CHECKS.items() if ".attention:" in entry.function}
    assert {name for name, _, _ in CASES} == of_topic
