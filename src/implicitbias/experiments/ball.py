"""The indicator of a ball: what a second hidden layer of one neuron is worth (after Safran & Lee 2022)."""

import math
from functools import partial
from itertools import repeat

import numpy as np
import torch
import xarray as xr
from scipy.stats import t as student
from torch import Tensor

from implicitbias.losses import square
from implicitbias.networks import Network
from implicitbias.networks.layers import Activation, Dense
from implicitbias.networks.stacked import forward, with_ones
from implicitbias.optimizers.adam import adam
from implicitbias.progress import Progress
from implicitbias.rng import derive_seed
from implicitbias.schema import mean_with_stderr
from implicitbias.training.steps import descent

_SOURCE = "after Safran & Lee 2022"
_FREEDOM = 3  # of the norms
_EVERY = 50  # steps between two looks at the test points
_MEDIAN = float(student.ppf(0.75, _FREEDOM))  # of their absolute values
NETWORKS = ("two hidden layers", "one hidden layer", "one hidden layer, fixed")


def ball_indicator(
    *,
    features: int = 10,
    width: int = 200,
    train_size: int = 1000,
    test_size: int = 4000,
    draws: int = 4,
    learning_rate: float = 0.01,
    steps: int = 4000,
    seed: int = 0,
) -> xr.Dataset:
    """Errors in learning 1[|x| <= lambda] of a radial, heavy-tailed x, lambda the median norm.

    Directions are uniform, norms sqrt(d) times |t| with 3 degrees of freedom. The hidden neurons are sigmoids with
    weights and biases N(0, 1/d). With two hidden layers they stay fixed, and one sigmoid of their weighted sum is
    trained; with one hidden layer f is their weighted sum, and all weights are trained, or the output's alone. Adam
    on the mean square loss, full batch, the same steps for all, which fall to 0 by a cosine; float32.

    Args:
        features: coordinates. This is d.
        width: neurons of a hidden layer. They are those of the first layer.
        train_size: training points.
        test_size: test points.
        draws: random networks. There are as many of each kind, each with data of its own.
        learning_rate: step of Adam. This is the step at first.
        steps: steps of the optimizer. The optimizer is Adam.
        seed: of everything.

    Returns:
        Dimension `network`: `train_loss` and `test_loss`, the mean square errors at the end, `best_test_loss`, the
        smallest that was met on the way (every fiftieth step), and `test_error`, the share of test points on the wrong
        side of a half at the end; means over the draws with standard errors.
    """
    generator = torch.Generator().manual_seed(derive_seed("ball", seed))
    rng = np.random.default_rng(derive_seed("ball norms", seed))

    def data(count: int) -> tuple[Tensor, Tensor]:
        ways = torch.randn(draws, count, features, generator=generator)
        norms = torch.as_tensor(np.abs(rng.standard_t(_FREEDOM, size=(draws, count, 1))), dtype=torch.float32)
        return ways / ways.norm(dim=-1, keepdim=True) * norms * features**0.5, (norms[..., 0] <= _MEDIAN).float()

    (x, y), (unseen, target) = data(train_size), data(test_size)
    sigmoid = Activation("sigmoid")
    first = Network((Dense(width, bias=True), sigmoid), (features,))
    fits, losses, least, errors = np.full((4, len(NETWORKS), draws), np.inf)
    with Progress(len(NETWORKS) * steps, "ball", "step") as progress:
        for row, name in enumerate(NETWORKS):
            inner = (torch.randn(draws, features + 1, width, generator=generator) * features**-0.5).mT.contiguous()
            outer = torch.zeros(draws, 1, width + 1)
            if name == "one hidden layer":
                network, weights = Network((*first.layers, Dense(1, bias=True)), (features,)), [inner, outer]
                seen, others = x, unseen
            else:
                last = (Dense(1), sigmoid) if name == "two hidden layers" else (Dense(1),)
                network, weights = Network(last, (width + 1,)), [outer]
                seen, others = (with_ones(forward(first, [inner], points), -1) for points in (x, unseen))
            rates = (learning_rate * (1 + math.cos(math.pi * step / steps)) / 2 for step in range(steps))
            trained = descent(network, weights, repeat((seen, y), steps), rates, loss=square, optimizer=adam())
            for step, _ in enumerate(trained, start=1):
                if step % _EVERY == 0 or step == steps:
                    found = forward(network, weights, others)
                    losses[row] = (found - target).square().mean(1)
                    least[row] = np.minimum(least[row], losses[row])
                    progress.update((step - 1) % _EVERY + 1, partial("test loss {:.3g}".format, losses[row].mean()))
            fits[row] = (forward(network, weights, seen) - y).square().mean(1)
            errors[row] = ((found > 0.5) != (target > 0.5)).double().mean(1)
    dataset: dict[str, xr.Variable] = {}
    for key, values, text in (
        ("train_loss", fits, "mean square training error"), ("test_loss", losses, "mean square test error"),
        ("best_test_loss", least, "smallest mean square test error on the way"), ("test_error", errors, "test error"),
    ):  # fmt: skip
        dataset |= mean_with_stderr(key, "network", values, text, source=_SOURCE)
    return xr.Dataset(dataset, {"network": list(NETWORKS)})
