"""Gradients of the outputs with respect to the trained weights, one for each training point, kept as their factors.

The gradient of f(x_i) with respect to a layer W in z = h W^T is the outer product delta_i h_i^T: one backward pass
gives all of them, and inner products of gradients need no matrix of weight size.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from implicitbias.measurement.arrays import Array
from implicitbias.networks.mlp import Gradient, forward, of_network

_ELEMENTS = 2**24  # of activations in a block of networks


class Tangent(NamedTuple):
    """A trained layer and the factors of the outputs' gradients.

    Attributes:
        weight: `(..., out, in)`.
        delta: gradient of f(x_i) with respect to the layer's output, `(..., n, out)`.
        h: the layer's input at x_i, `(..., n, in)`.
    """

    weight: Array
    delta: Array
    h: Array


def tangents_of(weights: Sequence[Array], inputs: Array, network: Mapping[str, Any]) -> list[Tangent]:
    """The trained layers of every network, in float64.

    Args:
        weights: all layers, `(..., out, in)` each, the same leading dimensions for all.
        inputs: `(..., n, d)`, leading dimensions broadcast against those of the weights.
        network: the networks' parameters.
    """
    return layers_of(weights, inputs, network)[of_network(network).trained]


def slopes_of(layers: Sequence[Tangent], features: int) -> Array:
    """Gradients of the outputs with respect to the inputs, `(..., n, d)`, from `layers_of` and d."""
    slopes: Array = layers[0].delta @ layers[0].weight[..., :features]
    return slopes


def layers_of(weights: Sequence[Array], inputs: Array, network: Mapping[str, Any]) -> list[Tangent]:
    """As `tangents_of`, of all layers."""
    form, lead = of_network(network), weights[0].shape[:-2]
    count, (n, d) = int(np.prod(lead)), inputs.shape[-2:]
    flat = [torch.from_numpy(weight.reshape(count, *weight.shape[-2:]).copy()) for weight in weights]
    points = torch.from_numpy(np.broadcast_to(inputs, (*lead, n, d)).reshape(count, n, d).copy())
    size = max(1, _ELEMENTS // (n * max(max(weight.shape[1:]) for weight in flat)))
    parts: list[list[Gradient]] = []
    for start in range(0, count, size):
        here = slice(start, start + size)
        gradients: list[Gradient] = []
        some = [weight[here].requires_grad_(True) for weight in flat]
        forward(some, points[here], form, gradients).sum().backward()  # type: ignore[no-untyped-call]
        parts.append(gradients[::-1])
    layers = [Gradient(*(torch.cat(each) for each in zip(*layer, strict=True))) for layer in zip(*parts, strict=True)]
    return [
        Tangent(weight, layer.delta.numpy().reshape(*lead, n, -1), layer.h.numpy().reshape(*lead, n, -1))
        for weight, layer in zip(weights, layers, strict=True)
    ]


def gram(tangents: Sequence[Tangent]) -> Array:
    """<grad f_i, grad f_j>, the tangent kernel: `(..., n, n)`."""
    parts = [(t.delta @ t.delta.swapaxes(-1, -2)) * (t.h @ t.h.swapaxes(-1, -2)) for t in tangents]
    total: Array = np.sum(parts, axis=0)
    return total


def along_weights(tangents: Sequence[Tangent]) -> Array:
    """<grad f_i, theta>: `(..., n)`; M f_i for a network homogeneous of degree M (Euler)."""
    total: Array = np.sum([(t.delta * (t.h @ t.weight.swapaxes(-1, -2))).sum(-1) for t in tangents], axis=0)
    return total


def combination(tangents: Sequence[Tangent], coefficients: Array) -> list[Array]:
    """sum_i c_i grad f_i, one `(..., out, in)` a layer; coefficients `(..., n)`."""
    return [(coefficients[..., None] * t.delta).swapaxes(-1, -2) @ t.h for t in tangents]
