"""Guess and check: random networks, kept when they fit the training labels (Chiang et al. 2023)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from implicitbias.losses import margins
from implicitbias.networks import Network
from implicitbias.networks.of_task import network_for
from implicitbias.networks.outputs import outputs
from implicitbias.networks.stacked import forward, initialise
from implicitbias.progress import Progress
from implicitbias.rng import derive_seed
from implicitbias.schema import describe, parameters_of, variable, with_stderr

Arrays = dict[str, np.ndarray[Any, Any]]

_SOURCE = "Bernstein & Yue 2021, section 5; Chiang et al. 2023"
_KEPT = ("train_output", "test_output", "frobenius_norm")
_NUMBERS = 2**24  # weights and activations at once


def sample(
    task: xr.Dataset, *, network: Mapping[str, Any], sampling: Mapping[str, Any], device: str = "cpu"
) -> xr.Dataset:
    """Draw random networks and keep those with zero training error.

    Weights are N(0, 1/fan_in), in the class of the network's rows, and last layers as those that training starts from.
    With `flip`, a network with every sign wrong is kept too, negated: f and -f are equally likely, so this doubles the
    yield. Of several classes, it is kept if it fits after its outputs have changed places, with its outputs there. Each
    draw has a generator of its own, seeded by its number, so the result does not depend on how many are drawn at once.

    Args:
        task: from `tasks.build`.
        network: the networks' parameters, as `network_of` takes them.
        sampling: draws (number of networks), flip.
        device: torch device.

    Returns:
        Dimensions `seed` and `draw`, the accepted networks in the order of their draws, NaN beyond the last;
        variables `train_output`, `test_output` (of several outputs by `class`), `frobenius_norm` (by `layer`),
        `acceptance` (by `seed`) with its binomial standard error.
    """
    built, draws = network_for(network, task), sampling["draws"]
    seeds = task["seed"].values.tolist()
    with Progress(len(seeds) * draws, "guess and check", "network") as progress:
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
    acceptance = variable("seed", rate, "fraction of random networks accepted", source=_SOURCE)
    at, outputs_of = ("seed", "draw"), ("class",) if built.outputs > 1 else ()
    dataset = xr.Dataset(
        {
            "train_output": variable(
                (*at, "train_point", *outputs_of), whole["train_output"], "output on the training points"
            ),
            "test_output": variable(
                (*at, "test_point", *outputs_of), whole["test_output"], "output on the test points"
            ),
            "frobenius_norm": variable((*at, "layer"), whole["frobenius_norm"], "Frobenius norm of the layer"),
            **with_stderr("acceptance", acceptance, np.sqrt(rate * (1 - rate) / draws)),
        },
        coords={
            "seed": seeds,
            "draw": np.arange(whole["train_output"].shape[1]),
            "train_point": task["train_point"].values,
            "test_point": task["test_point"].values,
            "layer": np.arange(built.depth),
            **({"class": task["class"].values} if outputs_of else {}),
        },
    )
    return describe(
        dataset, "random networks that fit the training labels",
        {"task": parameters_of(task), "network": dict(network), "sampling": dict(sampling)},
        device=torch.device(device).type, dtype="float32",
    )  # fmt: skip


@torch.no_grad()
def gathered(
    blocks: Iterable[list[Tensor]], keep: Callable[[list[Tensor]], Sequence[Tensor]], wanted: int | None = None
) -> tuple[list[Tensor], int]:
    """Draw random networks block by block, and gather what is kept of them, until no more are wanted.

    Args:
        blocks: the weights of networks that are drawn together, `(member, out, in)` each.
        keep: of a block, tensors with a row for every network that is kept.
        wanted: how many networks; without a number all.

    Returns:
        The tensors of all blocks, and how many networks were drawn.
    """
    parts, kept, drawn = [], 0, 0
    for weights in blocks:
        drawn += len(weights[0])
        parts.append(keep(weights))
        kept += len(parts[-1][0])
        if wanted is not None and kept >= wanted:
            break
    return [torch.cat(each)[:wanted] for each in zip(*parts, strict=True)], drawn


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
    blocks = (initialise(network, guesses[at : at + size], device=device) for at in range(0, len(guesses), size))

    def keep(weights: list[Tensor]) -> Sequence[Tensor]:
        output = forward(network, weights, train_input)
        accept = _by_classes if network.outputs > 1 else _by_signs
        chosen, fitted = accept(output, labels, flip)
        fitting = [weight[chosen] for weight in weights]
        norms = torch.stack([torch.linalg.matrix_norm(weight) for weight in fitting], dim=1)
        report(len(output))
        return fitted(output[chosen]), fitted(outputs(network, fitting, test_input)), norms

    found, _ = gathered(blocks, keep)
    return {name: each.cpu().numpy() for name, each in zip(_KEPT, found, strict=True)}


def _by_signs(
    output: Float[Tensor, "k n"], labels: Float[Tensor, " n"], flip: bool
) -> tuple[Int[Tensor, " kept"], Callable[[Tensor], Tensor]]:
    """Which networks fit the signs by their outputs, perhaps negated, and what makes their outputs fit."""
    right, wrong = (output * labels > 0).all(1), (output * labels < 0).all(1)
    chosen = torch.nonzero(right | wrong if flip else right).ravel()
    sign = torch.where(right[chosen], 1.0, -1.0)[:, None]
    return chosen, lambda outputs: sign * outputs


def _by_classes(
    output: Float[Tensor, "k n class"], classes: Float[Tensor, " n"], flip: bool
) -> tuple[Int[Tensor, " kept"], Callable[[Tensor], Tensor]]:
    """Which networks fit the classes by their outputs, perhaps in other places, and what puts them there.

    Outputs for classes without a training point may change places at will: those left over keep their order.
    """
    count, true = output.shape[2], classes.long()
    places = torch.arange(count, device=output.device).expand(len(output), count)
    if flip:
        present, first = np.unique(true.cpu().numpy(), return_index=True)
        largest = output[:, torch.as_tensor(first, device=output.device)].argmax(2)  # of a point of every class present
        taken = torch.zeros_like(places).scatter_(1, largest, 1)
        left = (taken + places / count).argsort(1)  # free places first, in their order
        absent = torch.as_tensor(np.setdiff1d(np.arange(count), present), device=output.device)
        places = places.clone()
        places[:, torch.as_tensor(present, device=output.device)] = largest
        places[:, absent] = left[:, : len(absent)]
    targets = torch.eye(count, device=output.device)[true].expand_as(output)
    moved = output.gather(2, places[:, None].expand_as(output))
    chosen = torch.nonzero((margins(moved, targets) > 0).all(1)).ravel()
    where = places[chosen, None]
    return chosen, lambda outputs: outputs.gather(2, where.expand(-1, outputs.shape[1], -1))


def _padded(parts: list[Shaped[np.ndarray, " _kept *each"]], length: int) -> Shaped[np.ndarray, "seed {length} *each"]:
    """The parts stacked, each filled up with NaN to `length` rows."""
    whole = np.full((len(parts), length, *parts[0].shape[1:]), np.nan, parts[0].dtype)
    for row, part in zip(whole, parts, strict=True):
        row[: len(part)] = part
    return whole
