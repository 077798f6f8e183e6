import pytest
import torch

from implicitbias.errors import NumericalError
from implicitbias.linalg import among, cholesky, factors, inverse_norm, less_product, times


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


def stack():
    x = torch.randn(3, 5, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return x @ x.mT


def test_a_member_of_a_stack_without_a_factor_spoils_no_other():
    matrices = stack()
    matrices[1] = -1
    lower = factors(matrices)
    solved = torch.linalg.solve_triangular(lower, matrices, upper=False)
    assert torch.isnan(solved[1]).all()
    for position in (0, 2):
        assert torch.equal(lower[position], cholesky(matrices[position]))
    assert torch.isnan(factors(matrices[1])[0, 0])


def test_a_stack_is_what_its_members_are():
    matrices, vectors = stack(), stack()[:, 0]
    positions = torch.tensor([[4, 0], [1, 2], [3, 3]])
    both = less_product(matrices.clone(), stack(), stack().mT)
    for i, (matrix, vector, some) in enumerate(zip(matrices, vectors, positions, strict=True)):
        assert torch.allclose(times(matrices, vectors)[i], times(matrix, vector), rtol=1e-13)
        assert torch.allclose(both[i], less_product(matrix.clone(), matrix, matrix.T), rtol=1e-13)
        assert torch.allclose(both[i], matrix - matrix @ matrix, rtol=1e-13)
        assert torch.equal(among(matrices, positions)[i], among(matrix, some))
        assert torch.equal(among(matrix, some), matrix[some][:, some])


def test_norm_of_the_inverse():
    matrices = stack()
    expected = 1 / torch.linalg.eigvalsh(matrices)[:, 0]
    assert torch.allclose(inverse_norm(factors(matrices)), expected, rtol=0.05)
    assert float(inverse_norm(cholesky(matrices[1]))) == pytest.approx(float(expected[1]), rel=0.05)
