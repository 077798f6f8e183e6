"""Automatic gradient descent: a step whose size the architecture and the gradient decide."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.networks.stacked import Gradient
from implicitbias.optimizers.base import Optimizer
from implicitbias.shapes.tensors import PerMember, Weights


def agd() -> Optimizer:
    """W_k <- W_k - (eta/L) s_k g_k/|g_k|_F with s_k = sqrt(d_k/d_(k-1)), the learning rate being a factor on eta.

    eta = log((1 + sqrt(1 + 4 G))/2), G the mean over the L layers of s_k |g_k|_F. Of a convolution, the matrices
    between channels at the p pixels of a patch take steps of their own, with s_k = sqrt(d_k/d_(k-1))/sqrt(p) and a
    term of G each (as in the authors' code, github.com/jxbz/agd). Made for the mean square loss, networks without
    biases, and weights that start as `initialisation.orthogonal` draws them; a learning rate of 1 is the published
    algorithm.

    Source: Bernstein, Mingard, Huang, Azizan & Yue 2023, algorithm 1.
    """

    def init(weights: Weights) -> None:
        return None

    def update(
        gradients: Sequence[Gradient], state: None, weights: Weights, learning_rate: PerMember, step: int
    ) -> None:
        matrices = [_by_pixel(gradient.matrix(), gradient.pixels) for gradient in gradients]
        norms = [torch.linalg.matrix_norm(matrix) for matrix in matrices]  # (member, pixel)
        scales = [(matrix.shape[2] / matrix.shape[3] / matrix.shape[1]) ** 0.5 for matrix in matrices]
        terms = torch.stack([scale * norm.sum(1) for scale, norm in zip(scales, norms, strict=True)])
        eta = learning_rate * torch.log((1 + torch.sqrt(1 + 4 * (terms.sum(0) / len(weights)))) / 2)
        tiny = torch.finfo(eta.dtype).tiny
        for weight, gradient, matrix, norm, scale in zip(weights, gradients, matrices, norms, scales, strict=True):
            steps = -(eta * scale)[:, None] / (len(weights) * norm.clamp(min=tiny))
            _by_pixel(weight, gradient.pixels).addcmul_(matrix, steps[:, :, None, None])

    return Optimizer(init, update, extra_numbers=lambda rows, columns: rows * columns)


def _by_pixel(matrix: Float[Tensor, "member out in"], pixels: int) -> Float[Tensor, "member pixel out channel"]:
    """A view `(member, pixel, out, channel)` of a matrix whose rows hold so many pixels of every channel."""
    return matrix.view(*matrix.shape[:2], -1, pixels).permute(0, 3, 1, 2)
