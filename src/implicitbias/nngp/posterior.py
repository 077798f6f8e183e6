"""What the infinitely wide network predicts: conditioned on signs, on targets or spherised, or trained on targets.

A test point's predictive probability given f(X) is Phi(y* m*/s*), m* = k*^T K^-1 f, s*^2 = 1 - k*^T K^-1 k*
(in units of the point's prior deviation). All test points share one set of weighted samples of f(X).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from implicitbias.linalg import cholesky
from implicitbias.networks.spherised import spherised_targets
from implicitbias.nngp.gaussian import ndtr
from implicitbias.shapes.tensors import Kernel, Labels

_MIN_VARIANCE = 1e-12  # of a test point that is a training point, in units of its prior variance
_GROUPS = 16  # independent groups of spherised targets
_RESAMPLES = 200  # of the groups, for the standard error of the vote's error
_BLOCK = 512  # test points at once: 16 MB with 4096 samples


@dataclass(frozen=True)
class TestBlock:
    """The Gaussian algebra of a training and a test set, done once.

    Attributes:
        factor: `(n, n)` Cholesky factor of the training kernel K.
        projection: `(n, m)` K^-1 K_*, so that the predictive mean is projection^T f.
        deviation: `(m,)` predictive standard deviations s*.
        labels: `(m,)` test labels +-1.

    """

    factor: Kernel
    projection: Float[Tensor, "n m"]
    deviation: Float[Tensor, " m"]
    labels: Shaped[Tensor, " m"]

    __test__ = False  # not a test case, whatever pytest thinks of the name


@dataclass(frozen=True)
class Errors:
    """Errors of a posterior on a test set.

    Attributes:
        gibbs: error of a random draw of the function, mean over test points.
        gibbs_stderr: its standard error over the samples of f(X).
        bayes: error of the majority vote, the fraction of test points with p < 1/2.
        bayes_stderr: its standard error over the samples of f(X), by a bootstrap of their independent groups.
        probability: `(m,)` p of the true label at each test point.
        probability_stderr: `(m,)` its standard error.

    """

    gibbs: float
    gibbs_stderr: float
    bayes: float
    bayes_stderr: float
    probability: Float[Tensor, " m"]
    probability_stderr: Float[Tensor, " m"]


def prepare(
    kernel: Kernel, cross: Float[Tensor, "n m"], variance: Float[Tensor, " m"], labels: Shaped[Tensor, " m"]
) -> TestBlock:
    """The shared algebra.

    Args:
        kernel: `(n, n)` K of the training points, float64.
        cross: `(n, m)` K_* between training and test points.
        variance: `(m,)` prior variances of the test points.
        labels: `(m,)` test labels +-1.

    Raises:
        NumericalError: if the training kernel is singular.

    """
    factor = cholesky(kernel)
    projection = torch.cholesky_solve(cross, factor)
    explained = torch.linalg.vecdot(cross, projection, dim=0)
    deviation = torch.maximum(variance - explained, _MIN_VARIANCE * variance).sqrt()
    return TestBlock(factor, projection, deviation, labels.to(kernel))


def average(
    block: TestBlock, samples: Float[Tensor, "n samples"], log_weights: Float[Tensor, " samples"], groups: int
) -> Errors:
    """The posterior's errors from weighted samples of f(X).

    Args:
        block: from `prepare`.
        samples: `(n, N)` samples of f(X), columns.
        log_weights: `(N,)`.
        groups: number of independent groups of columns; their spread gives the standard errors. Columns stand
            as (group, within group).

    Source: Bernstein & Yue 2021, section 5 (the average over the orthant).

    """
    weights = torch.exp(log_weights - log_weights.max())
    weights = weights / weights.sum()
    share = weights.reshape(groups, -1).sum(1)
    sums = []
    for start in range(0, len(block.labels), _BLOCK):
        part = slice(start, start + _BLOCK)
        sign = block.labels[part] / block.deviation[part]
        p = ndtr((block.projection[:, part].T @ samples).mul_(sign[:, None]))
        sums.append(p.mul_(weights).reshape(len(p), groups, -1).sum(2))
    group_sums = torch.cat(sums)
    probability = group_sums.sum(1)
    mean_sums = group_sums.mean(0)
    gibbs = float(1 - probability.mean())
    return Errors(
        gibbs=gibbs,
        gibbs_stderr=float(ratio_stderr(mean_sums[None, :], share)[0]),
        bayes=float((probability < 0.5).double().mean()),
        bayes_stderr=_vote_stderr(group_sums, share),
        probability=probability,
        probability_stderr=ratio_stderr(group_sums, share),
    )


def ratio_stderr(sums: Float[Tensor, "m group"], share: Float[Tensor, " group"]) -> Float[Tensor, " m"]:
    """Delta-method standard error of sum_r sums_r / sum_r share_r over independent groups r."""
    count = len(share)
    residual = sums - sums.sum(1, keepdim=True) * share
    return torch.sqrt((residual**2).sum(1) * count / (count - 1))


def _vote_stderr(sums: Float[Tensor, "m group"], share: Float[Tensor, " group"]) -> float:
    """Standard deviation of the vote's error when the independent groups are resampled."""
    times = resampled(sums)
    errors = (2 * sums @ times.T < times @ share).double().mean(0)
    return resampled_stderr(errors, len(share))


def resampled(sums: Float[Tensor, "... group"]) -> Float[Tensor, "resample group"]:
    """How often each of the independent groups stands in each resample."""
    count = sums.shape[-1]
    chosen = torch.randint(count, (_RESAMPLES, count), generator=torch.Generator().manual_seed(0))
    times = torch.zeros(_RESAMPLES, count, dtype=sums.dtype).scatter_add_(
        1, chosen, torch.ones_like(chosen, dtype=sums.dtype)
    )
    return times.to(sums.device)


def resampled_stderr(values: Float[Tensor, " resample"], count: int) -> float:
    """The standard error of a statistic by its values in resamples of `count` groups."""
    return float(values.std() * math.sqrt(count / (count - 1)))


def lazy(
    kernel: Kernel,
    cross: Float[Tensor, "n m"],
    variance: Float[Tensor, " m"],
    tangent: Kernel,
    tangent_cross: Float[Tensor, "n m"],
    labels: Shaped[Tensor, " m"],
) -> TestBlock:
    """The infinitely wide network after gradient descent on the squared loss has fitted all targets, as a test block.

    With A = Theta^-1 Theta_* its function is Gaussian with the mean A^T alpha Y and the covariance
    K_** + A^T K A - A^T K_* - K_*^T A over initial weights: what they give, less what training takes away again.

    Args:
        kernel: `(n, n)` K of the training points, float64.
        cross: `(n, m)` K_* between training and test points.
        variance: `(m,)` prior variances of the test points.
        tangent: `(n, n)` the tangent kernel Theta.
        tangent_cross: `(n, m)` Theta_*.
        labels: `(m,)` test labels +-1.

    Raises:
        NumericalError: if Theta is singular.

    Source: Jacot, Gabriel & Hongler 2018; Lee et al. 2019, equations 13 to 16 (time to infinity).
    """
    factor = cholesky(tangent)
    projection = torch.cholesky_solve(tangent_cross, factor)
    left = torch.linalg.vecdot(projection, kernel @ projection - 2 * cross, dim=0)
    deviation = torch.maximum(variance + left, _MIN_VARIANCE * variance).sqrt()
    return TestBlock(factor, projection, deviation, labels.to(kernel))


def ray(block: TestBlock, labels: Labels, label_scales: Sequence[float]) -> Float[Tensor, "scale m"]:
    """Probability Phi(-alpha y* m*/s*) of the wrong sign at every test point, for f(X) = alpha Y: exact, no samples.

    Args:
        block: from `prepare` (conditioned on the targets) or `lazy` (trained on them by gradient descent).
        labels: `(n,)` training labels +-1.
        label_scales: the alphas, `(s,)`.

    Returns:
        `(s, m)`; the mean over test points is the error of a random function.

    Source: Bernstein & Yue 2021, section 5.
    """
    margin = block.labels * (block.projection.T @ labels.to(block.factor)) / block.deviation
    alphas = torch.tensor(label_scales, dtype=margin.dtype, device=margin.device)
    return ndtr(-alphas[:, None] * margin)


def ray_spread(
    block: TestBlock,
    labels: Labels,
    label_scales: Sequence[float],
    covariance: Float[Tensor, "m m"],
    draws: int,
    seed: int,
) -> Float[Tensor, " scale"]:
    """Standard deviation of a drawn function's test error, for f(X) = alpha Y.

    Args:
        block: from `prepare` or `lazy`.
        labels: `(n,)` training labels.
        label_scales: the alphas, `(s,)`; the same noise serves them all.
        covariance: `(m, m)` covariance of the functions at the test points (conditioned: K_** - K_*^T K^-1 K_*).
        draws: number of functions drawn jointly on all test points.
        seed: of the draws.

    Returns:
        `(s,)`.

    Source: Bernstein & Yue 2021, section 5.
    """
    mean = block.projection.T @ labels.to(block.factor)
    deviation = drawn(covariance, draws, seed)
    errors = [((alpha * mean[:, None] + deviation) * block.labels[:, None] <= 0).double().mean(0)
              for alpha in label_scales]  # fmt: skip
    return torch.stack(errors).std(1)


def drawn(covariance: Float[Tensor, "m m"], draws: int, seed: int) -> Float[Tensor, "m {draws}"]:
    """Independent draws of N(0, covariance) as columns."""
    values, vectors = torch.linalg.eigh(covariance)  # an eigenvalue may be 0 to rounding, which Cholesky does not take
    noise = torch.randn(len(values), draws, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    columns: Tensor = vectors @ (values.clamp(min=0).sqrt()[:, None] * noise.to(values.device))
    return columns


def kernel_interpolation(block: TestBlock, labels: Labels) -> float:
    """Error of sign(k*^T K^-1 Y), the centre of the version space's stand-in (a Bayes point machine).

    Source: Bernstein & Yue 2021 (second version), section 5; Herbrich, Graepel & Campbell 2001.
    """
    return float((block.projection.T @ labels.to(block.factor) * block.labels <= 0).double().mean())


def spherised(block: TestBlock, labels: Labels, samples: int, seed: int) -> Errors:
    """Errors of the spherised posterior: `spherised_targets`, interpolated, with the GP's noise.

    Args:
        block: from `prepare`.
        labels: `(n,)` training labels.
        samples: number of target vectors, in 16 groups for the standard errors.
        seed: of the targets.

    Source: Bernstein & Yue 2021 (second version), section 5.
    """
    shape = (len(labels), _GROUPS * max(1, samples // _GROUPS))
    normal = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    targets = spherised_targets(block.factor, labels, normal.T.to(block.factor.device)).T
    return average(block, targets, targets.new_zeros(shape[1]), _GROUPS)
