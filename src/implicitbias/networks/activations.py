"""Hidden activations, elementwise and differentiable by autograd."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from implicitbias.catalogue import ACTIVATIONS, resolve

Activation = Callable[[Tensor], Tensor]


def of_network(network: Mapping[str, Any]) -> Activation:
    """The activation that a network's parameters name, with its own parameters (of those present)."""
    entry = ACTIVATIONS[network["activation"]]
    return partial(resolve(entry), **{name: network[name] for name in entry.parameters if name in network})


def relu(z: Tensor) -> Tensor:
    """sqrt(2) max(z, 0): keeps the second moment of a standard normal z (He et al. 2015)."""
    return torch.relu(z).mul(math.sqrt(2))


def leaky_relu(z: Tensor, slope: float = 0.1) -> Tensor:
    """sqrt(2/(1 + slope^2)) max(slope z, z): keeps the second moment (He et al. 2015)."""
    return torch.nn.functional.leaky_relu(z, slope).mul(math.sqrt(2 / (1 + slope**2)))


def erf(z: Tensor) -> Tensor:
    """The error function (Williams 1997)."""
    return torch.erf(z)


def linear(z: Tensor) -> Tensor:
    """The identity, for deep linear networks."""
    return z
