"""Convolutional networks, with and without residual blocks."""

from implicitbias.networks.architectures.biases import biased
from implicitbias.networks.layers import (
    Activation,
    Convolution,
    Dense,
    Flatten,
    GlobalAverage,
    Layer,
    Normalisation,
    Pool,
    Residual,
)

_POOLS: dict[str, tuple[Layer, ...]] = {"none": (), "average": (Pool("average"),), "max": (Pool("max"),)}
_READOUTS: dict[str, Layer] = {"flatten": Flatten(), "global_average": GlobalAverage()}


def cnn(
    phi: Activation, outputs: int, *, depth: int, width: int, side: int, pooling: str, readout: str, bias: str,
    bias_variance: float,
) -> list[Layer]:  # fmt: skip
    """`depth` - 1 convolutions of `width` channels, each with its activation and pooling, the readout, and the output.

    Patches are `side` x `side` with zero padding; pooling is over 2 x 2 pixels (Novak et al. 2019).
    """
    layers: list[Layer] = []
    for layer in range(depth - 1):
        layers += [Convolution(width, biased(bias, layer), bias_variance, side=side), phi, *_POOLS[pooling]]
    return [*layers, _READOUTS[readout], Dense(outputs, biased(bias, depth - 1), bias_variance)]


def resnet(
    phi: Activation, outputs: int, *, depth: int, width: int, block: str, side: int, normalisation: str, readout: str,
    bias: str, bias_variance: float,
) -> list[Layer]:  # fmt: skip
    """A layer, `depth`/2 - 1 residual blocks, an activation, the readout and the output (He et al. 2016b).

    A block is twice an activation (of the normalised input, with `normalisation: layer`) and a linear layer, added to
    its input. Linear layers are convolutions of `width` channels with zero padding, or dense layers of `width` neurons,
    for which images are flattened first.
    """

    def linear(layer: int) -> Layer:
        if block == "dense":
            return Dense(width, biased(bias, layer), bias_variance)
        return Convolution(width, biased(bias, layer), bias_variance, side=side)

    active = (Normalisation(), phi) if normalisation == "layer" else (phi,)
    blocks = [Residual((*active, linear(layer), *active, linear(layer + 1))) for layer in range(1, depth - 2, 2)]
    first, last = ([Flatten()], []) if block == "dense" else ([], [_READOUTS[readout]])
    return [*first, linear(0), *blocks, *active, *last, Dense(outputs, biased(bias, depth - 1), bias_variance)]
