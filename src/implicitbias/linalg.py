"""Dense linear algebra that says what is wrong instead of returning NaN."""

import math

import torch
from torch import Tensor

from implicitbias.errors import NumericalError


def cholesky(matrix: Tensor, what: str = "the kernel") -> Tensor:
    """The lower Cholesky factor of a positive definite matrix.

    Args:
        matrix: `(n, n)`, symmetric.
        what: its name in the error message.

    Raises:
        NumericalError: if the matrix is singular or not positive definite to working precision.
    """
    factor: Tensor
    factor, failed = torch.linalg.cholesky_ex(matrix)
    if int(failed) or not bool(torch.isfinite(factor).all()):
        raise NumericalError(
            f"{what} is singular to working precision (Cholesky fails at row {int(failed)} of {len(matrix)}):"
            " its rows are linearly dependent, by duplicate inputs for example"
        )
    return factor


def determinant_root(factor: Tensor) -> float:
    """|K|^(1/n), the geometric mean of the eigenvalues of K, from its Cholesky factor `(n, n)`."""
    return math.exp(2 * float(factor.diagonal().log().mean()))
