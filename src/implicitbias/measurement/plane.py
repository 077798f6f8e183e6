"""Networks seen in the plane of the inputs' first two coordinates: decision regions."""

import numpy as np
import torch
from jaxtyping import Float

from implicitbias.measurement.arrays import Array
from implicitbias.networks import Network
from implicitbias.networks.stacked import forward
from implicitbias.shapes.arrays import Layers, PerPoint, Points


def plane_output(
    weights: Layers,
    train_inputs: Points,
    network: Network,
    plane_y: Float[Array, " rows"],
    plane_x: Float[Array, " columns"],
) -> Float[Array, "*#lead rows columns"]:
    """Outputs over a square of the first two coordinates, all others being at the training points' means.

    Inputs of one coordinate have the same output at every second one.

    Args:
        weights: all layers, `(..., out, in)`.
        train_inputs: `(..., n, d)`.
        network: whose weights these are.
        plane_y: `(rows,)`, of the second coordinate, in units of `unit_of(train_inputs)`.
        plane_x: `(columns,)`, of the first.

    Returns:
        `(..., rows, columns)`.

    Source: Chizat & Bach 2020, section 5.
    """
    lead, features = weights[0].shape[:-2], train_inputs.shape[-1]
    grid = np.stack(np.meshgrid(plane_x, plane_y), axis=-1).reshape(-1, 2)
    points = np.repeat(train_inputs.mean(-2, keepdims=True), len(grid), axis=-2)
    points[..., :2] = grid[:, :features] * unit_of(train_inputs)[..., None, None]
    shared = np.broadcast_to(points, (*lead, *points.shape[-2:])).reshape(-1, len(grid), features)
    flat = [torch.tensor(weight.reshape(-1, *weight.shape[-2:])) for weight in weights]
    outputs: Array = forward(network, flat, torch.tensor(shared)).numpy()
    return outputs.reshape(*lead, len(plane_y), len(plane_x))


def plane_point(train_outputs: PerPoint, train_inputs: Points, train_labels: PerPoint) -> Float[Array, "*#lead n 3"]:
    """The training points' first two coordinates, in units of `unit_of(train_inputs)`, and their labels.

    Args:
        train_outputs: `(..., n)`; NaN where there is no network.
        train_inputs: `(..., n, d)`.
        train_labels: `(..., n)` of +-1.

    Returns:
        `(..., n, 3)`.
    """
    points = np.zeros((*train_labels.shape, 3))  # the second of inputs of one coordinate is 0
    points[..., : min(2, train_inputs.shape[-1])] = train_inputs[..., :2] / unit_of(train_inputs)[..., None, None]
    points[..., 2] = train_labels
    return np.where(np.isnan(train_outputs)[..., None], np.nan, points)


def unit_of(train_inputs: Points) -> Float[Array, "*#lead"]:
    """The largest absolute value of the first two coordinates of the training points `(..., n, d)`: `(...)`."""
    unit: Array = np.abs(train_inputs[..., :2]).max((-1, -2))
    return unit
