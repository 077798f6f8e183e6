"""Checks of filters' ranks: each passes on data that obey it, and fails on spoiled data."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed, study

from implicitbias.catalogue import CHECKS
from implicitbias.studies.checks import run_check

SPREAD = np.array([-0.1, 0, 0.1])
RANKS = study(
    {"background": [0.0, 0.1, 0.2], "draw": range(3)},
    filter_rank=(("background", "draw"), np.array([5, 5.2, 6])[:, None] + SPREAD),
    data_rank=(("background", "draw"), np.array([5, 10, 20])[:, None] + SPREAD),
    clean_rank=(("background", "draw"), np.array([5, 5, 5])[:, None] + SPREAD),
)
SPARED, ALIKE = "filters_are_spared_the_noise", "filters_have_the_rank_of_clean_data"
CASES: list[tuple[str, xr.Dataset, Callable[[xr.Dataset], xr.Dataset]]] = [
    (SPARED, RANKS, lambda d: d.assign(filter_rank=d["data_rank"])),
    (SPARED, RANKS, lambda d: d.assign(data_rank=d["filter_rank"], filter_rank=d["clean_rank"])),  # hardly any noise
    (
        SPARED,
        RANKS,
        changed(filter_rank=lambda r: r * (1 + 40 * r["background"] ** 2 * (r["draw"] - 1))),
    ),  # draws disagree
    (ALIKE, RANKS, changed(filter_rank=lambda r: r + 3 * (r["background"] == 0.1))),
    (ALIKE, RANKS, changed(filter_rank=lambda r: r / 2)),
    (ALIKE, RANKS, changed(filter_rank=lambda r: r * (1 + 0.3 * (r["draw"] - 1)))),
]


@pytest.mark.parametrize(("name", "dataset", "spoil"), CASES, ids=[name for name, _, _ in CASES])
def test_check(name: str, dataset: xr.Dataset, spoil: Callable[[xr.Dataset], xr.Dataset]) -> None:
    assert_check_decides(name, dataset, spoil)


def test_every_check_of_this_topic_is_tested() -> None:
    of_topic = {name for name, entry in CHECKS.items() if ".dimension:" in entry.function}
    assert {name for name, _, _ in CASES} == of_topic


def test_labels_are_judged_one_by_one_over_seeds() -> None:
    seeds = RANKS.rename(draw="seed")
    both = xr.concat(
        [seeds, seeds.assign(filter_rank=seeds["data_rank"])], xr.DataArray(["a", "b"], dims="labels", name="labels")
    )
    assert run_check(SPARED, both.sel(labels="a")).outcome == "passed"
    assert run_check(SPARED, both).outcome == "failed"
    assert run_check(SPARED, seeds.isel(seed=[0])).outcome == "not run"
