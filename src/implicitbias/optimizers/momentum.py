"""Gradient descent with heavy-ball momentum."""

from collections.abc import Sequence

import torch

from implicitbias.networks.stacked import Gradient
from implicitbias.optimizers.base import Optimizer, blocks
from implicitbias.shapes.tensors import PerMember, WeightList, Weights


def momentum(momentum: float = 0.9, weight_decay: float = 0.0) -> Optimizer:
    """v <- mu v + g + weight_decay w, w <- w - lr v, from v = 0 (Polyak 1964, in the form of torch.optim.SGD).

    Args:
        momentum: heavy-ball coefficient.
        weight_decay: weight decay: lambda of a penalty (lambda/2) |w|^2.
    """

    def init(weights: Weights) -> WeightList:
        return [torch.zeros_like(weight) for weight in weights]

    def update(
        gradients: Sequence[Gradient],
        state: Weights,
        weights: Weights,
        learning_rate: PerMember,
        step: int,
    ) -> None:
        rate = -learning_rate[:, None, None]
        for gradient, velocity, weight in zip(gradients, state, weights, strict=True):
            for g, v, w, r in blocks(gradient, velocity, weight, rate):
                if weight_decay:
                    g.add_(w, alpha=weight_decay)
                w.addcmul_(v.mul_(momentum).add_(g), r)

    return Optimizer(init, update, extra_numbers=lambda rows, columns: rows * columns)
