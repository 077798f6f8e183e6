"""The sizes of a network's weights, which need no torch to be told."""

from fractions import Fraction
from itertools import pairwise
from math import isqrt

from implicitbias.errors import ConfigError

KERNELS = (5, 3)
"""Sides of the convolutions' kernels of a cnn, its first layers; images are halved after each."""

IMAGE_KERNEL = 5
"""Side of the kernels of a lenet."""

_IMAGE_HIDDEN = {"mlp": (120, 60, 30, 12), "lenet": (120, 84)}
_IMAGE_CHANNELS = (6, 16)

CNN_DEPTH = len(KERNELS) + 2

FROZEN_OUTPUTS = ("signs", "halves")
"""What the last layer can be, if it is not trained."""


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


def image_layer_shapes(architecture: str, depth: int, factor: float, pixels: int) -> list[tuple[int, ...]]:
    """The shape of each layer's weights of a small classifier of square images, with two outputs (Peleg & Hein 2024).

    An mlp pools images 2 x 2 and has hidden layers of 120, 60, 30 and 12 times `factor` neurons, of which depth - 1 are
    left: the largest go first. A lenet of depth 5 has convolutions of 6 and 16 channels and hidden layers of 120 and
    84, each times `factor`; 4 and 3 leave out its hidden layers, and 2 its second convolution (but not its pooling).
    Products are rounded down. The factor stands for the nearest fraction with a denominator of at most 100: .33333 is a
    third, of which 120 neurons leave 40 and not 39.

    Raises:
        ConfigError: if the inputs are no square images, or too small for the convolutions, or a layer has no neurons.
    """
    share, side = Fraction(factor).limit_denominator(100), isqrt(pixels)
    if side**2 != pixels:
        raise ConfigError(f"architecture {architecture!r} is for square images, not for {pixels} features")
    if architecture == "mlp":
        channels, wanted, features = [], _IMAGE_HIDDEN["mlp"][5 - depth :], (side // 2) ** 2
    else:
        channels = [int(count * share) for count in _IMAGE_CHANNELS[: min(2, depth - 1)]]
        wanted = _IMAGE_HIDDEN["lenet"][: max(0, depth - 3)]
        for _ in channels:
            side = max(0, (side - IMAGE_KERNEL + 1) // 2)
        features = channels[-1] * (side // 2 if len(channels) == 1 else side) ** 2
    hidden = [int(count * share) for count in wanted]
    if 0 in (*channels, *hidden):
        raise ConfigError(
            f"factor: {factor:g} leaves no neurons in some layer of architecture {architecture!r}:"
            f" {', '.join(map(str, [*channels, *hidden]))}; allowed: at least 1/{12 if architecture == 'mlp' else 6}"
        )
    if not features:
        raise ConfigError(
            f"images of {isqrt(pixels)} x {isqrt(pixels)} pixels are too small for a {architecture} of {depth} layers;"
            f" allowed: at least {16 if depth > 2 else 8} x {16 if depth > 2 else 8}"
        )
    convolutions = [(rows, columns, IMAGE_KERNEL, IMAGE_KERNEL) for columns, rows in pairwise([1, *channels])]
    return [*convolutions, *((rows, columns) for columns, rows in pairwise([features, *hidden, 2]))]


def trained_layers(output: str) -> slice:
    """Which of the layers are trained, by what the last one is."""
    if output == "random_features":
        return slice(-1, None)
    return slice(-1) if output in FROZEN_OUTPUTS else slice(None)
