"""Dual activations: moments of phi(u), phi(v) for a centred normal pair (u, v), in closed form.

A dual is a function (covariance, variances of u, variances of v, and the activation's parameters) ->
(E[phi(u) phi(v)], E[phi'(u) phi'(v)]), a mean one of (variances, and the parameters) -> E[phi(u)]. Variances broadcast
against covariances.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.shapes.tensors import OfPairs


def relu(covariance: OfPairs, left: OfPairs, right: OfPairs) -> tuple[OfPairs, OfPairs]:
    """Of sqrt(2) max(z, 0): Cho & Saul's arc-cosine kernel of degree 1 (2009, equation 6)."""
    return leaky_relu(covariance, left, right, 0.0)


def relu_mean(variance: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Of sqrt(2) max(z, 0)."""
    return leaky_relu_mean(variance, 0.0)


def leaky_relu(covariance: OfPairs, left: OfPairs, right: OfPairs, slope: float) -> tuple[OfPairs, OfPairs]:
    """Of sqrt(2/(1 + slope^2)) max(slope z, z): the arc-cosine kernel of degree 1, generalised."""
    scale = (left * right).sqrt_()
    tiny = torch.finfo(scale.dtype).tiny  # an input of norm 0 has covariance 0 with all
    divisor = scale.clamp(min=tiny)
    t = torch.div(covariance, divisor, out=divisor).clamp_(-1, 1)
    share = (1 - slope) ** 2 / (1 + slope**2) / math.pi
    derivative = torch.arccos(t).mul_(-share).add_(1)
    square = t * t
    value = torch.sub(1, square, out=square).sqrt_().mul_(share).addcmul_(t, derivative).mul_(scale)
    return value, derivative


def leaky_relu_mean(variance: Float[Tensor, "*shape"], slope: float) -> Float[Tensor, "*shape"]:
    """Of sqrt(2/(1 + slope^2)) max(slope z, z)."""
    return variance.sqrt() * ((1 - slope) / math.sqrt(math.pi * (1 + slope**2)))


def plain_relu(covariance: OfPairs, left: OfPairs, right: OfPairs) -> tuple[OfPairs, OfPairs]:
    """Of max(z, 0)."""
    return plain_leaky_relu(covariance, left, right, 0.0)


def plain_relu_mean(variance: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Of max(z, 0)."""
    return plain_leaky_relu_mean(variance, 0.0)


def plain_leaky_relu(covariance: OfPairs, left: OfPairs, right: OfPairs, slope: float) -> tuple[OfPairs, OfPairs]:
    """Of max(slope z, z)."""
    value, derivative = leaky_relu(covariance, left, right, slope)
    factor = (1 + slope**2) / 2
    return value.mul_(factor), derivative.mul_(factor)


def plain_leaky_relu_mean(variance: Float[Tensor, "*shape"], slope: float) -> Float[Tensor, "*shape"]:
    """Of max(slope z, z)."""
    return variance.sqrt() * ((1 - slope) / math.sqrt(2 * math.pi))


def squared_relu(covariance: OfPairs, left: OfPairs, right: OfPairs) -> tuple[OfPairs, OfPairs]:
    """Of max(z, 0)^2: Cho & Saul's arc-cosine kernel of degree 2 (2009, equation 7)."""
    scale = torch.sqrt(left * right)
    t = (covariance / scale.clamp(min=torch.finfo(scale.dtype).tiny)).clamp_(-1, 1)
    angle, sine = math.pi - torch.arccos(t), torch.sqrt(1 - t * t)
    value = (3 * sine * t + angle * (1 + 2 * t * t)) * (scale * scale / (2 * math.pi))
    return value, (sine + angle * t) * (scale * (2 / math.pi))


def squared_relu_mean(variance: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Of max(z, 0)^2."""
    return variance / 2


def linear(covariance: OfPairs, left: OfPairs, right: OfPairs) -> tuple[OfPairs, OfPairs]:
    """Of z."""
    return covariance.clone(), torch.ones_like(covariance)


def erf(covariance: OfPairs, left: OfPairs, right: OfPairs) -> tuple[OfPairs, OfPairs]:
    """Of the error function, not normalised (Williams 1997)."""
    scale = (1 + 2 * left) * (1 + 2 * right)
    value = torch.arcsin(2 * covariance / scale.sqrt()).mul_(2 / math.pi)
    return value, 4 / math.pi / torch.sqrt(scale - 4 * covariance**2)


def odd_mean(variance: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Of every odd function."""
    return torch.zeros_like(variance)
