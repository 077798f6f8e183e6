"""The sizes of a network's weights, which need no torch to be told."""

from itertools import pairwise
from math import isqrt

KERNELS = (5, 3)
"""Sides of the convolutions' kernels of a cnn, its first layers; images are halved after each."""

CNN_DEPTH = len(KERNELS) + 2


def layer_shapes(
    depth: int, width: int, inputs: int, bias: str = "none", architecture: str = "mlp"
) -> list[tuple[int, int]]:
    """The shape (out, in) of each of the `depth` weight matrices; a convolution's `in` is a patch of all channels.

    A cnn has depth 4: convolutions of width/32 channels of 5 x 5 and width/16 of 3 x 3, each followed by a halving of
    the square image, a layer of `width` neurons, and the output (Lyu & Li 2020, section 6, for width 1024).
    """
    if architecture == "cnn":
        first, second, pixels = width // 32, width // 16, (isqrt(inputs) // 4) ** 2
        shapes = [(first, KERNELS[0] ** 2), (second, first * KERNELS[1] ** 2), (width, second * pixels), (1, width)]
    else:
        shapes = [(rows, columns) for columns, rows in pairwise([inputs, *[width] * (depth - 1), 1])]
    biased = {"none": 0, "first": 1, "all": depth}[bias]
    return [(rows, columns + (layer < biased)) for layer, (rows, columns) in enumerate(shapes)]


def positions(depth: int, inputs: int, architecture: str = "mlp") -> list[int]:
    """How often an input passes through the weights of each layer: once a pixel in convolutions."""
    return [inputs, inputs // 4, 1, 1] if architecture == "cnn" else [1] * depth
