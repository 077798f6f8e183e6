import math

import pytest
import torch

from complete import mlp
from implicitbias.catalogue import OPTIMIZERS, resolve
from implicitbias.losses import hinge, log_logistic, logistic, square
from implicitbias.networks.stacked import Gradient, forward, initialise
from implicitbias.optimizers.base import Optimizer
from implicitbias.optimizers.nero import nero
from implicitbias.optimizers.sgd import sgd
from implicitbias.optimizers.steepest import linf
from implicitbias.training.loop import Members, descend, steps_per_epoch
from implicitbias.training.memory import bytes_each, members_at_once
from implicitbias.training.schedules import decaying, loss_based, plain, scale_free, steady


def test_steps_per_epoch() -> None:
    assert [steps_per_epoch(10, size) for size in (3, 5, 10, 50, "full")] == [4, 2, 1, 1, 1]


def rates(**given: list[float]) -> Members:
    """Members that differ in what is given."""
    numbers = {name: torch.tensor(values, dtype=torch.float64) for name, values in given.items()}
    one = torch.ones_like(numbers["learning_rate"])
    rest = {"label_scale": one, "decay": one, "step_exponent": 0 * one}
    return Members(torch.zeros(len(one), dtype=torch.long), [3] * len(one), **(rest | numbers))


def test_decaying_schedule() -> None:
    members = rates(learning_rate=[1.0, 2.0, 8.0], decay=[0.5, 1.0, 1.0], step_exponent=[0.0, 0.0, 0.5])
    begin, rate, *_ = decaying(members, [], lambda: torch.zeros(0))
    begin(3)
    assert rate(torch.zeros(3), 16).tolist() == [0.125, 2.0, 2.0]
    begin, rate, *_ = plain(members, [], lambda: torch.zeros(0))
    begin(3)
    assert rate(torch.tensor([0.0, -math.log(4), 0.0]), 16).tolist() == pytest.approx([0.125, 0.5, 2.0])


def test_scale_free_schedule_grows_with_the_weights_as_their_gradient_does_not() -> None:
    members = rates(learning_rate=[1.0, 1.0])
    weights = [torch.zeros(2, 4, 3), torch.tensor([[[3.0, 3.0, 3.0, 3.0]], [[0.1, 0.1, 0.1, 0.1]]])]  # norms 6 and .2
    for degree, expected in ((1, [3.0, 1.0]), (2, [1.0, 1.0]), (3, [1 / 3, 1.0])):
        begin, rate, *_ = scale_free(members, weights, lambda: torch.zeros(2), degree)
        begin(0)
        assert rate(torch.zeros(2), 1).tolist() == pytest.approx(expected)


def test_steady_schedule_follows_the_curvature_of_the_logarithm() -> None:
    """With weights 3 times as large, of degree M: steps 3^(2 - 2M) times as large."""
    members = rates(learning_rate=[1.0, 2.0])
    for degree, expected in ((1, [1.0, 2.0]), (2, [1 / 9, 2.0]), (3, [1 / 81, 2.0])):
        weights = [torch.full((2, 4, 3), 0.5), torch.full((2, 1, 4), 0.5)]
        begin, rate, *_ = steady(members, weights, lambda: torch.zeros(2), degree)
        begin(0)
        assert rate(torch.zeros(2), 1).tolist() == [1.0, 2.0]
        for weight in weights:
            weight[0] *= 3
        assert rate(torch.zeros(2), 7).tolist() == pytest.approx(expected)


def test_loss_based_schedule_takes_back_epochs_that_raised_the_loss() -> None:
    """Two members: the first one's loss falls by 400 nats, the second one's rises."""
    weight, losses = torch.zeros(2, 1, 1, dtype=torch.float64), torch.tensor([-1000.0, -5.0], dtype=torch.float64)
    members = rates(learning_rate=[0.1, 0.1])
    begin, rate, end, _ = loss_based(members, [weight], lambda: losses)
    begin(0)
    batch = torch.tensor([-1001.0, -5.0], dtype=torch.float64)
    assert rate(batch, 1).tolist() == pytest.approx([0.1 / math.e, 0.1])
    weight += 7
    losses = torch.tensor([-1400.0, -4.0], dtype=torch.float64)
    end()
    assert weight.ravel().tolist() == [7.0, 0.0]
    now = rate(torch.tensor([-1400.0, -5.0], dtype=torch.float64), 2)
    assert now.tolist() == pytest.approx([0.1 * 2**0.2, 0.1 * 2**-0.1])


def test_stopping_once_fitted_keeps_the_weights_that_fit() -> None:
    """Full batch: a member stops at the first weights without training error, another that never fits goes on."""
    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(1, 6, 8, dtype=torch.float64, generator=source)
    labels = inputs[..., 0].sign().expand(2, -1)
    members, network = rates(learning_rate=[0.01, 1e-12]), mlp(8, width=5)
    ways: dict[bool, list[list[torch.Tensor]]] = {}
    for stop in (True, False):
        weights = initialise(network, [1, 1], dtype=torch.float64)
        ways[stop] = []
        pauses = descend(
            network, weights, inputs, labels, members, loss=logistic, optimizer=sgd(), epochs=600,
            batch_size="full", checkpoints=range(601), stop="fitted" if stop else "last",
        )  # fmt: skip
        masks = []
        for _, _, stopped in pauses:
            ways[stop].append([weight.detach().clone() for weight in weights])
            masks.append(stopped.tolist())
        assert masks[-1] == [stop, False]
    fits = [bool((forward(network, each, inputs[0]) * labels > 0)[0].all()) for each in ways[False]]
    first = fits.index(True)
    assert 0 < first < 599
    for layer in range(2):
        assert torch.equal(ways[True][first - 1][layer], ways[False][first - 1][layer])
        assert torch.equal(ways[True][-1][layer][0], ways[False][first][layer][0])
        assert torch.equal(ways[True][-1][layer][1], ways[False][-1][layer][1])


def test_stopping_at_no_loss_leaves_every_margin_at_the_label_scale_or_above() -> None:
    """Full batch, hinge loss: later than at the first fit, each member at a label scale of its own."""
    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(1, 6, 8, dtype=torch.float64, generator=source)
    labels = inputs[..., 0].sign().expand(2, -1)
    members, network = rates(learning_rate=[1e-3, 1e-3], label_scale=[1.0, 3.0]), mlp(8)
    least = {}
    for stop in ("fitted", "no_loss"):
        weights = initialise(network, [1, 1], dtype=torch.float64)
        pauses = descend(
            network, weights, inputs, labels, members, loss=hinge, optimizer=sgd(), epochs=3000, batch_size="full",
            checkpoints=[3000], stop=stop,
        )  # fmt: skip
        assert [stopped.tolist() for _, _, stopped in pauses] == [[True, True]]
        least[stop] = (forward(network, weights, inputs[0]) * labels).amin(1)
    assert (least["no_loss"] >= members.label_scale).all()
    assert (least["no_loss"] < 1.5 * members.label_scale).all()
    assert (least["fitted"] > 0).all()
    assert (least["fitted"] < members.label_scale).all()


@pytest.mark.parametrize("optimizer", [sgd(), nero()], ids=["sgd", "nero"])
def test_training_ends_once_all_have_stopped(optimizer: Optimizer) -> None:
    """A million epochs of fitted members take no time, and leave weights and checkpoints as they are."""
    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(1, 6, 8, dtype=torch.float64, generator=source)
    labels = inputs[..., 0].sign().expand(2, -1)
    ends, network = [], mlp(8, width=5)
    for epochs in (3000, 10**6):
        weights = initialise(network, [1, 2], dtype=torch.float64)
        pauses = descend(
            network, weights, inputs, labels, rates(learning_rate=[0.02, 0.01]), loss=logistic,
            optimizer=optimizer, epochs=epochs, batch_size=3, checkpoints=[0, 2 * epochs - 1, 2 * epochs],
            stop="fitted",
        )  # fmt: skip
        assert [step for step, _, _ in pauses] == [0, 2 * epochs - 1, 2 * epochs]
        ends.append(weights)
        assert bool((forward(network, weights, inputs[0]) * labels > 0).all())
    for short, long in zip(*ends, strict=True):
        assert torch.equal(short, long)


@pytest.mark.parametrize(
    ("before", "after", "rate", "epochs"), [(sgd(), linf(), 0.01, 600), (nero(), sgd(), 0.02, 100)], ids=["sgd", "nero"]
)
def test_another_rule_until_the_fit(before: Optimizer, after: Optimizer, rate: float, epochs: int) -> None:
    """A member goes the first rule's way to its fit, also if that projects, then the second's; or it never fits."""
    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(1, 6, 8, dtype=torch.float64, generator=source)
    labels = inputs[..., 0].sign().expand(2, -1)
    members, network = rates(learning_rate=[rate, 1e-12]), mlp(8, width=5)

    def way(optimizer: Optimizer, until_fit: Optimizer | None, start: list[torch.Tensor]) -> list[list[torch.Tensor]]:
        weights = [weight.clone() for weight in start]
        pauses = descend(
            network, weights, inputs, labels, members, loss=logistic, optimizer=optimizer, epochs=epochs,
            batch_size="full", checkpoints=range(epochs + 1), until_fit=until_fit,
        )  # fmt: skip
        return [[weight.detach().clone() for weight in weights] for _ in pauses]

    start = initialise(network, [1, 1], dtype=torch.float64)
    first, switched = way(before, None, start), way(after, before, start)
    fits = [bool((forward(network, each, inputs[0]) * labels > 0)[0].all()) for each in first]
    at = fits.index(True)
    assert 0 < at < epochs - 1
    then = way(after, None, first[at])
    for layer in range(2):
        for step in range(at + 1):
            assert torch.equal(switched[step][layer], first[step][layer])
        for step in range(at + 1, epochs + 1):
            assert torch.equal(switched[step][layer][0], then[step - at][layer][0])
            assert torch.equal(switched[step][layer][1], first[step][layer][1])
        assert not torch.allclose(switched[-1][layer][0], first[-1][layer][0])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_catalogue_says_which_rules_may_take_over(name: str) -> None:
    """Those that stand still at a rate of 0, and whose second step is the same whether the first was theirs."""
    source = torch.Generator().manual_seed(0)
    gradients = [
        [Gradient(*torch.randn(2, 1, 3, 4, dtype=torch.float64, generator=source))] for _ in range(3)
    ]  # fmt: skip
    start = torch.randn(1, 4, 4, dtype=torch.float64, generator=source)
    rule = resolve(OPTIMIZERS[name])()
    ends = []
    for earlier in ([], gradients[:1]):  # another gradient, before the last two
        weight, zero = start.clone(), torch.zeros(1, dtype=torch.float64)
        state = rule.init([weight])
        for step, each in enumerate([*earlier, gradients[1]], start=1):
            rule.update(each, state, [weight], zero, step)
        rule.update(gradients[2], state, [weight], zero + 0.01, len(earlier) + 2)
        ends.append(weight - start)
    assert torch.allclose(*ends, rtol=1e-9) == OPTIMIZERS[name].restartable


def test_chunks_are_as_few_and_as_equal_as_memory_allows() -> None:
    assert members_at_once(10, 7, 10**6) == 7
    assert members_at_once(10, 7, 100) == 4  # 40 bytes hold four; two chunks of 4 and 3
    assert members_at_once(10, 7, 1) == 1
    assert members_at_once(10, 7, 10**6, most=3) == 3
    assert members_at_once(10, 7, 10**6, most=5) == 4  # two chunks of 4 and 3
    assert members_at_once(10, 7, 50, most=5) == 2  # 20 bytes hold two


def test_a_processor_trains_fewer_members_of_wide_networks_together() -> None:
    assert mlp(20, depth=2, width=64).on_one_processor > 1000
    assert mlp(64, depth=7, width=256).on_one_processor == 12
    assert mlp(784, depth=7, width=3000).on_one_processor == 1


def test_a_member_needs_room_for_weights_copies_gradients_and_activations() -> None:
    network = mlp(20, depth=3, width=10)
    weights, rows = 10 * 20 + 10 * 10 + 10, 10 + 10 + 1
    block, activations = 200, 20 + 4 * rows
    assert bytes_each(network, 7, 4, [sgd()]) == 4 * (weights + block + 7 * activations)
    assert bytes_each(network, 7, 8, [nero()], copies=2) == 8 * (3 * weights + block + rows + 7 * activations)


def test_every_member_sees_its_own_order_of_every_point() -> None:
    """A run of plain torch over the order that the member's generator gives ends at the same weights."""
    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(2, 7, 4, dtype=torch.float64, generator=source)
    labels = inputs[..., 0].sign()
    members = Members(
        task_index=torch.tensor([0, 1, 1]),
        order_seeds=[11, 12, 13],
        label_scale=torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64),
        learning_rate=torch.tensor([0.01, 0.02, 0.03], dtype=torch.float64),
        decay=torch.tensor([0.9, 0.8, 1.0], dtype=torch.float64),
        step_exponent=torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64),
    )
    network = mlp(4, depth=3, width=5)
    weights = initialise(network, range(3), dtype=torch.float64)
    theirs = [[weight[k].clone().requires_grad_(True) for weight in weights] for k in range(3)]
    steps = [
        step
        for step, alive, _ in descend(
            network, weights, inputs, labels[members.task_index], members, loss=square, optimizer=sgd(),
            epochs=4, batch_size=3, checkpoints=[0, 5, 12],
        )
        if alive.all()
    ]  # fmt: skip
    assert steps == [0, 5, 12]
    for member, own in enumerate(theirs):
        order = torch.Generator().manual_seed(members.order_seeds[member])
        task = members.task_index[member]
        for epoch in range(4):
            rate = float(members.learning_rate[member] * members.decay[member] ** epoch)
            for number, batch in enumerate(torch.randperm(7, generator=order).split(3), start=3 * epoch + 1):
                optimizer = torch.optim.SGD(own, lr=rate / number ** float(members.step_exponent[member]))
                optimizer.zero_grad()
                outputs = forward(network, [weight[None] for weight in own], inputs[task, batch])[0]
                (outputs - members.label_scale[member] * labels[task, batch]).square().mean().backward()
                optimizer.step()
        for weight, expected in zip(weights, own, strict=True):
            assert torch.allclose(weight[member], expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("batch_size", [3, "full"])
def test_a_diverged_member_stays_nan_and_harms_nobody(batch_size) -> None:
    inputs = torch.randn(1, 6, 4, generator=torch.Generator().manual_seed(0))
    labels, network = inputs[..., 0].sign(), mlp(4, depth=3, width=5)

    def run(rates: list[float]) -> tuple[list[torch.Tensor], torch.Tensor]:
        number = len(rates)
        ones, task = torch.ones(number), torch.zeros(number, dtype=torch.long)
        weights = initialise(network, [7] * number)
        members = Members(task, [3] * number, ones, torch.tensor(rates), ones, 0 * ones)
        (_, alive, _), = descend(
            network, weights, inputs, labels[members.task_index], members, loss=square, optimizer=sgd(),
            epochs=40, batch_size=batch_size, checkpoints=[80 if batch_size == 3 else 40],
        )  # fmt: skip
        return weights, alive

    weights, alive = run([0.01, 1e6, 0.01])
    assert alive.tolist() == [True, False, True]
    alone, _ = run([0.01])
    for weight, one in zip(weights, alone, strict=True):
        assert weight[1].isnan().all()
        assert torch.allclose(weight[2], one[0], rtol=1e-5)


def test_loss_based_training_ends_at_weights_that_were_accepted() -> None:
    """The loss at the last checkpoint is the lowest of all epochs, however wild the last one was."""
    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(1, 20, 5, dtype=torch.float64, generator=source)
    labels = inputs[..., 0].sign().expand(2, -1)
    network = mlp(5, width=8)
    weights, found = initialise(network, [1, 2], dtype=torch.float64), []
    for _ in descend(
        network, weights, inputs, labels, rates(learning_rate=[0.1, 1.0]), loss=log_logistic, optimizer=sgd(),
        epochs=60, batch_size=6, checkpoints=range(0, 241, 4), schedule=loss_based,
    ):  # fmt: skip
        with torch.no_grad():
            found.append(log_logistic(forward(network, weights, inputs[[0, 0]]), labels, torch.ones(2)))
    losses = torch.stack(found)
    assert torch.equal(losses.cummin(0).values, losses)
    assert (losses[-1] < losses[0] - 1.5).all()
