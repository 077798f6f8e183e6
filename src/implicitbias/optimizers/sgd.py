"""(Stochastic) gradient descent."""

from collections.abc import Sequence

from torch import Tensor

from implicitbias.networks.stacked import Gradient
from implicitbias.optimizers.base import Optimizer, blocks


def sgd(weight_decay: float = 0.0) -> Optimizer:
    """w <- w - lr (g + weight_decay w); gradient descent where the batch is full.

    Args:
        weight_decay: weight decay: lambda of a penalty (lambda/2) |w|^2.
    """

    def init(weights: Sequence[Tensor]) -> None:
        return None

    def update(
        gradients: Sequence[Gradient], state: None, weights: Sequence[Tensor], learning_rate: Tensor, step: int
    ) -> None:
        rate = -learning_rate[:, None, None]
        for gradient, weight in zip(gradients, weights, strict=True):
            for g, w, r in blocks(gradient, weight, rate):
                if weight_decay:
                    g.add_(w, alpha=weight_decay)
                w.addcmul_(g, r)

    return Optimizer(init, update, extra_numbers=lambda rows, columns: 0)
