"""Adam."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.networks.stacked import Gradient
from implicitbias.optimizers.base import Optimizer, blocks
from implicitbias.shapes.tensors import PerMember, Weights


def adam(beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Optimizer:
    """w <- w - lr m^ / (sqrt(v^) + epsilon) with bias-corrected moments (Kingma & Ba 2015, algorithm 1).

    Args:
        beta1: decay of the first moment.
        beta2: decay of the second moment.
        epsilon: added to the root of the second moment.
    """

    def init(weights: Weights) -> list[tuple[Float[Tensor, "member _out _in"], Float[Tensor, "member _out _in"]]]:
        return [(torch.zeros_like(weight), torch.zeros_like(weight)) for weight in weights]

    def update(
        gradients: Sequence[Gradient],
        state: Sequence[tuple[Float[Tensor, "member _out _in"], Float[Tensor, "member _out _in"]]],
        weights: Weights,
        learning_rate: PerMember,
        step: int,
    ) -> None:
        rate = -learning_rate[:, None, None] / (1 - beta1**step)
        root_correction = (1 - beta2**step) ** 0.5
        for gradient, (first, second), weight in zip(gradients, state, weights, strict=True):
            for g, m, v, w, r in blocks(gradient, first, second, weight, rate):
                m.lerp_(g, 1 - beta1)
                v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
                root = torch.sqrt(v, out=g).div_(root_correction).add_(epsilon)
                w.addcmul_(torch.div(m, root, out=g), r)

    return Optimizer(init, update, extra_numbers=lambda rows, columns: 2 * rows * columns)
