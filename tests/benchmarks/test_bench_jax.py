"""The stacked ensemble against a JAX ensemble (vmap, scan and jit) on one thread, in the same process.

    pip install -e '.[jax]' && pytest tests/benchmarks/test_bench_jax.py --benchmark-only -s

prints the seconds of JAX once compiled, of JAX with its compilation, and of this package. The JAX side is what one
would write today: one jitted function that scans over epochs and batches, of all members at once.
"""

import math
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
jax = pytest.importorskip("jax")

from complete import mlp  # noqa: E402
from implicitbias.losses import norm  # noqa: E402
from implicitbias.networks.stacked import initialise  # noqa: E402
from implicitbias.optimizers.adam import adam  # noqa: E402
from implicitbias.optimizers.nero import nero  # noqa: E402
from implicitbias.optimizers.sgd import sgd  # noqa: E402
from implicitbias.training.loop import descend_alike  # noqa: E402
from implicitbias.training.memory import free_bytes, members_at_once  # noqa: E402

POINTS, BATCH, RATE = 200, 50, 0.01
np = jax.numpy


def jax_ensemble(optimizer: str, epochs: int) -> Callable[..., Any]:
    """Trains the members' weights on shuffled batches; jitted."""

    def outputs(weights: list[Any], x: Any) -> Any:
        for weight in weights[:-1]:
            x = jax.nn.relu(x @ weight.T) * math.sqrt(2)
        return (x @ weights[-1].T)[:, 0]

    def loss(weights: list[Any], x: Any, y: Any) -> Any:
        return np.linalg.norm(outputs(weights, x) - y)

    def project(weight: Any) -> Any:
        weight = weight - weight.mean(1, keepdims=True)
        return weight / np.linalg.norm(weight, axis=1, keepdims=True)

    def start(weights: list[Any]) -> Any:
        if optimizer == "nero":
            return [project(weight) for weight in weights], [np.zeros_like(weight[:, :1]) for weight in weights]
        moments = ([np.zeros_like(weight) for weight in weights] for _ in range(2))
        return weights, tuple(moments) if optimizer == "adam" else ()

    def update(weights: list[Any], state: Any, gradients: list[Any], step: Any) -> Any:
        if optimizer == "sgd":
            return [w - RATE * g for w, g in zip(weights, gradients, strict=True)], state
        if optimizer == "adam":
            first = [0.9 * m + 0.1 * g for m, g in zip(state[0], gradients, strict=True)]
            second = [0.999 * v + 0.001 * g * g for v, g in zip(state[1], gradients, strict=True)]
            rate, root = RATE / (1 - 0.9**step), np.sqrt(1 - 0.999**step)
            new = [w - rate * m / (np.sqrt(v) / root + 1e-8) for w, m, v in zip(weights, first, second, strict=True)]
            return new, (first, second)
        squared = [
            0.999 * v + 0.001 * np.square(g).sum(1, keepdims=True) for v, g in zip(state, gradients, strict=True)
        ]
        root = np.sqrt(1 - 0.999**step)
        scale = [np.where(v == 0, 0, RATE * root / np.sqrt(v)) for v in squared]
        return [project(w - s * g) for w, s, g in zip(weights, scale, gradients, strict=True)], squared

    def member(weights: list[Any], key: Any, x: Any, y: Any) -> Any:
        weights, state = start(weights)

        def batch(carry: Any, chosen: Any) -> Any:
            weights, state, step = carry
            gradients = jax.grad(loss)(weights, x[chosen], y[chosen])
            return (*update(weights, state, gradients, step), step + 1), None

        def epoch(carry: Any, key: Any) -> Any:
            order = jax.random.permutation(key, POINTS).reshape(-1, BATCH)
            return jax.lax.scan(batch, carry, order)

        last, _ = jax.lax.scan(epoch, (weights, state, 1.0), jax.random.split(key, epochs))
        return last[0]

    return jax.jit(jax.vmap(member, in_axes=(0, 0, None, None)))


RULES = {"nero": nero, "adam": adam, "sgd": sgd}


@pytest.mark.parametrize("optimizer", RULES)
@pytest.mark.parametrize(
    ("members", "width", "depth", "features", "epochs"),
    [(30, 64, 2, 64, 100), (30, 64, 7, 64, 50), (30, 256, 2, 64, 50), (30, 256, 7, 64, 10), (3, 1000, 7, 784, 5)],
)
def test_against_jax(
    benchmark, optimizer: str, members: int, width: int, depth: int, features: int, epochs: int
) -> None:
    torch.set_num_threads(1)
    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(POINTS, features, generator=source)
    labels = inputs[:, 0].sign()
    network = mlp(features, depth=depth, width=width)
    weights = initialise(network, range(members))
    together = members_at_once(1, members, free_bytes(inputs.device), network.on_one_processor)  # as a job does

    def ours() -> None:
        for start in range(0, members, together):
            own = [weight[start : start + together].clone() for weight in weights]
            descend_alike(
                network, own, inputs, labels, range(members)[start : start + together], RATE, loss=norm,
                optimizer=RULES[optimizer](), epochs=epochs, batch_size=BATCH,
            )  # fmt: skip

    arguments = (
        [np.asarray(weight.numpy()) for weight in weights], jax.random.split(jax.random.key(0), members),
        np.asarray(inputs.numpy()), np.asarray(labels.numpy()),
    )  # fmt: skip

    def seconds(function: Callable[[], Any]) -> float:
        start = time.perf_counter()
        jax.block_until_ready(function())
        return time.perf_counter() - start

    ensemble_of_jax = jax_ensemble(optimizer, epochs)
    compiled = seconds(lambda: ensemble_of_jax(*arguments))
    ours()
    pairs = [(seconds(lambda: ensemble_of_jax(*arguments)), seconds(ours)) for _ in range(5)]
    benchmark.pedantic(ours, rounds=1)
    theirs, mine = (min(times) for times in zip(*pairs, strict=True))
    print(
        f"\n{optimizer}, {members} members, width {width}, depth {depth}, {features} features, {epochs} epochs: JAX"
        f" {theirs:.2f} s ({compiled:.2f} s with its compilation), this package {mine:.2f} s:"
        f" {theirs / mine:.2f} times as fast as JAX once compiled, {compiled / mine:.2f} times with its compilation"
    )
