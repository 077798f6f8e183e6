"""Gradients with respect to the trained weights of one number for each training point, kept as their factors.

The number q_i is the network's output, or another function of its outputs, such as the margin. Its gradient with
respect to a layer W in z = h W^T is the outer product delta_i h_i^T: one backward pass gives all of them, and inner
products of gradients need no matrix of weight size. In a convolution it is a sum of such products, one a pixel.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.measurement.arrays import Array
from implicitbias.networks import Network
from implicitbias.networks.stacked import Gradient, forward, joined
from implicitbias.shapes.arrays import Layers, PerPoint, Points

_ELEMENTS = 2**24  # of activations in a block of networks


class Tangent(NamedTuple):
    """A trained layer and the factors of the outputs' gradients.

    Attributes:
        weight: `(..., out, in)`.
        delta: gradient of q_i with respect to the layer's output, `(..., n p, out)`, p rows a point.
        h: the layer's input at x_i, `(..., n p, in)`.
        positions: p, the pixels of a convolution's image, otherwise 1.
    """

    weight: Float[Array, "*lead out in"]
    delta: Float[Array, "*lead _n_p out"]
    h: Float[Array, "*lead _n_p in"]
    positions: int = 1


Values = Callable[[Tensor, Tensor], Tensor]
"""q `(k, n)` of outputs `(k, n)` or `(k, n, outputs)`, and of what belongs to the points: `(k, n)`, or `(k, n, …)`."""


def tangents_of(
    network: Network,
    weights: Layers,
    inputs: Points,
    targets: Float[Array, "..."] | None = None,
    values: Values | None = None,
) -> list[Tangent]:
    """The trained layers of every network, in float64.

    Args:
        network: whose weights these are.
        weights: all layers, `(..., out, in)` each, the same leading dimensions for all.
        inputs: `(..., n, d)`, leading dimensions broadcast against those of the weights.
        targets: `(..., n)`, or `(..., n, outputs)`, likewise: what `values` needs besides the outputs.
        values: makes the numbers whose gradients are asked for; without it these are the network's only output.
    """
    lead, n = weights[0].shape[:-2], inputs.shape[-2]
    parts: list[list[Gradient]] = []
    for some, points, given in _blocks(weights, inputs, targets):
        gradients: list[Gradient] = []
        for weight in some:
            weight.requires_grad_(True)
        outputs = forward(network, some, points, gradients, factored=True)
        (values(outputs, given) if values else outputs).sum().backward()  # type: ignore[no-untyped-call]
        parts.append(gradients[::-1])
    layers = [joined(layer) for layer in zip(*parts, strict=True)]
    tangents = [
        Tangent(
            weight,
            layer.delta.numpy().reshape(*lead, *layer.delta.shape[1:]),
            layer.h.numpy().reshape(*lead, *layer.h.shape[1:]),
            layer.h.shape[1] // n,
        )
        for weight, layer in zip(weights, layers, strict=True)
    ]
    return tangents[network.trained]


def slopes_of(
    network: Network,
    weights: Layers,
    inputs: Points,
    targets: Float[Array, "..."] | None = None,
    values: Values | None = None,
) -> Points:
    """The same gradients with respect to the inputs, `(..., n, d)`; arguments as in `tangents_of`."""
    parts: list[Tensor] = []
    for some, points, given in _blocks(weights, inputs, targets):
        outputs = forward(network, some, points.requires_grad_(True))
        parts.extend(torch.autograd.grad((values(outputs, given) if values else outputs).sum(), points))
    slopes: Array = torch.cat(parts).numpy().reshape(*weights[0].shape[:-2], *inputs.shape[-2:])
    return slopes


def _blocks(
    weights: Layers, inputs: Points, targets: Float[Array, "..."] | None
) -> Iterator[tuple[list[Float[Tensor, "k _out _in"]], Float[Tensor, "k n d"], Float[Tensor, "k n ..."]]]:
    """Weights, inputs and targets of some networks at a time, as copies with one leading dimension."""
    lead, n = weights[0].shape[:-2], inputs.shape[-2]
    count = int(np.prod(lead))
    flat = [weight.reshape(count, *weight.shape[-2:]) for weight in weights]
    points, given = (
        np.broadcast_to(each, (*lead, *own)).reshape(count, *own)
        for each in (inputs, inputs[..., 0] if targets is None else targets)
        for own in [each.shape[inputs.ndim - 2 :]]
    )
    size = max(1, _ELEMENTS // (n * max(max(weight.shape[1:]) for weight in flat)))
    for start in range(0, count, size):
        here = slice(start, start + size)
        yield [torch.tensor(weight[here]) for weight in flat], torch.tensor(points[here]), torch.tensor(given[here])


def gram(tangents: Sequence[Tangent], rows: str = "free") -> Float[Array, "*#lead n n"]:
    """<P grad q_i, P grad q_j>, the tangent kernel of weights whose rows obey a constraint: `(..., n, n)`.

    P projects the gradients to the directions in which such weights can move. For a row w of mean 0 that takes the
    mean from the layer's input, for one of norm 1 the part of the row's gradient along w; rows that are free have the
    whole gradients.

    Args:
        tangents: of the trained layers.
        rows: the constraint, one of `layers.ROWS`.
    """
    if "mean_free" in rows:
        tangents = [t._replace(h=t.h - t.h.mean(-1, keepdims=True)) for t in tangents]
    total: Array = np.sum([_layer_gram(tangent) for tangent in tangents], axis=0)
    if "unit" in rows:
        for along in map(_along_rows, tangents):
            total = total - along @ along.swapaxes(-1, -2)
    return total


def _along_rows(t: Tangent) -> Float[Array, "*#lead n out"]:
    """<grad_w q_i, w/|w|> for every row w of the layer: `(..., n, out)`."""
    units = t.weight / np.linalg.norm(t.weight, axis=-1, keepdims=True)
    products = t.delta * (t.h @ units.swapaxes(-1, -2))
    along: Array = products.reshape(*products.shape[:-2], -1, t.positions, products.shape[-1]).sum(-2)
    return along


def _layer_gram(t: Tangent) -> Float[Array, "*#lead n n"]:
    if t.positions == 1:
        products: Array = (t.delta @ t.delta.swapaxes(-1, -2)) * (t.h @ t.h.swapaxes(-1, -2))
        return products
    delta, h = (part.reshape(*part.shape[:-2], -1, t.positions, part.shape[-1]) for part in (t.delta, t.h))
    gradients = delta.swapaxes(-1, -2) @ h
    flat = gradients.reshape(*gradients.shape[:-2], -1)
    whole: Array = flat @ flat.swapaxes(-1, -2)
    return whole


def along_weights(tangents: Sequence[Tangent]) -> PerPoint:
    """<grad q_i, theta>: `(..., n)`; M q_i for a network homogeneous of degree M (Euler)."""
    rows = [((t.delta * (t.h @ t.weight.swapaxes(-1, -2))).sum(-1), t.positions) for t in tangents]
    total: Array = np.sum([row.reshape(*row.shape[:-1], -1, each).sum(-1) for row, each in rows], axis=0)
    return total


def combination(tangents: Sequence[Tangent], coefficients: PerPoint) -> list[Float[Array, "*#lead _out _in"]]:
    """sum_i c_i grad q_i, one `(..., out, in)` a layer; coefficients `(..., n)`."""
    return [(coefficients.repeat(t.positions, -1)[..., None] * t.delta).swapaxes(-1, -2) @ t.h for t in tangents]
