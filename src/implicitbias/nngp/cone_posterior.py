"""What the infinitely wide network with C outputs predicts, conditioned on the classes of its training points.

Given the outputs F (n, C) at the training points, those at a test point are independent normals with the means
m_c = k*^T K^-1 F_c and one variance s*^2 = 1 - k*^T K^-1 k* (in units of the point's prior variance), so that

    P[class c | F] = integral of phi(x - m_c/s*) prod_{j != c} Phi(x - m_j/s*) dx.

Outputs count up to what all of them share, so samples less their mean over the classes will do.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from implicitbias.nngp.cone_structure import class_numbers
from implicitbias.nngp.posterior import TestBlock, drawn, ratio_stderr, resampled, resampled_stderr
from implicitbias.shapes.tensors import Labels

_REACH = 6  # of the integral about the largest mean
_TINY = 1e-300
_BLOCK = 2**13  # test points times samples at once: .7 MB for every ten outputs stay near the processor


@dataclass(frozen=True)
class ClassErrors:
    """Errors of a posterior over C classes on a test set.

    Attributes:
        gibbs: error of a random draw of the function, mean over test points.
        gibbs_stderr: its standard error over the samples of f(X).
        bayes: error of the majority vote, the largest class probability of each test point.
        bayes_stderr: its standard error over the samples of f(X), by a bootstrap of their independent groups.
        probability: `(m, C)` class probabilities at each test point.
        probability_stderr: `(m, C)` their standard errors.
    """

    gibbs: float
    gibbs_stderr: float
    bayes: float
    bayes_stderr: float
    probability: Float[Tensor, "m class"]
    probability_stderr: Float[Tensor, "m class"]


def average(
    block: TestBlock, samples: Float[Tensor, "n class samples"], log_weights: Float[Tensor, " samples"], groups: int
) -> ClassErrors:
    """The posterior's errors from weighted samples of the outputs.

    Args:
        block: from `posterior.prepare`, its labels the test points' classes, 0 to C - 1.
        samples: `(n, C, N)` samples of the outputs at the training points, as `cone.log_probability` returns them.
        log_weights: `(N,)`.
        groups: number of independent groups of samples, which stand as (group, within group); their spread gives the
            standard errors.

    Raises:
        NumericalError: if a test point's class is none of 0 ... C - 1.
    """
    class_count, count = samples.shape[1:]
    true = class_numbers(block.labels, class_count)
    weights = torch.exp(log_weights - log_weights.max())
    weights = weights / weights.sum()
    share = weights.reshape(groups, -1).sum(1)
    flat = samples.reshape(len(samples), -1)
    step = max(1, _BLOCK // count)
    sums = []
    for start in range(0, len(true), step):
        part = slice(start, start + step)
        means = ((block.projection[:, part].T / block.deviation[part, None]) @ flat).reshape(-1, class_count, count)
        sums.append(class_probabilities(means).mul_(weights).reshape(len(means), class_count, groups, -1).sum(3))
    by_group = torch.cat(sums)  # (m, C, groups)
    probability = by_group.sum(2)
    of_true = by_group[torch.arange(len(true)), true].mean(0)
    return ClassErrors(
        gibbs=float(1 - of_true.sum()),
        gibbs_stderr=float(ratio_stderr(of_true[None, :], share)[0]),
        bayes=float((probability.argmax(1) != true).double().mean()),
        bayes_stderr=_vote_stderr(by_group, true),
        probability=probability,
        probability_stderr=ratio_stderr(by_group.reshape(-1, groups), share).reshape(probability.shape),
    )


def class_probabilities(means: Float[Tensor, "m class samples"]) -> Float[Tensor, "m class samples"]:
    """Probability of each class to have the largest output, for outputs N(means, 1).

    Args:
        means: `(m, C, N)`.

    Returns:
        `(m, C, N)`, right to 1e-6 (trapezoidal rule).
    """
    scaled = (means - means.amax(1, keepdim=True)).mul_(math.sqrt(0.5))
    found = torch.zeros_like(means)
    step = 0.5 if means.shape[1] <= 12 else 0.2  # the largest of many classes has the narrower density
    t, twice = torch.empty_like(means), torch.empty_like(means)
    for k in range(-round(_REACH / step), round(_REACH / step) + 1):
        torch.sub(scaled, k * step * math.sqrt(0.5), out=t)
        torch.special.erfc(t, out=twice).clamp_(min=_TINY)  # 2 Phi(node - mean)
        product = twice.prod(1, keepdim=True)
        found += t.square_().neg_().exp_().div_(twice).mul_(product)
    return found.mul_(step / math.sqrt(2 * math.pi) / 2 ** (means.shape[1] - 1)).clamp_(max=1)


def ray(block: TestBlock, classes: Labels, class_count: int, label_scales: Sequence[float]) -> Float[Tensor, "scale m"]:
    """Probability that another class than the true one has the largest output, for f_c(X) = alpha (onehot_c - 1/C).

    The outputs are independent given the targets, so that it is exact to 1e-6, without samples.

    Args:
        block: from `posterior.prepare` (conditioned on the targets) or `posterior.lazy` (trained on them by gradient
            descent, whose tangent kernel is the same for every output), its labels the test points' classes.
        classes: `(n,)` of the training points.
        class_count: C.
        label_scales: the alphas, `(s,)`.

    Returns:
        `(s, m)`; the mean over test points is the error of a random function.
    """
    true = class_numbers(block.labels, class_count)
    means = block.projection.T @ _targets(classes, class_count).to(block.factor) / block.deviation[:, None]
    probabilities = class_probabilities(means[:, :, None] * means.new_tensor(label_scales))
    return 1 - probabilities[torch.arange(len(true)), true].T


def ray_spread(
    block: TestBlock,
    classes: Labels,
    class_count: int,
    label_scales: Sequence[float],
    covariance: Float[Tensor, "m m"],
    draws: int,
    seed: int,
) -> Float[Tensor, " scale"]:  # fmt: skip
    """Standard deviation of a drawn function's test error, for f_c(X) = alpha (onehot_c - 1/C).

    Args:
        block: as for `ray`.
        classes: `(n,)` of the training points.
        class_count: C.
        label_scales: the alphas, `(s,)`; the same noise serves them all.
        covariance: `(m, m)` covariance of every output at the test points.
        draws: number of functions drawn jointly on all test points.
        seed: of the draws.

    Returns:
        `(s,)`.
    """
    true = class_numbers(block.labels, class_count)
    means = block.projection.T @ _targets(classes, class_count).to(block.factor)
    deviation = drawn(covariance, class_count * draws, seed).reshape(len(true), class_count, draws)
    errors = [
        ((alpha * means[:, :, None] + deviation).argmax(1) != true[:, None]).double().mean(0) for alpha in label_scales
    ]
    return torch.stack(errors).std(1)


def kernel_interpolation(block: TestBlock, classes: Labels, class_count: int) -> float:
    """Error of the largest of k*^T K^-1 (onehot - 1/C), the outputs that interpolate the classes.

    Args:
        block: from `posterior.prepare`, its labels the test points' classes.
        classes: `(n,)` of the training points.
        class_count: C.
    """
    true = class_numbers(block.labels, class_count)
    outputs = block.projection.T @ _targets(classes, class_count).to(block.factor)
    return float((outputs.argmax(1) != true).double().mean())


def _targets(classes: Labels, class_count: int) -> Float[Tensor, "n {class_count}"]:
    """onehot - 1/C, float64."""
    numbers = class_numbers(classes, class_count)
    return torch.eye(class_count, dtype=torch.float64, device=numbers.device)[numbers] - 1 / class_count


def _vote_stderr(sums: Float[Tensor, "m class group"], true: Shaped[Tensor, " m"]) -> float:
    """Standard deviation of the vote's error when the independent groups are resampled."""
    errors = torch.stack([((sums @ one).argmax(1) != true).double().mean() for one in resampled(sums)])
    return resampled_stderr(errors, sums.shape[2])
