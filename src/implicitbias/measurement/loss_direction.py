"""Where the loss pushes the weights, however small it is."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from implicitbias.measurement.arrays import Array
from implicitbias.measurement.tangents import Tangent, combination
from implicitbias.shapes.arrays import PerNetwork, PerPoint


class LossDirection(NamedTuple):
    """The loss's descent direction, scale-free.

    Attributes:
        ascent: sum_i w_i grad q_i, w_i the loss's slopes over their sum: -grad of the loss up to its size.
        weights: w, `(..., n)`.
        q: the margins that the loss sums a function of, `(..., n)`.
    """

    ascent: list[Float[Array, "*#lead _out _in"]]
    weights: PerPoint
    q: PerPoint


def loss_direction(
    tangents: Sequence[Tangent], loss_margins: PerPoint, label_scales: PerNetwork, loss: str
) -> LossDirection:
    """The gradient of the loss from the tangents, in the log domain.

    Args:
        tangents: of the trained layers, gradients of these margins.
        loss_margins: q, `(..., n)`.
        label_scales: `(...)`; the loss sees q/label_scale.
        loss: key of `LOG_SLOPES`.
    """
    slopes = LOG_SLOPES[loss](loss_margins / label_scales[..., None])
    weights = np.exp(slopes - slopes.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return LossDirection(combination(tangents, weights), weights, loss_margins)


LOG_SLOPES: dict[str, Callable[[Array], Array]] = {
    "exponential": lambda q: -q,
    "logistic": lambda q: -np.logaddexp(0, q),
}
"""log(-l'(q_i)), the weight of every point in the gradient of the loss: `(..., n)`, by the function l of the margin."""
