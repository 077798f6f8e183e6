"""Speed on a GPU, as a table: `make bench-gpu`, under four minutes. (`--device cpu --scale 0.02` tries it without one.)

A step of a wide network against its memory traffic, an ensemble against the plain loop, kernels and orthants.
"""

import argparse
import time
from collections.abc import Callable, Iterator

import torch
from test_bench_training import BATCH, plain
from torch import Tensor

from complete import mlp
from implicitbias.losses import norm
from implicitbias.networks.stacked import initialise
from implicitbias.nngp.orthant import log_probability
from implicitbias.optimizers.nero import nero
from implicitbias.training.loop import Members, descend

FEATURES = 784


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--device", default="cuda")
    arguments.add_argument("--scale", type=float, default=1.0, help="factor on all sizes")
    given = arguments.parse_args()
    device = torch.device(given.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"{name}, torch {torch.__version__}\n\n| what | figure |\n| --- | --- |", flush=True)
    for measured in (wide_step, ensemble, infinite_width):
        for what, figure in measured(device, given.scale):
            print(f"| {what} | {figure} |", flush=True)


def wide_step(device: torch.device, scale: float) -> Iterator[tuple[str, str]]:
    """A step reads the weights forward and backward, writes and reads gradients, and reads and writes the weights."""
    width = int(10_000 * scale)
    network = mlp(FEATURES, depth=7, width=width)
    weights = initialise(network, [0], device=device)
    numbers = sum(weight.numel() for weight in weights)
    whole = weights[1]
    copy = median(device, whole.mul_, 1.0) / (2 * whole.numel())  # seconds a number read or written
    product = median(device, torch.matmul, whole[0].clone(), whole[0]) / (2 * width**3)
    inputs, labels = points(20 * BATCH, device)
    one, one_more, four = (timed(device, descended, network, weights, inputs, labels, count) for count in (1, 1, 4))
    step = (four - one_more) / (3 * 20)
    yield "its first epoch over later ones", f"{one / (20 * step):.1f}"
    memory, arithmetic = 6 * numbers * copy, 6 * BATCH * numbers * product
    yield f"Nero step, width {width}, depth 7, batch {BATCH}", f"{1e3 * step:.2f} ms"
    yield "the same over its memory traffic (6 passes over the weights)", f"{step / memory:.2f}"
    yield "its memory traffic and its arithmetic alone", f"{1e3 * memory:.2f} ms, {1e3 * arithmetic:.2f} ms"


def descended(network, weights: list[Tensor], inputs: Tensor, labels: Tensor, epochs: int) -> None:
    count = len(weights[0])
    ones = torch.ones(count, device=inputs.device)
    members = Members(torch.zeros_like(ones, dtype=torch.long), range(count), ones, 0.01 * ones, ones, 0 * ones)
    for _ in descend(
        network, [weight.clone() for weight in weights], inputs[None], labels.expand(count, -1), members, loss=norm,
        optimizer=nero(), epochs=epochs, batch_size=BATCH, checkpoints=(),
    ):  # fmt: skip
        pass


def ensemble(device: torch.device, scale: float) -> Iterator[tuple[str, str]]:
    """All members at once against a module, a DataLoader and an optimizer for each."""
    for members, width in ((100, 512), (100, 64), (10, 2048)):
        count, size = max(2, int(members * scale)), max(8, int(width * scale))
        network = mlp(FEATURES, depth=7, width=size)
        weights = initialise(network, range(count), device=device)
        inputs, labels = points(4 * BATCH, device)
        few = [weight[:2] for weight in weights]
        plain(few, inputs, labels, 1)
        descended(network, weights, inputs, labels, 1)
        slow = timed(device, plain, few, inputs, labels, 5) / (2 * 5 * 4)
        fast = timed(device, descended, network, weights, inputs, labels, 10) / (count * 10 * 4)
        told = f"{slow / fast:.1f} times ({1e6 * slow:.0f} -> {1e6 * fast:.0f} us a step and member)"
        yield f"{count} members of width {size}, depth 7, against the plain loop", told


def infinite_width(device: torch.device, scale: float) -> Iterator[tuple[str, str]]:
    for n in (500, 2000):
        inputs, labels = points(int(n * scale), device)
        inputs = inputs.double()
        network = mlp(FEATURES, depth=7)
        kernel = network.nngp(inputs)
        yield f"kernel, n = {len(inputs)}, depth 7", f"{timed(device, network.nngp, inputs):.3f} s"
        start = time.perf_counter()
        estimate = log_probability(kernel, labels.double())
        yield f"orthant, n = {len(inputs)}", f"{time.perf_counter() - start:.2f} s, stderr {estimate.stderr:.3f} nats"


def points(count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Inputs of norm sqrt(d), and labels that a direction decides."""
    inputs = torch.randn(count, FEATURES, generator=torch.Generator().manual_seed(0))
    inputs *= FEATURES**0.5 / inputs.norm(dim=1, keepdim=True)
    return inputs.to(device), inputs[:, 0].sign().to(device)


def timed(device: torch.device, function: Callable[..., object], *arguments: object) -> float:
    """Seconds, the device's work included."""
    _wait(device)
    start = time.perf_counter()
    function(*arguments)
    _wait(device)
    return time.perf_counter() - start


def median(device: torch.device, function: Callable[..., object], *arguments: object) -> float:
    function(*arguments)
    return sorted(timed(device, function, *arguments) for _ in range(9))[4]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
