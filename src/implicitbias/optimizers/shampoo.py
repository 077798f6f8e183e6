"""Shampoo: gradient descent between two preconditioners, which remember all gradients so far."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.networks.stacked import Gradient, product
from implicitbias.optimizers.base import Optimizer
from implicitbias.powers import power
from implicitbias.shapes.tensors import PerMember, Weights


def shampoo(epsilon: float = 1e-4) -> Optimizer:
    """W <- W - lr L^(-1/4) G R^(-1/4), with L = epsilon I + sum G G^T and R = epsilon I + sum G^T G.

    With the last gradient alone in L and R (and epsilon = 0) the step is U V^T of G, which is `steepest.spectral`.
    Its memory is as the square of a layer's width and of its inputs.

    Args:
        epsilon: preconditioners start at epsilon times the identity.

    Source: Gupta, Koren & Singer 2018, algorithm 1.
    """

    def init(weights: Weights) -> list[tuple[Float[Tensor, "member _out _out"], Float[Tensor, "member _in _in"]]]:
        return [(_identities(weight, 1) * epsilon, _identities(weight, 2) * epsilon) for weight in weights]

    def update(
        gradients: Sequence[Gradient],
        state: Sequence[tuple[Float[Tensor, "member _out _out"], Float[Tensor, "member _in _in"]]],
        weights: Weights,
        learning_rate: PerMember,
        step: int,
    ) -> None:
        for gradient, (left, right), weight in zip(gradients, state, weights, strict=True):
            g = gradient.matrix().nan_to_num(nan=0, posinf=0, neginf=0)  # of members that have diverged
            left.add_(product(g, g.mT))
            right.add_(product(g.mT, g))
            way = product(product(_inverse_fourth_root(left), g), _inverse_fourth_root(right))
            weight.addcmul_(way, -learning_rate[:, None, None])

    def extra_numbers(rows: int, columns: int) -> int:
        """Preconditioners and their roots, the larger one's eigenvectors and products in float64, and gradients."""
        return 2 * (rows**2 + columns**2) + 6 * max(rows, columns) ** 2 + 2 * rows * columns

    return Optimizer(init, update, extra_numbers=extra_numbers)


def _identities(weight: Float[Tensor, "member out in"], dim: int) -> Float[Tensor, "member side side"]:
    """As many as there are members, of the size of this dimension of the weights."""
    eye = torch.eye(weight.shape[dim], dtype=weight.dtype, device=weight.device)
    return eye.expand(len(weight), -1, -1)


def _inverse_fourth_root(matrix: Float[Tensor, "member side side"]) -> Float[Tensor, "member side side"]:
    """Of symmetric matrices `(member, n, n)`: as accurate as these are, and NaN of one that has overflowed."""
    overflown = ~torch.isfinite(matrix).all(2, keepdim=True).all(1, keepdim=True)
    values, vectors = torch.linalg.eigh(matrix.double().masked_fill(overflown, 0))
    floor = torch.finfo(matrix.dtype).eps * values[:, -1:]  # eigenvalues below it are rounding errors of either sign
    root = product(vectors * power(torch.maximum(values, floor), -0.25)[:, None, :], vectors.mT)
    return root.to(matrix.dtype).masked_fill(overflown, torch.nan)
