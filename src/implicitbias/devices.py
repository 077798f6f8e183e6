"""Which device a computation runs on, and on how many threads."""

import contextlib
from collections.abc import Iterator

import torch

from implicitbias.errors import ConfigError


def choose(name: str = "auto") -> str:
    """The torch device of a name: `auto` is CUDA where there is one, else the CPU.

    Raises:
        ConfigError: if CUDA is asked for and there is none.

    """
    available = torch.cuda.is_available()
    if name == "auto":
        return "cuda" if available else "cpu"
    if name == "cuda" and not available:
        raise ConfigError("execution.device = 'cuda': this machine shows torch no CUDA device; allowed here: auto, cpu")
    return name


def use_threads(number: int) -> None:
    """Run torch's products on this many threads."""
    torch.set_num_threads(number)


@contextlib.contextmanager
def without_denormals() -> Iterator[None]:
    """Inside the block, numbers below the least normal one (1e-38 in float32) are 0 on this thread's CPU.

    The processor takes a hundred times as long for an operation on them. Adam's mean gradient of a weight without
    gradient falls to them and stays there.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
