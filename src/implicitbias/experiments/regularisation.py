"""Implicit gradient regularisation: the flow that gradient descent of a finite step follows (Barrett & Dherin 2021)."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import xarray as xr

from implicitbias.losses import square
from implicitbias.networks import network_of
from implicitbias.networks.stacked import initialise
from implicitbias.rng import derive_seed
from implicitbias.schema import variable
from implicitbias.tasks.digits import load
from implicitbias.training.flow import gradient_flow
from implicitbias.training.steps import slopes

_SOURCE = "Barrett & Dherin 2021, sections 3 and 4"
_POINTS, _FEATURES = 16, 4


def gradient_regularisation(
    *, step_size: float = 0.025, time: float = 4.0, width: int = 16, level: float = 0.4, digits: int = 0, seed: int = 0
) -> xr.Dataset:
    """Distances of gradient descent to the flows of E and of E + h/4 |grad E|^2, and its gradient at equal loss.

    A tanh network of two layers, mean square loss E of labels +-1, float64: random ones of 16 Gaussian points, or even
    and odd digits.

    Args:
        step_size: step h of gradient descent.
        time: time at which weights are compared. The number of steps is time/h, rounded.
        width: neurons of a hidden layer.
        level: fraction of the initial loss at which gradients are compared.
        digits: training images of digits, even or odd; 0: 16 Gaussian points. They are drawn anew for every seed.
        seed: of points, labels and weights.

    Returns:
        Scalars `distance` and `modified_distance` (2-norm over all weights), and `mean_square_gradient`, |grad E|^2
        over the number of weights when the loss first falls to `level` of its initial value (NaN if it does not).
    """
    generator = torch.Generator().manual_seed(derive_seed("gradient regularisation", seed))
    if digits:
        images = load()
        chosen = torch.randperm(len(images.train_input), generator=generator)[:digits]
        x = torch.as_tensor(images.train_input)[chosen].double()
        y = 1.0 - 2.0 * (torch.as_tensor(images.train_class)[chosen] % 2).double()
    else:
        x = torch.randn(_POINTS, _FEATURES, dtype=torch.float64, generator=generator)
        y = torch.randn(_POINTS, generator=generator).sign().double()
    network = network_of({"activation": "tanh", "depth": 2, "width": width}, x.shape[1])
    weights = initialise(network, [derive_seed("regularised", seed)], dtype=torch.float64)
    one = torch.ones(1, dtype=torch.float64)

    steps = round(time / step_size)
    own, records = weights, []
    for _ in range(20 * steps):
        _, losses, layers = slopes(network, own, x[None], y[None], one, square)
        value, gradients = float(losses), [layer.matrix() for layer in layers]
        squared = float(sum(gradient.square().sum() for gradient in gradients))
        records.append((value, squared))
        own = [weight - step_size * gradient for weight, gradient in zip(own, gradients, strict=True)]
        if len(records) == steps:
            end = own
        if len(records) >= steps and value < level * records[0][0]:
            break
    distances = {}
    for name, step in (("distance", 0.0), ("modified_distance", step_size)):
        (flow,) = gradient_flow(network, weights, x, y, loss=square, times=[steps * step_size], step=step)
        distances[name] = math.sqrt(sum(float((a - b).square().sum()) for a, b in zip(end, flow, strict=True)))
    parameters = sum(weight.numel() for weight in weights)
    return xr.Dataset(
        {
            "distance": variable((), distances["distance"], "distance to the flow of the loss", source=_SOURCE),
            "modified_distance": variable(
                (), distances["modified_distance"], "distance to the flow of the regularised loss", source=_SOURCE
            ),
            "mean_square_gradient": variable(
                (), _at_level(records, level) / parameters, "mean squared gradient at equal loss", source=_SOURCE
            ),
        }
    )


def _at_level(records: Sequence[tuple[float, float]], level: float) -> float:
    """Squared gradient where the loss crosses `level` of its first value, by linear interpolation in log loss."""
    target = math.log(level * records[0][0])
    for (before, first), (after, last) in pairwise(records):
        if math.log(after) <= target <= math.log(before):
            share = (math.log(before) - target) / (math.log(before) - math.log(after))
            return first + share * (last - first)
    return math.nan
