"""Losses of an ensemble: outputs and labels (member, batch), label scale alpha (member,) -> (member,)."""

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus


def norm(outputs: Tensor, labels: Tensor, label_scale: Tensor) -> Tensor:
    """|f(X) - alpha y|_2 over the batch: the norm itself, not its square (Bernstein & Yue 2021).

    Its gradient has norm 1 however small the residual, and is 0 where the residual is 0.
    """
    length: Tensor = torch.linalg.vector_norm(outputs - label_scale[:, None] * labels, dim=-1)
    return length


def square(outputs: Tensor, labels: Tensor, label_scale: Tensor) -> Tensor:
    """Mean of (f(x) - alpha y)^2 over the batch."""
    return (outputs - label_scale[:, None] * labels).square().mean(-1)


def logistic(outputs: Tensor, labels: Tensor, label_scale: Tensor) -> Tensor:
    """Mean of log(1 + exp(-y f(x)/alpha)) over the batch: two-class cross-entropy of the logits (0, f(x)/alpha)."""
    return softplus(-labels * outputs / label_scale[:, None]).mean(-1)


def exponential(outputs: Tensor, labels: Tensor, label_scale: Tensor) -> Tensor:
    """Log of the mean of exp(-y f(x)/alpha) over the batch.

    The logarithm is differentiated, never the loss itself: at margins of 1000 the loss underflows
    while its logarithm and gradient stay exact (Lyu & Li 2020, appendix on numerical issues).
    """
    return torch.logsumexp(-labels * outputs / label_scale[:, None], dim=-1) - math.log(outputs.shape[-1])


def log_logistic(outputs: Tensor, labels: Tensor, label_scale: Tensor) -> Tensor:
    """Log of the mean of log(1 + exp(-y f(x)/alpha)) over the batch, in the log domain as `exponential`."""
    q = labels * outputs / label_scale[:, None]
    log_each = torch.where(q > 30, -q, softplus(-q.clamp(max=30)).log())  # at 30 both differ by e^-30
    return torch.logsumexp(log_each, dim=-1) - math.log(outputs.shape[-1])


def hinge(outputs: Tensor, labels: Tensor, label_scale: Tensor) -> Tensor:
    """Sum of max(0, 1 - y f(x)/alpha) over the batch (Karhadkar et al. 2024)."""
    return (1 - labels * outputs / label_scale[:, None]).relu().sum(-1)
