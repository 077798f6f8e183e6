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
