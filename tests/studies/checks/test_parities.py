"""Checks of margins on parities: each passes on data that obey it, and fails on spoiled data."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed, study

from implicitbias.catalogue import CHECKS

FEATURES, WIDTHS, DRAWS = np.array([8, 16]), np.array([64, 256]), 4
NETWORKS = ["all weights", "norms alone", "best norms", "best directions"]
BEST = 0.35 / np.sqrt(FEATURES)[:, None] * np.ones(2)
OWN = BEST * np.array([[0.3, 0.5], [0.1, 0.2]])
PARITIES = study(
    {"features": FEATURES, "width": WIDTHS, "network": NETWORKS, "draw": range(DRAWS)},
    margin=(
        ("network", "features", "width", "draw"),
        np.stack([0.99 * BEST, 0.9 * OWN, OWN, BEST])[..., None] * (1 + 1e-3 * np.arange(DRAWS)),
    ),
)


def where(network: str, change: Callable[[xr.DataArray], xr.DataArray]) -> Callable[[xr.Dataset], xr.Dataset]:
    """Margins of one network changed."""
    return changed(margin=lambda data: data.where(data["network"] != network, change(data)))


ALL, ALONE, COST = (
    "turning_neurons_reach_the_global_margin",
    "norms_alone_reach_the_margin_of_their_directions",
    "fixed_directions_cost_margin",
)
CASES: list[tuple[str, xr.Dataset, Callable[[xr.Dataset], xr.Dataset]]] = [
    (ALL, PARITIES, where("all weights", lambda margin: 0.9 * margin)),
    (ALL, PARITIES, changed(margin=lambda margin: margin / margin["features"] ** 0.2)),
    (ALL, PARITIES, where("all weights", lambda margin: -margin)),
    (ALONE, PARITIES, where("norms alone", lambda margin: 0.8 * margin)),
    (ALONE, PARITIES, where("best norms", lambda margin: -margin)),
    (COST, PARITIES, where("best norms", lambda margin: margin.isel(width=slice(None, None, -1)).values + 0 * margin)),
    (COST, PARITIES, where("best norms", lambda margin: margin * margin["features"] ** 2)),
    (COST, PARITIES, where("best directions", lambda margin: margin / 10)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "dataset", "spoil"), CASES, ids=[name for name, _, _ in CASES])
def test_check(name: str, dataset: xr.Dataset, spoil: Callable[[xr.Dataset], xr.Dataset]) -> None:
    assert_check_decides(name, dataset, spoil)


def test_every_check_of_this_topic_is_tested() -> None:
    of_topic = {name for name, entry in CHECKS.items() if ".parities:" in entry.function}
    assert {name for name, _, _ in CASES} == of_topic
