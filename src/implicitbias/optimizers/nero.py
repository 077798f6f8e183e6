"""Nero, the neuronal rotator (Liu, Bernstein, Meister & Yue 2021, algorithm 1)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.linalg import vector_norm

from implicitbias.errors import ConfigError
from implicitbias.networks.rows import project
from implicitbias.networks.stacked import Gradient
from implicitbias.optimizers.base import Optimizer, blocks
from implicitbias.shapes.tensors import PerMember, Weights


def nero(beta: float = 0.999, constraint: str = "mean_free_unit") -> Optimizer:
    """Every row (neuron) keeps mean 0 and norm 1 and turns by about the learning rate.

    v <- beta v + (1 - beta) |g_row|^2, v^ = v / (1 - beta^t), w_row <- w_row - lr g_row / sqrt(v^)
    (nothing where v^ is 0), then the row is projected. The paper's factor `scale`, the mean row norm
    at construction, is 1 for the matrices that networks here consist of.

    Args:
        beta: decay of the per-neuron squared gradient norm.
        constraint: what rows are projected to: mean 0 and norm 1, or one of the two. With both this is Nero.
    """

    def init(weights: Weights) -> list[Float[Tensor, "member _out 1"]]:
        for weight in weights:
            if weight.shape[-1] < 2 and "mean_free" in constraint:
                raise ConfigError(
                    f"optimizer 'nero' cannot train a layer with {weight.shape[-1]} input: a row of mean 0 needs at"
                    " least 2. Choose a width and a number of features of at least 2."
                )
            project(weight, constraint)
        return [torch.zeros_like(weight[..., :1]) for weight in weights]

    def update(
        gradients: Sequence[Gradient],
        state: Sequence[Float[Tensor, "member _out 1"]],
        weights: Weights,
        learning_rate: PerMember,
        step: int,
    ) -> None:
        rate = -((1 - beta**step) ** 0.5) * learning_rate[:, None, None]
        for gradient, squared, weight in zip(gradients, state, weights, strict=True):
            for g, v, w, r in blocks(gradient, squared, weight, rate):
                v.mul_(beta).add_(vector_norm(g, dim=-1, keepdim=True).square_(), alpha=1 - beta)
                w.add_(g.mul_(torch.where(v == 0, 0, r / v.sqrt())))  # faster than addcmul_ with a factor a row
                project(w, constraint)

    return Optimizer(init, update, extra_numbers=lambda rows, columns: rows)
