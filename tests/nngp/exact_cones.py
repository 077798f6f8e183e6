"""Labellings with several classes whose probability is known without the samplers under test."""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import log_ndtr, logsumexp
from torch import Tensor

from implicitbias.nngp import cone, orthant

FAMILIES = ("uncorrelated", "one point", "copies", "one factor", "two classes", "few points", "blocks")


class Problem(NamedTuple):
    """A kernel `(n, n)`, classes `(n,)` of `class_count`, and ln P with its standard error (0: exact)."""

    family: str
    kernel: Tensor
    classes: Tensor
    class_count: int
    log_probability: float
    stderr: float


def random_problem(seed: int) -> Problem:
    """A problem of a random family, permuted and scaled at random.

    uncorrelated: C^-n. one point: 1/C. copies: of the points of another problem. one factor: three classes, by
    quadrature. two classes: random kernels, by the orthant of the sign. few points: by simulation. blocks: two
    independent one-factor problems.
    """
    rng = np.random.default_rng(seed)
    family = str(rng.choice(FAMILIES))
    kernel, classes, count, answer, stderr = _problem(family, rng)
    order = rng.permutation(len(classes))
    scale = np.exp(rng.normal(size=len(order)))
    kernel = kernel[np.ix_(order, order)] * np.outer(scale, scale)
    return Problem(family, torch.from_numpy(kernel), torch.from_numpy(classes[order]), count, answer, stderr)


def calibrate(problems: int, samples: int = 4096, method: str = "structured", first: int = 0) -> np.ndarray:
    """Errors of the estimates of random problems, in standard errors, `(problems,)`; honest if most are below 3."""
    scores = []
    for seed in range(first, first + problems):
        problem = random_problem(seed)
        estimate = cone.log_probability(
            problem.kernel, problem.classes, method, class_count=problem.class_count, samples=samples, seed=seed
        )
        error = estimate.log_probability - problem.log_probability
        scores.append(error / max(math.hypot(estimate.stderr, problem.stderr), 1e-5))  # quadrature is no better
    return np.array(scores)


def _problem(family: str, rng: np.random.Generator):
    if family == "uncorrelated":
        n, count = round(200 ** rng.random()), int(rng.integers(2, 11))
        return np.eye(n), rng.integers(count, size=n), count, -n * math.log(count), 0.0
    if family == "one point":
        count = int(rng.integers(2, 50))
        return np.eye(1), rng.integers(count, size=1), count, -math.log(count), 0.0
    if family == "copies":
        kernel, classes, count, answer, stderr = _problem(str(rng.choice(["uncorrelated", "one factor"])), rng)
        chosen = np.concatenate([np.arange(len(classes)), rng.integers(len(classes), size=len(classes))])
        return kernel[np.ix_(chosen, chosen)], classes[chosen], count, answer, stderr
    if family == "one factor":
        return _one_factor_problem(rng)
    if family == "two classes":
        kernel = gaussian_kernel(rng, round(60 ** rng.random()))
        classes = rng.integers(2, size=len(kernel))
        signs = torch.from_numpy(2.0 * classes - 1)
        known = orthant.log_probability(torch.from_numpy(kernel), signs, seed=int(rng.integers(2**31)))
        return kernel, classes, 2, known.log_probability, known.stderr
    if family == "few points":
        n, count = int(rng.integers(1, 4)), int(rng.integers(3, 6))
        kernel = gaussian_kernel(rng, n)
        classes = (np.linalg.cholesky(kernel) @ rng.normal(size=(n, count))).argmax(1)  # none too rare to be seen
        return kernel, classes, count, *simulated(kernel, classes, count, rng)
    parts = [_one_factor_problem(rng) for _ in range(2)]
    kernel = torch.block_diag(*(torch.from_numpy(part[0]) for part in parts)).numpy()
    return kernel, np.concatenate([part[1] for part in parts]), 3, sum(part[3] for part in parts), 0.0


def gaussian_kernel(rng: np.random.Generator, n: int) -> np.ndarray:
    """exp(-|x - x'|^2/(2 width^2)) on random points of five dimensions, `(n, n)`."""
    x = rng.normal(size=(n, 5))
    squares = ((x[:, None] - x[None, :]) ** 2).sum(2)
    return np.exp(-squares / (2 * rng.uniform(0.5, 4) ** 2)) + 1e-6 * np.eye(n)


def simulated(kernel: np.ndarray, classes: np.ndarray, count: int, rng: np.random.Generator, draws: int = 10**6):
    """ln P by direct simulation, and its standard error."""
    outputs = np.linalg.cholesky(kernel) @ rng.normal(size=(count, len(kernel), draws))
    p = (outputs.argmax(0) == classes[:, None]).all(0).mean()
    return math.log(p), math.sqrt((1 - p) / (p * draws))


def _one_factor_problem(rng: np.random.Generator):
    """Loadings of at most two values on one factor a class, labels that follow a draw of the factors or not."""
    n = round(100 ** rng.random())
    largest = rng.choice([0.3, 0.7, 0.9, 0.97])
    loadings = rng.choice([largest, *rng.uniform(-largest, largest, size=int(rng.integers(2)))], n)
    follow = rng.random(n) < rng.choice([0.5, 0.9, 1.0])
    classes = np.where(follow, (loadings[:, None] * rng.normal(size=3)).argmax(1), rng.integers(3, size=n))
    kernel = np.outer(loadings, loadings)
    np.fill_diagonal(kernel, 1)
    return kernel, classes, 3, one_factor(loadings, classes), 0.0


def one_factor(loadings: np.ndarray, classes: np.ndarray) -> float:
    """ln P of three classes with f_c(x_i) = l_i z_c + (1 - l_i^2)^(1/2) e_ic, by quadrature over z but for its mean."""
    w = np.linspace(-7, 7, 401)
    plane = np.stack(np.meshgrid(w, w), -1).reshape(-1, 2)
    z = plane @ _BASIS
    log_density = -0.5 * (plane**2).sum(1) - math.log(2 * math.pi)
    slopes = loadings / np.sqrt(1 - loadings**2)
    for (slope, own), times in zip(*_counted(slopes, classes), strict=True):
        log_density = log_density + times * _log_largest(slope * z, int(own))
    return float(logsumexp(log_density) + 2 * math.log(w[1] - w[0]))


_BASIS = np.array([[1, -1, 0], [1, 1, -2]]) / np.sqrt([[2.0], [6.0]])


def _counted(slopes: np.ndarray, classes: np.ndarray):
    pairs, times = np.unique(np.stack([slopes, classes], 1), axis=0, return_counts=True)
    return pairs, times


def _log_largest(means: np.ndarray, own: int) -> np.ndarray:
    """ln P[class `own` is the largest of three unit normals with these means `(z, 3)`], `(z,)`."""
    u = np.linspace(-7, 9, 33)
    above = means[:, [own]] - np.delete(means, own, 1)  # (z, 2)
    terms = -0.5 * u**2 + log_ndtr(above[:, [0]] + u) + log_ndtr(above[:, [1]] + u)
    return logsumexp(terms, axis=1) + math.log((u[1] - u[0]) / math.sqrt(2 * math.pi))
