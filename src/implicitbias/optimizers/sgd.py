"""(Stochastic) gradient descent."""

from collections.abc import Sequence

from implicitbias.networks.stacked import Gradient
from implicitbias.optimizers.base import Optimizer, blocks
from implicitbias.shapes.tensors import PerMember, Weights


def sgd(weight_decay: float = 0.0) -> Optimizer:
    """w <- w - lr (g + weight_decay w); gradient descent where the batch is full.

    Args:
        weight_decay: weight decay: lambda of a penalty (lambda/2) |w|^2.
    """

    def init(weights: Weights) -> None:
        return None

    def update(
        gradients: Sequence[Gradient], state: None, weights: Weights, learning_rate: PerMember, step: int
    ) -> None:
        rate = -learning_rate[:, None, None]
        for gradient, weight in zip(gradients, weights, strict=True):
            for g, w, r in blocks(gradient, weight, rate):
                if weight_decay:
                    g.add_(w, alpha=weight_decay)
                w.addcmul_(g, r)

    return Optimizer(init, update, extra_numbers=lambda rows, columns: 0)
