"""The ensemble loop: stacked members, each with its own data, data order, learning rate and label scale.

Nothing in the loop waits for the device: divergence is a mask, and losses are looked at only when the
log gets a line (and, where members may stop early, every few epochs whether all have).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from math import ceil
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from implicitbias.losses import margins
from implicitbias.networks import Network
from implicitbias.networks.stacked import forward
from implicitbias.optimizers.base import Optimizer
from implicitbias.progress import Progress
from implicitbias.shapes.tensors import Outputs, PerMember, WeightList, Weights
from implicitbias.training.curve import LossCurve
from implicitbias.training.pull import Loss
from implicitbias.training.saved import State
from implicitbias.training.schedules import Builder, decaying
from implicitbias.training.steps import slopes

_LOOK = 10  # epochs between looks at whether all members have stopped


class Members(NamedTuple):
    """What tells the members of an ensemble apart, in the dtype and on the device of their weights.

    Attributes:
        task_index: `(member,)` index of the member's task (its data).
        order_seeds: seed of each member's data order.
        label_scale: `(member,)` alpha.
        learning_rate: `(member,)` at the start.
        decay: `(member,)` factor on the learning rate after every epoch.
        step_exponent: `(member,)` the learning rate is divided by the step's number to this power.
    """

    task_index: Int[Tensor, " member"]
    order_seeds: Sequence[int]
    label_scale: PerMember
    learning_rate: PerMember
    decay: PerMember
    step_exponent: PerMember


def steps_per_epoch(points: int, batch_size: int | str) -> int:
    """Minibatches in one pass through the training set; the last one may be smaller."""
    return 1 if batch_size == "full" else ceil(points / int(batch_size))


def descend(
    network: Network,
    weights: WeightList,
    inputs: Float[Tensor, "task n d"],
    targets: Float[Tensor, "member n *classes"],
    members: Members,
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | str,
    checkpoints: Collection[int],
    schedule: Builder = decaying,
    stop: str = "last",
    until_fit: Optimizer | None = None,
    curve: LossCurve | None = None,
    begin: State | None = None,
    offer: Callable[[Callable[[], State]], None] | None = None,
    description: str = "training",
) -> Iterator[tuple[int, Bool[Tensor, " member"], Bool[Tensor, " member"]]]:
    """Train all members in place, and pause at every checkpoint.

    A member whose loss is not finite has diverged: its learning rate becomes NaN, and with it its weights,
    for good.

    Args:
        network: whose weights these are.
        weights: tensors `(member, out, in)`.
        inputs: `(task, n, d)` training inputs.
        targets: `(member, n)` what each member's outputs are fitted to at label scale 1 (labels +-1, or others of
            their signs), in the dtype of the weights; of networks with C outputs `(member, n, C)`.
        members: what tells the members apart.
        loss: `(outputs, targets, label_scale) -> (member,)`.
        optimizer: the update rule.
        epochs: passes through the training set.
        batch_size: points a step, or "full".
        checkpoints: steps to pause after; 0 is before the first, after the optimizer's projection.
        schedule: of the learning rate (see `training.schedules`).
        stop: once an epoch had no wrong sign ("fitted") or no loss ("no_loss") a member stays as it is. With the whole
            training set as one batch, this is said of the very weights that it stops at. With "last" none stops.
        until_fit: another update rule for a member's steps until then; the `optimizer`, which takes over, has to be one
            that stands still at a learning rate of 0 and does not remember more than the last gradient.
        curve: takes in the loss of every batch.
        begin: the state to go on from, after which no pause is made again.
        offer: is called after every epoch with a function that makes the state.
        description: of the lines in the log.

    Yields:
        The step, and two `(member,)` bools: where every loss so far was finite, and where an epoch had no wrong sign or
        no loss (followed only if `stop` or `until_fit` asks for it).
    """
    trained = weights[network.trained]
    state = optimizer.init(trained)
    first_state = until_fit.init(trained) if until_fit else None
    stops = stop != "last"
    watched = stops or until_fit is not None
    alive = torch.ones_like(members.task_index, dtype=torch.bool)
    fitted = ~alive

    @torch.no_grad()
    def whole_loss() -> PerMember:
        outputs = forward(network, weights, inputs[members.task_index], [])  # as in training, to the last bit
        return loss(outputs, targets, members.label_scale)

    begin_epoch, rate, end_epoch, kept_by_schedule = schedule(members, trained, whole_loss, network.leading_degree)
    step, in_epoch, done = 0, steps_per_epoch(inputs.shape[1], batch_size), 0
    if begin is not None:
        done, alive, fitted, state, first_state = (
            begin[key] for key in ("epochs", "alive", "fitted", "state", "first_state")
        )
        step = done * in_epoch
        with torch.no_grad():
            for now, then in zip([*trained, *kept_by_schedule], begin["tensors"], strict=True):
                now.copy_(then)
        if curve is not None:
            curve.sums.update(begin["curve"])

    def whole_state() -> State:
        return {
            "epochs": epoch + 1, "alive": alive, "fitted": fitted, "state": state, "first_state": first_state,
            "tensors": [*trained, *kept_by_schedule],
            "curve": {} if curve is None else curve.sums,
        }  # fmt: skip

    if step in checkpoints and begin is None:
        yield step, alive, fitted
    with Progress(epochs, description, "epoch", done) as progress:
        for epoch, batches in enumerate(_epochs(inputs, targets, members, batch_size, epochs)):
            if epoch < done:  # its order is drawn, and left
                continue
            begin_epoch(epoch)
            right = ~fitted
            for x, y in batches:
                step += 1
                outputs, losses, gradients = slopes(network, weights, x, y, members.label_scale, loss)
                if curve is not None:
                    curve.add(epoch + 1, losses, x.shape[1] / inputs.shape[1])
                with torch.no_grad():
                    alive = alive & torch.isfinite(losses)
                    learning_rate = rate(losses, step)
                    if watched:
                        right = right & (losses == 0 if stop == "no_loss" else (margins(outputs, y) > 0).all(1))
                        if batch_size == "full":
                            fitted = fitted | right
                    here = gradients[network.trained]
                    learning_rate = learning_rate.where(alive, torch.nan)
                    kept = [weight.clone() for weight in trained] if watched else []
                    if until_fit:
                        until_fit.update(here, first_state, trained, learning_rate, step)
                        _put_back(trained, kept, fitted)
                        learning_rate = learning_rate.where(fitted, 0)
                    optimizer.update(here, state, trained, learning_rate, step)
                    if stops:
                        _put_back(trained, kept, fitted)
                if step % in_epoch == 0:
                    end_epoch()
                if step in checkpoints:
                    yield step, alive, fitted
            if watched:
                fitted = fitted | right
            if stops and epoch % _LOOK == 0 and bool((fitted | ~alive).all()):
                yield from ((later, alive, fitted) for later in sorted(checkpoints) if later > step)
                break
            progress.update(figures=partial(_figures, outputs, y, losses, alive))
            if offer is not None:
                offer(whole_state)


def _figures(outputs: Outputs, targets: Outputs, losses: PerMember, alive: Bool[Tensor, " member"]) -> str:
    """Of a batch, for the log; an output that is no number errs."""
    wrong = 1 - (margins(outputs, targets) > 0).double().mean()
    lost = len(alive) - int(alive.sum())
    return f"loss {losses.nanmean():.3g}, error {wrong:.3f}" + (f", {lost} of {len(alive)} diverged" if lost else "")


def _put_back(weights: Weights, kept: Weights, members: Bool[Tensor, " member"]) -> None:
    """Undo a step of some members: a learning rate of 0 would not do for a rule that projects the weights."""
    for weight, old in zip(weights, kept, strict=True):
        weight.copy_(torch.where(members[:, None, None], old, weight))


def descend_alike(
    network: Network,
    weights: WeightList,
    inputs: Float[Tensor, "n d"],
    targets: Float[Tensor, " n"],
    order_seeds: Sequence[int],
    learning_rate: float,
    **settings: Any,
) -> None:
    """Train members of one task at one constant learning rate in place, from the start to the end.

    Args:
        network: whose weights these are.
        weights: tensors `(member, out, in)`.
        inputs: `(n, d)`.
        targets: `(n,)`.
        order_seeds: seeds of the members' data orders.
        learning_rate: of all.
        **settings: of `descend`.
    """
    one = torch.ones(len(order_seeds), dtype=inputs.dtype, device=inputs.device)
    members = Members(torch.zeros_like(one, dtype=torch.long), order_seeds, one, learning_rate * one, one, 0 * one)
    for _ in descend(network, weights, inputs[None], targets.expand(len(one), -1), members, checkpoints=(), **settings):
        pass


def _epochs(
    inputs: Float[Tensor, "task n d"],
    targets: Float[Tensor, "member n *classes"],
    members: Members,
    batch_size: int | str,
    epochs: int,
) -> Iterator[Iterator[tuple[Float[Tensor, "member batch d"], Outputs]]]:
    """For every epoch its minibatches, inputs and targets.

    Every member shuffles its training points by a generator of its own. A batch that holds all points is
    gathered once and not shuffled.
    """
    tasks, points = inputs.shape[:2]
    size = points if batch_size == "full" else int(batch_size)
    if size >= points:
        whole = inputs[members.task_index], targets
        for _ in range(epochs):
            yield iter([whole])
        return
    generators = [torch.Generator().manual_seed(seed) for seed in members.order_seeds]
    flat, start = inputs.reshape(tasks * points, -1), points * members.task_index[:, None]
    for _ in range(epochs):
        shuffled = torch.stack([torch.randperm(points, generator=generator) for generator in generators])
        order = shuffled.to(inputs.device, non_blocking=True)
        yield (
            (
                flat.index_select(0, (chosen + start).flatten()).view(*chosen.shape, -1),
                targets.gather(1, chosen if targets.ndim == 2 else chosen[..., None].expand(-1, -1, targets.shape[2])),
            )
            for chosen in torch.split(order, size, dim=1)
        )
