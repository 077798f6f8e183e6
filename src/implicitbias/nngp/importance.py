"""The published estimator of the orthant probability, kept to show where it stands.

It is unbiased for P. By Jensen's inequality its complexity -ln P is too high on average, so that a bound computed from
it is as valid, on average over its draws, as one computed from P itself: valid up to its own sampling, but loose.
"""

import math

import torch

from implicitbias.linalg import cholesky, determinant_root
from implicitbias.nngp.estimate import OrthantEstimate, at_least_one, log_mean, warn_if_few
from implicitbias.nngp.standardise import standardised
from implicitbias.shapes.tensors import Kernel, Labels

_BLOCK = 2**20  # numbers drawn at once, 8 MB


def importance(kernel: Kernel, labels: Labels, *, draws: int = 10**6, seed: int = 0) -> OrthantEstimate:
    """Bernstein & Yue's estimator: P = 2^-n E exp(-1/2 (Y z)^T (|K|^(1/n) K^-1 - I)(Y z)), z half-normal.

    For structured labels at n >= 100 a handful of draws carry all the weight: neither the estimate nor its
    error bar has converged, and the estimate of -ln P is too high by tens of nats. That is the safe side for a bound
    (by Markov's inequality it is too low by t nats with probability exp(-t) at most), but it differs between depths
    and kinds of labels, so that their order can change.

    Args:
        kernel: `(n, n)` covariance of f, any positive diagonal.
        labels: `(n,)` of +-1.
        draws: number of draws.
        seed: of the draws.

    Raises:
        ConfigError: for a number of draws that is none.
        NumericalError: if the kernel is no covariance or the probability is 0 (see `standardised`).

    Warns:
        ConvergenceWarning: if fewer than 100 samples are effective.

    Source: Bernstein & Yue 2021, theorem 1 and their code.
    """
    draws = at_least_one("draws", draws)
    a = standardised(kernel, labels).correlation
    n = len(a)
    factor = cholesky(a)
    root = determinant_root(factor)
    identity = torch.eye(n, dtype=a.dtype, device=a.device)
    whitening = torch.linalg.solve_triangular(factor, identity, upper=False).mul_(math.sqrt(root))
    generator = torch.Generator(a.device).manual_seed(seed)
    log_weights = []
    for start in range(0, draws, block := max(1, _BLOCK // n)):
        z = torch.randn(n, min(block, draws - start), generator=generator, dtype=a.dtype, device=a.device)
        energy = z.square().sum(0)
        log_weights.append(0.5 * (energy - torch.matmul(whitening, z.abs_()).square_().sum(0)))
    weights = torch.cat(log_weights)
    log_ratio, stderr, effective = (float(each) for each in log_mean(weights))
    warn_if_few(effective, draws, "importance", "use the estimator mixture")
    shift = -n * math.log(2)
    return OrthantEstimate(
        log_ratio + shift, stderr, effective, lower_bound=float(weights.mean()) + shift, groups=len(weights)
    )
