"""Margins on parities: closed forms, gradients against autograd, rows that keep their directions."""

import numpy as np
import pytest
import torch

from implicitbias.experiments import parity_margins as parity
from implicitbias.tasks.synthetic import sparse_parity


def points(count: int, features: int) -> tuple[torch.Tensor, torch.Tensor]:
    return parity._stacked([sparse_parity(np.random.default_rng(0), count, features=features, active=2)])


def test_the_two_signs_own_directions_have_a_margin_of_one_over_root_8_d() -> None:
    """Each of four directions sees a quarter of the points, at sqrt(2/d), with weight 1/4."""
    found = parity.parity_margins(features=5, width=64, train_size=200, test_size=100, steps=1000, draws=2)
    margin = found["margin"]
    np.testing.assert_allclose(margin.sel(network="best directions"), 1 / np.sqrt(8 * 5), rtol=1e-5)
    np.testing.assert_allclose(found["test_error"].sel(network="best directions"), 0)
    assert (margin.sel(network="all weights") > 0.9 / np.sqrt(40)).all()
    assert (margin <= margin.sel(network="best directions") * (1 + 1e-5)).all()
    assert (margin.sel(network="norms alone") <= margin.sel(network="best norms") * (1 + 1e-5)).all()
    assert (margin.sel(network="norms alone") > 0.7 * margin.sel(network="best norms")).all()


@pytest.mark.parametrize("turning", [True, False])
def test_a_step_is_that_of_autograd(turning: bool) -> None:
    x, y = points(30, 4)
    generator = torch.Generator().manual_seed(0)
    rows, weights = torch.randn(1, 7, 4, generator=generator), torch.randn(1, 7, generator=generator)
    leaves = [each.clone().requires_grad_() for each in (rows, weights)]
    loss = torch.logsumexp(-y * parity.outputs(*leaves, x), 1).sum()
    by_rows, by_weights = torch.autograd.grad(loss, leaves)
    if not turning:
        ways = rows / rows.norm(dim=-1, keepdim=True)
        by_rows = (by_rows * ways).sum(-1, keepdim=True) * ways
    found = parity.descend(x, y, rows, weights, 0.001, 1, turning=turning)
    torch.testing.assert_close(found[0], rows - 0.001 * by_rows)
    torch.testing.assert_close(found[1], weights - 0.001 * by_weights)


def test_norms_alone_leave_directions_as_they_are() -> None:
    x, y = points(30, 4)
    rows = torch.randn(1, 7, 4, generator=torch.Generator().manual_seed(1))
    weights = torch.tensor([[1.0, -1, 1, -1, 1, -1, 1]])
    kept, _ = parity.descend(x, y, rows, weights, 1.0, 200, turning=False)
    turned, _ = parity.descend(x, y, rows, weights, 1.0, 200, turning=True)
    cosine = torch.nn.functional.cosine_similarity
    torch.testing.assert_close(cosine(kept, rows, dim=-1).abs(), torch.ones(1, 7))
    assert float(cosine(turned, rows, dim=-1).min()) < 0.9
