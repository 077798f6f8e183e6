"""(Stochastic) gradient descent."""

from collections.abc import Sequence

from torch import Tensor

from implicitbias.networks.mlp import Gradient
from implicitbias.optimizers.base import Optimizer, blocks


def sgd() -> Optimizer:
    """w <- w - lr g; gradient descent where the batch is full."""

    def init(weights: Sequence[Tensor]) -> None:
        return None

    def update(
        gradients: Sequence[Gradient], state: None, weights: Sequence[Tensor], learning_rate: Tensor, step: int
    ) -> None:
        rate = -learning_rate[:, None, None]
        for gradient, weight in zip(gradients, weights, strict=True):
            for g, w, r in blocks(gradient, weight, rate):
                w.addcmul_(g, r)

    return Optimizer(init, update, buffers=0)
