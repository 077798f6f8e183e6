"""Checks of what architectures give: they rest on differences within draws, and see every architecture once."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import ttest_rel
from spoiled import assert_check_decides, changed

from implicitbias.catalogue import CHECKS
from implicitbias.studies.checks import run_check

BETTER, ADDS = "convolutions_are_the_better_prior", "networks_beat_their_architectures_average"


def at(data: xr.DataArray, **place: object) -> xr.DataArray:
    """Which entries stand at these coordinates, as 0 and 1."""
    found = xr.ones_like(data)
    for dim, value in place.items():
        found = found * (data[dim] == value)
    return found


def test_every_check_of_priors_is_tested() -> None:
    assert {name for name, entry in CHECKS.items() if ".priors:" in entry.function} == {BETTER, ADDS}


@pytest.mark.parametrize(
    ("name", "variable", "worse"),
    [
        (BETTER, "gibbs_error", {"architecture": "cnn", "readout": "flatten", "labels": "decimal"}),
        (BETTER, "gibbs_error", {"architecture": "cnn", "readout": "global_average", "labels": "decimal"}),
        (ADDS, "test_error", {"architecture": "cnn", "readout": "flatten", "labels": "decimal"}),
        (ADDS, "test_error", {"architecture": "mlp", "labels": "decimal"}),
    ],
)
def test_one_architecture_against_the_prediction_is_enough_to_fail(
    name: str, variable: str, worse: dict[str, str], architectures: xr.Dataset
) -> None:
    spoil = changed(**{variable: lambda data: data + 0.11 * at(data, **worse)})
    assert_check_decides(name, architectures.astype(float, keep_attrs=True), spoil)


@pytest.mark.parametrize("name", [BETTER, ADDS])
def test_random_labels_are_not_judged(name: str, architectures: xr.Dataset) -> None:
    reverse = changed(
        gibbs_error=lambda data: data + 0.2 * at(data, architecture="cnn", labels="random"),
        test_error=lambda data: data + 0.3 * at(data, labels="random"),
    )
    assert run_check(name, reverse(architectures)) == run_check(name, architectures)
    assert run_check(name, architectures.sel(labels=["random"])).outcome == "not run"


def test_the_interval_is_that_of_paired_differences(architectures: xr.Dataset) -> None:
    """The draws differ by more than the architectures: unpaired means could not tell."""
    errors = architectures["gibbs_error"].sel(labels="decimal", readout="flatten")
    one, other = (errors.sel(architecture=name).values for name in ("cnn", "mlp"))
    interval = ttest_rel(one, other).confidence_interval(0.95)
    found = run_check(BETTER, architectures)
    numbers = f"cnn, flatten readout {np.mean(one - other):+.4f} ({interval.low:+.4f} to {interval.high:+.4f})"
    assert numbers in found.numbers
    assert "over 5 draws" in found.numbers
    noisy = architectures.assign(
        gibbs_error=errors
        + xr.DataArray(np.array([0.1, -0.1, 0.1, -0.1, 0.0]), dims="seed") * at(errors, architecture="cnn")
    )
    assert run_check(BETTER, noisy).outcome == "failed"


def test_every_architecture_is_judged_once(architectures: xr.Dataset) -> None:
    numbers = run_check(ADDS, architectures).numbers
    assert [part.rsplit(" ", 4)[0] for part in numbers.split(": ", 1)[1].split("; ")] == [
        "mlp", "cnn, flatten readout", "cnn, global average readout",
    ]  # fmt: skip


def test_what_cannot_be_compared_is_not_judged(architectures: xr.Dataset) -> None:
    for part in ({"architecture": ["mlp"]}, {"architecture": ["cnn"]}, {"seed": [0]}):
        assert run_check(BETTER, architectures.sel(part)).outcome == "not run"
    assert run_check(BETTER, architectures.sel(seed=0)).numbers == "this study has no axis seed"
    assert run_check(ADDS, architectures.sel(architecture="cnn", readout="flatten")).outcome == "passed"
