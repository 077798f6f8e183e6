"""How much of the prior lies around a trained network: the networks that fit, in a straight line from its weights.

The prior is that of random networks (guess and check): weights N(0, 1/fan_in), whose rows are then brought under the
network's constraint. In the standardised weights z = w sqrt(fan_in) it is N(0, I), and the neighbourhood of the trained
network z_0 is the star of all z_0 + r u, u a unit vector and r < R(u), the first distance at which a training point is
wrong. (Scherlis & Belrose 2025 end a ray where the loss has risen by a cutoff; here it is the number of training errors
that may not rise, so that the volume is part of the probability that random networks fit.)
"""

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from implicitbias.catalogue.metrics import DIRECTIONS
from implicitbias.losses import margins
from implicitbias.measurement.arrays import Array
from implicitbias.measurement.star import log_star_measure
from implicitbias.measurement.tangents import Tangent
from implicitbias.networks import Network
from implicitbias.networks.rows import project
from implicitbias.networks.stacked import forward
from implicitbias.shapes.arrays import Layers, PerNetwork, Points

_NUMBERS = 2**20  # of weights along the directions of a block of networks, which stay near the processor


def local_log_volume(local_volume: tuple[PerNetwork, PerNetwork]) -> PerNetwork:
    """ln of the prior's part that is the star around a trained network, `(...)`; NaN for one that does not fit.

    Source: Scherlis & Belrose 2025.
    """
    return local_volume[0]


def local_log_volume_stderr(local_volume: tuple[PerNetwork, PerNetwork]) -> PerNetwork:
    """Its standard error to first order, s: about 1/s^2 directions decide. From .5 on the volume is a lower bound."""
    return local_volume[1]


def volumes(
    network: Network,
    weights: Layers,
    inputs: Points,
    targets: Float[Array, "..."],
    tangents: list[Tangent],
) -> tuple[PerNetwork, PerNetwork]:
    """The logarithm of the local volume and its standard error.

    All networks are given the same random numbers, so that differences between them are known better than either.

    Args:
        network: whose weights these are; all of its layers are trained and have no biases.
        weights: all layers, `(..., out, in)` each.
        inputs: training points, `(..., n, d)`, leading dimensions broadcast against those of the weights.
        targets: `(..., n)` of +-1, or `(..., n, C)`, likewise.
        tangents: of the margins, see `measurement.tangents`.
    """
    lead, n = weights[0].shape[:-2], inputs.shape[-2]
    count = int(np.prod(lead))
    centres = np.concatenate([_flat(weight, count) * weight.shape[-1] ** 0.5 for weight in weights], -1)
    points, given = (
        torch.tensor(np.broadcast_to(each, (*lead, *own)).reshape(count, *own))
        for each in (inputs, targets)
        for own in [each.shape[inputs.ndim - 2 :]]
    )
    found = np.full((2, count), np.nan)
    size = max(1, _NUMBERS // (DIRECTIONS * centres.shape[-1]))
    for start in range(0, count, size):
        here = slice(start, start + size)
        fits = _Fits(network, points[here], given[here])
        slopes = np.concatenate([_slopes(t, network.rows, n, count, here) for t in tangents], -1)
        values = fits.margins(centres[here, None])[:, 0]
        kept = np.all(values > 0, axis=-1)
        if kept.any():
            relative = slopes[kept] / values[kept, :, None]
            star = log_star_measure(fits.of(kept), centres[here][kept], relative, DIRECTIONS // 3)
            found[:, np.flatnonzero(kept) + start] = star
    return found[0].reshape(lead), found[1].reshape(lead)


class _Fits:
    """Which networks, as standardised weights `(k, directions, D)`, have no training error."""

    def __init__(
        self, network: Network, points: Float[Tensor, "k n d"], targets: Float[Tensor, "k n *classes"]
    ) -> None:
        self.network, self.points, self.targets = network, points, targets

    def of(self, kept: Bool[np.ndarray, " k"]) -> "_Fits":
        """Of some of the k networks."""
        chosen = torch.as_tensor(kept)
        return _Fits(self.network, self.points[chosen], self.targets[chosen])

    def __call__(self, z: Float[Array, "k direction d"]) -> Bool[np.ndarray, "k direction"]:
        fits: NDArray[np.bool] = np.all(self.margins(z) > 0, axis=-1)
        return fits

    @torch.no_grad()
    def margins(self, z: Float[Array, "k direction d"]) -> Float[Array, "k direction n"]:
        """Of every training point."""
        flat = torch.as_tensor(z).flatten(0, 1)
        layers = []
        parts = torch.split(flat, [rows * columns for rows, columns in self.network.shapes], -1)
        for part, (rows, columns) in zip(parts, self.network.shapes, strict=True):
            layer = part.reshape(-1, rows, columns) / columns**0.5
            project(layer, self.network.rows)
            layers.append(layer)
        points, targets = (each.repeat_interleave(z.shape[1], 0) for each in (self.points, self.targets))
        outputs = forward(self.network, layers, points, together=True)
        found: Array = margins(outputs, targets).reshape(*z.shape[:2], -1).numpy()
        return found


def _slopes(t: Tangent, rows: str, n: int, count: int, here: slice) -> Float[Array, "_k {n} _out_in"]:
    """Gradients of the margins with respect to a layer's standardised weights, as rows can move."""
    delta, h = (part.reshape(count, n, t.positions, part.shape[-1])[here] for part in (t.delta, t.h))
    gradients = delta.swapaxes(-1, -2) @ h
    weight = t.weight.reshape(count, 1, *t.weight.shape[-2:])[here]
    if "mean_free" in rows:
        gradients = gradients - gradients.mean(-1, keepdims=True)
    if "unit" in rows:
        gradients = gradients - (gradients * weight).sum(-1, keepdims=True) * weight
    slopes: Array = gradients.reshape(*gradients.shape[:2], -1) / weight.shape[-1] ** 0.5
    return slopes


def _flat(weight: Float[Array, "... out in"], count: int) -> Float[Array, "{count} _out_in"]:
    return weight.reshape(count, -1)
