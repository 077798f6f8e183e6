"""Rules that draw a network's weights at scale 1: (shapes, generator, dtype) -> one tensor (out, in) a layer.

A shape is (out, in, pixels): of a convolution, `in` holds so many pixels of every channel; elsewhere it is 1.
"""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Generator, Tensor

Shapes = Sequence[tuple[int, int, int]]
Rule = Callable[[Shapes, Generator, torch.dtype], list[Tensor]]


def fan_in(shapes: Shapes, source: Generator, dtype: torch.dtype) -> list[Float[Tensor, "_out _in"]]:
    """N(0, 1/fan_in): keeps second moments through layers whose activation does (Bernstein & Yue 2021)."""
    return [
        torch.randn(rows, columns, dtype=dtype, generator=source).mul_(columns**-0.5) for rows, columns, _ in shapes
    ]


def glorot(shapes: Shapes, source: Generator, dtype: torch.dtype) -> list[Float[Tensor, "_out _in"]]:
    """N(0, 2/(fan_in + fan_out)) (Glorot & Bengio 2010)."""
    return [
        torch.randn(rows, columns, dtype=dtype, generator=source).mul_(math.sqrt(2 / (rows + columns)))
        for rows, columns, _ in shapes
    ]


def normal(shapes: Shapes, source: Generator, dtype: torch.dtype) -> list[Float[Tensor, "_out _in"]]:
    """N(0, 1); init_scale is the standard deviation."""
    return [torch.randn(rows, columns, dtype=dtype, generator=source) for rows, columns, _ in shapes]


def uniform(shapes: Shapes, source: Generator, dtype: torch.dtype) -> list[Float[Tensor, "_out _in"]]:
    """U[-1/fan_in, 1/fan_in] (Tsilivis, Vardi & Kempe 2025)."""
    return [(2 * torch.rand(rows, columns, dtype=dtype, generator=source) - 1) / columns for rows, columns, _ in shapes]


def fan_in_uniform(shapes: Shapes, source: Generator, dtype: torch.dtype) -> list[Float[Tensor, "_out _in"]]:
    """U[-1, 1]/sqrt(fan_in): torch's own layers."""
    return [
        (2 * torch.rand(rows, columns, dtype=dtype, generator=source) - 1) / math.sqrt(columns)
        for rows, columns, _ in shapes
    ]


def orthogonal(shapes: Shapes, source: Generator, dtype: torch.dtype) -> list[Float[Tensor, "_out _in"]]:
    """Semi-orthogonal times sqrt(fan_out/fan_in), which keeps the size of entries (Bernstein et al. 2023).

    Of a convolution, the matrix between channels at each of the p pixels of a patch is semi-orthogonal times that
    root, fan_in the number of channels, over sqrt(p).
    """
    layers = []
    for rows, columns, pixels in shapes:
        drawn = [
            torch.nn.init.orthogonal_(torch.empty(rows, columns // pixels, dtype=dtype), generator=source)
            for _ in range(pixels)
        ]
        scale = math.sqrt(rows * pixels / columns) / math.sqrt(pixels)
        layers.append(torch.stack(drawn, dim=2).flatten(1).mul_(scale))
    return layers


def balanced(shapes: Shapes, source: Generator, dtype: torch.dtype) -> list[Float[Tensor, "_out _in"]]:
    """Rows N(0, I/fan_in); each output weight has the norm of its row and a random sign (Min, Mallada & Vidal 2023).

    For two layers; in deeper networks the layers between are as `fan_in`.
    """
    layers = fan_in(shapes, source, dtype)
    signs = 2.0 * torch.randint(2, layers[-1].shape, generator=source) - 1
    layers[-1] = signs.to(dtype) * torch.linalg.vector_norm(layers[-2], dim=1)
    return layers


def axes(shapes: Shapes, source: Generator, dtype: torch.dtype) -> list[Float[Tensor, "_out _in"]]:
    """Nothing random: rows e_1, ..., e_d, -e_1, ..., -e_d, over again, of sizes 1, .1, .001, .01, over again.

    Output weights have the rows' sizes, negative for odd coordinates, as the labels of the XOR clusters (Tsoy &
    Konstantinov 2024). For two layers; in deeper networks the layers between are as `fan_in`.
    """
    layers = fan_in(shapes, source, dtype)
    width, features, _ = shapes[0]
    neurons = torch.arange(width)
    sizes = torch.tensor([1.0, 0.1, 0.001, 0.01], dtype=dtype)[neurons % 4]
    coordinate = neurons % features
    layers[0] = torch.zeros(width, features, dtype=dtype)
    layers[0][neurons, coordinate] = torch.where(neurons // features % 2 == 0, sizes, -sizes)
    if len(shapes) > 1:
        layers[-1] = torch.where(coordinate % 2 == 0, -1.0, 1.0)[None].to(dtype) * sizes[: shapes[-1][1]]
    return layers
