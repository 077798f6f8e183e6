"""Checks along the ray of label scales: which class of networks and which kernel decide, and by which interval."""

import numpy as np
import pytest
import xarray as xr
from spoiled import assert_check_decides, changed

from implicitbias.catalogue import CHECKS
from implicitbias.studies.checks import run_check

NETWORKS, KERNEL, SIGNS = "test_error_by_point", "ray_error_by_point", "gibbs_error_by_point"


def at(constraint: str, scale: float, by: float):
    """The values of one class at one label scale, moved."""
    return lambda data: data + by * (data["constraint"] == constraint) * (data["label_scale"] == scale)


SPOILED = [
    ("error_falls_with_label_scale", NETWORKS, at("mean_free_unit", 10.0, 0.2)),
    ("error_falls_with_label_scale", NETWORKS, at("mean_free_unit", 100.0, 0.03)),
    ("networks_cross_orthant_average", SIGNS, lambda data: data - 0.2),
    ("networks_cross_orthant_average", NETWORKS, at("mean_free_unit", 0.1, -0.1)),
    ("networks_beat_the_kernel_of_free_rows", KERNEL, at("unit", 10.0, -0.12)),
    ("networks_err_as_their_own_kernel", KERNEL, at("mean_free_unit", 1.0, 0.06)),
    ("networks_err_as_their_own_kernel", KERNEL, at("mean_free_unit", 100.0, -0.09)),
    ("small_targets_are_an_open_question", KERNEL, at("unit", 0.1, -0.1)),
    ("orthant_averages_agree", "sampled_test_error", lambda data: data + 0.1),
]


def test_every_check_of_the_ray_is_tested() -> None:
    assert {name for name, entry in CHECKS.items() if ".label_ray:" in entry.function} == {name for name, *_ in SPOILED}


@pytest.mark.parametrize(("name", "variable", "spoil"), SPOILED)
def test_one_value_against_the_prediction_is_enough_to_fail(name, variable, spoil, label_ray: xr.Dataset) -> None:
    assert_check_decides(name, label_ray, changed(**{variable: spoil}))


def test_the_published_comparison_is_of_two_classes(label_ray: xr.Dataset) -> None:
    """The kernel of the networks' class may be anything."""
    moved = changed(**{KERNEL: at("mean_free_unit", 10.0, -0.05)})(label_ray)
    name = "networks_beat_the_kernel_of_free_rows"
    assert run_check(name, moved) == run_check(name, label_ray)
    assert run_check(name, label_ray.sel(constraint="mean_free_unit")).outcome == "not run"


@pytest.mark.parametrize("name", sorted({name for name, *_ in SPOILED} - {"orthant_averages_agree"}))
def test_a_single_draw_decides_nothing(name: str, label_ray: xr.Dataset) -> None:
    found = run_check(name, label_ray.isel(seed=[0]))
    assert (found.outcome, found.numbers) == ("not run", "this study has no two draws of training points")


def test_a_mean_difference_within_its_interval_does_not_pass(label_ray: xr.Dataset) -> None:
    noise = 0.8 * (label_ray["seed"] % 2 - 0.5)
    noisy = changed(**{NETWORKS: lambda data: data + noise})(label_ray)
    assert run_check("small_targets_are_an_open_question", noisy).outcome == "failed"
    assert run_check("networks_err_as_their_own_kernel", noisy).outcome == "failed"


def test_averages_are_compared_draw_by_draw(label_ray: xr.Dataset) -> None:
    one = label_ray.sel(constraint="mean_free_unit")
    sampled = one["sampled_test_error"].values
    stderr = np.sqrt((np.nanvar(sampled, axis=1, ddof=1) / 40 + 1e-8).sum()) / 10
    z = (np.nanmean(sampled, axis=1) - one["gibbs_error"].values).mean() / stderr
    assert f"{z:+.1f} standard errors" in run_check("orthant_averages_agree", label_ray).numbers


def test_too_few_accepted_networks_say_so(label_ray: xr.Dataset) -> None:
    few = label_ray["sampled_test_error"].where((label_ray["draw"] < 5) & (label_ray["seed"] == 0))
    found = run_check("orthant_averages_agree", label_ray.assign(sampled_test_error=few))
    assert found.outcome == "not run"
    assert "only 5" in found.numbers
