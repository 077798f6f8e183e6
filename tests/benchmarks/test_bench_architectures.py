"""Kernels and training of convolutional networks: against neural-tangents, and against a plain PyTorch loop."""

import math
import os
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from implicitbias.losses import square
from implicitbias.networks import Network, network_of
from implicitbias.networks.kernels import nngp_kernel
from implicitbias.networks.layers import Activation, Convolution, Flatten
from implicitbias.networks.stacked import initialise
from implicitbias.optimizers.adam import adam
from implicitbias.training.loop import descend_alike

MEMBERS = 10


def seconds(function: Callable[..., object], *arguments: object) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


class ScaledRelu(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        return math.sqrt(2) * torch.relu(z)


def module(network: Network, weights: list[Tensor], member: int) -> nn.Sequential:
    """One member of torch's own layers."""
    parts: list[nn.Module] = []
    own = iter(zip(network.weights, weights, strict=True))
    for layer in network.layers:
        if isinstance(layer, Activation):
            parts.append(ScaledRelu())
        elif isinstance(layer, Flatten):
            parts.append(nn.Flatten())
        else:
            shape, weight = next(own)
            part: nn.Conv2d | nn.Linear
            if isinstance(layer, Convolution):
                channels = shape.inputs // layer.side**2
                part = nn.Conv2d(channels, shape.rows, layer.side, padding=layer.side // 2, bias=False)
            else:
                part = nn.Linear(shape.inputs, shape.rows, bias=False)
            part.weight.data.copy_(weight[member].reshape(part.weight.shape))
            parts.append(part)
    return nn.Sequential(*parts)


def plain(network: Network, weights: list[Tensor], x: Tensor, y: Tensor, epochs: int, batch: int) -> None:
    images = x.reshape(-1, *network.input_shape)
    for member in range(MEMBERS):
        model = module(network, weights, member)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        loader = DataLoader(TensorDataset(images, y), batch_size=batch, shuffle=True)
        for _ in range(epochs):
            for points, labels in loader:
                optimizer.zero_grad()
                (model(points)[:, 0] - labels).square().mean().backward()
                optimizer.step()


def stacked(network: Network, weights: list[Tensor], x: Tensor, y: Tensor, epochs: int, batch: int) -> None:
    descend_alike(
        network, [weight.clone() for weight in weights], x, y, range(MEMBERS), 1e-3, loss=square, optimizer=adam(),
        epochs=epochs, batch_size=batch,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("side", "width", "batch", "epochs"),
    [(8, 8, 10, 5), (8, 16, 10, 5), (8, 16, 50, 10), (8, 32, 50, 10), (28, 16, 50, 2), (28, 32, 50, 2)],
)
def test_training_of_convolutions(benchmark, side: int, width: int, batch: int, epochs: int) -> None:
    network = network_of({"architecture": "cnn", "depth": 3, "width": width}, (1, side, side))
    x = torch.randn(100, side**2, generator=torch.Generator().manual_seed(0))
    arguments = network, initialise(network, range(MEMBERS)), x, x[:, 0].sign(), epochs, batch
    stacked(*arguments)
    pairs = [(seconds(plain, *arguments), seconds(stacked, *arguments)) for _ in range(3)]
    benchmark.pedantic(stacked, arguments, rounds=1)
    slow, fast = (min(times) for times in zip(*pairs, strict=True))
    print(f"\n{MEMBERS} cnn, {side} x {side}, {width} channels, batch {batch}: {slow / fast:.1f} times faster")


def of_neural_tangents(depth: int) -> Callable[[Tensor], np.ndarray]:
    """The same kernel, compiled, on one thread."""
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    jax = pytest.importorskip("jax", reason="neural-tangents is not installed: pip install '.[neural-tangents]'")
    jax.config.update("jax_enable_x64", True)
    stax = pytest.importorskip("neural_tangents.stax", exc_type=ImportError)
    layers = [stax.Conv(1, (3, 3), None, "SAME", 1.0, None), stax.ABRelu(0.0, math.sqrt(2))] * (depth - 1)
    kernel = jax.jit(lambda x: stax.serial(*layers, stax.Flatten(), stax.Dense(1, 1.0, None))[2](x, None, "nngp"))
    return lambda x: np.asarray(kernel(x.numpy().reshape(-1, 28, 28, 1)))


def test_kernel_of_500_images(benchmark) -> None:
    network = network_of({"architecture": "cnn", "depth": 3}, (1, 28, 28))
    x = torch.randn(500, 784, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    theirs = of_neural_tangents(3)
    assert np.allclose(theirs(x), nngp_kernel(network, x), rtol=1e-9)  # compiles
    pairs = [(seconds(theirs, x), seconds(nngp_kernel, network, x)) for _ in range(3)]
    benchmark.pedantic(nngp_kernel, (network, x), rounds=1)
    slow, fast = (min(times) for times in zip(*pairs, strict=True))
    print(
        f"\nkernel of 500 images, depth 3: {fast:.1f} s, {slow / fast:.1f} times as fast as neural-tangents, compiled"
    )
