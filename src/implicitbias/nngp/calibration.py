"""Are the error bars honest? An estimator against random problems whose answer is known."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.special import log_ndtr, logsumexp
from torch import Tensor

from implicitbias.nngp.orthant import log_probability
from implicitbias.progress import bar
from implicitbias.rng import derive_seed
from implicitbias.schema import describe, variable, with_stderr

_SOURCE = "one-factor orthants: Dunnett & Sobel 1955; calibration: this project"


def calibrate(
    seed: int, problems: int = 200, estimator: str = "mixture", settings: Mapping[str, Any] | None = None
) -> xr.Dataset:
    """Estimates, standard errors and the truth for random block problems.

    Args:
        seed: of the problems and of the estimator.
        problems: how many.
        estimator: a name in `catalogue.ESTIMATORS` that takes a seed.
        settings: further settings of the estimator, e.g. `{"samples": 1024}`.

    Returns:
        Dimension `problem`: `complexity` with its standard error, `exact_complexity`, `points` (n), and `score`,
        the error in standard errors; with honest error bars it is a t variable with 15 degrees of freedom.
    """
    found: dict[str, list[float]] = {name: [] for name in ("complexity", "stderr", "exact", "points")}
    with bar(problems, f"calibration of {estimator}") as progress:
        for number in range(problems):
            kernel, labels, log_p = block_problem(derive_seed("calibration problem", seed, number))
            estimate = log_probability(
                kernel, labels, estimator, seed=derive_seed("calibration", seed, number), **(settings or {})
            )
            found["complexity"].append(-estimate.log_probability)
            found["stderr"].append(estimate.stderr)
            found["exact"].append(-log_p)
            found["points"].append(len(labels))
            progress.update()
    complexity, stderr, exact = (np.array(found[name]) for name in ("complexity", "stderr", "exact"))
    score = (complexity - exact) / np.maximum(stderr, 1e-9)
    estimated = variable("problem", complexity, f"complexity by {estimator}", "nat", _SOURCE)
    dataset = xr.Dataset(
        {
            **with_stderr("complexity", estimated, stderr),
            "exact_complexity": variable("problem", exact, "exact complexity", "nat", _SOURCE),
            "points": variable("problem", np.array(found["points"], np.int64), "number of points", source=_SOURCE),
            "score": variable("problem", score, "error in standard errors", source=_SOURCE),
        },
        {"problem": np.arange(problems)},
    )
    parameters = {"seed": seed, "problems": problems, "estimator": estimator, "settings": dict(settings or {})}
    return describe(dataset, f"calibration of the estimator {estimator}", parameters)


def block_problem(seed: int) -> tuple[Tensor, Tensor, float]:
    """A kernel of independent one-factor blocks, permuted and scaled at random, labels, and ln P exactly.

    One to four blocks of 2 to 100 points; factor loadings up to .5, .9 or .99; within a block the labels follow
    the factor with probability 1/2, 9/10 or 1.
    """
    rng = np.random.default_rng(seed)
    blocks, labels, log_p = [], [], 0.0
    for _ in range(rng.integers(1, 5)):
        n = round(2 * 50 ** rng.random())
        loadings = rng.uniform(-1, 1, n) * rng.choice([0.5, 0.9, 0.99])
        signs = np.sign(loadings) * np.where(rng.random(n) < rng.choice([0.5, 0.9, 1.0]), 1, -1)
        block = np.outer(loadings, loadings)
        np.fill_diagonal(block, 1)
        blocks.append(torch.from_numpy(block))
        labels.append(signs)
        log_p += _one_factor(loadings * signs)
    order = rng.permutation(sum(map(len, labels)))
    scale = torch.from_numpy(np.exp(rng.normal(size=len(order))))
    whole: Tensor = torch.block_diag(*blocks)  # type: ignore[no-untyped-call]
    kernel = whole[order][:, order] * scale[:, None] * scale[None, :]
    return kernel, torch.from_numpy(np.concatenate(labels)[order]), log_p


def _one_factor(loadings: np.ndarray) -> float:
    """Logarithm of the integral of prod_i Phi(l_i x/sqrt(1 - l_i^2)) phi(x): all g_i = l_i x + noise positive."""
    x = np.linspace(-14, 14, 8001)
    slopes = loadings / np.sqrt(1 - loadings**2)
    log_integrand = log_ndtr(np.outer(slopes, x)).sum(0) - 0.5 * x * x - 0.5 * math.log(2 * math.pi)
    return float(logsumexp(log_integrand)) + math.log(x[1] - x[0])
