"""Targets with the margins of a draw from the spherised posterior."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from implicitbias.linalg import cholesky, determinant_root
from implicitbias.networks.kernels import of_network


def spherised(inputs: Tensor, labels: Tensor, task: Tensor, seeds: Sequence[int], network: Mapping[str, Any]) -> Tensor:
    """|N(0, 1)| |K|^(1/2n) Y, drawn for every member and point: margins that the infinitely wide network would draw.

    Arguments and result are those of `targets.labels`; K is computed in float64.

    Raises:
        NumericalError: if a kernel is singular.

    Source: Bernstein & Yue 2021 (second version), section 5.
    """
    kernel = of_network(network)
    scales = [math.sqrt(determinant_root(cholesky(kernel(x.double())))) for x in inputs]
    drawn = [torch.randn(labels.shape[1], generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return labels.new_tensor(scales)[task, None] * torch.stack(drawn).abs().to(labels) * labels[task]
