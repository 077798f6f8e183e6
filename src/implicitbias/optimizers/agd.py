"""Automatic gradient descent: a step whose size the architecture and the gradient decide."""

from collections.abc import Sequence

import torch
from torch import Tensor

from implicitbias.networks.stacked import Gradient
from implicitbias.optimizers.base import Optimizer


def agd() -> Optimizer:
    """W_k <- W_k - (eta/L) s_k g_k/|g_k|_F with s_k = sqrt(d_k/d_(k-1)), the learning rate being a factor on eta.

    eta = log((1 + sqrt(1 + 4 G))/2), G the mean over the L layers of s_k |g_k|_F. Made for the mean square loss,
    networks without biases, and weights that start semi-orthogonal times s_k; a learning rate of 1 is the published
    algorithm.

    Source: Bernstein, Mingard, Huang, Azizan & Yue 2023, algorithm 1.
    """

    def init(weights: Sequence[Tensor]) -> None:
        return None

    def update(
        gradients: Sequence[Gradient], state: None, weights: Sequence[Tensor], learning_rate: Tensor, step: int
    ) -> None:
        matrices = [gradient.matrix() for gradient in gradients]
        norms = torch.stack([torch.linalg.matrix_norm(matrix) for matrix in matrices])  # (layer, member)
        scales = norms.new_tensor([(weight.shape[1] / weight.shape[2]) ** 0.5 for weight in weights])
        summary = (scales[:, None] * norms).sum(0) / len(weights)
        eta = learning_rate * torch.log((1 + torch.sqrt(1 + 4 * summary)) / 2)
        tiny = torch.finfo(norms.dtype).tiny
        for weight, matrix, norm, scale in zip(weights, matrices, norms, scales, strict=True):
            weight.addcmul_(matrix, (-eta * scale / (len(weights) * norm.clamp(min=tiny)))[:, None, None])

    return Optimizer(init, update, room=lambda rows, columns: rows * columns)
