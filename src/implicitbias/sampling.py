"""Guess and check: random networks, kept when they fit the signs of the training labels (Chiang et al. 2023)."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from implicitbias.networks import Network
from implicitbias.networks.of_task import network_for
from implicitbias.networks.outputs import outputs
from implicitbias.networks.stacked import forward, initialise
from implicitbias.progress import bar
from implicitbias.rng import derive_seed
from implicitbias.schema import describe, parameters_of, variable, with_stderr

Arrays = dict[str, np.ndarray[Any, Any]]

_SOURCE = "Bernstein & Yue 2021, section 5; Chiang et al. 2023"
_NUMBERS = 2**24  # weights and activations at once


def sample(
    task: xr.Dataset, *, network: Mapping[str, Any], sampling: Mapping[str, Any], device: str = "cpu"
) -> xr.Dataset:
    """Draw random networks and keep those with zero training error.

    Weights are N(0, 1/fan_in), in the class of the network's rows, and last layers as those that training starts from.
    With `flip`, a network with every sign wrong is kept too, negated: f and -f are equally likely, so this doubles the
    yield. Each draw has a generator of its own, seeded by its number, so the result does not depend on how many are
    drawn at once.

    Args:
        task: from `tasks.build`.
        network: the networks' parameters, as `network_of` takes them.
        sampling: draws (number of networks), flip.
        device: torch device.

    Returns:
        Dimensions `seed` and `draw`, the accepted networks in the order of their draws, NaN beyond the last;
        variables `train_output`, `test_output`, `frobenius_norm` (by `layer`), `acceptance` (by `seed`) with
        its binomial standard error.
    """
    built, draws = network_for(network, task), sampling["draws"]
    seeds = task["seed"].values.tolist()
    with bar(len(seeds) * draws, "guess and check") as progress:
        found = [
            _accepted(
                task.sel(seed=seed), [derive_seed("guess", seed, draw) for draw in range(draws)], built,
                sampling["flip"], torch.device(device), progress.update,
            )
            for seed in seeds
        ]  # fmt: skip
    counts = np.array([len(one["train_output"]) for one in found])
    whole = {name: _padded([one[name] for one in found], max(1, counts.max())) for name in found[0]}
    rate = counts / draws
    acceptance = variable("seed", rate, "share of random networks accepted", source=_SOURCE)
    at = ("seed", "draw")
    dataset = xr.Dataset(
        {
            "train_output": variable((*at, "train_point"), whole["train_output"], "output on the training points"),
            "test_output": variable((*at, "test_point"), whole["test_output"], "output on the test points"),
            "frobenius_norm": variable((*at, "layer"), whole["frobenius_norm"], "Frobenius norm of the layer"),
            **with_stderr("acceptance", acceptance, np.sqrt(rate * (1 - rate) / draws)),
        },
        coords={
            "seed": seeds,
            "draw": np.arange(whole["train_output"].shape[1]),
            "train_point": task["train_point"].values,
            "test_point": task["test_point"].values,
            "layer": np.arange(built.depth),
        },
    )
    return describe(
        dataset, "random networks that fit the training signs",
        {"task": parameters_of(task), "network": dict(network), "sampling": dict(sampling)},
        device=torch.device(device).type, dtype="float32", torch_version=str(torch.__version__),
    )  # fmt: skip


@torch.no_grad()
def _accepted(
    task: xr.Dataset, guesses: list[int], network: Network, flip: bool, device: torch.device,
    report: Callable[[int], Any],
) -> Arrays:  # fmt: skip
    """Train and test outputs and norms of the accepted networks among those of the seeds `guesses`."""

    def tensor(name: str) -> Tensor:
        return torch.as_tensor(task[name].values, dtype=torch.float32, device=device)

    train_input, labels, test_input = tensor("train_input"), tensor("train_label"), tensor("test_input")
    points = len(train_input)
    size = max(1, _NUMBERS // (network.numbers + points * network.numbers_in))
    kept: dict[str, list[Tensor]] = {"train_output": [], "test_output": [], "frobenius_norm": []}
    for start in range(0, len(guesses), size):
        block = guesses[start : start + size]
        weights = initialise(network, block, device=device)
        output = forward(network, weights, train_input)
        right, wrong = (output * labels > 0).all(1), (output * labels < 0).all(1)
        chosen = torch.nonzero(right | wrong if flip else right).ravel()
        sign = torch.where(right[chosen], 1.0, -1.0)[:, None]
        fitting = [weight[chosen] for weight in weights]
        kept["train_output"].append(sign * output[chosen])
        kept["test_output"].append(sign * outputs(network, fitting, test_input))
        kept["frobenius_norm"].append(torch.stack([torch.linalg.matrix_norm(weight) for weight in fitting], dim=1))
        report(len(block))
    return {name: torch.cat(parts).cpu().numpy() for name, parts in kept.items()}


def _padded(parts: list[np.ndarray[Any, Any]], length: int) -> np.ndarray[Any, Any]:
    """The parts stacked, each filled up with NaN to `length` rows."""
    whole = np.full((len(parts), length, *parts[0].shape[1:]), np.nan, parts[0].dtype)
    for row, part in zip(whole, parts, strict=True):
        row[: len(part)] = part
    return whole
