"""The stacked ensemble against a plain loop over networks, in the same process and on the same threads.

    pytest tests/benchmarks -k training --benchmark-only -s

prints how many times faster the ensemble is. The plain loop is what one writes first: a module, a DataLoader
and a torch.optim.Optimizer for every network.
"""

import math
import time
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.utils.data import DataLoader, TensorDataset

from complete import mlp
from implicitbias.losses import logistic, norm
from implicitbias.networks import Network
from implicitbias.networks.stacked import Gradient, initialise
from implicitbias.optimizers.nero import nero
from implicitbias.optimizers.sgd import sgd
from implicitbias.training.loop import Members, descend
from implicitbias.training.span import reduce, span_of

POINTS, BATCH = 200, 50


class PlainNero(torch.optim.Optimizer):
    """Nero as in its paper, one tensor operation after the other."""

    def __init__(self, parameters: object, lr: float = 0.01, beta: float = 0.999) -> None:
        super().__init__(parameters, {"lr": lr})
        self.beta = beta
        with torch.no_grad():
            for group in self.param_groups:
                for weight in group["params"]:
                    self.project(weight)
                    self.state[weight] = {"step": 0, "squared": torch.zeros_like(weight[:, :1])}

    @staticmethod
    def project(weight: Tensor) -> None:
        weight.data -= weight.mean(dim=1, keepdim=True)
        weight.data /= weight.norm(dim=1, keepdim=True)

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                state["step"] += 1
                state["squared"] = (
                    self.beta * state["squared"] + (1 - self.beta) * weight.grad.norm(dim=1, keepdim=True).square()
                )
                scaled = weight.grad / (state["squared"] / (1 - self.beta ** state["step"])).sqrt()
                scaled[torch.isnan(scaled)] = 0
                weight.data -= group["lr"] * scaled
                self.project(weight)


def plain_descent(weights: list[Tensor], inputs: Tensor, labels: Tensor, epochs: int) -> None:
    """Full-batch gradient descent on the logistic loss, as the papers' scripts do it: one network after the other."""
    for member in range(len(weights[0])):
        model = PlainMLP([weight[member] for weight in weights])
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(epochs):
            optimizer.zero_grad()
            softplus(-labels * model(inputs)).mean().backward()
            optimizer.step()


def stacked_descent(network: Network, weights: list[Tensor], inputs: Tensor, labels: Tensor, epochs: int) -> None:
    count, features = len(weights[0]), inputs.shape[1]
    members = Members(
        torch.zeros(count, dtype=torch.long), range(count), torch.ones(count), torch.full((count,), 0.01),
        torch.ones(count), torch.zeros(count),
    )  # fmt: skip
    own, points = [weight.clone() for weight in weights], inputs[None]
    if features > len(inputs):
        span = span_of(points)
        own[0], points = reduce(span, own[0], members.task_index), span.inputs
    for _ in descend(
        network, own, points, labels.expand(count, -1), members, loss=logistic, optimizer=sgd(), epochs=epochs,
        batch_size="full", checkpoints=(),
    ):  # fmt: skip
        pass


class PlainMLP(nn.Module):
    def __init__(self, weights: list[Tensor]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(w.shape[1], w.shape[0], bias=False) for w in weights)
        for layer, weight in zip(self.layers, weights, strict=True):
            layer.weight.data.copy_(weight)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x)) * math.sqrt(2)
        return self.layers[-1](x).squeeze(1)


def plain(weights: list[Tensor], inputs: Tensor, labels: Tensor, epochs: int) -> None:
    for member in range(len(weights[0])):
        model = PlainMLP([weight[member] for weight in weights]).to(inputs.device)
        optimizer = PlainNero(model.parameters())
        loader = DataLoader(TensorDataset(inputs, labels), batch_size=BATCH, shuffle=True)
        for _ in range(epochs):
            for x, y in loader:
                model.zero_grad()
                (model(x) - y).norm().backward()
                optimizer.step()


def stacked(network: Network, weights: list[Tensor], inputs: Tensor, labels: Tensor, epochs: int) -> None:
    count = len(weights[0])
    members = Members(
        torch.zeros(count, dtype=torch.long), range(count), torch.ones(count), torch.full((count,), 0.01),
        torch.ones(count), torch.zeros(count),
    )  # fmt: skip
    for _ in descend(
        network, [weight.clone() for weight in weights], inputs[None], labels.expand(count, -1), members,
        loss=norm, optimizer=nero(), epochs=epochs, batch_size=BATCH, checkpoints=(),
    ):  # fmt: skip
        pass


def seconds(function: Callable[..., None], *arguments: object) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """Of both; where there is one core, two threads measure nothing."""
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(1)


@pytest.mark.parametrize("depth", [2, 7])
@pytest.mark.parametrize(
    ("members", "width", "features", "epochs"),
    [(30, 64, 64, 8), (30, 64, 784, 8), (30, 256, 64, 4), (30, 256, 784, 4), (3, 1000, 784, 6)],
)
def test_training(benchmark, threads: int, members: int, width: int, depth: int, features: int, epochs: int) -> None:
    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(POINTS, features, generator=source)
    labels = inputs[:, 0].sign()
    network = mlp(features, depth=depth, width=width)
    arguments = initialise(network, range(members)), inputs, labels, epochs
    stacked(network, *arguments)
    pairs = [(seconds(plain, *arguments), seconds(stacked, network, *arguments)) for _ in range(3)]
    benchmark.pedantic(stacked, (network, *arguments), rounds=2)
    slow, fast = (min(times) for times in zip(*pairs, strict=True))
    steps = members * epochs * POINTS // BATCH
    benchmark.extra_info["times faster than the plain loop"] = slow / fast
    print(
        f"\n{members} members, width {width}, depth {depth}, {features} features, {threads} threads: "
        f"{slow / fast:.1f} times faster than the plain loop "
        f"({1e6 * slow / steps:.0f} -> {1e6 * fast / steps:.0f} us a step and member)"
    )


@pytest.mark.parametrize(("width", "features"), [(64, 20), (256, 20), (512, 20), (512, 4000)])
def test_descent_of_a_hundred_members(benchmark, width: int, features: int) -> None:
    """Two-layer networks on 60 points, full batch, 100 steps: the setting of the studies of margins and rank."""
    members, alone, epochs = 100, 3, 100
    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(60, features, generator=source)
    data = inputs, inputs[:, 0].sign(), epochs
    network = mlp(features, width=width)
    weights = initialise(network, range(members))
    few = [weight[:alone] for weight in weights]
    pairs = [(seconds(plain_descent, few, *data), seconds(stacked_descent, network, weights, *data)) for _ in range(3)]
    benchmark.pedantic(stacked_descent, (network, weights, *data), rounds=1)
    whole, stacked = (min(times) for times in zip(*pairs, strict=True))
    slow, fast = whole / (epochs * alone), stacked / (epochs * members)
    benchmark.extra_info["times faster than the plain loop"] = slow / fast
    print(
        f"\n{members} members, width {width}, {features} features, {torch.get_num_threads()} threads:"
        f" {slow / fast:.1f} times faster than the plain loop"
        f" ({1e6 * slow:.0f} -> {1e6 * fast:.0f} us a step and member)"
    )


@pytest.mark.parametrize("width", [1000, 4000])
def test_nero_step_against_its_memory_traffic(benchmark, width: int) -> None:
    """One step of a wide layer at batch 50 reads and writes each weight once: a scaled copy in place is the limit."""
    source = torch.Generator().manual_seed(0)
    weight = torch.randn(1, width, width, generator=source)
    gradient = [
        Gradient(torch.randn(1, BATCH, width, generator=source), torch.randn(1, BATCH, width, generator=source))
    ]
    optimizer, rate = nero(), torch.tensor([0.01])
    state = optimizer.init([weight])
    benchmark.pedantic(lambda: optimizer.update(gradient, state, [weight], rate, 1), rounds=3, warmup_rounds=1)
    steps = [seconds(lambda: optimizer.update(gradient, state, [weight], rate, 1)) for _ in range(7)]
    copies = [seconds(lambda: weight.mul_(1.0)) for _ in range(7)]
    products = [seconds(lambda: gradient[0].matrix()) for _ in range(7)]
    print(
        f"\nNero, width {width}, {torch.get_num_threads()} threads: a step takes {min(steps) / min(copies):.1f} times"
        f" one read and write of the weights, {min(steps) / min(products):.1f} times the gradient's product alone"
    )
