"""Ensembles of small image classifiers with two outputs: perceptrons on pooled images, and LeNets.

What the members share is computed together: weights are `(member, out, in)` or `(member, out, in, 5, 5)`, one matrix
product or one grouped convolution a layer. Activations are relus; every layer has a bias. The package `networks` has
another stack, which these do not fit: its networks have one output and one width, and its convolutions keep the size of
an image. It can do more than is needed here, where millions of networks are drawn.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import conv2d, linear, max_pool2d


class Layer(NamedTuple):
    """Weights `(member, out, in[, 5, 5])` and biases `(member, out)` of one layer of every member."""

    weight: Tensor
    bias: Tensor


def draw(shapes: Sequence[tuple[int, ...]], members: int, generator: torch.Generator) -> list[Layer]:
    """Weights U[-1, 1], biases 0: what guess and check draws from."""
    return [
        Layer(torch.empty(members, *shape).uniform_(-1, 1, generator=generator), torch.zeros(members, shape[0]))
        for shape in shapes
    ]


def image_initialise(shapes: Sequence[tuple[int, ...]], members: int, generator: torch.Generator) -> list[Layer]:
    """Weights U[-1, 1] sqrt(6/fan_in), biases 0: where gradient descent starts (He et al. 2015)."""
    layers = draw(shapes, members, generator)
    for layer in layers:
        layer.weight.mul_((6 / layer.weight[0, 0].numel()) ** 0.5)
    return layers


def prepare(architecture: str, images: Tensor) -> Tensor:
    """What the first layer sees of images `(..., side, side)`."""
    if architecture == "lenet":
        return images
    return max_pool2d(images.flatten(0, -3)[:, None], 2).reshape(*images.shape[:-2], -1)


def image_forward(layers: Sequence[Layer], inputs: Tensor) -> Tensor:
    """Outputs of all members.

    Args:
        layers: of the members.
        inputs: from `prepare`: `(points, ...)` for all, or `(member, points, ...)` each its own.

    Returns:
        `(member, points, 2)`.
    """
    convolutions = [layer for layer in layers if layer.weight.ndim == 5]
    dense = layers[len(convolutions) :]
    members = len(layers[0].weight)
    h = inputs
    if convolutions:
        own = h.ndim == 4
        h = h.transpose(0, 1) if own else h[:, None]  # (points, member or 1, side, side)
        for number, layer in enumerate(convolutions):
            groups = members if own or number else 1
            h = conv2d(h, layer.weight.flatten(0, 1), layer.bias.flatten(), groups=groups)
            h = max_pool2d(torch.relu(h), 2)
        if len(convolutions) == 1:
            h = max_pool2d(h, 2)
        features = convolutions[-1].weight.shape[1] * h.shape[-1] ** 2
        h = h.reshape(len(h), members, features).transpose(0, 1)
    for number, layer in enumerate(dense):
        if h.ndim == 2:  # shared points: one thin product instead of one for every member
            z = linear(h, layer.weight.flatten(0, 1)).reshape(len(h), members, layer.weight.shape[1])
            h = z.transpose(0, 1) + layer.bias[:, None]
        else:
            h = torch.baddbmm(layer.bias[:, None], h, layer.weight.mT)
        if number < len(dense) - 1:
            h = torch.relu(h)
    return h


def chosen(layers: Sequence[Layer], members: Tensor) -> list[Layer]:
    """The layers of some members."""
    return [Layer(layer.weight[members], layer.bias[members]) for layer in layers]


def joined(parts: Sequence[Sequence[Layer]]) -> list[Layer]:
    """The layers of all members of several ensembles."""
    return [Layer(*map(torch.cat, zip(*layers, strict=True))) for layers in zip(*parts, strict=True)]
