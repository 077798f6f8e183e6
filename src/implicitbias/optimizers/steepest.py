"""Steepest descent in a norm of all weights together (Tsilivis, Vardi & Kempe 2025).

A step is learning_rate |g|_*^power d, with d the unit-norm direction of steepest descent and |g|_* the dual norm of the
gradient. Power 1 is the plain algorithm (gradient descent in the 2-norm); 0 takes steps of fixed length; -1, on the
logarithm of the loss, lowers that logarithm by about learning_rate a step, which reaches losses of 1e-100 and below.

Such steps leap where gradients vanish: near the saddle at 0, and before all points are fitted. A limit on the
`decrease` of the loss that the gradient predicts for a step leaves plain steps as they are there, and takes over later.

Coordinate descent can lock into a cycle of two steps across a kink of a relu, however short they are: one weight forth
and back for ever. It therefore looks at the mean of the last two gradients, in which a kink's two sides cancel.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.networks.stacked import Gradient
from implicitbias.optimizers.base import Optimizer
from implicitbias.powers import power as power_of
from implicitbias.shapes.tensors import PerMember, WeightList, Weights

Direction = Callable[[list[Tensor]], tuple[list[Tensor], Tensor]]
"""Gradients `(member, out, in)` -> the unit-norm directions of steepest ascent, and the dual norm `(member,)`."""


def l2(power: float = 1, decrease: float = 0.0) -> Optimizer:
    """Gradient descent: the direction is g/|g|_2, the dual norm |g|_2.

    Args:
        power: power of the gradient's dual norm in the step: 1 raw, 0 unit steps, -1 log domain.
        decrease: largest decrease of the loss that a step's gradient predicts; 0: any.
    """

    def direction(g: WeightList) -> tuple[WeightList, PerMember]:
        dual = torch.stack([layer.square().sum((1, 2)) for layer in g]).sum(0).sqrt()
        return [layer / _safe(dual) for layer in g], dual

    return _steepest(direction, power, decrease, lambda rows, columns: 2 * rows * columns)


def linf(power: float = 1, decrease: float = 0.0) -> Optimizer:
    """Sign descent: the direction is sign(g), the dual norm |g|_1.

    Args:
        power: power of the gradient's dual norm in the step: 1 raw, 0 unit steps, -1 log domain.
        decrease: largest decrease of the loss that a step's gradient predicts; 0: any.
    """

    def direction(g: WeightList) -> tuple[WeightList, PerMember]:
        dual = torch.stack([layer.abs().sum((1, 2)) for layer in g]).sum(0)
        return [layer.sign() for layer in g], dual

    return _steepest(direction, power, decrease, lambda rows, columns: 2 * rows * columns)


def l1(power: float = 1, decrease: float = 0.0) -> Optimizer:
    """Coordinate descent: the direction is the largest entry's sign (first of equals), the dual norm its size.

    The gradient is the mean of this step's and the last one's.

    Args:
        power: power of the gradient's dual norm in the step: 1 raw, 0 unit steps, -1 log domain.
        decrease: largest decrease of the loss that a step's gradient predicts; 0: any.
    """

    def direction(g: WeightList) -> tuple[WeightList, PerMember]:
        flat = torch.cat([layer.flatten(1) for layer in g], dim=1)
        chosen = flat.abs().argmax(1, keepdim=True)
        value = flat.gather(1, chosen)
        unit = torch.zeros_like(flat).scatter_(1, chosen, value.sign())
        parts = torch.split(unit, [layer[0].numel() for layer in g], dim=1)
        return [part.view_as(layer) for part, layer in zip(parts, g, strict=True)], value[:, 0].abs()

    return _steepest(direction, power, decrease, lambda rows, columns: 5 * rows * columns, of_two=True)


def spectral(power: float = 1, decrease: float = 0.0) -> Optimizer:
    """The direction is U V^T of every layer's gradient, the dual norm the sum of all singular values.

    Args:
        power: power of the gradient's dual norm in the step: 1 raw, 0 unit steps, -1 log domain.
        decrease: largest decrease of the loss that a step's gradient predicts; 0: any.
    """

    def direction(g: WeightList) -> tuple[WeightList, PerMember]:
        ways, dual = [], torch.zeros_like(g[0][:, 0, 0])
        for layer in g:
            u, s, vh = torch.linalg.svd(layer.nan_to_num(), full_matrices=False)
            rank = (s > s[:, :1] * torch.finfo(s.dtype).eps * max(layer.shape[1:])).to(s)
            ways.append((u * rank[:, None, :]) @ vh)
            dual = dual + s.sum(1)
        return ways, dual

    def extra_numbers(rows: int, columns: int) -> int:
        """Of gradient, direction and singular vectors."""
        return 3 * rows * columns + (rows + columns) * min(rows, columns)

    return _steepest(direction, power, decrease, extra_numbers)


def _safe(norm: PerMember) -> Float[Tensor, "member 1 1"]:
    """As a factor on weights; a gradient of 0 has no direction, and the step is 0."""
    return norm.clamp(min=torch.finfo(norm.dtype).tiny)[:, None, None]


def _steepest(
    direction: Direction,
    exponent: float,
    decrease: float,
    extra_numbers: Callable[[int, int], int],
    *,
    of_two: bool = False,
) -> Optimizer:
    """Steps along a direction, of the gradient or `of_two`: the mean of the last two."""

    def init(weights: Weights) -> WeightList:
        return [torch.zeros_like(weight) for weight in weights] if of_two else []

    def update(
        gradients: Sequence[Gradient],
        state: WeightList,
        weights: Weights,
        learning_rate: PerMember,
        step: int,
    ) -> None:
        matrices = [gradient.matrix() for gradient in gradients]
        if of_two:
            last = matrices if step == 1 else state
            means = [(matrix + old) / 2 for matrix, old in zip(matrices, last, strict=True)]
            for old, matrix in zip(state, matrices, strict=True):
                old.copy_(matrix)
            matrices = means
        ways, dual = direction(matrices)
        dual = dual.clamp(min=torch.finfo(dual.dtype).tiny)
        length = learning_rate * power_of(dual, exponent)
        rate = -(torch.minimum(length, decrease / dual) if decrease else length)
        for way, weight in zip(ways, weights, strict=True):
            weight.addcmul_(way, rate[:, None, None])

    return Optimizer(init, update, extra_numbers)
