"""Dense linear algebra that says what is wrong instead of returning NaN, and for each member of a stack of matrices."""

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
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


def factors(matrices: Float[Tensor, "*k n n"]) -> Float[Tensor, "*k n n"]:
    """Lower Cholesky factors of a stack; where there is none the first pivot is NaN, and so is what it solves."""
    lower: Tensor
    lower, failed = torch.linalg.cholesky_ex(matrices)
    lower[..., 0, 0].masked_fill_(failed > 0, torch.nan)
    return lower


def times(matrices: Float[Tensor, "*k n m"], vectors: Float[Tensor, "*k m"]) -> Float[Tensor, "*k n"]:
    """Matrix times vector."""
    return matrices @ vectors if vectors.ndim == 1 else (matrices @ vectors[..., None])[..., 0]


def less_product(
    c: Float[Tensor, "*k n n"], x: Float[Tensor, "*k n m"], y: Float[Tensor, "*k m n"]
) -> Float[Tensor, "*k n n"]:
    """C - X Y, in the place of C."""
    return c.addmm_(x, y, alpha=-1) if c.ndim == 2 else c.sub_(x @ y)


def inverse_norm(lower: Float[Tensor, "*k n n"]) -> Float[Tensor, "*k"]:
    """The norm of A^-1 from the Cholesky factor of A, by a few steps of the power method."""
    diagonal = lower.diagonal(dim1=-2, dim2=-1)
    v = torch.zeros_like(diagonal).scatter(-1, diagonal.argmin(-1, keepdim=True), 1.0)[..., None]
    for _ in range(3):
        v = torch.cholesky_solve(v / v.norm(dim=-2, keepdim=True), lower)
    norm: Tensor = v.norm(dim=(-2, -1))
    return norm


def among(matrices: Float[Tensor, "*k n n"], positions: Int[Tensor, "*k m"]) -> Float[Tensor, "*k m m"]:
    """Rows and columns at these positions."""
    if positions.ndim == 1:  # whole rows are copied faster than single numbers
        return matrices.index_select(0, positions).index_select(1, positions)
    rows = matrices.take_along_dim(positions[..., :, None], -2)
    return rows.take_along_dim(positions[..., None, :], -1)


def determinant_root(factor: Float[Tensor, "n n"]) -> float:
    """|K|^(1/n), the geometric mean of the eigenvalues of K, from its Cholesky factor `(n, n)`."""
    return math.exp(2 * float(factor.diagonal().log().mean()))
