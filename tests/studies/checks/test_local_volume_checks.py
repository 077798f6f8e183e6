"""Checks of local volumes, on studies that obey and on spoiled ones."""

import numpy as np
import pytest
import xarray as xr
from spoiled import changed, study

from implicitbias.studies.checks import run_check

LARGER, WHOLE, KNOWN = (
    "larger_volumes_go_with_smaller_errors", "local_volumes_are_parts_of_the_whole", "local_volumes_are_known",
)  # fmt: skip


@pytest.fixture
def volumes() -> xr.Dataset:
    """Two sizes, five draws, six networks; errors fall with the volume, up to noise."""
    rng = np.random.default_rng(0)
    size = (2, 5, 6)
    volume = -20 + rng.normal(0, 3, size)
    error = 0.3 - 0.02 * (volume + 20) + rng.normal(0, 0.01, size)
    dims = ("train_size", "seed", "member")
    return study(
        {"train_size": [4, 8], "seed": range(5), "member": range(6), "estimator": ["mixture"]},
        local_log_volume=(dims, volume), local_log_volume_stderr=(dims, np.full(size, 0.2)), test_error=(dims, error),
        complexity=(("estimator", "train_size", "seed"), np.full((1, 2, 5), 8.0)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        (LARGER, changed(test_error=lambda error: 1 - error)),
        (LARGER, changed(test_error=lambda error: error.where(error["train_size"] == 4, 1 - error))),
        (WHOLE, changed(complexity=lambda complexity: complexity + 20)),
        (KNOWN, changed(local_log_volume_stderr=lambda stderr: stderr.where(stderr["member"] > 0, 0.9))),
    ],
)
def test_checks_pass_what_obeys_and_fail_what_does_not(name: str, spoil: object, volumes: xr.Dataset) -> None:
    passed = run_check(name, volumes)
    assert passed.outcome == "passed", passed.numbers
    assert run_check(name, spoil(volumes)).outcome == "failed"  # type: ignore[operator]
    assert run_check(name, xr.Dataset()).outcome == "not run"


def test_networks_that_do_not_fit_are_left_out(volumes: xr.Dataset) -> None:
    fits = xr.DataArray(np.arange(6) != 2, dims="member")
    lost = volumes.assign(
        local_log_volume=volumes["local_log_volume"].where(fits),
        local_log_volume_stderr=volumes["local_log_volume_stderr"].where(fits),
        test_error=volumes["test_error"].where(fits, 0.9),
    )
    assert all(run_check(name, lost).outcome == "passed" for name in (LARGER, WHOLE, KNOWN))
    nothing = volumes.assign({name: volumes[name] * np.nan for name in ("local_log_volume", "local_log_volume_stderr")})
    assert run_check(LARGER, nothing).outcome == "failed"
    assert run_check(WHOLE, nothing).outcome == run_check(KNOWN, nothing).outcome == "not run"
