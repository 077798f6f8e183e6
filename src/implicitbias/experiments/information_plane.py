"""The information plane of a small network (Shwartz-Ziv & Tishby 2017; Saxe et al. 2019)."""

from collections.abc import Iterator, Sequence
from functools import cache, partial
from itertools import pairwise, repeat

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import one_hot
from torch.nn.init import trunc_normal_

from implicitbias.experiments.information import binned_information, kernel_information
from implicitbias.losses import cross_entropy
from implicitbias.networks import Network
from implicitbias.networks.layers import Activation, Dense
from implicitbias.networks.stacked import forward
from implicitbias.optimizers.sgd import sgd
from implicitbias.progress import Progress
from implicitbias.rng import derive_seed
from implicitbias.schema import variable
from implicitbias.training.steps import descent

_SOURCE = "Shwartz-Ziv & Tishby 2017, section 3; Saxe et al. 2019, section 2"
LAYERS = (12, 10, 7, 5, 4, 3, 2)
"""Neurons, from the input to the output."""
_CHOSEN = 128  # patterns that the outer mean of the kernel bound is taken over


def information_plane(
    *,
    activation: str = "tanh",
    train_share: float = 0.8,
    learning_rate: float = 0.2,
    batch: int = 256,
    epochs: int = 400,
    bins: int = 30,
    noise_variance: float = 0.001,
    records: int = 14,
    draws: int = 8,
    seed: int = 0,
) -> xr.Dataset:
    """What the layers of a 12-10-7-5-4-3-2 network hold of its input and of its label, while it learns.

    The input is one of all 4096 patterns of twelve signs, all as likely, on which every information is taken; a part of
    them is trained on, by SGD on the cross-entropy, float32, from truncated normal weights of variance 1/(neurons of
    the layer) and biases 0. Bins have equal widths between the least and the largest activation of the network's
    layer in all of the training; of tanh between -1 and 1. The last layer's activation is the softmax.

    Args:
        activation: activation of the hidden layers. It is "tanh" or "relu".
        train_share: fraction of the 4096 patterns that is trained on.
        learning_rate: step of SGD.
        batch: patterns a step.
        epochs: passes through the training set.
        bins: bins of a neuron's activation.
        noise_variance: of the noise that the kernel bound adds.
        records: epochs at which information is taken. They are about evenly spread on a logarithmic scale, beside the
            start.
        draws: random networks. Each has training patterns of its own.
        seed: of everything.

    Returns:
        Dimensions `epoch`, `layer` (1 to 6) and `draw`: `input_information` and `label_information` by bins,
        `input_information_bound` and `label_information_bound` by kernels, in bits; `train_accuracy` and
        `test_accuracy` without the layer.
    """
    generator = torch.Generator().manual_seed(derive_seed("information plane", seed))
    inputs, labels = patterns()
    x, y = torch.as_tensor(inputs, dtype=torch.float32), torch.as_tensor(labels)
    order = torch.stack([torch.randperm(len(y), generator=generator) for _ in range(draws)])
    train = order[:, : round(train_share * len(y))]
    at = np.unique(np.round(np.append(0, np.geomspace(1, epochs, records))).astype(int))
    kept = _activations(activation, x, y, train, at, learning_rate, batch, generator)
    chosen = torch.randperm(len(y), generator=generator)[:_CHOSEN]

    shape = (len(at), len(LAYERS) - 1, draws)
    by_bins, by_kernels = np.empty((2, 2, *shape))
    for layer, values in enumerate(zip(*kept, strict=True)):
        if activation == "tanh" and layer < shape[1] - 1:
            bounds = torch.tensor([-1.0, 1.0]).expand(draws, 2)
        else:
            whole = torch.stack(values)
            bounds = torch.stack([whole.amin((0, 2, 3)), whole.amax((0, 2, 3))], dim=1)
        for number, each in enumerate(values):
            binned = [
                binned_information(one.numpy(), labels, ends, bins)
                for one, ends in zip(each, bounds.tolist(), strict=True)
            ]
            by_bins[:, number, layer] = np.transpose(binned)
            by_kernels[:, number, layer] = torch.stack(kernel_information(each, y, chosen, noise_variance))
    right = torch.stack([each[-1].argmax(-1) == y for each in kept])
    seen = torch.zeros(draws, len(y), dtype=torch.bool).scatter_(1, train, value=True)
    accuracy = [(right & part).sum(-1) / part.sum(-1) for part in (seen, ~seen)]

    dims = ("epoch", "layer", "draw")
    texts = ("information on the input, in bins", "information on the label, in bins")
    bounds_ = ("bound on the information on the input, by kernels", "information on the label, by kernels")
    variables = {
        "input_information": variable(dims, by_bins[0], texts[0], "bit", _SOURCE),
        "label_information": variable(dims, by_bins[1], texts[1], "bit", _SOURCE),
        "input_information_bound": variable(dims, by_kernels[0], bounds_[0], "bit", _SOURCE),
        "label_information_bound": variable(dims, by_kernels[1], bounds_[1], "bit", _SOURCE),
        "train_accuracy": variable(("epoch", "draw"), accuracy[0].double(), "training accuracy", source=_SOURCE),
        "test_accuracy": variable(("epoch", "draw"), accuracy[1].double(), "test accuracy", source=_SOURCE),
    }
    return xr.Dataset(variables, {"epoch": at, "layer": np.arange(1, shape[1] + 1), "draw": np.arange(draws)})


@cache
def patterns() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """All patterns `(4096, 12)` of twelve signs, and their labels, which no rotation of the sphere changes.

    The twelve inputs stand at the vertices of an icosahedron. The label is 1 where the dipole moment of those that are
    +1 is longer than in half of the patterns (to 1 %: many lengths are equal), so that it holds .99997 bits. (The
    paper's rule is of this kind, a threshold on a spherical power spectrum; its labels come with the authors' code.)
    """
    bits = (np.arange(4096)[:, None] >> np.arange(12)) & 1
    signs: NDArray[np.float64] = 2 * bits.astype(np.float64) - 1
    golden = (1 + 5**0.5) / 2
    face = np.array([(0, a, b * golden) for a in (1, -1) for b in (1, -1)])
    vertices = np.concatenate([np.roll(face, turn, axis=1) for turn in range(3)]) / np.sqrt(1 + golden**2)
    power: NDArray[np.float64] = np.round(((bits @ vertices) ** 2).sum(1), 8)
    threshold = min(np.unique(power), key=lambda value: abs((power > value).mean() - 0.5))
    labels: NDArray[np.int64] = (power > threshold).astype(np.int64)
    return signs, labels


def _activations(
    activation: str, x: Tensor, y: Tensor, train: Tensor, at: NDArray[np.int64], learning_rate: float, batch: int,
    generator: torch.Generator,
) -> list[list[Tensor]]:  # fmt: skip
    """Of every epoch in `at` and every layer, the activations `(draw, pattern, neurons)`; trains the networks."""
    draws, points = train.shape
    phi = Activation({"tanh": "tanh", "relu": "plain_relu"}[activation])
    *hidden, last = (Dense(neurons, bias=True) for neurons in LAYERS[1:])
    network = Network((*(layer for dense in hidden for layer in (dense, phi)), last), LAYERS[:1])
    weights = [
        trunc_normal_(torch.empty(draws, before, after), 0, after**-0.5, -2 * after**-0.5, 2 * after**-0.5, generator)
        for before, after in pairwise(LAYERS)
    ]
    weights = [torch.cat([weight.mT, torch.zeros(draws, weight.shape[2], 1)], dim=2) for weight in weights]
    targets = one_hot(y).float()

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(at[-1] + 1):
            order = torch.stack([torch.randperm(points, generator=generator) for _ in range(draws)])
            for taken in torch.split(train.gather(1, order), batch, dim=1):
                yield x[taken], targets[taken]

    kept, in_epoch = [_layers(network, weights, x)], -(-points // batch)
    trained = descent(network, weights, batches(), repeat(learning_rate), loss=cross_entropy, optimizer=sgd())
    with Progress(at[-1] + 1, f"{activation} networks", "epoch") as progress:
        for step, (_, losses, _) in enumerate(trained, start=1):
            if step % in_epoch == 0:
                if step // in_epoch in at:
                    kept.append(_layers(network, weights, x))
                progress.update(figures=partial(_figures, network, weights, x[train], y[train], losses))
    return kept


def _layers(network: Network, weights: Sequence[Tensor], x: Tensor) -> list[Tensor]:
    """Of every layer, the activations `(draw, pattern, neurons)`; the last one's are the softmax."""
    found, h = [], x
    for number, weight in enumerate(weights):
        h = forward(Network(network.layers[2 * number : 2 * number + 2], (weight.shape[2] - 1,)), [weight], h)
        found.append(h)
    return [*found[:-1], torch.softmax(found[-1], -1)]


def _figures(network: Network, weights: Sequence[Tensor], x: Tensor, y: Tensor, losses: Tensor) -> str:
    wrong = forward(network, weights, x).argmax(-1) != y
    return f"loss {losses.mean():.3g}, error {wrong.double().mean():.3f}"
