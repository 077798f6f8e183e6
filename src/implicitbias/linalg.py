"""Dense linear algebra that says what is wrong instead of returning NaN."""

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.errors import NumericalError

_DUPLICATE = 1e-12  # 1 - |correlation| at which two rows are one, up to rounding


def real(values: Any, what: str) -> Tensor:
    """A tensor, an array or nested lists of real numbers as a float64 tensor; a tensor stays on its device.

    Args:
        values: of any shape.
        what: its name in the error message.

    Raises:
        NumericalError: if they are no real numbers, or ragged.
    """
    try:
        tensor = values if isinstance(values, Tensor) else torch.as_tensor(np.asarray(values))  # lists as float64
        if tensor.is_complex():
            raise TypeError("complex numbers")
        return tensor.to(torch.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise NumericalError(
            f"{what} cannot be read as real numbers ({error}); allowed: a tensor or an array"
        ) from None


def cholesky(matrix: Float[Tensor, "n n"], what: str = "the kernel") -> Float[Tensor, "n n"]:
    """The lower Cholesky factor of a positive definite matrix.

    Args:
        matrix: `(n, n)`, symmetric.
        what: its name in the error message.

    Raises:
        NumericalError: if the matrix is singular or not positive definite to working precision, naming equal rows.
    """
    factor: Tensor
    factor, failed = torch.linalg.cholesky_ex(matrix)
    if int(failed) or not bool(torch.isfinite(factor.diagonal()).all()):  # to which all other entries come
        raise NumericalError(
            f"{what} is singular to working precision (Cholesky fails at row {int(failed)} of {len(matrix)}):"
            f" {_reason(matrix)}"
        )
    return factor


def _reason(matrix: Tensor) -> str:
    """Why it has no factor: the first two rows that are equal up to scale, if there are any."""
    deviation = matrix.diagonal().sqrt()
    same = torch.nonzero(torch.triu(matrix / deviation[:, None] / deviation, 1).abs() > 1 - _DUPLICATE)
    if not len(same):
        return "its rows are linearly dependent, or it has entries that no covariance has"
    return "rows {} and {} are equal up to their scale".format(*same[0].tolist())


def determinant_root(factor: Float[Tensor, "n n"]) -> float:
    """|K|^(1/n), the geometric mean of the eigenvalues of K, from its Cholesky factor `(n, n)`."""
    return math.exp(2 * float(factor.diagonal().log().mean()))
