"""Gradients of losses by hand are those of autograd, to the last bit."""

import pytest
import torch

from implicitbias.catalogue import LOSSES, resolve
from implicitbias.training.pull import _BY_HAND, pull

LOSS = {name: resolve(entry) for name, entry in LOSSES.items()}


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Equal, NaN where the other is NaN."""
    return torch.equal(one.isnan(), other.isnan()) and torch.equal(one.nan_to_num(), other.nan_to_num())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(5, 1), (5, 7), (5, 50), (5, 7, 3)])
@pytest.mark.parametrize("name", LOSS)
def test_gradients_are_those_of_autograd(name: str, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    for seed in range(20):
        source = torch.Generator().manual_seed(seed)
        outputs = torch.randn(shape, generator=source, dtype=dtype) * 10.0 ** (seed % 5 - 2)
        targets = torch.randn(shape, generator=source, dtype=dtype).sign()
        scale = torch.rand(5, generator=source, dtype=dtype) + 0.01
        outputs[0] = (scale.view(-1, *[1] * (len(shape) - 1)) * targets)[0]  # no residual
        outputs[1, 0] = torch.nan
        outputs[2, 0] = torch.inf
        given = outputs.clone()
        gradient, losses = pull(LOSS[name], outputs, targets, scale)
        followed = given.clone().requires_grad_()
        expected = LOSS[name](followed, targets, scale)
        assert same(outputs, given)
        assert same(losses, expected.detach())
        assert same(gradient, torch.autograd.grad(expected.sum(), followed)[0])
        assert not gradient.requires_grad
        assert not losses.requires_grad


def test_by_hand_are_losses_of_the_catalogue() -> None:
    assert set(_BY_HAND) < set(LOSS.values())
    assert LOSS["norm"] in _BY_HAND
