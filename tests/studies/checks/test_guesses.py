"""Checks of trained against random networks that fit.

Each passes on data that obey it, and fails on spoiled data.
"""

from collections.abc import Callable

import pytest
import xarray as xr
from spoiled import assert_check_decides, changed, reverse, study

from implicitbias.catalogue import CHECKS

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

CASES: list[tuple[str, xr.Dataset, Callable[[xr.Dataset], xr.Dataset]]] = [
    ("width_helps_gradient_descent", FOUND, changed(test_accuracy=reverse("factor"))),
    ("width_leaves_guesses_alone", FOUND, lambda d: d.assign(test_accuracy=d["test_accuracy"] + 0.05 * d["factor"])),
    ("trained_networks_beat_guesses", FOUND, changed(test_accuracy=reverse("found_by"))),
    ("depth_lowers_accuracy", DEEP, changed(test_accuracy=reverse("layers"))),
]  # fmt: skip
# of what was not found, or does not fit, there is no number
MAY_LACK = {"width_helps_gradient_descent", "depth_lowers_accuracy"}


@pytest.mark.parametrize(("name", "dataset", "spoil"), CASES, ids=[name for name, _, _ in CASES])
def test_check(name: str, dataset: xr.Dataset, spoil: Callable[[xr.Dataset], xr.Dataset]) -> None:
    assert_check_decides(name, dataset, spoil, ("failed", "not run", *(("passed",) if name in MAY_LACK else ())))


def test_every_check_of_this_topic_is_tested() -> None:
    of_topic = {name for name, entry in CHECKS.items() if ".guesses:" in entry.function}
    assert {name for name, _, _ in CASES} == of_topic
