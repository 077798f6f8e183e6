"""Checks of how tangent features align: each passes on data that obey it, and fails on spoiled data."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed, reverse, study

STEPS = [0, 10, 20, 40]
NOISE = np.array([-0.01, 0, 0.01])
RISING = np.array([0.2, 0.3, 0.5, 0.6])
ALIGNED = study(
    {"depth": [2, 4, 8], "random_share": [0.0, 0.5], "seed": range(3), "step": STEPS, "label_kind": ["true", "random"]},
    tangent_kernel_alignment=(
        ("depth", "random_share", "seed", "step"),
        (np.array([0.5, 1, 1.5])[:, None, None] * (NOISE[:, None] + RISING))[:, None].repeat(2, 1),
    ),
    tangent_kernel_rank=(
        ("depth", "seed", "step"),
        np.array([[40.0, 40, 41, 42], [60, 60, 50, 40], [90, 80, 60, 45]])[:, None] + 20 * NOISE[:, None],
    ),
    tangent_alignment_by_kind=(
        ("depth", "seed", "step", "label_kind"),
        np.stack([RISING, np.array([0.05, 0.05, 0.06, 0.1])], -1) * np.ones((3, 1, 1, 1))
        + NOISE[:, None, None] * np.array([0, 1, 1, 0])[:, None],
    ),
)  # fmt: skip

CASES: list[tuple[str, Callable[[xr.Dataset], xr.Dataset]]] = [
    ("tangent_features_align_with_the_labels", changed(tangent_kernel_alignment=reverse("step"))),
    (  # at one depth it does not rise
        "tangent_features_align_with_the_labels",
        changed(tangent_kernel_alignment=lambda a: a.where(a["depth"] != 4, a.isel(step=0))),
    ),
    ("effective_rank_of_deep_features_falls", changed(tangent_kernel_rank=reverse("step"))),
    (  # it falls on the mean, but draws do not agree
        "effective_rank_of_deep_features_falls",
        changed(tangent_kernel_rank=lambda rank: rank * (1 + (rank["step"] > 10) * (rank["seed"] - 0.5))),
    ),
    ("deeper_networks_align_more", changed(tangent_kernel_alignment=reverse("depth"))),
    (
        "deeper_networks_align_more",
        changed(tangent_kernel_alignment=lambda a: a.where(a["depth"] != 8, a.sel(depth=4))),
    ),
    ("true_labels_are_aligned_with_first", changed(tangent_alignment_by_kind=reverse("label_kind"))),
    (  # random labels are never aligned with
        "true_labels_are_aligned_with_first",
        changed(tangent_alignment_by_kind=lambda a: a.where(a["label_kind"] == "true", 0.1)),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "spoil"), CASES)
def test_checks_decide(name: str, spoil: Callable[[xr.Dataset], xr.Dataset]) -> None:
    assert_check_decides(name, ALIGNED, spoil)
