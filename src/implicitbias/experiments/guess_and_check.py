"""Random networks that fit against those of gradient descent (Chiang et al. 2023; Peleg & Hein 2024)."""

from collections.abc import Iterator, Sequence
from itertools import pairwise, repeat

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn.functional import one_hot

from implicitbias.losses import cross_entropy, margins
from implicitbias.networks import Network
from implicitbias.networks.of_task import network_for
from implicitbias.networks.stacked import forward, from_first_weights
from implicitbias.optimizers.sgd import sgd
from implicitbias.progress import Progress
from implicitbias.rng import derive_seed
from implicitbias.sampling import gathered
from implicitbias.schema import variable, with_stderr
from implicitbias.training.steps import descent

_SOURCE = "Peleg & Hein 2024, section 4"
FOUND_BY = ("guess", "sgd", "gd", "long_gd")
_NUMBERS = 2**22  # weights drawn at once: about what stays in the cache
_LONGER = 8  # times as many epochs of gd make long_gd


def guess_and_check(
    task: xr.Dataset,
    *,
    architecture: str = "pooled_mlp",
    factor: float = 1.0,
    layers: int = 5,
    networks: int = 100,
    draws: int = 1_000_000,
    learning_rate: float = 0.01,
    epochs: int = 60,
    seed: int = 0,
) -> xr.Dataset:
    """Test accuracy of random networks that fit, and of trained ones that fit, of the same shape.

    Guess and check draws weights U[-1, 1] (biases 0) until enough networks have zero training error. Gradient descent
    starts at Kaiming-uniform weights and minimises cross-entropy: sgd with batches of two (one at n = 2), gd on the
    whole set for as many epochs, long_gd for eight times as many. Float32.

    Args:
        task: one seed of `tasks.build`, of labels +-1, which are two classes here, or of classes; its inputs are
            images, which the networks see as they are: the paper's are standardised.
        architecture: of the image classifiers. These are pooled_mlp and lenet (see `networks.architectures.classics`);
            activations are relus.
        factor: factor on the widths of all layers.
        layers: weight matrices that are left.
        networks: wanted of each kind. Random ones are accepted up to this number.
        draws: random networks. At most as many are tried.
        learning_rate: step of gradient descent.
        epochs: passes of sgd and gd.
        seed: of everything random.

    Returns:
        Dimension `found_by`: `test_accuracy` of the networks that fit, mean with standard error, `fitting`, their
        number, and `normalized_loss`, the mean cross-entropy of their outputs over their margins' largest slope at a
        test point. Scalar `guess_acceptance` with its standard error.

    Raises:
        ConfigError: if the inputs are no images, or too small, or a layer would have no neurons.
    """
    parameters = {"architecture": architecture, "depth": layers, "factor": factor, "activation": "plain_relu"}
    (train, y), (test, own_y) = _points(task, "train"), _points(task, "test")
    network, (x, unseen) = from_first_weights(
        network_for(parameters, task, outputs=max(2, task.sizes.get("class", 2))), train, test
    )

    def trained(number: int, size: int, passes: int) -> list[Tensor]:
        generator = torch.Generator().manual_seed(derive_seed("guess and check", seed, number))
        found = start(network, networks, generator)
        descend(network, found, x, y, learning_rate, size, passes, generator)
        return chosen(found, _fitting(network, found, x, y))

    with Progress(len(FOUND_BY), "guess and check", "way to find networks") as progress:
        generator = torch.Generator().manual_seed(derive_seed("guess and check", seed, 0))
        guessed, tried = guess(network, x, y, networks, draws, generator)
        progress.update()
        found = [guessed]
        for number, (size, passes) in enumerate(
            ((max(1, min(len(y) // 2, 2)), epochs), (len(y), epochs), (len(y), _LONGER * epochs)), start=1
        ):
            found.append(trained(number, size, passes))
            progress.update()
    accuracy, loss = zip(*(_judged(network, each, x, y, unseen, own_y) for each in found), strict=True)
    counts = np.array([len(each) for each in accuracy])
    means, losses = ([each.mean() if len(each) else np.nan for each in kind] for kind in (accuracy, loss))
    stderrs = [each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else np.nan for each in accuracy]
    share = counts[0] / tried
    mean = variable("found_by", means, "test accuracy of networks that fit", source=_SOURCE)
    rate = variable((), share, "fraction of random networks that fit", source=_SOURCE)
    return xr.Dataset(
        {
            **with_stderr("test_accuracy", mean, stderrs),
            "fitting": variable("found_by", counts, "networks that fit", source=_SOURCE),
            "normalized_loss": variable(
                "found_by", losses,
                "cross-entropy of outputs over their margins' largest slope", "nat", source=_SOURCE,
            ),
            **with_stderr("guess_acceptance", rate, np.sqrt(share * (1 - share) / tried)),
        },
        {"found_by": list(FOUND_BY)},
    )  # fmt: skip


def draw(network: Network, members: int, generator: torch.Generator) -> list[Tensor]:
    """Weights U[-1, 1], biases 0, of many networks by one generator: what guess and check draws from."""
    weights = [torch.empty(members, *shape) for shape in network.shapes]
    for weight, each in zip(network.weights, weights, strict=True):
        each[..., : weight.inputs].uniform_(-1, 1, generator=generator)
        each[..., weight.inputs :].zero_()
    return weights


def start(network: Network, members: int, generator: torch.Generator) -> list[Tensor]:
    """Weights U[-1, 1] sqrt(6/fan_in), biases 0: where gradient descent starts (He et al. 2015)."""
    drawn = draw(network, members, generator)
    return [each.mul_((6 / weight.inputs) ** 0.5) for weight, each in zip(network.weights, drawn, strict=True)]


def chosen(weights: Sequence[Tensor], members: Tensor) -> list[Tensor]:
    """The weights of some members."""
    return [each[members] for each in weights]


def guess(
    network: Network, x: Tensor, y: Tensor, wanted: int, draws: int, generator: torch.Generator
) -> tuple[list[Tensor], int]:
    """Random networks that give all points `x` their classes `y`, and how many were drawn for them.

    Few points decide most cases: networks that miss one of the first four are not asked further. Convolutions, which
    take longer than their weights take to draw, are first asked for one.
    """
    block = max(1, _NUMBERS // sum(weight.rows * weight.inputs for weight in network.weights))
    bounds = [0, 4, len(y)] if network.is_dense else [0, 1, 4, len(y)]
    parts = [slice(*part) for part in pairwise(bounds) if part[0] < len(y)]

    def keep(weights: list[Tensor]) -> list[Tensor]:
        for part in parts:
            weights = chosen(weights, _fitting(network, weights, x[part], y[part]))
        return weights

    blocks = (draw(network, min(block, draws - tried), generator) for tried in range(0, draws, block))
    return gathered(blocks, keep, wanted)


def descend(
    network: Network,
    weights: list[Tensor],
    x: Tensor,
    y: Tensor,
    rate: float,
    size: int,
    epochs: int,
    generator: torch.Generator,
) -> None:
    """Gradient descent of every member on its own batches of `size` points, in place."""
    members, targets = len(weights[0]), one_hot(y, network.outputs).float()

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(epochs):
            order = torch.rand(members, len(y), generator=generator).argsort(1)
            for batch in torch.split(order, size, dim=1):
                yield (x, targets.expand(members, -1, -1)) if size == len(y) else (x[batch], targets[batch])

    for _ in descent(network, weights, batches(), repeat(rate), loss=cross_entropy, optimizer=sgd()):
        pass


@torch.no_grad()
def _fitting(network: Network, weights: Sequence[Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Numbers of the members that classify all points correctly."""
    if not len(weights[0]):
        return torch.zeros(0, dtype=torch.long)
    return torch.nonzero((_margins(forward(network, weights, x), y) > 0).all(1)).ravel()


def _margins(outputs: Tensor, y: Tensor) -> Tensor:
    """Margins `(member, point)` of outputs `(member, point, class)` for classes `(point,)`; of two the quick way."""
    if outputs.shape[2] == 2:
        return outputs.diff(dim=-1)[..., 0] * (2 * y - 1)
    return margins(outputs, torch.eye(outputs.shape[2])[y].expand_as(outputs))


def _judged(
    network: Network, weights: Sequence[Tensor], x: Tensor, y: Tensor, unseen: Tensor, own_y: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Test accuracy and normalised training loss of every member, a few members at a time."""
    accuracy, losses = [np.zeros(0)], [np.zeros(0)]
    members = torch.arange(len(weights[0]))
    for some in torch.split(members, max(1, _NUMBERS // unseen.numel())) if len(members) else ():
        part = chosen(weights, some)
        own = unseen.expand(len(some), -1, -1).clone().requires_grad_(True)
        scores = forward(network, part, own)
        (slope,) = torch.autograd.grad(_margins(scores, own_y).sum(), own)
        largest = slope.norm(dim=-1).amax(1)
        accuracy.append((scores.argmax(2) == own_y).double().mean(1).numpy())
        outputs = forward(network, part, x) / largest[:, None, None]
        targets = one_hot(y, network.outputs).float().expand_as(outputs)
        losses.append(cross_entropy(outputs, targets, torch.ones(len(some))).double().numpy())
    return np.concatenate(accuracy), np.concatenate(losses)


def _points(task: xr.Dataset, part: str) -> tuple[Tensor, Tensor]:
    """Training or test images `(point, pixel)`, and their classes from 0 on."""
    inputs, labels = task[f"{part}_input"].values, task[f"{part}_label"].values
    classes = labels if "class" in task.sizes else labels > 0
    return torch.as_tensor(inputs, dtype=torch.float32), torch.as_tensor(classes.astype(np.int64))
