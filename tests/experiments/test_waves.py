"""Waves in labels: what is fitted, when, and what test points have of it."""

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from implicitbias.experiments.run import run
from implicitbias.experiments.waves import FREQUENCIES, _coefficients
from implicitbias.tasks.build import build


@pytest.fixture(scope="module")
def waves() -> xr.Dataset:
    task = build(source="digits", labels="decimal", train_size=60, test_size=100, seed=[0, 3], raw_dir=Path("raw"))
    return run(name="label_waves", seed=1, task=task, width=48, steps=200, every=20)


def test_all_waves_are_fitted_in_the_end_the_slow_ones_first(waves: xr.Dataset) -> None:
    assert waves.sizes == {"seed": 2, "frequency": len(FREQUENCIES), "step": 11}
    assert (waves["fitted"].isel(step=0) == 0).all()
    assert waves["fitted"].isel(step=-1).values == pytest.approx(np.ones((2, len(FREQUENCIES))), abs=0.15)
    early = waves["fitted"].sel(step=20).mean("seed")
    assert float(early.sel(frequency=0.25)) > float(early.sel(frequency=1.0)) > float(early.sel(frequency=4.0))


def test_test_points_have_slow_waves_alone(waves: xr.Dataset) -> None:
    end = waves["fitted_test"].isel(step=-1)
    assert (end.sel(frequency=0.25) > 0.6).all()
    assert (abs(end.sel(frequency=4.0)) < 0.35).all()


def test_draws_differ(waves: xr.Dataset) -> None:
    one, other = (waves["fitted"].sel(seed=seed).isel(step=3).values for seed in (0, 3))
    assert not np.allclose(one, other, atol=1e-4)


def test_coefficients_are_a_regression_on_the_wave() -> None:
    source = np.random.RandomState(0)
    waves, base = source.randn(3, 50), source.randn(50)
    outputs = np.stack([base, *(base + factor * wave for factor, wave in zip((0, 0.5, 2), waves, strict=True))])
    assert _coefficients(torch.tensor(outputs), torch.tensor(waves)) == pytest.approx([0, 0.5, 2])
