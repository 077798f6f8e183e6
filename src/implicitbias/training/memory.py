"""How many members go at once: memory and speed decide, not the user."""

import os
from collections.abc import Sequence

import torch

from implicitbias.networks import Network
from implicitbias.optimizers.base import Optimizer

_SHARE = 0.4  # of what is free; the rest is for outputs, the caller, and other jobs


def free_bytes(device: torch.device) -> int:
    """Memory that a job may count on: what is free on the GPU, or in the machine."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def bytes_each(
    network: Network,
    batch: int,
    itemsize: int,
    optimizers: Sequence[Optimizer],
    copies: int = 0,
) -> int:
    """What one member needs while it trains: weights, copies of them, optimizers' tensors, inputs and activations.

    Args:
        network: what is trained.
        batch: points a step.
        itemsize: bytes of a number.
        optimizers: those that train it.
        copies: of the weights, besides these.
    """
    block = max(rows * columns for rows, columns in network.shapes)
    extra = block + sum(optimizer.extra_numbers(*shape) for optimizer in optimizers for shape in network.shapes)
    patches = 0 if network.is_dense else network.numbers_in
    activations = network.features + 4 * network.numbers_out + patches
    return itemsize * ((1 + copies) * network.numbers + extra + batch * activations)


def members_at_once(bytes_each: int, members: int, free: int, most: int | None = None) -> int:
    """The size of chunks of nearly equal size that fit into a share of the free memory; at least 1.

    Args:
        bytes_each: what one member needs while it trains.
        members: how many there are.
        free: bytes to count on.
        most: members in a chunk.
    """
    fit = max(1, int(_SHARE * free) // bytes_each)
    most = fit if most is None else min(most, fit)
    chunks = -(-members // most)
    return -(-members // chunks)
