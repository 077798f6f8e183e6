"""The sizes of a network's weights, which need no torch to be told."""

from itertools import pairwise


def layer_shapes(depth: int, width: int, inputs: int, bias: str = "none") -> list[tuple[int, int]]:
    """The shape (out, in) of each of the `depth` weight matrices."""
    sizes = [inputs, *[width] * (depth - 1), 1]
    shapes = [(rows, columns) for columns, rows in pairwise(sizes)]
    biased = {"none": 0, "first": 1, "all": depth}[bias]
    return [(rows, columns + (layer < biased)) for layer, (rows, columns) in enumerate(shapes)]
