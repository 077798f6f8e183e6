"""Targets with the margins of a draw from the spherised posterior."""

from collections.abc import Sequence

import torch
from torch import Tensor

from implicitbias.linalg import cholesky
from implicitbias.networks import Network
from implicitbias.networks.kernels import nngp_kernel
from implicitbias.networks.spherised import spherised_targets


def spherised(inputs: Tensor, labels: Tensor, task: Tensor, seeds: Sequence[int], network: Network) -> Tensor:
    """`spherised_targets`, drawn for every member and point: margins that the infinitely wide network draws.

    Arguments and result are those of `targets.labels`; K is computed in float64.

    Raises:
        NumericalError: if a kernel is singular.

    Source: Bernstein & Yue 2021 (second version), section 5.
    """
    factors = [cholesky(nngp_kernel(network, x.double())) for x in inputs]
    drawn = [torch.randn(labels.shape[1], generator=torch.Generator().manual_seed(seed)).to(labels) for seed in seeds]
    return torch.stack([spherised_targets(factors[i], labels[i], z) for i, z in zip(task.tolist(), drawn, strict=True)])
