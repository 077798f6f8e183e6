"""Random networks and trained ones as distributions over Boolean functions.

The prior: Valle-Perez, Camargo & Louis 2019. Trained networks against random ones that fit: Mingard et al. 2021.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from implicitbias.experiments.lempel_ziv import complexity
from implicitbias.losses import logistic
from implicitbias.networks import Network, network_of
from implicitbias.networks.stacked import forward
from implicitbias.optimizers.sgd import sgd
from implicitbias.progress import Progress
from implicitbias.rng import derive_seed
from implicitbias.schema import variable
from implicitbias.training.loop import descend_alike

_SOURCE = "Valle-Perez, Camargo & Louis 2019, section 4"
_MINGARD = "Mingard et al. 2021, section 5"
_BLOCK = 250  # networks drawn at once
_TOGETHER = 25  # networks that compute their functions at once: what stands behind their layers stays in the cache
_TARGET_DRAWS = 100_000  # random networks among whose functions the target is chosen
_MINORITY = 1 / 32  # smallest share of either sign in a target


def boolean_prior(
    *, inputs: int = 7, width: int = 40, draws: int = 100_000, kept: int = 2000, seed: int = 0
) -> xr.Dataset:
    """Which functions of `inputs` bits random networks inputs-width-width-1 compute, and how complex they are.

    Relu networks with weights and biases N(0, 1/fan_in), float32. A function is the string of its 2^inputs signs.

    Args:
        inputs: bits. Each is 0 or 1.
        width: neurons of a hidden layer. There are two such layers.
        draws: random networks.
        kept: the most frequent functions that are kept. They are fewer if fewer were seen.
        seed: of the networks.

    Returns:
        Dimension `rank`, from 1: `probability` of the function, its Lempel-Ziv `complexity` (bits); scalar `functions`,
        how many different ones were seen.
    """
    points, network = _corners(inputs), _network(inputs, width)
    seen: Counter[bytes] = Counter()
    for weights in _drawn("boolean prior", draws, network, seed):
        seen.update(_codes(_signs(network, weights, points)))
    common = seen.most_common(kept)
    strings = ["".join(map(str, _bits(code, 2**inputs))) for code, _ in common]
    return xr.Dataset(
        {
            "probability": variable(
                "rank", [count / draws for _, count in common], "probability of the function", source=_SOURCE
            ),
            "complexity": variable(
                "rank", [complexity(text) for text in strings], "Lempel-Ziv complexity", "bit", source=_SOURCE
            ),
            "functions": variable((), len(seen), "number of different functions seen", source=_SOURCE),
        },
        {"rank": np.arange(1, len(common) + 1)},
    )  # fmt: skip


def boolean_posterior(
    *,
    inputs: int = 7,
    width: int = 40,
    train_size: int = 32,
    draws: int = 300_000,
    runs: int = 500,
    learning_rate: float = 0.1,
    batch: int = 8,
    epochs: int = 1000,
    kept: int = 2000,
    seed: int = 0,
) -> xr.Dataset:
    """Which functions random networks that fit compute, and which trained ones that fit.

    The target is the function that random networks compute most often among those with a thirty-second of either
    sign; it is given at random inputs. SGD (logistic loss) starts at the prior's random weights and stops a network
    when it fits.

    Args:
        inputs: bits. Each is 0 or 1.
        width: neurons of a hidden layer. There are two such layers.
        train_size: training inputs. The others are test inputs.
        draws: random networks. As many are tried.
        runs: trained networks.
        learning_rate: step of SGD.
        batch: training points a step.
        epochs: passes through the training set, at most. Networks that do not fit by then do not count.
        kept: the most frequent functions that are kept. Those seen most often by random networks come first.
        seed: of target, training inputs and networks.

    Returns:
        Dimension `rank`: shares `bayes_probability` among random networks that fit and `sgd_probability` among trained
        ones. Scalars: `bayes_count` and `sgd_count`, networks that fit; `bayes_accuracy` and `sgd_accuracy`, their mean
        accuracy on test inputs; `target_complexity`.
    """
    corners, size, network = _corners(inputs), 2**inputs, _network(inputs, width)
    bayes: Counter[bytes] = Counter()
    target = _target(network, corners, seed)
    rng = np.random.default_rng(derive_seed("boolean training inputs", seed))
    chosen = torch.as_tensor(rng.permutation(size)[:train_size])
    for weights in _drawn("boolean posterior", draws, network, seed):
        fits = (_signs(network, weights, corners[chosen]) == target[chosen]).all(1)
        if fits.any():
            bayes.update(_codes(_signs(network, [weight[fits] for weight in weights], corners)))

    weights = _random(network, runs, torch.Generator().manual_seed(derive_seed("boolean runs", seed)))
    orders = [derive_seed("boolean order", seed, run) for run in range(runs)]
    descend_alike(
        network, weights, corners[chosen], 2.0 * target[chosen] - 1, orders, learning_rate, loss=logistic,
        optimizer=sgd(), epochs=epochs, batch_size=batch, stop="fitted", description="SGD",
    )  # fmt: skip
    with torch.no_grad():
        outputs = forward(network, weights, corners) > 0
    trained = Counter(_codes(outputs[(outputs[:, chosen] == target[chosen]).all(1)]))

    both = {code: (bayes[code], trained[code]) for code in [*bayes, *trained]}
    common = sorted(both.items(), key=lambda item: item[1], reverse=True)[:kept]
    counts = np.array([pair for _, pair in common]).reshape(-1, 2)
    totals = np.array([bayes.total(), trained.total()])
    unseen = np.setdiff1d(np.arange(size), chosen.numpy())
    with np.errstate(invalid="ignore"):
        shares = counts / totals
    accuracies = [_accuracy(seen, target.numpy(), unseen) for seen in (bayes, trained)]
    text = "".join(map(str, target.int().tolist()))
    names = (("bayes", "random"), ("sgd", "trained"))
    return xr.Dataset(
        {
            **{f"{key}_probability": variable("rank", share, f"fraction of {word} networks that fit", source=_MINGARD)
               for (key, word), share in zip(names, shares.T, strict=True)},
            **{f"{key}_count": variable((), total, f"{word} networks that fit", source=_MINGARD)
               for (key, word), total in zip(names, totals, strict=True)},
            **{f"{key}_accuracy": variable((), value, f"test accuracy of {word} networks that fit", source=_MINGARD)
               for (key, word), value in zip(names, accuracies, strict=True)},
            "target_complexity": variable((), complexity(text), "Lempel-Ziv complexity of the target", "bit", _MINGARD),
        },
        {"rank": np.arange(1, len(common) + 1)},
    )  # fmt: skip


def _corners(inputs: int) -> Tensor:
    """All 2^inputs strings of bits."""
    return torch.tensor([[code >> bit & 1 for bit in range(inputs)] for code in range(2**inputs)]).float()


def _network(inputs: int, width: int) -> Network:
    """Inputs-width-width-1, relus, biases in all layers."""
    return network_of({"activation": "plain_relu", "depth": 3, "width": width, "bias": "all"}, inputs)


def _random(network: Network, count: int, generator: torch.Generator) -> list[Tensor]:
    """Weights and biases N(0, 1/fan_in), of many networks by one generator."""
    return [
        torch.randn(count, *weight.shape, generator=generator).mul_(weight.inputs**-0.5) for weight in network.weights
    ]


def _drawn(name: str, draws: int, network: Network, seed: int) -> Iterator[list[Tensor]]:
    """Random networks, a block at a time, each block with a generator of its own."""
    with Progress(draws, name, "network") as progress:
        for number, start in enumerate(range(0, draws, _BLOCK)):
            count = min(_BLOCK, draws - start)
            yield _random(network, count, torch.Generator().manual_seed(derive_seed(name, seed, number)))
            progress.update(count)


def _signs(network: Network, weights: list[Tensor], points: Tensor) -> Tensor:
    """Whether outputs are positive, `(network, point)`."""
    parts = zip(*(torch.split(weight, _TOGETHER) for weight in weights), strict=True)
    return torch.cat([forward(network, part, points) > 0 for part in parts])


def _codes(signs: Tensor) -> list[bytes]:
    """A name for each row of signs."""
    return [row.tobytes() for row in np.packbits(signs.numpy(), axis=1)]


def _bits(code: bytes, size: int) -> np.ndarray:
    return np.unpackbits(np.frombuffer(code, np.uint8))[:size]


def _target(network: Network, corners: Tensor, seed: int) -> Tensor:
    """The function seen most often among random ones in which either sign has its share."""
    generator, seen = torch.Generator().manual_seed(derive_seed("boolean target", seed)), Counter[bytes]()
    for _ in range(_TARGET_DRAWS // _BLOCK):
        signs = _signs(network, _random(network, _BLOCK, generator), corners)
        ones = signs.float().mean(1)
        seen.update(_codes(signs[(ones >= _MINORITY) & (ones <= 1 - _MINORITY)]))
    ((code, _),) = seen.most_common(1)
    return torch.as_tensor(_bits(code, len(corners)).astype(bool))


def _accuracy(seen: Counter[bytes], target: np.ndarray, unseen: np.ndarray) -> float:
    if not len(unseen):
        return float("nan")
    right = [(_bits(code, len(target))[unseen] == target[unseen]).mean() for code in seen]
    return float(np.average(right, weights=list(seen.values()))) if seen else float("nan")
