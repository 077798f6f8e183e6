"""Which interactions of patches kernels of networks learn first: few, or near ones (Xiao 2022)."""

from functools import partial
from itertools import product

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from scipy.linalg import solve

from implicitbias.networks import Network, network_of
from implicitbias.progress import Progress
from implicitbias.rng import derive_seed
from implicitbias.schema import variable

_SOURCE = "Xiao 2022, sections 3 to 5"
_SMALLEST = 16  # training points
_JITTER = 1e-10  # over the kernel's mean diagonal
_PAIRS = 4  # of points whose reflections tell eigenvalues
Array = NDArray[np.float64]


def eigenspaces(
    *,
    topology: str = "cnn",
    kernel: str = "nngp",
    patches: int = 8,
    features: int = 2,
    depth: int = 4,
    train_size: int = 512,
    test_size: int = 256,
    draws: int = 12,
    seed: int = 0,
) -> xr.Dataset:
    """How much of each part of a target kernel regression learns from how many points.

    A point is a row of patches, each uniform on a sphere of radius sqrt(d). Every part of the target is a product of
    the first coordinates of some patches, summed over all places of the row and divided by their number's square root:
    of one patch, of two or three next to each other, or of two or three spread over half of the row. Such products are
    eigenfunctions of the kernel of a perceptron, and of one that sees patches alone of convolutions. The target is the
    sum of the five parts, each of variance 1. Relu networks, whose convolutions see a patch and its two neighbours.
    Float64.

    Args:
        topology: networks: perceptrons, or convolutions whose output sees every place or their average. "mlp",
            "cnn" (with an output for every place) or "cnn_global_average".
        kernel: of the infinitely wide network, untrained or trained lazily. It is "nngp" or "ntk".
        patches: patches of a point, side by side.
        features: coordinates of a patch. This is d.
        depth: weight layers.
        train_size: training points, at most. Halves, quarters and so on to 16 are the first of them.
        test_size: test points.
        draws: random networks. They draw all points anew.
        seed: of everything.

    Returns:
        By `component` and `draw`: `eigenvalue`, the part's mean E f(x) K(x, z) f(z) over the mean of K(x, x), and, by
        `points` as well, `learned`, the coefficient of the part in the predictions (1: all of it). `test_loss` by
        `points` and `draw`: the mean square error over the target's variance.
    """
    rng = np.random.default_rng(derive_seed("eigenspaces", seed))
    network = _network(topology, patches, features, depth)
    places = parts(patches)
    sizes = train_size >> np.arange(max(1, int(np.log2(max(train_size / _SMALLEST, 1))) + 1))[::-1]
    learned = np.empty((len(places), len(sizes), draws))
    loss, values = np.empty((len(sizes), draws)), np.empty((len(places), draws))
    with Progress(draws, "eigenspaces", "draw of points") as progress:
        for draw in range(draws):
            x, unseen = (points(rng, size, patches, features) for size in (train_size, test_size))
            y, wanted = components(x, places), components(unseen, places)
            gram, cross = _kernel(network, kernel, x), _kernel(network, kernel, unseen, x)
            gram += _JITTER * np.trace(gram) / train_size * np.eye(train_size)
            for row, size in enumerate(sizes):
                found = cross[:, :size] @ solve(gram[:size, :size], y[:size].sum(1), assume_a="pos")
                learned[:, row, draw] = np.linalg.lstsq(wanted, found)[0]
                loss[row, draw] = np.square(found - wanted.sum(1)).mean() / len(places)
            values[:, draw] = eigenvalues(network, kernel, rng, patches, features) * train_size / np.trace(gram)
            progress.update(figures=partial("loss {:.3g}".format, loss[-1, draw]))
    return xr.Dataset(
        {
            "learned": variable(("component", "points", "draw"), learned, "fraction learned", source=_SOURCE),
            "test_loss": variable(("points", "draw"), loss, "test loss over the target's variance", source=_SOURCE),
            "eigenvalue": variable(("component", "draw"), values, "eigenvalue over trace", source=_SOURCE),
        },
        {"component": list(places), "points": sizes, "draw": range(draws)},
    )


def parts(patches: int) -> dict[str, tuple[int, ...]]:
    """Places of the patches that are multiplied, from the first of them on."""
    far = patches // 2
    return {
        "order 1": (0,), "order 2, near": (0, 1), "order 2, far": (0, far),
        "order 3, near": (0, 1, 2), "order 3, far": (0, far // 2, far),
    }  # fmt: skip


def points(rng: np.random.Generator, size: int, patches: int, features: int) -> Array:
    """Rows of patches, each uniform on the sphere of radius sqrt(features); `(size, patches, features)`."""
    x = rng.normal(size=(size, patches, features))
    uniform: Array = x * features**0.5 / np.linalg.norm(x, axis=-1, keepdims=True)
    return uniform


def components(x: Array, places: dict[str, tuple[int, ...]]) -> Array:
    """Values of the target's parts at points `(n, patches, features)`, `(n, parts)`: mean 0, variance 1."""
    first, patches = x[..., 0], x.shape[1]
    columns = []
    for chosen in places.values():
        count = patches - max(chosen)
        terms = np.prod([first[:, place : place + count] for place in chosen], axis=0)
        columns.append(terms.sum(1) / count**0.5)
    return np.stack(columns, axis=1)


def eigenvalues(network: Network, kernel: str, rng: np.random.Generator, patches: int, features: int) -> Array:
    """E f(x) K(x, z) f(z) of every part f.

    Of every pair of points, all reflections of first coordinates are taken: then no part disturbs another. To reflect
    all of both points changes nothing, so that of one of them half are enough.
    """
    signs = np.array(list(product((1.0, -1.0), repeat=patches)))  # (reflections, patches)
    found = []
    for _ in range(_PAIRS):
        reflected = []
        for point, own in zip(points(rng, 2, patches, features), (signs[: len(signs) // 2], signs), strict=True):
            each = np.repeat(point[None], len(own), 0)
            each[..., 0] *= own
            reflected.append(each)
        one, other = (components(each, parts(patches)) for each in reflected)
        found.append(
            np.einsum("nk,nm,mk->k", one, _kernel(network, kernel, *reflected), other) / (len(one) * len(other))
        )
    mean: Array = np.mean(found, axis=0)
    return mean


def _network(topology: str, patches: int, features: int, depth: int) -> Network:
    if topology == "mlp":
        return network_of({"architecture": "mlp", "depth": depth}, patches * features)
    readout = "global_average" if topology == "cnn_global_average" else "flatten"
    return network_of({"architecture": "cnn", "depth": depth, "readout": readout}, (features, 1, patches))


def _kernel(network: Network, kernel: str, *points_of: Array) -> Array:
    """The kernel between points `(n, patches, features)`; an image's channels are the coordinates of its patches."""
    images = [torch.tensor(x.transpose(0, 2, 1).reshape(len(x), -1)) for x in points_of]
    found: Array = (network.nngp if kernel == "nngp" else network.ntk)(*images).numpy()
    return found
