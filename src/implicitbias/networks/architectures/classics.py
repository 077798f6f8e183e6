"""Networks of single papers, with sizes of their own."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from implicitbias.errors import ConfigError
from implicitbias.networks.architectures.biases import biased
from implicitbias.networks.layers import Activation, Convolution, Dense, Flatten, Layer, Pool


def lyu_li(phi: Activation, outputs: int, *, width: int, bias: str, bias_variance: float) -> list[Layer]:
    """Convolutions of width/32 channels of 5 x 5 and width/16 of 3 x 3, `width` neurons, and the output.

    With zero padding, and the largest of 2 x 2 pixels after each convolution's activation (Lyu & Li 2020, section 6,
    for width 1024).
    """
    biases = [biased(bias, layer) for layer in range(4)]
    return [
        Convolution(width // 32, biases[0], bias_variance, side=5), phi, Pool("max"),
        Convolution(width // 16, biases[1], bias_variance, side=3), phi, Pool("max"),
        Flatten(), Dense(width, biases[2], bias_variance), phi, Dense(outputs, biases[3], bias_variance),
    ]  # fmt: skip


def lenet(phi: Activation, outputs: int, *, depth: int, factor: float, bias_variance: float) -> list[Layer]:
    """Convolutions of 6 and 16 channels of 5 x 5 without padding, and 120 and 84 hidden neurons, all times factor.

    Each convolution's activation is followed by the largest of 2 x 2 pixels. Depths of 4 and 3 leave out hidden layers,
    the larger one first, and 2 the second convolution, but not its pooling. Products are rounded down. All layers have
    biases (LeCun et al. 1998; Peleg & Hein 2024).
    """
    channels = _sizes((6, 16)[: min(2, depth - 1)], factor)
    layers: list[Layer] = []
    for count in channels:
        layers += [Convolution(count, True, bias_variance, side=5, padding=False), phi, Pool("max")]
    more = [Pool("max")] if len(channels) == 1 else []
    hidden = _sizes((120, 84)[: max(0, depth - 3)], factor)
    return [*layers, *more, Flatten(), *_dense(phi, [*hidden, outputs], bias_variance)]


def pooled_mlp(phi: Activation, outputs: int, *, depth: int, factor: float, bias_variance: float) -> list[Layer]:
    """The largest of 2 x 2 pixels, and hidden layers of 120, 60, 30 and 12 neurons times factor.

    `depth` - 1 hidden layers are left: the largest go first. Products are rounded down. All layers have biases (Peleg
    & Hein 2024).
    """
    hidden = _sizes((120, 60, 30, 12)[5 - depth :], factor)
    return [Pool("max"), Flatten(), *_dense(phi, [*hidden, outputs], bias_variance)]


def _dense(phi: Activation, sizes: Sequence[int], bias_variance: float) -> Iterator[Layer]:
    for number, size in enumerate(sizes):
        if number:
            yield phi
        yield Dense(size, True, bias_variance)


def _sizes(counts: Sequence[int], factor: float) -> list[int]:
    """Counts times the factor, rounded down.

    The factor stands for the nearest fraction with a denominator of at most 100: .33333 is a third, of which 120
    neurons leave 40 and not 39.

    Raises:
        ConfigError: if a layer has no neurons.
    """
    sizes = [int(count * Fraction(factor).limit_denominator(100)) for count in counts]
    if 0 in sizes:
        raise ConfigError(
            f"factor = {factor:g} leaves no neurons in some layer: {', '.join(map(str, sizes))}; allowed: at least"
            f" 1/{min(counts)}"
        )
    return sizes
