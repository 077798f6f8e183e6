"""Kernels of infinitely wide networks (Neal 1996; Cho & Saul 2009; Lee et al. 2018; Jacot et al. 2018).

A network here is f(x) = W_L phi(W_{L-1} phi(... W_1 x)), weights N(0, 1/fan_in), biases
N(0, bias_variance); relu carries the factor sqrt(2), so that diag K = 1 on inputs of norm sqrt(d).
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from implicitbias.catalogue import ACTIVATIONS, function_of
from implicitbias.errors import ConfigError, nearest

_BLOCK = 512  # rows and columns of a block: its few temporaries stay near the processor


DualActivation = Callable[[Tensor, Tensor, Tensor, float], tuple[Tensor, Tensor]]
"""(covariance, variances (n, 1), variances (1, m), slope of leaky_relu) -> (E[phi(u) phi(v)], E[phi'(u) phi'(v)])."""


def leaky_relu(covariance: Tensor, left: Tensor, right: Tensor, slope: float) -> tuple[Tensor, Tensor]:
    """The dual of sqrt(2/(1 + slope^2)) max(slope z, z): Cho & Saul's arc-cosine kernel of degree 1, generalised."""
    scale = torch.sqrt(left * right)
    tiny = torch.finfo(scale.dtype).tiny  # an input of norm 0 has covariance 0 with all
    t = (covariance / scale.clamp(min=tiny)).clamp_(-1, 1)
    share = (1 - slope) ** 2 / (1 + slope**2) / math.pi
    derivative = torch.arccos(t).mul_(-share).add_(1)
    value = torch.sqrt(1 - t * t).mul_(share).addcmul_(t, derivative).mul_(scale)
    return value, derivative


def relu(covariance: Tensor, left: Tensor, right: Tensor, slope: float) -> tuple[Tensor, Tensor]:
    """The dual of sqrt(2) max(z, 0)."""
    return leaky_relu(covariance, left, right, 0.0)


def linear(covariance: Tensor, left: Tensor, right: Tensor, slope: float) -> tuple[Tensor, Tensor]:
    """The dual of z."""
    return covariance.clone(), torch.ones_like(covariance)


def erf(covariance: Tensor, left: Tensor, right: Tensor, slope: float) -> tuple[Tensor, Tensor]:
    """The dual of the error function, not normalised (Williams 1997)."""
    scale = (1 + 2 * left) * (1 + 2 * right)
    value = torch.arcsin(2 * covariance / scale.sqrt()).mul_(2 / math.pi)
    return value, 4 / math.pi / torch.sqrt(scale - 4 * covariance**2)


def nngp_kernel(
    x: Tensor,
    z: Tensor | None = None,
    *,
    depth: int,
    activation: str = "relu",
    slope: float = 0.1,
    bias_variance: float = 0.0,
) -> Tensor:
    """The covariance of the outputs of an infinitely wide network (NNGP).

    Args:
        x: `(n, d)` inputs.
        z: `(m, d)` inputs, or None for x itself (only half of the blocks is computed then).
        depth: number of weight matrices L; 1 is the linear kernel.
        activation: relu (sqrt(2) max(z, 0)), leaky_relu (sqrt(2/(1 + slope^2)) max(slope z, z)), erf or linear.
        slope: of leaky_relu.
        bias_variance: variance of a bias, 0 for none.

    Returns:
        `(n, m)` kernel in the dtype and on the device of x.

    Raises:
        ConfigError: for an activation without a closed form, or a depth below 1.

    Source: Cho & Saul 2009, eq. 3; Lee et al. 2018, eq. 5; Bernstein & Yue 2021, section 3.

    """
    return _recursion(x, z, depth, activation, slope, bias_variance, tangent=False)


def ntk_kernel(
    x: Tensor,
    z: Tensor | None = None,
    *,
    depth: int,
    activation: str = "relu",
    slope: float = 0.1,
    bias_variance: float = 0.0,
) -> Tensor:
    """The neural tangent kernel in NTK parametrisation (unit Gaussian parameters, scaled in the forward pass).

    Arguments, returned shape and errors are those of `nngp_kernel`.

    Source: Jacot, Gabriel & Hongler 2018, theorem 1.

    """
    return _recursion(x, z, depth, activation, slope, bias_variance, tangent=True)


def nngp_variance(
    x: Tensor,
    *,
    depth: int,
    activation: str = "relu",
    slope: float = 0.1,
    bias_variance: float = 0.0,
) -> Tensor:
    """The diagonal of `nngp_kernel(x)`, `(n,)`, without the kernel."""
    dual = _dual(activation, depth)
    variance = x.square().mean(1) + bias_variance
    for _ in range(depth - 1):
        variance = dual(variance, variance, variance, slope)[0] + bias_variance
    return variance


def kernel_of(network: Mapping[str, Any]) -> Callable[..., Tensor]:
    """`nngp_kernel` of the network that these parameters describe (depth, activation, its slope)."""
    return partial(nngp_kernel, **{name: network[name] for name in ("depth", "activation", "slope") if name in network})


def _dual(activation: str, depth: int) -> DualActivation:
    duals = {name: entry.dual for name, entry in ACTIVATIONS.items() if entry.dual}
    if activation not in duals:
        raise ConfigError(
            f"activation {activation!r} has no kernel in closed form{nearest(activation, duals)};"
            f" allowed: {', '.join(duals)}"
        )
    if depth < 1:
        raise ConfigError(f"depth = {depth}: allowed: at least 1")
    return function_of(duals[activation])


def _recursion(
    x: Tensor,
    z: Tensor | None,
    depth: int,
    activation: str,
    slope: float,
    bias_variance: float,
    *,
    tangent: bool,
) -> Tensor:
    """K <- E[phi phi] + b, and for the NTK Theta <- K + Theta E[phi' phi'], block by block."""
    dual = _dual(activation, depth)
    symmetric = z is None
    z = x if z is None else z
    row_variances = x.square().mean(1)[:, None] + bias_variance
    column_variances = z.square().mean(1)[None, :] + bias_variance
    result = torch.empty((len(x), len(z)), dtype=x.dtype, device=x.device)
    for i in range(0, len(x), _BLOCK):
        for j in range(i if symmetric else 0, len(z), _BLOCK):
            rows, columns = slice(i, i + _BLOCK), slice(j, j + _BLOCK)
            left, right = row_variances[rows], column_variances[:, columns]
            kernel = (x[rows] @ z[columns].T).div_(x.shape[1]).add_(bias_variance)
            ntk = kernel
            for layer in range(depth):
                if symmetric and i == j:  # exactly a point with itself: arccos doubles the rounding of a 1
                    kernel.diagonal().copy_(left[:, 0])
                if layer == depth - 1:
                    break
                kernel, derivative = dual(kernel, left, right, slope)
                kernel = kernel.add_(bias_variance)
                if tangent:
                    ntk = torch.addcmul(kernel, ntk, derivative)
                left = dual(left, left, left, slope)[0] + bias_variance
                right = dual(right, right, right, slope)[0] + bias_variance
            block = ntk if tangent else kernel
            if symmetric and i == j:  # some matrix products round x z and z x differently
                block = block.tril() + block.tril(-1).T
            result[rows, columns] = block
            if symmetric and j > i:
                result[columns, rows] = block.T
    return result
