"""Losses of an ensemble, as functions of outputs, targets and label scales alpha: `(member,)`.

Outputs and targets are `(member, batch)` for labels +-1, and `(member, batch, class)` for classes, where the largest
target is that of the point's own class. Label scales are `(member,)`.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from implicitbias.shapes.tensors import Outputs, PerMember


def margins(outputs: Outputs, targets: Outputs) -> Float[Tensor, "member batch"]:
    """y f(x) of labels y = +-1; of classes f_y(x) - max_{c != y} f_c(x): positive where the output is right.

    Args:
        outputs: `(..., n)`, or `(..., n, C)`.
        targets: of the same shape; of labels +-1 the labels, of classes numbers whose largest is that of the class.

    Returns:
        `(..., n)`.

    Source: Lyu & Li 2020, section 2 and appendix G (several classes).
    """
    if outputs.ndim < 3:
        return targets * outputs
    own, others = _split(outputs, targets)
    return own - others.amax(-1)


def soft_margins(outputs: Outputs, targets: Outputs) -> Float[Tensor, "member batch"]:
    """f_y(x) - ln sum_{c != y} exp f_c(x), at most the margin and at least that less ln(C - 1); of +-1 the margin.

    Cross-entropy is the logistic loss of this margin. Arguments and result as those of `margins`.
    """
    if outputs.ndim < 3:
        return targets * outputs
    own, others = _split(outputs, targets)
    return own - others.logsumexp(-1)


def _split(
    outputs: Float[Tensor, "member batch class"], targets: Float[Tensor, "member batch class"]
) -> tuple[Float[Tensor, "member batch"], Float[Tensor, "member batch class"]]:
    """The output of the own class `(..., n)`, and those of all classes with -inf in its place `(..., n, C)`."""
    true = targets.argmax(-1, keepdim=True)
    return outputs.gather(-1, true)[..., 0], outputs.scatter(-1, true, -torch.inf)


def norm(outputs: Outputs, targets: Outputs, label_scale: PerMember) -> PerMember:
    """|f(X) - alpha t|_2 over the batch (and classes): the norm itself, not its square (Bernstein & Yue 2021).

    Its gradient has norm 1 however small the residual, and is 0 where the residual is 0.
    """
    length: Tensor = torch.linalg.vector_norm(_residual(outputs, targets, label_scale).flatten(1), dim=-1)
    return length


def square(outputs: Outputs, targets: Outputs, label_scale: PerMember) -> PerMember:
    """Mean of (f(x) - alpha t)^2 over the batch (and classes)."""
    return _residual(outputs, targets, label_scale).square().flatten(1).mean(-1)


def logistic(outputs: Outputs, targets: Outputs, label_scale: PerMember) -> PerMember:
    """Mean of log(1 + exp(-q/alpha)) over the batch, q the margins.

    Of labels +-1 this is the two-class cross-entropy of the logits (0, f(x)/alpha).
    """
    return softplus(-margins(outputs, targets) / label_scale[:, None]).mean(-1)


def cross_entropy(outputs: Outputs, targets: Outputs, label_scale: PerMember) -> PerMember:
    """Mean of -ln softmax(f(x)/alpha)_y over the batch; of labels +-1 the `logistic` loss."""
    return softplus(-_soft(outputs, targets, label_scale)).mean(-1)


def exponential(outputs: Outputs, targets: Outputs, label_scale: PerMember) -> PerMember:
    """Log of the mean of exp(-q/alpha) over the batch, q the margins.

    The logarithm is differentiated, never the loss itself: at margins of 1000 the loss underflows
    while its logarithm and gradient stay exact (Lyu & Li 2020, appendix on numerical issues).
    """
    return _log_mean(-margins(outputs, targets) / label_scale[:, None])


def log_logistic(outputs: Outputs, targets: Outputs, label_scale: PerMember) -> PerMember:
    """Log of the mean of log(1 + exp(-q/alpha)) over the batch, in the log domain as `exponential`."""
    return _log_mean(_log_softplus(margins(outputs, targets) / label_scale[:, None]))


def log_cross_entropy(outputs: Outputs, targets: Outputs, label_scale: PerMember) -> PerMember:
    """Log of `cross_entropy`, in the log domain as `exponential`; of labels +-1 `log_logistic`."""
    return _log_mean(_log_softplus(_soft(outputs, targets, label_scale)))


def hinge(outputs: Outputs, targets: Outputs, label_scale: PerMember) -> PerMember:
    """Sum of max(0, 1 - q/alpha) over the batch, q the margins (Karhadkar et al. 2024)."""
    return (1 - margins(outputs, targets) / label_scale[:, None]).relu().sum(-1)


def _residual(outputs: Outputs, targets: Outputs, label_scale: PerMember) -> Outputs:
    return outputs - _aligned(label_scale, outputs) * targets


def _soft(outputs: Outputs, targets: Outputs, label_scale: PerMember) -> Float[Tensor, "member batch"]:
    return soft_margins(outputs / _aligned(label_scale, outputs), targets)


def _aligned(label_scale: PerMember, outputs: Outputs) -> Float[Tensor, "member 1 ..."]:
    return label_scale.view(-1, *[1] * (outputs.ndim - 1))


def _log_softplus(q: Float[Tensor, "member batch"]) -> Float[Tensor, "member batch"]:
    """log log(1 + e^-q)."""
    return torch.where(q > 30, -q, softplus(-q.clamp(max=30)).log())  # at 30 both differ by e^-30


def _log_mean(logs: Float[Tensor, "member batch"]) -> PerMember:
    return torch.logsumexp(logs, dim=-1) - math.log(logs.shape[-1])
