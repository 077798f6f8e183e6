"""Networks that rely on the simplest feature alone (Shah et al. 2020)."""

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from sklearn.metrics import roc_auc_score
from torch import Tensor

from implicitbias.losses import logistic
from implicitbias.networks import network_of
from implicitbias.networks.initialisation import fan_in_uniform
from implicitbias.networks.stacked import forward, initialise
from implicitbias.optimizers.momentum import momentum as heavy_ball
from implicitbias.rng import derive_seed
from implicitbias.schema import variable
from implicitbias.training.loop import descend_alike

_SOURCE = "Shah et al. 2020, sections 3 and 4"
_GAP = 0.1  # gamma: half the distance between neighbouring slabs
_WIDTH = 1.0  # B: half the width of the whole
KINDS: dict[str, tuple[int, int]] = {
    "lms_5": (1, 5), "lms_7": (1, 7), "noisy_lms_7": (1, 7), "ms_5_7": (5, 7), "ms_7": (7, 7),
}  # fmt: skip
"""Slabs of the first, simple coordinate and of all the others; 1: linear."""


def simplicity_bias(
    *,
    data: str = "lms_5",
    train_size: int = 40_000,
    test_size: int = 10_000,
    features: int = 50,
    width: int = 100,
    depth: int = 3,
    learning_rate: float = 0.3,
    momentum: float = 0.9,
    weight_decay: float = 5e-4,
    epochs: int = 50,
    batch: int = 256,
    noise: float = 0.1,
    seed: int = 0,
) -> xr.Dataset:
    """Which coordinates a network's score depends on: its AUC once some are permuted between the test points.

    Every coordinate alone decides the label (in noisy_lms_7 the first one but for a share `noise` of points): the
    first by a threshold, or in five or seven slabs of alternating labels, the others in five or seven slabs. All are
    hidden by a rotation. A relu network with biases learns them by SGD with momentum on the logistic loss,
    float32, from torch's own initial weights. (Both are the paper's, and it takes both to find seven slabs: without
    momentum at ten times the step, or from normal weights of variance 1/fan_in, 40 epochs went into memorising points.)

    Args:
        data: slabs of the first and of the other coordinates. They are lms_5, lms_7, noisy_lms_7, ms_5_7 or ms_7: slabs
            of the first coordinate (l: linear) and of the others.
        train_size: training points.
        test_size: test points.
        features: coordinates. This is d.
        width: neurons of a hidden layer.
        depth: linear layers.
        learning_rate: step of SGD.
        momentum: heavy-ball coefficient of SGD.
        weight_decay: weight decay of SGD.
        epochs: passes through the training set.
        batch: training points a step.
        noise: fraction of points whose linear coordinate is noise (noisy_lms_7).
        seed: of data, rotation, weights and order.

    Returns:
        Scalars `train_accuracy`, `accuracy` and `auc` on test points, and `simple_randomized_auc` and
        `complex_randomized_auc`, with the first coordinate, or all others, permuted.
    """
    rng = np.random.default_rng(derive_seed("slabs", data, seed))
    share = noise if data.startswith("noisy") else 0.0
    points, labels = slabs(rng, KINDS[data], train_size + test_size, features, share)
    rotation = np.linalg.qr(rng.normal(size=(features, features)))[0]
    train, test = points[:train_size], points[train_size:]

    def tensor(values: np.ndarray) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float32)

    network = network_of({"activation": "plain_relu", "depth": depth, "width": width, "bias": "all"}, features)
    weights = initialise(network, [derive_seed("slab network", seed)], rule=fan_in_uniform)
    descend_alike(
        network, weights, tensor(train @ rotation), tensor(labels[:train_size]), [derive_seed("slab order", seed)],
        learning_rate, loss=logistic, optimizer=heavy_ball(momentum, weight_decay), epochs=epochs, batch_size=batch,
        description="slabs",
    )  # fmt: skip

    @torch.no_grad()
    def score(values: np.ndarray) -> np.ndarray:
        return forward(network, weights, tensor(values @ rotation))[0].numpy()

    def auc(permuted: Sequence[int]) -> float:
        mixed = test.copy()
        mixed[:, permuted] = test[rng.permutation(test_size)][:, permuted]
        return float(roc_auc_score(labels[train_size:], score(mixed)))

    found = {
        "train_accuracy": ((score(train) * labels[:train_size] > 0).mean(), "training accuracy"),
        "accuracy": ((score(test) * labels[train_size:] > 0).mean(), "test accuracy"),
        "auc": (auc([]), "AUC"),
        "simple_randomized_auc": (auc([0]), "AUC with the simplest coordinate permuted"),
        "complex_randomized_auc": (auc(range(1, features)), "AUC with all other coordinates permuted"),
    }
    return xr.Dataset({name: variable((), value, text, source=_SOURCE) for name, (value, text) in found.items()})


def slabs(
    rng: np.random.Generator, kinds: tuple[int, int], size: int, features: int, noise: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Points `(size, features)` whose first coordinate has kinds[0] slabs and the others kinds[1], and labels +-1.

    Coordinates are independent given the label. A share `noise` of linear first coordinates is drawn within the margin.
    """
    labels = 2.0 * rng.integers(2, size=size) - 1
    columns = [slab_coordinate(rng, kinds[min(number, 1)], labels) for number in range(features)]
    inside = rng.random(size) < noise
    columns[0] = np.where(inside, rng.uniform(-_GAP, _GAP, size), columns[0])
    return np.stack(columns, axis=1), labels


def slab_coordinate(rng: np.random.Generator, slabs: int, labels: np.ndarray) -> np.ndarray:
    """One coordinate of points with these labels, in [-1, 1], in 1 (linear), 5 or 7 slabs of alternating labels."""
    u, side = rng.random(len(labels)), 2.0 * rng.integers(2, size=len(labels)) - 1
    if slabs == 1:
        return labels * (_GAP + (_WIDTH - _GAP) * u)
    wide = 2 * (_WIDTH - (slabs - 1) * _GAP) / slabs  # of a slab
    centres = (wide + 2 * _GAP) * np.arange(slabs // 2 + 1)  # from the middle outwards
    outer = rng.random(len(labels))
    if slabs == 5:  # + between, - in the middle (3/4) and outside
        ring = np.where(labels > 0, 1, np.where(outer < 0.75, 0, 2))
    else:  # + inner (7/8) and outermost, - in the middle and between
        ring = np.where(labels > 0, np.where(outer < 7 / 8, 1, 3), np.where(outer < 0.5, 0, 2))
    return side * centres[ring] + wide * (u - 0.5)
