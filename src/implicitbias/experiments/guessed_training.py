"""What networks learn when they are trained with guessed gradients (Singhal et al. 2023)."""

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn.functional import one_hot

from implicitbias.devices import without_denormals
from implicitbias.experiments.guessing import GUESSES
from implicitbias.networks import network_of
from implicitbias.networks.backward import passed
from implicitbias.networks.stacked import Gradient, forward
from implicitbias.progress import Progress
from implicitbias.rng import derive_seed
from implicitbias.schema import variable

_SOURCE = "Singhal et al. 2023, section 4"
TRUE = "true gradient"
RATES = tuple(float(rate) for rate in np.geomspace(1e-4, 1, 9))


def guessed_training(
    task: xr.Dataset, *, width: int = 64, batch: int = 50, epochs: int = 20, seed: int = 0
) -> xr.Dataset:
    """Accuracies of three-layer relu networks after SGD with the true gradient and with every kind of guess, float32.

    A guess is a random direction times the slope along it, which a forward pass gives: one direction in the weights for
    a batch, or one in the outputs of all layers for every point. Each kind is trained at learning rates from 1e-4 to 1,
    a factor of sqrt(10) apart, from the same N(0, 2/fan_in) weights in the same order, and reported at the one with the
    highest training accuracy.

    Args:
        task: one seed's inputs, and labels that are classes.
        width: neurons of a hidden layer. There are two such layers.
        batch: training points a step.
        epochs: passes through the training set.
        seed: of weights, order and guesses.

    Returns:
        Dimension `guess`, with the true gradient first: `train_accuracy`, `test_accuracy` and `chosen_rate`.
    """
    x, unseen = (torch.as_tensor(task[f"{part}_input"].values, dtype=torch.float32) for part in ("train", "test"))
    y, own = (torch.as_tensor(task[f"{part}_label"].values).long() for part in ("train", "test"))
    classes = task.sizes["class"]
    network = network_of({"activation": "plain_relu", "depth": 3, "width": width}, x.shape[1], outputs=classes)
    rates = torch.tensor(RATES)
    found = []
    with without_denormals(), Progress(epochs * (1 + len(GUESSES)), "guessed training", "epoch") as progress:
        for kind in (TRUE, *GUESSES):
            generator = torch.Generator().manual_seed(derive_seed("guessed training", seed))
            first = [torch.randn(*shape, generator=generator) * (2 / shape[1]) ** 0.5 for shape in network.shapes]
            weights = [each.repeat(len(rates), 1, 1) for each in first]
            guesses = torch.Generator().manual_seed(derive_seed("guesses", seed))
            for _ in range(epochs):
                for taken in torch.split(torch.randperm(len(y), generator=generator), batch):
                    outputs, backward = passed(network, weights, x[taken])
                    layers = backward(torch.softmax(outputs, -1) - one_hot(y[taken], classes))  # of cross-entropy
                    for weight, each in zip(weights, gradient(kind, weights, layers, guesses), strict=True):
                        weight -= each.mul_(rates[:, None, None])
                progress.update()
            train, test = (
                (forward(network, weights, points).argmax(-1) == labels).double().mean(1)
                for points, labels in ((x, y), (unseen, own))
            )
            best = int(train.argmax())
            found.append([float(train[best]), float(test[best]), RATES[best]])
    names = {
        "train_accuracy": "training accuracy",
        "test_accuracy": "test accuracy",
        "chosen_rate": "learning rate with the highest training accuracy",
    }
    return xr.Dataset(
        {
            name: variable("guess", values, text, source=_SOURCE)
            for (name, text), values in zip(names.items(), np.transpose(found), strict=True)
        },
        {"guess": [TRUE, *GUESSES]},
    )


def gradient(
    kind: str, weights: Sequence[Tensor], layers: Sequence[Gradient], generator: torch.Generator
) -> list[Tensor]:
    """The mean gradient of a batch, or a guess of it, `(rate, out, in)` a layer; the same directions at all rates.

    Args:
        kind: "true gradient", or one of `guessing.GUESSES`.
        weights: of relu networks, `(rate, out, in)` each.
        layers: the gradient of the points' summed loss.
        generator: of the directions.
    """

    def normal(like: Tensor) -> Tensor:
        return torch.randn(like.shape[1:], generator=generator)

    def of_outputs(by_output: Sequence[Tensor]) -> list[Tensor]:
        return [(each.mT @ layer.h).div_(layer.h.shape[1]) for each, layer in zip(by_output, layers, strict=True)]

    deltas = [layer.delta for layer in layers]
    if kind == TRUE:
        return of_outputs(deltas)
    if kind == "weights":
        true, directions = of_outputs(deltas), [normal(weight) for weight in weights]
        slope = torch.stack([(each * way).sum((1, 2)) for each, way in zip(true, directions, strict=True)]).sum(0)
        return [slope[:, None, None] * way for way in directions]
    ways = [normal(delta).expand_as(delta) for delta in deltas]
    if kind == "through the next layer":
        ahead = [normal(delta) @ weight for delta, weight in zip(deltas[1:], weights[1:], strict=True)]
        ways = [*ahead, ways[-1]]
    if kind != "activations":
        through = [layer.h > 0 for layer in layers[1:]]  # where a relu lets outputs through
        ways = [*(way * mask for way, mask in zip(ways, through, strict=False)), ways[-1]]
    slopes = torch.stack([(way * delta).sum(-1) for way, delta in zip(ways, deltas, strict=True)]).sum(0)
    return of_outputs([slopes[..., None] * way for way in ways])
