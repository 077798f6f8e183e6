"""Random networks that fit against those of gradient descent (Chiang et al. 2023; Peleg & Hein 2024)."""

from collections.abc import Sequence
from math import isqrt

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn.functional import cross_entropy

from implicitbias.experiments.image_networks import (
    Layer,
    chosen,
    draw,
    image_forward,
    image_initialise,
    joined,
    prepare,
)
from implicitbias.progress import bar
from implicitbias.rng import derive_seed
from implicitbias.schema import variable, with_stderr
from implicitbias.shapes import image_layer_shapes

_SOURCE = "Peleg & Hein 2024, section 4"
FOUND_BY = ("guess", "sgd", "gd", "long_gd")
_NUMBERS = 2**22  # weights drawn at once: about what stays in the cache
_LONGER = 8  # times as many epochs of gd make long_gd


def guess_and_check(
    task: xr.Dataset,
    *,
    architecture: str = "mlp",
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
        task: one seed of `tasks.build`; its inputs are square images, which the networks see as they are: the paper's
            are standardised.
        architecture: mlp or lenet.
        factor: on all widths.
        layers: weight matrices (see `shapes.image_layer_shapes`).
        networks: of each kind; random ones are accepted up to this number.
        draws: most random networks that are tried.
        learning_rate: of gradient descent.
        epochs: of sgd and gd.
        seed: of everything random.

    Returns:
        Dimension `found_by`: `test_accuracy` of the networks that fit, mean with standard error, `fitting`, their
        number, and `normalized_loss`, the mean cross-entropy of their outputs over their largest slope at a test
        point. Scalar `guess_acceptance` with its standard error.

    Raises:
        ConfigError: if the inputs are no square images, or too small, or a layer would have no neurons.
    """
    shapes = image_layer_shapes(architecture, layers, factor, task.sizes["feature"])
    train, test, y = _images(task)
    x, unseen = prepare(architecture, train), prepare(architecture, test)
    own_y = torch.as_tensor((task["test_label"].values > 0).astype(np.int64))

    def trained(number: int, size: int, passes: int) -> list[Layer]:
        generator = torch.Generator().manual_seed(derive_seed("guess and check", seed, number))
        found = image_initialise(shapes, networks, generator)
        image_descend(found, x, y, learning_rate, size, passes, generator)
        return chosen(found, _fitting(found, x, y))

    with bar(len(FOUND_BY), "guess and check") as progress:
        generator = torch.Generator().manual_seed(derive_seed("guess and check", seed, 0))
        guessed, tried = guess(shapes, x, y, networks, draws, generator)
        progress.update()
        found = [guessed]
        for number, (size, passes) in enumerate(
            ((max(1, min(len(y) // 2, 2)), epochs), (len(y), epochs), (len(y), _LONGER * epochs)), start=1
        ):
            found.append(trained(number, size, passes))
            progress.update()
    accuracy, loss = zip(*(_judged(each, x, y, unseen, own_y) for each in found), strict=True)
    counts = np.array([len(each) for each in accuracy])
    means, losses = ([each.mean() if len(each) else np.nan for each in kind] for kind in (accuracy, loss))
    stderrs = [each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else np.nan for each in accuracy]
    share = counts[0] / tried
    mean = variable("found_by", means, "test accuracy of networks that fit", source=_SOURCE)
    rate = variable((), share, "share of random networks that fit", source=_SOURCE)
    return xr.Dataset(
        {
            **with_stderr("test_accuracy", mean, stderrs),
            "fitting": variable("found_by", counts, "networks that fit", source=_SOURCE),
            "normalized_loss": variable(
                "found_by", losses,
                "cross-entropy of outputs over their largest slope", "nat", source=_SOURCE,
            ),
            **with_stderr("guess_acceptance", rate, np.sqrt(share * (1 - share) / tried)),
        },
        {"found_by": list(FOUND_BY)},
    )  # fmt: skip


def guess(
    shapes: Sequence[tuple[int, ...]], x: Tensor, y: Tensor, wanted: int, draws: int, generator: torch.Generator
) -> tuple[list[Layer], int]:
    """Random networks that give all points `x` their classes `y`, and how many were drawn for them.

    Few points decide most cases: networks that miss one of the first four are not asked further.
    """
    block = max(1, _NUMBERS // sum(torch.Size(shape).numel() for shape in shapes))
    kept, count, tried = [], 0, 0
    while count < wanted and tried < draws:
        layers = draw(shapes, min(block, draws - tried), generator)
        tried += len(layers[0].weight)
        for part in (slice(0, 4), slice(4, None)):
            if len(y[part]):
                layers = chosen(layers, _fitting(layers, x[part], y[part]))
        kept.append(layers)
        count += len(layers[0].weight)
    return chosen(joined(kept), torch.arange(min(count, wanted))), tried


def image_descend(
    layers: Sequence[Layer], x: Tensor, y: Tensor, rate: float, size: int, epochs: int, generator: torch.Generator
) -> None:
    """Gradient descent of every member on its own batches of `size` points, in place."""
    members = len(layers[0].weight)
    moving = [part for layer in layers for part in layer]
    for part in moving:
        part.requires_grad_(True)
    for _ in range(epochs):
        order = torch.rand(members, len(y), generator=generator).argsort(1)
        for batch in torch.split(order, size, dim=1):
            whole = size == len(y)
            outputs = image_forward(layers, x if whole else x[batch])
            target = y.expand(members, -1) if whole else y[batch]
            losses = cross_entropy(outputs.flatten(0, 1), target.flatten(), reduction="sum") / target.shape[1]
            gradients = torch.autograd.grad(losses, moving)
            with torch.no_grad():
                torch._foreach_add_(moving, gradients, alpha=-rate)
    for part in moving:
        part.requires_grad_(False)


@torch.no_grad()
def _fitting(layers: Sequence[Layer], x: Tensor, y: Tensor) -> Tensor:
    """Numbers of the members that classify all points correctly."""
    if not len(layers[0].weight):
        return torch.zeros(0, dtype=torch.long)
    margin = image_forward(layers, x).diff(dim=-1)[..., 0] * (2 * y - 1)
    return torch.nonzero((margin > 0).all(1)).ravel()


def _judged(
    layers: Sequence[Layer], x: Tensor, y: Tensor, unseen: Tensor, own_y: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Test accuracy and normalised training loss of every member, a few members at a time."""
    accuracy, losses = [np.zeros(0)], [np.zeros(0)]
    members = torch.arange(len(layers[0].weight))
    for some in torch.split(members, max(1, _NUMBERS // unseen.numel())) if len(members) else ():
        part = chosen(layers, some)
        own = unseen.expand(len(some), *unseen.shape).clone().requires_grad_(True)
        score = image_forward(part, own).diff(dim=-1)[..., 0]
        (slope,) = torch.autograd.grad(score.sum(), own)
        largest = slope.flatten(2).norm(dim=-1).amax(1)
        accuracy.append(((score > 0).long() == own_y).double().mean(1).numpy())
        outputs = image_forward(part, x) / largest[:, None, None]
        each = cross_entropy(outputs.transpose(1, 2), y.expand(len(some), -1), reduction="none").mean(1)
        losses.append(each.double().numpy())
    return np.concatenate(accuracy), np.concatenate(losses)


def _images(task: xr.Dataset) -> tuple[Tensor, Tensor, Tensor]:
    """Training and test images as the task has them, and the training images' classes 0 and 1."""
    side = isqrt(task.sizes["feature"])
    train, test = (
        torch.as_tensor(task[name].values, dtype=torch.float32).reshape(-1, side, side)
        for name in ("train_input", "test_input")
    )
    return train, test, torch.as_tensor((task["train_label"].values > 0).astype(np.int64))
