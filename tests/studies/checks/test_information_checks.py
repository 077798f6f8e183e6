"""Checks of what layers hold of their input: each passes on data that obey it, and fails on spoiled data."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed, reverse, study

from implicitbias.catalogue import CHECKS
from implicitbias.studies.checks import run_check

DRAWS = np.array([-0.1, 0, 0.1])
FALLS, RISES = [9.0, 8.0, 6.0], [1.0, 2.0, 3.0]


def held(tanh: list[float], relu: list[float]) -> tuple[tuple[str, ...], np.ndarray]:
    """Of two layers, of which the last one is the output, the same at all epochs."""
    last_hidden = np.array([tanh, relu])[..., None] * (1 + 0.1 * DRAWS)
    return ("activation", "epoch", "layer", "draw"), np.stack([last_hidden, np.ones_like(last_hidden)], axis=2)


PLANE = study(
    {"activation": ["tanh", "relu"], "epoch": [0, 10, 20], "layer": [5, 6], "draw": range(3)},
    input_information=held(FALLS, RISES),
    input_information_bound=held(FALLS, RISES),
    train_accuracy=(("activation", "epoch", "draw"), np.broadcast_to([[0.5], [0.95], [1]], (2, 3, 3))),
)
STUDENT = study(
    {"step": [0, 1, 2], "draw": range(3)},
    test_loss=(("step", "draw"), np.array([1, 0.5, 0.1])[:, None] + 0.01 * DRAWS),
    input_information=(("step", "draw"), np.array([6, 7, 8])[:, None] + 0.01 * DRAWS),
)


def only(activation: str, change: Callable[[xr.DataArray], xr.DataArray]) -> Callable[[xr.DataArray], xr.DataArray]:
    return lambda data: data.where(data["activation"] != activation, change(data))


CASES: list[tuple[str, xr.Dataset, Callable[[xr.Dataset], xr.Dataset]]] = [
    ("tanh_compresses_after_the_fit", PLANE, changed(input_information=reverse("epoch"))),
    ("tanh_compresses_after_the_fit", PLANE, changed(input_information_bound=reverse("epoch"))),
    ("tanh_compresses_after_the_fit", PLANE, changed(train_accuracy=lambda a: a.where(a["epoch"] > 10, 0.5))),
    ("tanh_compresses_after_the_fit", PLANE, changed(train_accuracy=lambda a: 0.8 * a)),  # never fitted
    ("relu_does_not_compress_after_the_fit", PLANE, changed(input_information=only("relu", reverse("epoch")))),
    ("relu_does_not_compress_after_the_fit", PLANE, changed(input_information_bound=reverse("activation"))),
    (
        "relu_does_not_compress_after_the_fit",
        PLANE,  # the same means, but draws do not agree
        changed(input_information=lambda i: i + 0.1 * (i["draw"] - 1) * i["epoch"]),
    ),
    ("linear_students_generalise_without_compression", STUDENT, changed(test_loss=lambda loss: loss + 1)),
    ("linear_students_generalise_without_compression", STUDENT, changed(input_information=reverse("step"))),
    (
        "linear_students_generalise_without_compression",
        STUDENT,  # a gain, but not for good
        changed(input_information=lambda i: i + 2 * (i["step"] == 1)),
    ),
]


@pytest.mark.parametrize(("name", "dataset", "spoil"), CASES, ids=[name for name, _, _ in CASES])
def test_check(name: str, dataset: xr.Dataset, spoil: Callable[[xr.Dataset], xr.Dataset]) -> None:
    assert_check_decides(name, dataset, spoil)


def test_every_check_of_this_topic_is_tested() -> None:
    of_topic = {name for name, entry in CHECKS.items() if ".information:" in entry.function}
    assert {name for name, _, _ in CASES} == of_topic


def test_without_relu_nothing_is_said_of_it() -> None:
    found = run_check("relu_does_not_compress_after_the_fit", PLANE.sel(activation="tanh"))
    assert (found.outcome, found.numbers) == ("not run", "this study has no networks with relu")
