"""The gradient of a loss with respect to the outputs, by hand where autograd's engine takes longer than the loss.

Every operation, and its order, is autograd's, so that gradients are the same to the last bit.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias import losses
from implicitbias.shapes.tensors import Outputs, PerMember

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(outputs, targets, label_scale) -> `(member,)`."""

_Flat = Float[Tensor, "member batch"]
_Each = Float[Tensor, "member 1"]


def pull(loss: Loss, outputs: Outputs, targets: Outputs, label_scale: PerMember) -> tuple[Outputs, PerMember]:
    """The losses' gradients with respect to the outputs, and the losses.

    Args:
        loss: of the other three.
        outputs: `(member, batch)`, or `(member, batch, class)`.
        targets: of the same shape.
        label_scale: `(member,)`.
    """
    outputs = outputs.detach()
    if outputs.ndim == 2 and loss in _BY_HAND:
        values = loss(outputs, targets, label_scale)
        return _BY_HAND[loss](outputs, targets, label_scale[:, None], values[:, None]), values
    with torch.enable_grad():
        values = loss(outputs.requires_grad_(), targets, label_scale)
        return torch.autograd.grad(values.sum(), outputs)[0], values.detach()


def _norm(outputs: _Flat, targets: _Flat, scale: _Each, values: _Each) -> _Flat:
    return (outputs - scale * targets).div_(values).masked_fill_(values == 0, 0)


def _square(outputs: _Flat, targets: _Flat, scale: _Each, values: _Each) -> _Flat:
    return (outputs - scale * targets).mul_(2).mul_(1 / outputs.shape[1])


def _logistic(outputs: _Flat, targets: _Flat, scale: _Each, values: _Each) -> _Flat:
    lost = _lost(outputs, targets, scale)
    slope: Tensor = torch.ops.aten.softplus_backward(torch.full_like(lost, 1 / lost.shape[1]), lost, 1, 20)
    return slope.div_(scale).neg_().mul_(targets)


def _exponential(outputs: _Flat, targets: _Flat, scale: _Each, values: _Each) -> _Flat:
    lost = _lost(outputs, targets, scale)
    slope = lost.sub_(lost.logsumexp(-1, keepdim=True)).exp_()
    return slope.div_(scale).neg_().mul_(targets)


def _hinge(outputs: _Flat, targets: _Flat, scale: _Each, values: _Each) -> _Flat:
    missing = 1 + _lost(outputs, targets, scale)
    slope: Tensor = torch.ops.aten.threshold_backward(torch.ones_like(missing), missing, 0)
    return slope.div_(scale).neg_().mul_(targets)


def _lost(outputs: _Flat, targets: _Flat, scale: _Each) -> _Flat:
    """-q/alpha, q the margins."""
    return (targets * outputs).neg_().div_(scale)


_BY_HAND: dict[Loss, Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    losses.norm: _norm,
    losses.square: _square,
    losses.logistic: _logistic,
    losses.exponential: _exponential,
    losses.hinge: _hinge,
}
"""Of one output a point, whose margin is the label times the output."""
