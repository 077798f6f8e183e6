"""Networks along straight paths between training points: how much their predictions vary there, and how fast."""

import numpy as np
import torch
from jaxtyping import Float, Shaped
from scipy.fft import dct

from implicitbias.measurement.arrays import Array
from implicitbias.networks import Network
from implicitbias.networks.outputs import outputs
from implicitbias.rng import derive_seed
from implicitbias.shapes.arrays import Layers, PerNetwork, PerPoint, Points

PATHS = 64
"""Pairs of points of either kind."""


def path_spectrum(
    weights: Layers,
    train_inputs: Points,
    train_labels: PerPoint,
    label_scales: PerNetwork,
    network: Network,
    path_kind: Shaped[np.ndarray, " kind"],
    path_frequency: Float[Array, " frequency"],
) -> Float[Array, "*#lead kind frequency"]:
    """Mean square of the predicted probabilities' part at each frequency, along paths between training points.

    Paths lead from one point to another, of the same class ("within") or of another ("between"). The probabilities
    along a path are a sum of half waves cos(2 pi frequency t), t from 0 to 1, which no jump from the end back to the
    start disturbs; the squares of all frequencies, and of the mean, add up to the mean square probability. Those of
    several classes are summed, and those of the paths averaged.

    Args:
        weights: all layers, `(..., out, in)`.
        train_inputs: `(..., n, d)`, leading dimensions broadcast against those of the weights.
        train_labels: `(..., n)`, +-1 or classes, likewise.
        label_scales: alpha, `(...)`: probabilities are those of the logits f/alpha.
        network: whose weights these are.
        path_kind: "within" and "between".
        path_frequency: the lowest frequencies 1/2, 1, 3/2, …, in cycles a path.

    Returns:
        `(..., kinds, frequencies)`; NaN where there is no such pair of points, and for networks that have diverged.

    Source: Fridovich-Keil, Gontijo-Lopes & Roelofs 2022 (there with a discrete Fourier transform).
    """
    kinds = [
        _spectrum(weights, train_inputs, train_labels, label_scales, network, str(kind), len(path_frequency))
        for kind in path_kind
    ]
    return np.stack(kinds, axis=-2)


def test_path_spectrum(
    weights: Layers,
    test_inputs: Float[Array, "*#lead m d"],
    test_labels: Float[Array, "*#lead m"],
    label_scales: PerNetwork,
    network: Network,
    path_kind: Shaped[np.ndarray, " kind"],
    path_frequency: Float[Array, " frequency"],
) -> Float[Array, "*#lead kind frequency"]:
    """`path_spectrum` along paths between test points, which the network has not been told to tell apart."""
    return path_spectrum(weights, test_inputs, test_labels, label_scales, network, path_kind, path_frequency)


test_path_spectrum.__test__ = False  # type: ignore[attr-defined]  # no test, whatever pytest thinks of the name


def _spectrum(
    weights: Layers,
    inputs: Points,
    labels: PerPoint,
    label_scales: PerNetwork,
    network: Network,
    kind: str,
    count: int,
) -> Float[Array, "*#lead {count}"]:
    """Of one kind of paths, at the `count` lowest frequencies: `(..., count)`."""
    lead, (n, features) = weights[0].shape[:-2], inputs.shape[-2:]
    times = (np.arange(2 * count) + 0.5) / (2 * count)
    sets = np.broadcast_shapes(inputs.shape[:-2], labels.shape[:-1])  # of points
    points = np.broadcast_to(inputs, (*sets, n, features)).reshape(-1, n, features)
    classes = np.broadcast_to(labels, (*sets, n)).reshape(-1, n)
    of_network = np.broadcast_to(np.arange(len(points)).reshape(sets), lead).ravel()
    paths = np.stack([_paths(own, of, kind, times) for own, of in zip(points, classes, strict=True)])
    flat = [torch.tensor(weight.reshape(-1, *weight.shape[-2:])) for weight in weights]
    f = outputs(network, flat, torch.tensor(paths), torch.tensor(of_network)).numpy()
    logits = f / np.broadcast_to(label_scales, lead).reshape(-1, *[1] * (f.ndim - 1))
    waves = dct(_probabilities(logits).reshape(len(f), PATHS, len(times), -1), axis=2, norm="ortho")
    squares: Array = (waves[:, :, 1 : count + 1] ** 2).sum(-1).mean(1) / len(times)
    return squares.reshape(*lead, count)


def _paths(
    points: Float[Array, "n d"], classes: Float[Array, " n"], kind: str, times: Float[Array, " time"]
) -> Float[Array, "_paths_time d"]:
    """The points of all paths, path by path, PATHS times; NaN where there are no two points of the kind.

    The first ends are drawn from all points that have a partner, and the second ones from their partners.
    """
    same = classes[:, None] == np.unique(classes)
    partners = same.sum(0)[same.argmax(1)] - 1 if kind == "within" else len(points) - same.sum(0)[same.argmax(1)]
    possible = np.flatnonzero(partners)
    if not len(possible):
        return np.full((PATHS * len(times), points.shape[-1]), np.nan)
    rng = np.random.default_rng(derive_seed("paths", kind))
    first = rng.choice(possible, PATHS)
    allowed = (classes == classes[first, None]) == (kind == "within")
    allowed[np.arange(PATHS), first] = False
    second = (allowed * (1 + rng.random(allowed.shape))).argmax(1)
    start, end = points[first, None], points[second, None]
    on_paths: Array = (start + times[:, None] * (end - start)).reshape(-1, points.shape[-1])
    return on_paths


def _probabilities(logits: Float[Array, "k points *classes"]) -> Float[Array, "k points *classes"]:
    """Of the class +1, of labels +-1 `(member, points)`; of every class `(member, points, C)`."""
    if logits.ndim == 2:
        return 1 / (1 + np.exp(-np.clip(logits, -500, 500)))
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities: Array = shifted / shifted.sum(-1, keepdims=True)
    return probabilities
