import pytest
import torch

from implicitbias.errors import NumericalError
from implicitbias.linalg import cholesky


def test_factor_reproduces_the_matrix():
    x = torch.randn(5, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    matrix = x @ x.T
    factor = cholesky(matrix)
    assert torch.allclose(factor @ factor.T, matrix, rtol=0, atol=1e-12)
    assert torch.equal(factor, factor.tril())


@pytest.mark.parametrize("matrix", [torch.ones(3, 3), -torch.eye(3), torch.full((3, 3), torch.nan)])
def test_a_matrix_without_a_factor_is_named(matrix):
    with pytest.raises(NumericalError, match="the test matrix is singular"):
        cholesky(matrix.double(), "the test matrix")


def test_equal_rows_are_named():
    x = torch.randn(6, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[4] = -2 * x[1]
    with pytest.raises(NumericalError, match="rows 1 and 4 are equal up to their scale"):
        cholesky(x @ x.T - 1e-9 * torch.eye(6))  # else rounding decides whether there is a factor


def test_dependent_rows_that_are_not_equal_are_no_duplicates():
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with pytest.raises(NumericalError, match="linearly dependent"):
        cholesky(x @ x.T - 1e-9 * torch.eye(4))


@pytest.mark.parametrize(("row", "column"), [(4, 1), (1, 4), (3, 3), (0, 0)])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_an_entry_that_is_no_number_never_passes_as_a_factor(row: int, column: int, value: float) -> None:
    matrix = torch.eye(6, dtype=torch.float64)
    matrix[row, column] = matrix[column, row] = value
    with pytest.raises(NumericalError, match="singular"):
        cholesky(matrix)
