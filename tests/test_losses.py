import math

import pytest
import torch

from implicitbias import losses
from implicitbias.catalogue import LOSSES, resolve

OUTPUTS = torch.tensor([[1.0, -2.0, 0.5], [3.0, 0.0, -1.0]], dtype=torch.float64)
LABELS = torch.tensor([[1.0, -1.0, -1.0], [-1.0, 1.0, -1.0]], dtype=torch.float64)
SCALE = torch.tensor([1.0, 2.0], dtype=torch.float64)


def test_values_by_hand() -> None:
    assert losses.norm(OUTPUTS, LABELS, SCALE).tolist() == pytest.approx([(0 + 1 + 2.25) ** 0.5, (25 + 4 + 1) ** 0.5])
    assert losses.square(OUTPUTS, LABELS, SCALE).tolist() == pytest.approx([3.25 / 3, 10])
    margins = [[1, 2, -0.5], [-1.5, 0, 0.5]]
    logistic = [sum(math.log1p(math.exp(-q)) for q in row) / 3 for row in margins]
    assert losses.logistic(OUTPUTS, LABELS, SCALE).tolist() == pytest.approx(logistic)
    exponential = [math.log(sum(math.exp(-q) for q in row) / 3) for row in margins]
    assert losses.exponential(OUTPUTS, LABELS, SCALE).tolist() == pytest.approx(exponential)


def test_cross_entropy_is_torchs_own() -> None:
    logits = torch.stack([torch.zeros_like(OUTPUTS[1]), OUTPUTS[1] / 2], dim=1)
    expected = torch.nn.functional.cross_entropy(logits, (LABELS[1] > 0).long())
    assert torch.allclose(losses.logistic(OUTPUTS, LABELS, SCALE)[1], expected)


@pytest.mark.parametrize("name", LOSSES)
def test_batch_equals_loop_and_gradient_is_right(name: str) -> None:
    loss = resolve(LOSSES[name])
    both = loss(OUTPUTS, LABELS, SCALE)
    assert both[1] == loss(OUTPUTS[1:], LABELS[1:], SCALE[1:])[0]
    off_kinks = (OUTPUTS + 0.0137).requires_grad_(True)
    assert torch.autograd.gradcheck(loss, (off_kinks, LABELS, SCALE))


def test_norm_has_gradient_zero_at_zero_residual() -> None:
    outputs = (SCALE[:, None] * LABELS).requires_grad_(True)
    losses.norm(outputs, LABELS, SCALE).sum().backward()
    assert (outputs.grad == 0).all()


@pytest.mark.parametrize("name", ["exponential", "log_logistic", "logistic"])
def test_margins_of_a_thousand(name: str) -> None:
    outputs = (1000 * LABELS).requires_grad_(True)
    value = resolve(LOSSES[name])(outputs, LABELS, torch.ones(2, dtype=torch.float64))
    value.sum().backward()
    assert torch.isfinite(outputs.grad).all()
    assert torch.allclose(value, torch.full_like(value, -1000.0 if name in ("exponential", "log_logistic") else 0.0))


def test_exponential_keeps_its_gradient_where_the_loss_underflows() -> None:
    outputs = (1000 * LABELS).requires_grad_(True)
    losses.exponential(outputs, LABELS, torch.ones(2, dtype=torch.float64)).sum().backward()
    assert torch.allclose(outputs.grad, -LABELS / 3)


def test_norm_has_a_unit_gradient_however_small_the_residual() -> None:
    outputs = (SCALE[:, None] * LABELS + 1e-9 * OUTPUTS).requires_grad_(True)
    losses.norm(outputs, LABELS, SCALE).sum().backward()
    assert outputs.grad.norm(dim=1).tolist() == pytest.approx([1, 1])


def test_log_logistic_is_the_logarithm_of_logistic() -> None:
    ours = losses.log_logistic(5 * OUTPUTS, LABELS, SCALE)
    assert torch.allclose(ours, losses.logistic(5 * OUTPUTS, LABELS, SCALE).log(), rtol=1e-12)


def test_hinge_by_hand() -> None:
    outputs, labels = torch.tensor([[2.0, 0.5, -1.0]]), torch.tensor([[1.0, 1.0, 1.0]])
    assert losses.hinge(outputs, labels, torch.ones(1)).item() == pytest.approx(0 + 0.5 + 2)
