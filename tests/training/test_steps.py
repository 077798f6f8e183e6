"""A row of steps on given batches, against torch's own networks, losses and optimizers."""

import math

import torch
from torch import nn

from implicitbias.losses import cross_entropy, square
from implicitbias.networks import Network, network_of
from implicitbias.networks.layers import Activation, Dense
from implicitbias.networks.stacked import forward
from implicitbias.optimizers.adam import adam
from implicitbias.optimizers.sgd import sgd
from implicitbias.training.steps import descent

MEMBERS, STEPS = 2, 12
RATES = [0.01 * (1 + math.cos(math.pi * step / STEPS)) for step in range(STEPS)]


def test_every_member_takes_torchs_steps_on_batches_of_its_own() -> None:
    """At rates that fall by a cosine, with a sigmoid behind each layer; losses are those before the step."""
    sigmoid = Activation("sigmoid")
    network = Network((Dense(5, bias=True), sigmoid, Dense(1, bias=True), sigmoid), (3,))
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(MEMBERS, *shape, generator=generator) for shape in network.shapes]
    x, y = torch.randn(STEPS, MEMBERS, 4, 3, generator=generator), torch.rand(STEPS, MEMBERS, 4, generator=generator)
    start = [weight.clone() for weight in weights]
    told = [found.losses for found in descent(network, weights, zip(x, y, strict=True), RATES, loss=square,
                                              optimizer=adam())]  # fmt: skip
    for member in range(MEMBERS):
        net = nn.Sequential(nn.Linear(3, 5), nn.Sigmoid(), nn.Linear(5, 1), nn.Sigmoid())
        with torch.no_grad():
            for layer, weight in zip((net[0], net[2]), start, strict=True):
                layer.weight.copy_(weight[member, :, :-1])
                layer.bias.copy_(weight[member, :, -1])
        optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
        for own, target, losses in zip(x[:, member], y[:, member], told, strict=True):
            optimizer.zero_grad()
            loss = (net(own)[:, 0] - target).square().mean()
            assert torch.allclose(loss, losses[member], rtol=1e-5)
            loss.backward()
            optimizer.step()
            schedule.step()
        assert torch.allclose(forward(network, weights, x[0])[member], net(x[0, member])[:, 0], rtol=1e-4)


def test_points_that_all_members_share_are_as_if_each_had_them() -> None:
    """In networks of several outputs, with convolutions and without."""
    x, y = torch.randn(6, 64, generator=torch.Generator().manual_seed(1)), torch.eye(3)[torch.arange(6) % 3]
    for architecture in ("pooled_mlp", "lenet"):
        parameters = {"architecture": architecture, "depth": 2, "factor": 0.5, "activation": "plain_relu"}
        network = network_of(parameters, (1, 8, 8), outputs=3)
        start = [
            0.3 * torch.randn(MEMBERS, *shape, generator=torch.Generator().manual_seed(2)) for shape in network.shapes
        ]
        ends = []
        for points in (x, x.expand(MEMBERS, -1, -1)):
            weights = [weight.clone() for weight in start]
            batches = [(points, y.expand(MEMBERS, -1, -1))] * STEPS
            losses = [f.losses for f in descent(network, weights, batches, RATES, loss=cross_entropy, optimizer=sgd())]
            assert (losses[-1] < losses[0]).all()
            ends.append(forward(network, weights, x))
        assert torch.allclose(*ends, rtol=1e-4, atol=1e-5)
