"""Orthant probabilities known exactly, for the tests of their estimators."""

import math

import numpy as np
import torch
from scipy import special, stats
from torch import Tensor


def equicorrelated(n: int, rho: float) -> Tensor:
    return torch.full((n, n), rho, dtype=torch.float64).fill_diagonal_(1)


def one_factor(loadings: np.ndarray) -> tuple[Tensor, float]:
    """The correlation matrix l l^T (with unit diagonal), and ln P[g > 0] by quadrature over the factor."""
    matrix = torch.tensor(np.outer(loadings, loadings)).fill_diagonal_(1)
    x = np.linspace(-14, 14, 20001)
    log_integrand = stats.norm.logpdf(x)
    for loading in loadings:
        log_integrand += special.log_ndtr(loading * x / np.sqrt(1 - loading**2))
    return matrix, float(special.logsumexp(log_integrand) + np.log(x[1] - x[0]))


def two(rho: float) -> float:
    """Sheppard's formula; by arccos, which keeps its digits at rho = -1."""
    return math.log((math.pi - math.acos(rho)) / (2 * math.pi))


def three(a: Tensor) -> float:
    return math.log(1 / 8 + sum(math.asin(float(a[i, j])) for i, j in ((0, 1), (0, 2), (1, 2))) / (4 * math.pi))


def solvable(number: int) -> tuple[Tensor, Tensor, float]:
    """A random kernel of any scale, labels, and ln P: one or two independent one-factor blocks."""
    rng = np.random.default_rng(number)
    blocks, log_p, signs = [], 0.0, []
    for _ in range(rng.integers(1, 3)):
        n = int(np.exp(rng.uniform(np.log(2), np.log(60))))
        loadings = rng.uniform(-1, 1, n) * rng.choice([0.5, 0.9, 0.99])
        labels = np.where(rng.random(n) < rng.choice([0.5, 0.9]), 1, -1) * np.sign(loadings)
        block, log_block = one_factor(loadings * labels)
        blocks.append(block * torch.tensor(np.outer(labels, labels)))
        log_p += log_block
        signs.append(labels)
    kernel = torch.block_diag(*blocks)
    order = torch.tensor(rng.permutation(len(kernel)))
    scale = torch.tensor(np.exp(rng.normal(0, 1, len(kernel))))
    kernel = kernel[order][:, order] * scale[:, None] * scale[None, :]
    return kernel, torch.tensor(np.concatenate(signs))[order], log_p


def shifted_two(rho: float, mean: tuple[float, float]) -> float:
    """ln P[g > 0] of two points, also far out: the integral over x > -m1 of phi(x) Phi((m2 + rho x)/sqrt(1 - rho^2)).

    In logarithms, on a grid around the integrand's only peak.
    """
    spread = math.sqrt((1 - rho) * (1 + rho))
    origin, edge = -min(mean[0], 0.0), -max(mean[0], 0.0)  # what is integrated over is small where the mass is

    def log_integrand(y):
        x = y + origin
        return stats.norm.logpdf(x) + special.log_ndtr((mean[1] + rho * x) / spread)

    low, high = edge, edge + 1000 + 100 * (abs(mean[0]) + abs(mean[1]))
    for _ in range(300):  # by thirds
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (left, high) if log_integrand(left) < log_integrand(right) else (low, right)
    peak = low if log_integrand(low) > log_integrand(edge) else edge
    ends = []
    for sign in (-1, 1):
        width = 1e-12
        while edge <= peak + sign * width and log_integrand(peak + sign * width) > log_integrand(peak) - 50:
            width *= 1.5
        ends.append(max(edge, peak + sign * width))
    y = np.linspace(*ends, 40_001)
    weights = np.ones_like(y) / 3
    weights[1:-1:2], weights[2:-1:2] = 4 / 3, 2 / 3  # Simpson's rule
    return float(special.logsumexp(log_integrand(y), b=weights) + np.log(y[1] - y[0]))


def in_the_plane(x: Tensor, labels: Tensor) -> float:
    """ln P of the signs of a random linear function of points `(n, 2)`: a wedge of the plane, an angle over 2 pi."""
    normal = (x * labels[:, None]).numpy()
    angle = np.sort(np.arctan2(normal[:, 1], normal[:, 0]))
    spread = 2 * np.pi - np.diff(np.append(angle, angle[0] + 2 * np.pi)).max()
    return math.log((np.pi - spread) / (2 * np.pi))
