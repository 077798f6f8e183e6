"""How many members go at once: memory decides, not the user."""

import os

import torch

_SHARE = 0.4  # of what is free; the rest is for outputs, the caller, and other jobs


def free_bytes(device: torch.device) -> int:
    """Memory that a job may count on: what is free on the GPU, or in the machine."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def members_at_once(bytes_each: int, members: int, free: int) -> int:
    """The size of chunks of nearly equal size that fit into a share of the free memory; at least 1.

    Args:
        bytes_each: what one member needs while it trains.
        members: how many there are.
        free: bytes to count on.
    """
    most = max(1, int(_SHARE * free) // bytes_each)
    chunks = -(-members // most)
    return -(-members // chunks)
