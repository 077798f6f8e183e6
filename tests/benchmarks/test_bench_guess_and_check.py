"""Random networks tried a second, against drawing and asking them one by one."""

import time

import pytest
import torch

from implicitbias.experiments.guess_and_check import guess
from implicitbias.networks import network_of
from implicitbias.networks.stacked import from_first_weights

LABELS = torch.tensor([0, 1, 0, 1])


def one_by_one(shapes: list[tuple[int, ...]], x: torch.Tensor, count: int) -> None:
    """Modules of torch, as a first script would have it."""
    for _ in range(count):
        layers = [torch.nn.Linear(shape[1], shape[0]) for shape in shapes]
        h = x
        with torch.no_grad():
            for layer in layers:
                layer.weight.uniform_(-1, 1)
                layer.bias.zero_()
                h = layer(torch.relu(h) if layer is not layers[0] else h)
        bool((h.argmax(1) == LABELS).all())


@pytest.mark.parametrize(("side", "factor"), [(28, 1 / 6), (28, 1.0), (8, 1 / 6), (8, 1.0)])
def test_networks_a_second(benchmark, side: int, factor: float) -> None:
    generator = torch.Generator().manual_seed(0)
    parameters = {"architecture": "pooled_mlp", "factor": factor, "activation": "plain_relu"}
    images = torch.randn(4, side**2, generator=generator)
    network, (x,) = from_first_weights(network_of(parameters, (1, side, side), outputs=2), images)
    draws = 100_000 if factor < 1 else 10_000

    def stacked() -> None:
        guess(network, x, LABELS, draws, draws, generator)

    benchmark.pedantic(stacked, rounds=3, warmup_rounds=1)
    start = time.perf_counter()
    one_by_one([(weight.rows, weight.inputs) for weight in network.weights], x, 500)
    slow = (time.perf_counter() - start) / 500
    fast = benchmark.stats.stats.min / draws
    print(
        f"\nperceptrons of {side} x {side} images, factor {factor:.2f}, {torch.get_num_threads()} threads:"
        f" {1 / fast:,.0f} networks a second, {slow / fast:.0f} times as many as one by one"
    )
