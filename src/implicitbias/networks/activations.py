"""Hidden activations, elementwise and differentiable by autograd."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

Activation = Callable[[Tensor], Tensor]


def relu(z: Tensor) -> Tensor:
    """sqrt(2) max(z, 0): keeps the second moment of a standard normal z (He et al. 2015)."""
    return torch.relu(z).mul(math.sqrt(2))


def linear(z: Tensor) -> Tensor:
    """The identity, for deep linear networks."""
    return z
