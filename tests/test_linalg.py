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
