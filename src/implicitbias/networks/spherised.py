"""Targets with the margins that the spherised posterior draws."""

import math

from jaxtyping import Float
from torch import Tensor

from implicitbias.linalg import determinant_root


def spherised_targets(
    factor: Float[Tensor, "n n"], labels: Float[Tensor, " n"], normal: Float[Tensor, "*draws n"]
) -> Float[Tensor, "*draws n"]:
    """|N(0, 1)| |K|^(1/2n) Y.

    Args:
        factor: `(n, n)` Cholesky factor of the training kernel K, float64.
        labels: `(n,)` of +-1.
        normal: `(..., n)` standard normal draws.

    Returns:
        `(..., n)`, like the draws.

    Source: Bernstein & Yue 2021 (second version), section 5.
    """
    return math.sqrt(determinant_root(factor)) * normal.abs() * labels.to(normal)
