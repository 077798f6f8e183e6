"""Layers as values: what a network consists of, told without torch.

A layer knows how it changes the shape of its input, which weights it has, and what it does to the degree of
homogeneity. What it computes stands in `networks.stacked` (finite networks) and `networks.kernels` (infinite ones).
Shapes are `(features,)` of vectors and `(channels, rows, columns)` of images.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf, prod
from typing import NamedTuple

from implicitbias.catalogue import ACTIVATIONS
from implicitbias.errors import ConfigError, nearest

Shape = tuple[int, ...]

ROWS = ("free", "unit", "mean_free", "mean_free_unit")
"""What the rows of every trained weight matrix (bias included) obey: nothing, norm 1, mean 0, or both."""


class Degree(NamedTuple):
    """How outputs grow with the trained weights: f(x; r theta) = r^exact f(x; theta) for all r > 0.

    Attributes:
        exact: the degree of homogeneity, None where there is none.
        leading: the power of r at large r, which is `exact` where there is one (Cai et al. 2025).
    """

    exact: int | None
    leading: int


class Weight(NamedTuple):
    """A weight matrix of one member.

    Attributes:
        rows: neurons, or channels that come out.
        inputs: numbers that a row is multiplied with, a bias not counted: its fan-in.
        bias: whether a further column multiplies the constant 1.
        positions: how often an input passes through the matrix: once a pixel in convolutions.
        layer: the layer that it belongs to.
    """

    rows: int
    inputs: int
    bias: bool
    positions: int
    layer: "Linear"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, with the column of biases."""
        return self.rows, self.inputs + self.bias

    @property
    def pixels(self) -> int:
        """Pixels of a patch: a row has so many numbers of every channel, one behind the other; else 1."""
        return self.layer.side**2 if isinstance(self.layer, Convolution) else 1


@dataclass(frozen=True)
class Layer:
    """A layer; the methods hold for one that changes neither shapes nor degrees and has no weights."""

    def output(self, shape: Shape) -> Shape:
        """The shape of what comes out, given that of what goes in.

        Raises:
            ConfigError: if the layer cannot take such an input.
        """
        return shape

    def weights(self, shape: Shape) -> list[Weight]:
        """Its weight matrices, in the order in which an input meets them."""
        return []

    def degree(self, degree: Degree) -> Degree:
        """The output's degree of homogeneity, given the input's."""
        return degree


@dataclass(frozen=True)
class Linear(Layer):
    """A layer with one weight matrix.

    Attributes:
        features: neurons, or channels that come out.
        bias: whether it has biases.
        bias_variance: of the initial biases, which are normal; 0: they start at 0.
        trained: whether its weights are trained.
        start: how its initial weights are found: "drawn" by the initialisation, or for frozen layers and such "signs"
            (+-1/sqrt(fan_in) at random), "halves" (1/h for the first half of the inputs, h of them, -1/h for the
            others) or "zeros".
    """

    features: int
    bias: bool = False
    bias_variance: float = 0.0
    trained: bool = True
    start: str = "drawn"

    def __post_init__(self) -> None:
        if not 0 <= self.bias_variance < inf:
            raise ConfigError(f"bias_variance = {self.bias_variance!r}; allowed: a finite number, at least 0")

    def degree(self, degree: Degree) -> Degree:
        """One more if it is trained; a bias has no more than its own, which fits an input of degree 0 only."""
        more = int(self.trained)
        exact = None if degree.exact is None or (self.bias and degree.exact) else degree.exact + more
        return Degree(exact, degree.leading + more)


@dataclass(frozen=True)
class Dense(Linear):
    """W h for a vector h."""

    def output(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ConfigError(
                f"a dense layer takes vectors; allowed: images {shape} once they are flattened or averaged"
            )
        return (self.features,)

    def weights(self, shape: Shape) -> list[Weight]:
        return [Weight(self.features, shape[0], self.bias, 1, self)]


@dataclass(frozen=True)
class Convolution(Linear):
    """A product with the patch around every pixel.

    Attributes:
        side: of the square patches, odd.
        padding: whether pixels beyond the border count as 0; otherwise patches stay inside, and images shrink.
    """

    side: int = 3
    padding: bool = True

    def output(self, shape: Shape) -> Shape:
        _, rows, columns = _image(shape, "a convolution")
        lost = 0 if self.padding else self.side - 1
        if min(rows, columns) <= lost:
            raise ConfigError(
                f"images of {rows} x {columns} pixels are too small for a convolution of {self.side} x {self.side}"
                f" without padding; allowed: at least {lost + 1} x {lost + 1}"
            )
        return (self.features, rows - lost, columns - lost)

    def weights(self, shape: Shape) -> list[Weight]:
        return [Weight(self.features, shape[0] * self.side**2, self.bias, prod(self.output(shape)[1:]), self)]


@dataclass(frozen=True)
class Activation(Layer):
    """phi(h), entry by entry.

    Attributes:
        name: in `catalogue.ACTIVATIONS`.
        parameters: pairs (key, value) of the activation's own parameters.
    """

    name: str
    parameters: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if self.name not in ACTIVATIONS:
            hint = nearest(self.name, ACTIVATIONS)
            raise ConfigError(f"there is no activation {self.name!r}{hint}; allowed: {', '.join(ACTIVATIONS)}")
        known = ACTIVATIONS[self.name].parameters
        for key, value in self.parameters:
            problem = known[key].refuses(value) if key in known else f"the parameters {', '.join(known) or 'none'}"
            if problem:
                raise ConfigError(f"activation {self.name!r}: {key} = {value!r}; allowed: {problem}")

    def degree(self, degree: Degree) -> Degree:
        """The p-fold for phi(r z) = r^p phi(z); a function of what is not trained has degree 0 whatever phi is."""
        entry = ACTIVATIONS[self.name]
        known = degree.exact is not None and (entry.homogeneous or degree.exact == 0)
        exact = entry.degree * degree.exact if known and degree.exact else (0 if known else None)
        return Degree(exact, entry.degree * degree.leading)


@dataclass(frozen=True)
class Pool(Layer):
    """The largest, or the mean, of `side` x `side` pixels; what does not fill a square at the border is left out.

    Attributes:
        kind: "max" or "average".
        side: of the squares.
    """

    kind: str
    side: int = 2

    def output(self, shape: Shape) -> Shape:
        channels, rows, columns = _image(shape, "pooling")
        if min(rows, columns) < self.side:
            raise ConfigError(
                f"images of {rows} x {columns} pixels are too small for pooling {self.side} x {self.side};"
                " allowed: larger images, or fewer layers with pooling"
            )
        return (channels, rows // self.side, columns // self.side)


@dataclass(frozen=True)
class Flatten(Layer):
    """All numbers of an image, in the order channel, row, column."""

    def output(self, shape: Shape) -> Shape:
        return (prod(shape),)


@dataclass(frozen=True)
class GlobalAverage(Layer):
    """The mean over all pixels of every channel."""

    def output(self, shape: Shape) -> Shape:
        return (_image(shape, "the global average")[0],)


@dataclass(frozen=True)
class Normalisation(Layer):
    """(h - mean)/deviation over the channels of every pixel, or all features of a vector (Ba, Kiros & Hinton 2016).

    It has no gain and no shift.
    """

    def degree(self, degree: Degree) -> Degree:
        """0: the scale of the weights before it is lost."""
        return Degree(None if degree.exact is None else 0, 0)


@dataclass(frozen=True)
class Scale(Layer):
    """A constant factor."""

    factor: float


@dataclass(frozen=True)
class Residual(Layer):
    """h + block(h)."""

    layers: tuple[Layer, ...]

    def output(self, shape: Shape) -> Shape:
        inside = shape
        for layer in self.layers:
            inside = layer.output(inside)
        if inside != shape:
            raise ConfigError(f"a residual block of inputs {shape} has outputs {inside}; allowed: the same shape")
        return shape

    def weights(self, shape: Shape) -> list[Weight]:
        return list(weights_of(self.layers, shape))

    def degree(self, degree: Degree) -> Degree:
        """Homogeneous only if both paths have the same degree."""
        inside = degree
        for layer in self.layers:
            inside = layer.degree(inside)
        exact = inside.exact if inside.exact == degree.exact else None
        return Degree(exact, max(inside.leading, degree.leading))


def weights_of(layers: Iterable[Layer], shape: Shape) -> Iterator[Weight]:
    """The weight matrices of a sequence of layers, given the shape of the first one's input."""
    for layer in layers:
        yield from layer.weights(shape)
        shape = layer.output(shape)


def flat(layers: Iterable[Layer]) -> Iterator[Layer]:
    """All layers, those inside of residual blocks behind their block."""
    for layer in layers:
        yield layer
        if isinstance(layer, Residual):
            yield from flat(layer.layers)


def _image(shape: Shape, what: str) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ConfigError(f"{what} takes images; allowed: (channels, rows, columns), not a vector")
    return shape[0], shape[1], shape[2]
