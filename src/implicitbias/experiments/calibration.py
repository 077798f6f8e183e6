"""Are the error bars honest? An estimator against random problems whose answer is known."""

import math
import warnings
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from scipy.special import log_ndtr, logsumexp
from torch import Tensor

from implicitbias.errors import ConvergenceWarning, NumericalError
from implicitbias.nngp.orthant import log_probability, taken_settings
from implicitbias.progress import Progress
from implicitbias.rng import derive_seed
from implicitbias.schema import describe, variable, with_stderr

Array = np.ndarray[Any, np.dtype[np.float64]]

_SOURCE = "one-factor orthants: Dunnett & Sobel 1955; calibration: this project"


def calibrate(estimator: str = "mixture", *, problems: int = 200, samples: int = 4096, seed: int = 0) -> xr.Dataset:
    """Estimates, standard errors and the truth for random problems.

    Args:
        estimator: whose error bars are tested. It is a name in `catalogue.ESTIMATORS` that samples.
        problems: random problems, of 1 to 1000 points. All estimators are set the same ones.
        samples: samples a problem. They may be draws or particles.
        seed: of the problems and of the estimator.

    Returns:
        Dimension `problem`: `complexity` with its standard error, `exact_complexity`, `points` (n), `family`, and
        `score`, the error in standard errors; with honest error bars it is a t variable with `degrees_of_freedom`, one
        less than the independent groups that the estimator compares. NaN where the estimator gave up.
    """
    rows: list[tuple[Any, ...]] = []
    with Progress(problems, f"calibration of {estimator}", "problem") as progress:
        for number in range(problems):
            problem = random_problem(derive_seed("calibration problem", seed, number))
            given = {"samples": samples, "draws": samples, "seed": derive_seed("calibration", seed, number)}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # the scores tell
                found = _answer(estimator, problem, taken_settings(estimator, given))
            rows.append((*found, -problem.log_probability, len(problem.labels), problem.family))
            progress.update()
    columns: list[np.ndarray[Any, Any]] = [np.array(column) for column in zip(*rows, strict=True)]
    estimates, stderr, freedom, exact, points, family = columns
    score = (estimates - exact) / np.maximum(stderr, 1e-9)
    estimated = variable("problem", estimates, f"complexity by {estimator}", "nat", _SOURCE)
    dataset = xr.Dataset(
        {
            **with_stderr("complexity", estimated, stderr),
            "exact_complexity": variable("problem", exact, "exact complexity", "nat", _SOURCE),
            "points": variable("problem", points, "number of points", source=_SOURCE),
            "family": variable("problem", family, "family of the problem", source=_SOURCE),
            "degrees_of_freedom": variable(
                "problem", freedom, "degrees of freedom of the standard error", source=_SOURCE
            ),
            "score": variable("problem", score, "error in standard errors", source=_SOURCE),
        },
        {"problem": np.arange(problems)},
    )
    parameters = {"estimator": estimator, "problems": problems, "samples": samples, "seed": seed}
    return describe(dataset, f"calibration of the estimator {estimator}", parameters, dtype="float64")


def _answer(estimator: str, problem: "Problem", settings: dict[str, Any]) -> tuple[float, float, float]:
    try:
        estimate = log_probability(problem.kernel, problem.labels, estimator, **settings)
    except NumericalError:  # all weights vanished, or all particles died: a result of the calibration
        return math.nan, math.nan, math.nan
    return -estimate.log_probability, estimate.stderr, estimate.groups - 1


class Problem(NamedTuple):
    """A kernel `(n, n)`, labels `(n,)`, and ln P[sign f = labels] exactly."""

    family: str
    kernel: Tensor
    labels: Tensor
    log_probability: float


FAMILIES = ("two points", "three points", "equicorrelated", "one factor", "blocks")


def random_problem(seed: int) -> Problem:
    """A problem of a random family, permuted and scaled at random.

    Two and three points have a closed form. The others are made of independent blocks (one, or for "blocks" two to
    four) in which a single factor carries all correlation, so that the answer is a product of one-dimensional
    integrals: loadings all equal ("equicorrelated", correlation .1, .5, .9 or .99) or uniform up to .5, .9 or .99.
    Within a block the labels follow the factor with probability 1/2, 9/10 or 1. Sizes are log-uniform, 1 to 1000
    points in all.
    """
    rng = np.random.default_rng(seed)
    family = str(rng.choice(FAMILIES))
    if family in ("two points", "three points"):
        correlation, labels, log_p = _few_points(rng, 2 if family == "two points" else 3)
    else:
        count = int(rng.integers(2, 5)) if family == "blocks" else 1
        blocks = [_block(rng, 1000 / count, equal=family == "equicorrelated") for _ in range(count)]
        whole: Tensor = torch.block_diag(*(torch.from_numpy(block) for block, _, _ in blocks))  # type: ignore[no-untyped-call]
        correlation, labels = whole.numpy(), np.concatenate([signs for _, signs, _ in blocks])
        log_p = sum(one for _, _, one in blocks)
    order = rng.permutation(len(labels))
    scale = np.exp(rng.normal(size=len(order)))
    kernel = correlation[np.ix_(order, order)] * np.outer(scale, scale)
    return Problem(family, torch.from_numpy(kernel), torch.from_numpy(labels[order]), log_p)


def _few_points(rng: np.random.Generator, n: int) -> tuple[Array, Array, float]:
    """Correlations of random vectors of three components: 1/4 + asin(rho)/2 pi, or 1/8 + sum asin(rho_ij)/4 pi."""
    vectors = rng.normal(size=(n, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = rng.choice([-1.0, 1.0], n)
    correlation = vectors @ vectors.T
    np.fill_diagonal(correlation, 1)
    angles = np.arcsin((correlation * np.outer(labels, labels))[np.triu_indices(n, 1)]).sum()
    return correlation, labels, math.log(2.0**-n + angles / (2 ** (n - 1) * math.pi))


def _block(rng: np.random.Generator, largest: float, *, equal: bool) -> tuple[Array, Array, float]:
    n = round(largest ** rng.random())
    if equal:
        loadings = np.full(n, math.sqrt(rng.choice([0.1, 0.5, 0.9, 0.99])))
    else:
        loadings = rng.uniform(-1, 1, n) * rng.choice([0.5, 0.9, 0.99])
    labels = np.sign(loadings) * np.where(rng.random(n) < rng.choice([0.5, 0.9, 1.0]), 1, -1)
    block = np.outer(loadings, loadings)
    np.fill_diagonal(block, 1)
    return block, labels, _one_factor(loadings * labels)


def _one_factor(loadings: Array) -> float:
    """Logarithm of the integral of prod_i Phi(l_i x/sqrt(1 - l_i^2)) phi(x): all g_i = l_i x + noise positive."""
    x = np.linspace(-14, 14, 8001)
    slopes = loadings / np.sqrt(1 - loadings**2)
    log_integrand = sum(log_ndtr(slope * x) for slope in slopes) - 0.5 * x * x - 0.5 * math.log(2 * math.pi)
    return float(logsumexp(log_integrand)) + math.log(x[1] - x[0])
