"""Hidden activations, elementwise and differentiable by autograd."""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.catalogue import ACTIVATIONS, resolve
from implicitbias.networks import layers

Activation = Callable[[Tensor], Tensor]


def activation_of(layer: layers.Activation) -> Activation:
    """The function of an activation layer, with its parameters."""
    return partial(resolve(ACTIVATIONS[layer.name]), **dict(layer.parameters))


class Rectifier(NamedTuple):
    """An activation factor max(slope z, z) with a slope from 0 to 1.

    Attributes:
        slope: of the negative side.
        factor: of both sides.
    """

    slope: float
    factor: float


def rectifier_of(layer: layers.Activation) -> Rectifier | None:
    """The activation as a rectifier, if it is one."""
    return _RECTIFIERS[layer.name](**dict(layer.parameters)) if layer.name in _RECTIFIERS else None


def _gain(slope: float) -> float:
    """The factor with which max(slope z, z) keeps the second moment of a standard normal z (He et al. 2015)."""
    return math.sqrt(2 / (1 + slope**2))


def relu(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """sqrt(2) max(z, 0): keeps the second moment of a standard normal z (He et al. 2015)."""
    return torch.relu(z).mul(_gain(0))


def leaky_relu(z: Float[Tensor, "*shape"], slope: float = 0.1) -> Float[Tensor, "*shape"]:
    """sqrt(2/(1 + slope^2)) max(slope z, z): keeps the second moment (He et al. 2015).

    Args:
        z: of any shape.
        slope: slope of the negative side.
    """
    return torch.nn.functional.leaky_relu(z, slope).mul(_gain(slope))


def plain_relu(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """max(z, 0), without the factor of `relu`."""
    return torch.relu(z)


def plain_leaky_relu(z: Float[Tensor, "*shape"], slope: float = 0.1) -> Float[Tensor, "*shape"]:
    """max(slope z, z), without the factor of `leaky_relu`.

    Args:
        z: of any shape.
        slope: slope of the negative side.
    """
    return torch.nn.functional.leaky_relu(z, slope)


def smooth_leaky_relu(z: Float[Tensor, "*shape"], slope: float = 0.1) -> Float[Tensor, "*shape"]:
    """Slope z + (1 - slope) log((1 + e^z)/2) (Frei et al. 2023, section 5).

    Args:
        z: of any shape.
        slope: slope of the negative side.
    """
    return slope * z + (1 - slope) * (torch.nn.functional.softplus(z) - math.log(2))


def squared_relu(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """max(z, 0)^2, homogeneous of degree 2."""
    return torch.relu(z).square()


def gelu(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Z Phi(z) (Hendrycks & Gimpel 2016)."""
    return torch.nn.functional.gelu(z)


def silu(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """z/(1 + e^-z) (Elfwing et al. 2018)."""
    return torch.nn.functional.silu(z)


def tanh(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The hyperbolic tangent."""
    return torch.tanh(z)


def sigmoid(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """1/(1 + e^-z)."""
    return torch.sigmoid(z)


def erf(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The error function (Williams 1997)."""
    return torch.erf(z)


def linear(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The identity, for deep linear networks."""
    return z


_RECTIFIERS: dict[str, Callable[..., Rectifier]] = {
    "relu": lambda: Rectifier(0.0, _gain(0)),
    "leaky_relu": lambda slope: Rectifier(slope, _gain(slope)),
    "plain_relu": lambda: Rectifier(0.0, 1.0),
    "plain_leaky_relu": lambda slope: Rectifier(slope, 1.0),
}
