"""Targets with the margins of a draw from the spherised posterior."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from implicitbias.errors import NumericalError
from implicitbias.linalg import cholesky
from implicitbias.networks import Network
from implicitbias.networks.kernels import nngp_kernel
from implicitbias.networks.spherised import spherised_targets


def spherised(
    inputs: Float[Tensor, "task n d"],
    labels: Float[Tensor, "task n"],
    task: Int[Tensor, " member"],
    seeds: Sequence[int],
    network: Network,
) -> Float[Tensor, "member n"]:
    """`spherised_targets`, drawn for every member and point: margins that the infinitely wide network draws.

    Arguments and result are those of `targets.labels`; K is computed in float64. Where it is singular, as of equal
    points, its determinant is 0 and so are the targets.

    Source: Bernstein & Yue 2021 (second version), section 5.
    """
    factors = [_factor(nngp_kernel(network, x.double())) for x in inputs]
    drawn = [torch.randn(labels.shape[1], generator=torch.Generator().manual_seed(seed)).to(labels) for seed in seeds]
    return torch.stack([spherised_targets(factors[i], labels[i], z) for i, z in zip(task.tolist(), drawn, strict=True)])


def _factor(kernel: Float[Tensor, "n n"]) -> Float[Tensor, "n n"]:
    """The Cholesky factor, or that of determinant 0 of a singular kernel."""
    try:
        return cholesky(kernel)
    except NumericalError:
        return torch.zeros_like(kernel)
