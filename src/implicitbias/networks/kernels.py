"""Kernels of infinitely wide networks (Neal 1996; Cho & Saul 2009; Lee et al. 2018; Jacot et al. 2018).

Weights are N(0, 1/fan_in), biases N(0, bias_variance), or rows obey the network's constraint (`layers.ROWS`). Rows of
mean 0 see the centred input of their layer: behind a linear layer the covariance is less by the product of the inputs'
means over channels. With rows of norm 1 as well it is the covariance of networks that Nero trains.

Of images, the recursion is for the covariances K(p, p') of their pixels (Novak et al. 2019). What a layer does to them
it does for every shift p' - p apart, but for pooling, which mixes shifts. So the recursion goes shift by shift, from
one pooling to the next: a flattening readout needs the shift 0 alone, the global average all of them. A vector is an
image of one pixel. Arrays are `(rows, columns, n, m)`, so that what stands together in memory belongs to one pixel.

Where rows of norm 1 are short, as those of a first convolution are, their products are not quite normal. What follows
is exact for homogeneous activations of these products alone, and neglects it elsewhere (in streams of residual blocks).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from implicitbias.catalogue import ACTIVATIONS, function_of
from implicitbias.errors import ConfigError
from implicitbias.networks.layers import (
    Activation,
    Convolution,
    Flatten,
    GlobalAverage,
    Layer,
    Linear,
    Normalisation,
    Pool,
    Residual,
    Scale,
    Shape,
    flat,
)
from implicitbias.networks.network import Network

_NUMBERS = 2**16  # in an array of a block of images: its temporaries stay near the processor
_POINTS = 512  # rows and columns of a block of vectors
_LEAST = 8  # of a block of images: below, calls cost more than numbers

Shift = tuple[int, int]
Size = tuple[int, int]


class _Segment(NamedTuple):
    """Layers that treat shifts apart, and the one behind them that does not.

    Attributes:
        layers: convolutions, activations and the like.
        size: rows and columns of the images that come in.
        end: what mixes or selects shifts; None behind the last layers.
        end_size: rows and columns of the images that `end` sees.
        shifts: those that have to come in.
    """

    layers: tuple[Layer, ...]
    size: Size
    end: Layer | None
    end_size: Size
    shifts: tuple[Shift, ...]


class _Record(NamedTuple):
    """What a layer needs to know of every point alone, each `(rows, columns, n)`.

    Attributes:
        variance: of the input of an activation, or of a normalisation about its mean.
        mean: over channels, of the input of a normalisation or a residual block, or over the patch that a row of mean 0
            is multiplied with.
        other_mean: of a residual block's outputs, or over the patch and its bias's constant.
        factor: on the covariance behind the layer.
    """

    variance: Float[Tensor, "rows columns n"] | None = None
    mean: Float[Tensor, "rows columns n"] | None = None
    other_mean: Float[Tensor, "rows columns n"] | None = None
    factor: float = 1.0


class _Alone(NamedTuple):
    """What is known of each of some points alone.

    Attributes:
        images: the points, `(rows, columns, n, channels)`.
        records: of all layers, segment by segment, in their order.
        variance: of the outputs, `(1, 1, n)`, without what pooling adds to it if it was not asked for.
    """

    images: Float[Tensor, "rows columns n channels"]
    records: list[list[_Record]]
    variance: Float[Tensor, "1 1 n"]


class _Moments(NamedTuple):
    """Of one shift s: the covariance K(p, p + s) for all p where both are inside, and the tangent kernel likewise."""

    covariance: Float[Tensor, "rows columns ..."]
    tangent: Float[Tensor, "rows columns ..."] | None


def nngp_kernel(
    network: Network, x: Shaped[Tensor, "n ..."], z: Shaped[Tensor, "m ..."] | None = None
) -> Float[Tensor, "n m"]:
    """The covariance of an output of an infinitely wide network (NNGP).

    Args:
        network: its widths do not matter.
        x: `(n, d)` inputs, or `(n, channels, rows, columns)`; arrays and whole numbers are taken as float64.
        z: `(m, d)` inputs likewise, or None for x itself (only half of the blocks is computed then).

    Returns:
        `(n, m)` kernel in the dtype and on the device of x. It cannot be differentiated: the arrays are overwritten on
        the way, and at a correlation of 1, on the diagonal, the closed forms have infinite derivatives that cancel.

    Raises:
        ConfigError: for a network without a kernel in closed form, with the reason, inputs that are not its own, or
            inputs that want a gradient.

    Source: Cho & Saul 2009, equation 3; Lee et al. 2018, equation 5; Novak et al. 2019, section 2.
    """
    return _kernel(network, x, z, network.without_nngp, tangent=False)


def ntk_kernel(
    network: Network, x: Shaped[Tensor, "n ..."], z: Shaped[Tensor, "m ..."] | None = None
) -> Float[Tensor, "n m"]:
    """The neural tangent kernel in NTK parametrisation (unit Gaussian parameters, scaled in the forward pass).

    Arguments, returned shape and errors are those of `nngp_kernel`. Rows that obey a constraint enter by the covariance
    alone: what the gradient of a layer passes on to the layers before it is not centred.

    Source: Jacot, Gabriel & Hongler 2018, theorem 1; Arora et al. 2019, section 4.
    """
    return _kernel(network, x, z, network.without_ntk, tangent=True)


def nngp_variance(network: Network, x: Shaped[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """The diagonal of `nngp_kernel(network, x)`, without the kernel."""
    x = _taken(network, network.without_nngp, x)
    segments = _segments(network)
    parts = torch.split(x, _side(segments, x) ** 2)
    return torch.cat([_alone(network, segments, part).variance.reshape(-1) for part in parts])


def _taken(network: Network, reason: str, given: Any) -> Float[Tensor, "n d"]:
    """The inputs as floating-point numbers, unless they cannot be the network's, or it has no kernel."""
    if reason:
        raise ConfigError(f"no kernel: {reason}")
    try:
        x: Tensor = given if isinstance(given, Tensor) else torch.as_tensor(np.asarray(given))
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(f"inputs cannot be read as numbers ({error}); allowed: a tensor or an array") from None
    shape = tuple(x.shape)
    if shape[1:] == network.input_shape:
        x = x.reshape(len(x), network.features)
    if x.ndim != 2 or not len(x) or x.shape[1] != network.features or x.is_complex():
        more = f" or (n, {', '.join(map(str, network.input_shape))})" if len(network.input_shape) > 1 else ""
        raise ConfigError(
            f"inputs of shape {shape}, {x.dtype}; allowed: real numbers (n, {network.features}){more}, n >= 1"
        )
    if x.requires_grad and torch.is_grad_enabled():
        raise ConfigError("kernels cannot be differentiated; allowed: inputs that want no gradient, as x.detach()")
    return x if x.is_floating_point() else x.to(torch.float64)


def _side(segments: Sequence[_Segment], x: Tensor) -> int:
    """Points in a row or column of a block; on an accelerator blocks are larger, so that launches are few."""
    pixels, more = prod(segments[0].size), 1 if x.device.type == "cpu" else 8
    return more * (_POINTS if pixels == 1 else max(_LEAST, int((_NUMBERS / pixels) ** 0.5)))


def _kernel(
    network: Network, x: Shaped[Tensor, "n ..."], z: Shaped[Tensor, "m ..."] | None, reason: str, *, tangent: bool
) -> Float[Tensor, "n m"]:
    """Block by block; if z is x, half of the blocks."""
    symmetric = z is None
    x = _taken(network, reason, x)
    z = x if z is None else _taken(network, reason, z).to(x)
    segments = _segments(network)
    side = _side(segments, x)
    left = [_alone(network, segments, part, variance=False) for part in torch.split(x, side)]
    right = left if symmetric else [_alone(network, segments, part, variance=False) for part in torch.split(z, side)]
    result = torch.empty((len(x), len(z)), dtype=x.dtype, device=x.device)
    for i, one in enumerate(left):
        for j, other in enumerate(right):
            if symmetric and j < i:
                continue
            rows, columns = slice(i * side, (i + 1) * side), slice(j * side, (j + 1) * side)
            block = _pair(segments, one, other, same=symmetric and i == j, tangent=tangent)
            if symmetric and i == j:  # some matrix products round x z and z x differently
                block = block.tril() + block.tril(-1).T
            result[rows, columns] = block
            if symmetric and j > i:
                result[columns, rows] = block.T
    return result


# --------------------------------------------------------------------------------------------- segments and shifts
def _segments(network: Network) -> list[_Segment]:
    """The layers from one pooling to the next, and the shifts that each segment needs, found from the end."""
    flattened = isinstance(network.layers[0], Flatten)
    layers = network.layers[1:] if flattened else network.layers
    shape = _image((network.features,) if flattened else network.input_shape)
    found: list[tuple[tuple[Layer, ...], Size, Layer | None, Size]] = []
    inside: list[Layer] = []
    start = shape
    for layer in layers:
        if isinstance(layer, Pool | GlobalAverage | Flatten):
            found.append((tuple(inside), start[1:], layer, shape[1:]))
            shape = _image(layer.output(shape))
            inside, start = [], shape
        else:
            inside.append(layer)
            shape = _image(layer.output(shape)) if isinstance(layer, Convolution) else shape
    found.append((tuple(inside), start[1:], None, shape[1:]))
    segments: list[_Segment] = []
    shifts: tuple[Shift, ...] = ((0, 0),)
    for own, size, end, end_size in reversed(found):
        shifts = _needed(end, end_size, shifts)
        segments.append(_Segment(own, size, end, end_size, shifts))
    return segments[::-1]


def _image(shape: Shape) -> tuple[int, int, int]:
    """A vector is an image of one pixel."""
    return (shape[0], shape[1], shape[2]) if len(shape) == 3 else (shape[0], 1, 1)


def _needed(end: Layer | None, size: Size, shifts: Sequence[Shift]) -> tuple[Shift, ...]:
    """The shifts before a layer, of images of this size, that those behind it are made of; (0, 0) is the first."""
    if end is None or isinstance(end, Flatten):
        return ((0, 0),) if isinstance(end, Flatten) else tuple(shifts)
    if isinstance(end, GlobalAverage):
        wanted = set(product(range(1 - size[0], size[0]), range(1 - size[1], size[1])))
    else:
        assert isinstance(end, Pool)
        steps = range(1 - end.side, end.side)
        wanted = {(end.side * s + a, end.side * t + b) for s, t in shifts for a in steps for b in steps}
    return ((0, 0), *sorted(wanted - {(0, 0)}))  # the first one makes the records that the others need


def _inside(size: Size, shift: Shift) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where p and p + shift lie if both are inside of an image of this size."""
    (rows, columns), (down, right) = size, shift
    here = slice(max(0, -down), rows - max(0, down)), slice(max(0, -right), columns - max(0, right))
    there = slice(max(0, down), rows - max(0, -down)), slice(max(0, right), columns - max(0, -right))
    return here, there


def _join(end: Layer, size: Size, shift: Shift, values: Tensor, joined: dict[Shift, Tensor]) -> None:
    """Add what a shift contributes to those behind a pooling or a readout: `joined`, which it starts where need be."""
    if isinstance(end, Flatten):
        joined[shift] = values.mean((0, 1), keepdim=True)
        return
    if isinstance(end, GlobalAverage):
        whole = values.sum((0, 1), keepdim=True).div_(prod(size) ** 2)
        joined[0, 0] = joined[0, 0].add_(whole) if (0, 0) in joined else whole
        return
    assert isinstance(end, Pool)
    k = end.side
    pooled = size[0] // k, size[1] // k
    for a, c in product(range(k), repeat=2):  # where p lies in its square
        s, t = (shift[0] + a) // k, (shift[1] + c) // k  # from its square to that of p + shift
        if abs(s) >= pooled[0] or abs(t) >= pooled[1]:
            continue
        cut = [
            slice(k * max(0, -to) + at - max(0, -by), None, k) for to, at, by in ((s, a, shift[0]), (t, c, shift[1]))
        ]
        part = values[cut[0], cut[1]][: pooled[0] - abs(s), : pooled[1] - abs(t)] / k**4
        joined[s, t] = joined[s, t].add_(part) if (s, t) in joined else part


def _windows(
    values: Float[Tensor, "_rows _columns *points"], layer: Convolution
) -> Float[Tensor, "_rows _columns *points"]:
    """The mean over the patch around every pixel, 0 outside."""
    for dim in (0, 1):
        length = values.shape[dim]
        if layer.padding:
            total = values.clone()
            for step in range(1, min(layer.side // 2 + 1, length)):
                total.narrow(dim, step, length - step).add_(values.narrow(dim, 0, length - step))
                total.narrow(dim, 0, length - step).add_(values.narrow(dim, step, length - step))
        else:
            left = length - layer.side + 1
            total = values.narrow(dim, 0, left).clone()
            for step in range(1, layer.side):
                total.add_(values.narrow(dim, step, left))
        values = total
    return values.div_(layer.side**2)


# ------------------------------------------------------------------------------------------- what a point does alone
def _alone(network: Network, segments: Sequence[_Segment], x: Float[Tensor, "n d"], *, variance: bool = True) -> _Alone:
    """The records of some points, and the variances of their outputs if they are asked for."""
    size = segments[0].size
    images = x.reshape(len(x), -1, *size).permute(2, 3, 0, 1).contiguous()
    recorder = _Recorder(network)
    mean = images.mean(-1) if recorder.means else None
    records: list[list[_Record]] = []
    start: dict[Shift, Tensor] = {}

    def coming(shift: Shift) -> Tensor:
        return start[shift] if start else _product(images, images, size, shift, "alone")

    for segment in segments:
        records.append([])
        second, mean = recorder.record(segment.layers, coming((0, 0)), mean, records[-1])
        if segment.end is None:
            break
        later = any(
            isinstance(layer, Activation | Normalisation)
            for after in segments[len(records) :]
            for layer in flat(after.layers)
        )
        behind: dict[Shift, Tensor] = {}
        for shift in segment.shifts if variance or later else segment.shifts[:1]:
            if shift == (0, 0):
                values = second
            else:
                at = _At(shift, iter(records[-1]), iter(records[-1]), crossed=False)
                values = at.through(segment.layers, _Moments(coming(shift), None)).covariance
            _join(segment.end, segment.end_size, shift, values, behind)
        start = behind
        mean = None if mean is None else _pooled(segment.end, mean)
    return _Alone(images, records, second)


def _product(
    left: Float[Tensor, "rows columns n channels"],
    right: Float[Tensor, "rows columns m channels"],
    size: Size,
    shift: Shift,
    kind: str,
) -> Float[Tensor, "_rows _columns n"] | Float[Tensor, "_rows _columns n m"]:
    """The mean over channels of x(p) z(p + shift), of every point alone or of all pairs."""
    p, q = _inside(size, shift)
    a, b = left[p], right[q]
    if kind == "alone":
        return (a * b).mean(-1)
    if size == (1, 1):
        return (a[0, 0] @ b[0, 0].T).div_(a.shape[-1])[None, None]
    if a.shape[-1] == 1:
        return a * b[..., 0][..., None, :]
    return (a @ b.mT).div_(a.shape[-1])


def _pooled(end: Layer, mean: Float[Tensor, "_rows _columns n"]) -> Float[Tensor, "_rows _columns n"]:
    """The mean over channels behind a pooling or a readout."""
    if isinstance(end, Pool):
        rows, columns = (length // end.side for length in mean.shape[:2])
        cut = mean[: rows * end.side, : columns * end.side]
        return cut.reshape(rows, end.side, columns, end.side, -1).mean((1, 3))
    return mean.mean((0, 1), keepdim=True)


class _Recorder:
    """Goes through the layers with the second moments and means of every point alone, `(rows, columns, n)`."""

    def __init__(self, network: Network) -> None:
        self.rows = network.rows
        layers = list(flat(network.layers))
        self.means = "mean_free" in self.rows or any(isinstance(layer, Residual | Normalisation) for layer in layers)
        self.weights = enumerate(network.weights)
        self.freedom = 0
        """Degrees of freedom of rows of norm 1 and finite length, as long as what comes is their products alone."""

    def record(
        self,
        layers: Sequence[Layer],
        second: Float[Tensor, "_rows _columns n"],
        mean: Float[Tensor, "_rows _columns n"] | None,
        records: list[_Record],
    ) -> tuple[Float[Tensor, "_rows _columns n"], Float[Tensor, "_rows _columns n"] | None]:
        """The second moments and means behind the layers; a mean of None is 0. Appends a record a layer."""
        for layer in layers:
            if isinstance(layer, Linear):
                second, record = self._linear(layer, second, mean)
                mean = None
            elif isinstance(layer, Activation):
                given, entry = dict(layer.parameters), ACTIVATIONS[layer.name]
                size = self._size(entry.degree if entry.homogeneous else 0)
                record = _Record(variance=second, factor=size(2))
                mean = function_of(entry.mean)(second, **given) * size(1) if self.means else None
                second = function_of(entry.dual)(second, second, second, **given)[0] * record.factor
                self.freedom = 0
            elif isinstance(layer, Normalisation):
                variance = second if mean is None else second - mean**2
                record = _Record(variance=variance, mean=mean)
                second, mean = torch.where(variance > 0, torch.ones_like(second), 0), None
            elif isinstance(layer, Residual):
                inside, other = self.record(layer.layers, second, mean, records)
                record = _Record(mean=mean, other_mean=other)
                second = second + inside
                self.freedom = 0
                if mean is not None and other is not None:
                    second, mean = second + 2 * mean * other, mean + other
                else:
                    mean = other if mean is None else mean
            else:
                assert isinstance(layer, Scale)
                record, second = _Record(), second * layer.factor**2
                mean = None if mean is None else mean * layer.factor
            records.append(record)
        return second, mean

    def _size(self, degree: int) -> Callable[[int], float]:
        """(k) -> 1/E|r|^(k degree), r the norm of a normal row over its root mean square.

        A normal row is one of norm 1 times an independent r, so that moments of a homogeneous activation of its
        products are those of rows of norm 1 but for a factor, exactly. For other activations it is neglected.
        """
        if not (nu := self.freedom):
            return lambda k: 1.0
        return lambda k: math.exp(
            math.lgamma(nu / 2) - math.lgamma((nu + k * degree) / 2) - k * degree / 2 * math.log(2 / nu)
        )

    def _linear(
        self,
        layer: Linear,
        second: Float[Tensor, "_rows _columns n"],
        mean: Float[Tensor, "_rows _columns n"] | None,
    ) -> tuple[Float[Tensor, "_rows _columns n"], _Record]:
        """Rows of mean 0 and length N see the input less its mean over the patch, which counts zeros at the border.

        A bias, which starts at 0, takes its part of the mean; N is finite for the first layer alone. Among N entries of
        mean 0 and norm 1 each has the variance 1/(N - 1), which matters for small patches; for vectors the kernel has
        1/N, the limit of many features.
        """
        number, weight = next(self.weights)
        small = number == 0 and layer.trained and "unit" in self.rows and isinstance(layer, Convolution)
        self.freedom = weight.shape[1] - ("mean_free" in self.rows) if small else 0
        if isinstance(layer, Convolution):
            second, mean = _windows(second, layer), mean if mean is None else _windows(mean, layer)
        record = _Record()
        if "mean_free" in self.rows and layer.trained and mean is not None:
            n, first = weight.inputs, number == 0
            other = (n * mean + 1) / (n + 1) if first and layer.bias else mean
            entries = weight.shape[1]
            record = _Record(mean=mean, other_mean=other, factor=entries / (entries - 1) if small else 1.0)
            second = (second - 2 * mean * other + other**2).clamp_(min=0) * record.factor  # patches may be constant
        return second + layer.bias_variance if layer.bias else second, record


# ----------------------------------------------------------------------------------------------- what pairs do
def _pair(
    segments: Sequence[_Segment], left: _Alone, right: _Alone, *, same: bool, tangent: bool
) -> Float[Tensor, "n m"]:
    """The kernel of two blocks of points."""
    start: dict[Shift, Tensor] = {}
    start_tangent: dict[Shift, Tensor] = {}
    covariance = left.variance
    for number, segment in enumerate(segments):
        behind: dict[Shift, Tensor] = {}
        behind_tangent: dict[Shift, Tensor] = {}
        for shift in segment.shifts:
            given = start.pop(shift) if number else _product(left.images, right.images, segment.size, shift, "pairs")
            at = _At(
                shift, iter(left.records[number]), iter(right.records[number]), crossed=True, same=same, tangent=tangent
            )
            moments = at.through(segment.layers, _Moments(given, start_tangent.pop(shift, None)))
            if segment.end is None:
                covariance = moments.covariance if moments.tangent is None else moments.tangent
                break
            _join(segment.end, segment.end_size, shift, moments.covariance, behind)
            if moments.tangent is not None:
                _join(segment.end, segment.end_size, shift, moments.tangent, behind_tangent)
        start, start_tangent = behind, behind_tangent
    if same and not tangent and all(len(segment.shifts) == 1 for segment in segments):
        covariance.diagonal(dim1=-2, dim2=-1).copy_(left.variance)
    return covariance[0, 0]


class _At:
    """Goes through the layers of a segment with the moments of one shift, guided by the records of both sides.

    Arrays are `(rows, columns, n)` of points alone, `(rows, columns, n, m)` if `crossed`: of pairs. `same` says that
    both sides are the same points, and `tangent` that the tangent kernel is wanted.
    """

    def __init__(
        self, shift: Shift, left: Iterator[_Record], right: Iterator[_Record], *, crossed: bool, same: bool = False,
        tangent: bool = False,
    ) -> None:  # fmt: skip
        self.shift, self.left, self.right, self.crossed, self.tangent = shift, left, right, crossed, tangent
        self.diagonal = same and shift == (0, 0)

    def through(self, layers: Sequence[Layer], moments: _Moments) -> _Moments:
        """The moments behind the layers; those given may be overwritten."""
        k, theta = moments
        for layer in layers:
            if isinstance(layer, Residual):
                k, theta = self._residual(layer, k, theta)
                continue
            one, other = next(self.left), next(self.right)
            if isinstance(layer, Linear):
                k, theta = self._linear(layer, k, theta, one, other)
            elif isinstance(layer, Activation):
                k, theta = self._activation(layer, k, theta, one, other)
            elif isinstance(layer, Normalisation):
                k, theta = self._normalisation(k, theta, one, other)
            else:
                assert isinstance(layer, Scale)
                k, theta = k * layer.factor**2, None if theta is None else theta * layer.factor**2
        return _Moments(k, theta)

    def _sides(
        self, one: Float[Tensor, "rows columns n"], other: Float[Tensor, "rows columns m"]
    ) -> tuple[Float[Tensor, "..."], Float[Tensor, "..."]]:
        """What is known of each point alone, at p and at p + shift, so that it broadcasts."""
        p, q = _inside((one.shape[0], one.shape[1]), self.shift)
        return (one[p][..., None], other[q][..., None, :]) if self.crossed else (one[p], other[q])

    def _linear(
        self, layer: Linear, k: Tensor, theta: Tensor | None, one: _Record, other: _Record
    ) -> tuple[Tensor, Tensor | None]:
        if isinstance(layer, Convolution):
            k, theta = _windows(k, layer), None if theta is None else _windows(theta, layer)
        if one.mean is not None and other.mean is not None:
            assert one.other_mean is not None
            assert other.other_mean is not None
            left, right = self._sides(one.mean, other.mean)
            if one.other_mean is one.mean:
                k = k.addcmul_(left, right, value=-1)
            else:
                more_left, more_right = self._sides(one.other_mean, other.other_mean)
                k = k - left * more_right - more_left * right + more_left * more_right
            k = k.mul_(one.factor) if one.factor != 1 else k
        k = k.add_(layer.bias_variance) if layer.bias else k
        if self.tangent:
            theta = k.clone() if theta is None else theta.add_(k)
        return k, theta

    def _activation(
        self, layer: Activation, k: Tensor, theta: Tensor | None, one: _Record, other: _Record
    ) -> tuple[Tensor, Tensor | None]:
        assert one.variance is not None
        assert other.variance is not None
        if self.diagonal:  # exactly a point with itself: arccos doubles the rounding of a 1
            k.diagonal(dim1=-2, dim2=-1).copy_(one.variance)
        dual: Callable[..., tuple[Tensor, Tensor]] = function_of(ACTIVATIONS[layer.name].dual)
        value, derivative = dual(k, *self._sides(one.variance, other.variance), **dict(layer.parameters))
        value = value.mul_(one.factor) if one.factor != 1 else value
        return value, None if theta is None else theta.mul_(derivative)

    def _normalisation(
        self, k: Tensor, theta: Tensor | None, one: _Record, other: _Record
    ) -> tuple[Tensor, Tensor | None]:
        assert one.variance is not None
        assert other.variance is not None
        if one.mean is not None and other.mean is not None:
            left, right = self._sides(one.mean, other.mean)
            k = k - left * right
        left, right = self._sides(*(torch.where(each > 0, each.rsqrt(), 0) for each in (one.variance, other.variance)))
        return k.mul_(left).mul_(right), None if theta is None else theta.mul_(left).mul_(right)

    def _residual(self, layer: Residual, k: Tensor, theta: Tensor | None) -> tuple[Tensor, Tensor | None]:
        inside = self.through(layer.layers, _Moments(k.clone(), None if theta is None else theta.clone()))
        one, other = next(self.left), next(self.right)
        k = k.add_(inside.covariance)
        if one.mean is not None and one.other_mean is not None:
            assert other.mean is not None
            assert other.other_mean is not None
            left, right = self._sides(one.mean, other.mean)
            more_left, more_right = self._sides(one.other_mean, other.other_mean)
            k = k.addcmul_(left, more_right).addcmul_(more_left, right)
        if theta is not None and inside.tangent is not None:
            theta = theta.add_(inside.tangent)
        return k, theta if theta is not None else inside.tangent
