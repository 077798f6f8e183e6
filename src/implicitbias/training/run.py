"""The training stage: the networks of a run, found on a task by gradient descent."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float, Shaped
from torch import Tensor

from implicitbias.catalogue import INITIALISATIONS, LOSSES, OPTIMIZERS, PER_MEMBER, SCHEDULES, TARGETS, resolve
from implicitbias.errors import ConfigError
from implicitbias.logs import note
from implicitbias.networks import Network
from implicitbias.networks.initialisation import Rule
from implicitbias.networks.of_task import network_for
from implicitbias.networks.stacked import initialise
from implicitbias.optimizers.base import Optimizer
from implicitbias.rng import derive_seed
from implicitbias.schema import describe, parameters_of, variable
from implicitbias.training.checkpoints import checkpoint_steps
from implicitbias.training.curve import LossCurve
from implicitbias.training.loop import Members, descend, steps_per_epoch
from implicitbias.training.memory import bytes_each, free_bytes, members_at_once
from implicitbias.training.pull import Loss
from implicitbias.training.saved import Saved, State
from implicitbias.training.schedules import Builder
from implicitbias.training.snapshots import snapshot
from implicitbias.training.span import Span, expand, reduce, span_of
from implicitbias.training.targets import Targets


class Data(NamedTuple):
    """A task on the device.

    Attributes:
        seeds: of its parts.
        train_input: `(task, n, d)`.
        train_label: `(task, n)` of +-1, or of C classes `(task, n, C)` one-hot vectors less 1/C.
        test_input: `(m, d)` shared by all, or `(task, m, d)`.
        span: of the training inputs, if the networks are trained there.
    """

    seeds: list[int]
    train_input: Float[Tensor, "task n d"]
    train_label: Float[Tensor, "task n *classes"]
    test_input: Float[Tensor, "m d"] | Float[Tensor, "task m d"]
    span: Span | None


class Rules(NamedTuple):
    """What the names of the parameters stand for."""

    loss: Loss
    draw: Rule
    targets: Targets
    schedule: Builder
    optimizer: Optimizer
    until_fit: Optimizer | None
    rotates: bool
    """Whether the steps commute with rotations of the inputs."""


def train(
    task: xr.Dataset,
    *,
    network: Mapping[str, Any],
    training: Mapping[str, Any],
    ensemble: Mapping[str, Sequence[float]],
    device: str = "cpu",
    memory_bytes: int | None = None,
    keep_weights: bool = True,
    saved: Saved | None = None,
) -> xr.Dataset:
    """Train the product of task seeds, ensemble axes and members as stacked ensembles.

    A member's initial weights, data order and target draws depend on its task seed and number alone: it equals its
    solo run (to the last bit on one CPU thread; with logistic losses up to rounding, for torch's logarithm of a number
    depends on where it stands in an array), and runs that differ in label scale or learning rate start from the same
    networks.

    Args:
        task: from `tasks.build`.
        network: the networks' parameters, as `network_of` takes them.
        training: all keys of the config's training block that are not in `ensemble` (of optimizers' parameters, its
            own optimizer's).
        ensemble: axis -> values, for axes of `catalogue.PER_MEMBER` that are trained together.
        device: torch device.
        memory_bytes: memory to count on; None asks the machine. It decides the chunks, never the results.
        keep_weights: whether the result holds the weights, which for wide networks are nearly all of it.
        saved: where the state is written while it trains, and what it goes on from if it was cut off: to the same
            numbers, to the last bit.

    Returns:
        Dimensions `seed`, the axes of `ensemble`, `member`, `step`, of several outputs `class`; variables
        `train_output`, `test_output`, `train_loss` (over the whole training set), `frobenius_norm` (by `layer`),
        `weight_0`, `weight_1`, …, `loss_curve` (by `epoch` instead of `step`), `stop_reason` ("finished", "fitted" or
        "diverged"). A member is NaN from its divergence on.

    Raises:
        ConfigError: for an ensemble axis that members cannot differ in, checkpoints beyond the run, or a
            network that the optimizer cannot train.
    """
    if foreign := [name for name in ensemble if name not in PER_MEMBER]:
        raise ConfigError(f"ensemble: members cannot differ in {foreign[0]!r}; allowed: {', '.join(PER_MEMBER)}")
    built = network_for(network, task)
    rules = _rules(built, training)
    data = _data(task, getattr(torch, training["dtype"]), torch.device(device), rules.rotates)
    points = data.train_input.shape[1]
    total = training["epochs"] * steps_per_epoch(points, training["batch_size"])
    steps = checkpoint_steps(training["checkpoints"], total)
    axes: dict[str, Sequence[Any]] = {"seed": data.seeds, **ensemble, "member": range(training["members"])}
    members = [{**training, **dict(zip(axes, point, strict=True))} for point in product(*axes.values())]

    batch = points if training["batch_size"] == "full" else min(points, training["batch_size"])
    copies = (training["stop"] != "last") + (rules.until_fit is not None) + (training["schedule"] == "loss_based")
    used = [rule for rule in (rules.optimizer, rules.until_fit) if rule is not None]
    each = bytes_each(built, batch, data.train_input.itemsize, used, copies + (data.span is not None))
    free = free_bytes(data.train_input.device) if memory_bytes is None else memory_bytes
    most = built.on_one_processor * torch.get_num_threads() if device == "cpu" else None
    chunk = members_at_once(each, len(members), free, most)

    cut_off = None if saved is None else saved.load(data.train_input.device)
    found = _Found.of(cut_off, len(members), len(steps))
    while found.start < len(members):
        begin = cut_off and cut_off["loop"]
        here = slice(found.start, cut_off["stop"] if cut_off else min(found.start + chunk, len(members)))
        description = f"training {here.start + 1}-{here.stop} of {len(members)}"
        if begin:
            note(f"{description} goes on after {begin['epochs']} epochs, where it was cut off")
        curve = LossCurve(training["epochs"])

        def offer(loop: Callable[[], State], stop: int = here.stop) -> None:
            if saved is not None:
                saved.offer(lambda: {**found.state(), "stop": stop, "loop": loop()})

        pauses = _train_chunk(
            members[here], data, rules, built, training, steps, keep_weights, curve, begin, offer, description
        )
        for arrays, reasons in pauses:
            found.take(here, arrays, reasons)
        found.finish(here.stop, curve.values())
        cut_off = None
    stop_reason = np.array(found.stop_reason)

    if lost := int((stop_reason == "diverged").sum()):
        note(f"{lost} of {len(members)} networks diverged")
    lead = tuple(len(values) for values in axes.values())
    arranged = {name: values.reshape(*lead, *values.shape[1:]) for name, values in found.kept.items()}
    dataset = _dataset(arranged, stop_reason.reshape(lead), axes, steps, task)
    losses = np.concatenate(found.curves).reshape(*lead, -1)
    told = "loss over the training set, of each batch before its step"
    epochs = LossCurve(training["epochs"]).epochs
    dataset = dataset.assign_coords(epoch=epochs).assign(loss_curve=variable((*axes, "epoch"), losses, told))
    parameters = {
        "task": parameters_of(task), "network": dict(network), "training": dict(training),
        "ensemble": {name: list(values) for name, values in ensemble.items()},
    }  # fmt: skip
    return describe(
        dataset, f"networks trained by {training['optimizer']}", parameters,
        device=torch.device(device).type, dtype=training["dtype"],
        weights="kept" if keep_weights else "left out",
    )  # fmt: skip


@dataclass
class _Found:
    """What has come out so far, of all members.

    Attributes:
        kept: arrays by name.
        stop_reason: of every member.
        curves: of the chunks of members that are done.
        start: number of members that are done.
        at: number of pauses of the members that are being trained.
    """

    stop_reason: list[str]
    steps: int
    kept: dict[str, Shaped[np.ndarray, "member step ..."]] = field(default_factory=dict)
    curves: list[Float[np.ndarray, "member epoch"]] = field(default_factory=list)
    start: int = 0
    at: int = 0

    @classmethod
    def of(cls, state: State | None, members: int, steps: int) -> "_Found":
        """Nothing yet, or what a training that was cut off had."""
        if state is None:
            return cls(["finished"] * members, steps)
        kept = {name: values.cpu().numpy() for name, values in state["kept"].items()}
        curves = [values.cpu().numpy() for values in state["curves"]]
        return cls(state["stop_reason"], steps, kept, curves, state["start"], state["at"])

    def state(self) -> State:
        """All of it, to be saved."""
        return {
            "kept": {name: torch.from_numpy(values) for name, values in self.kept.items()},
            "curves": [torch.from_numpy(values) for values in self.curves],
            "stop_reason": self.stop_reason, "start": self.start, "at": self.at,
        }  # fmt: skip

    def take(self, here: slice, arrays: Mapping[str, Shaped[np.ndarray, "member ..."]], reasons: np.ndarray) -> None:
        """What some members have at a pause."""
        self.stop_reason[here] = reasons.tolist()
        for name, values in arrays.items():
            if name not in self.kept:
                self.kept[name] = np.empty((len(self.stop_reason), self.steps, *values.shape[1:]), values.dtype)
            self.kept[name][here, self.at] = values
        self.at += 1

    def finish(self, stop: int, curve: Float[np.ndarray, "member epoch"]) -> None:
        """The members up to this one are done."""
        self.curves.append(curve)
        self.start, self.at = stop, 0


def _rules(network: Network, training: Mapping[str, Any]) -> Rules:
    entries = [OPTIMIZERS[name] for name in (training["optimizer"], training["until_fit"]) if name]
    optimizer, *first = [
        resolve(entry)(**{name: training.get(name, number.default) for name, number in entry.parameters.items()})
        for entry in entries
    ]
    return Rules(
        loss=resolve(LOSSES[training["loss"]]),
        draw=resolve(INITIALISATIONS[training["init"]]),
        targets=resolve(TARGETS[training["targets"]]),
        schedule=resolve(SCHEDULES[training["schedule"]]),
        optimizer=optimizer,
        until_fit=next(iter(first), None),
        rotates=all(entry.equivariant for entry in entries)
        and not training.get("weight_decay")
        and network.is_dense
        and network.weights[0].inputs == network.features,  # nothing, such as pooling, comes before the first layer
    )


def _data(task: xr.Dataset, dtype: torch.dtype, device: torch.device, rotates: bool) -> Data:
    tensor = partial(torch.as_tensor, dtype=dtype, device=device)
    inputs, labels, test = (tensor(task[name].values) for name in ("train_input", "train_label", "test_input"))
    if count := task.sizes.get("class"):
        labels = torch.eye(count, dtype=dtype, device=device)[labels.long()] - 1 / count
    span = span_of(inputs) if rotates and inputs.shape[2] > inputs.shape[1] else None
    return Data(task["seed"].values.tolist(), inputs, labels, test, span)


def _train_chunk(
    members: Sequence[Mapping[str, Any]], data: Data, rules: Rules, network: Network,
    training: Mapping[str, Any], steps: Sequence[int], keep_weights: bool, curve: LossCurve,
    begin: State | None, offer: Callable[[Callable[[], State]], None], description: str,
) -> Iterator[tuple[dict[str, Shaped[np.ndarray, "member ..."]], np.ndarray]]:  # fmt: skip
    """At every checkpoint what is kept of these members, and why they have stopped."""

    def seeds(purpose: str) -> list[int]:
        return [derive_seed(purpose, each["seed"], each["member"]) for each in members]

    together = _together(members, data, seeds("data order"))
    weights = initialise(  # the optimizer projects rows that obey a constraint
        network, seeds("initialisation"), [each["init_scale"] for each in members], data.train_input.dtype,
        data.train_input.device, rule=rules.draw, projected=False,
    )  # fmt: skip
    targets = rules.targets(data.train_input, data.train_label, together.task_index, seeds("targets"), network)
    initial = within = weights[0]
    if data.span is not None:
        within = reduce(data.span, initial, together.task_index)
        weights = [within.clone(), *weights[1:]]
    pauses = descend(
        network, weights, data.train_input if data.span is None else data.span.inputs, targets, together,
        loss=rules.loss, optimizer=rules.optimizer, epochs=training["epochs"],
        batch_size=training["batch_size"], checkpoints=steps, schedule=rules.schedule,
        stop=training["stop"], until_fit=rules.until_fit, curve=curve,
        begin=begin, offer=offer, description=description,
    )  # fmt: skip
    for _, alive, fitted in pauses:
        whole = weights
        if data.span is not None:
            whole = [expand(data.span, initial, weights[0] - within, together.task_index), *weights[1:]]
        arrays = snapshot(
            network, whole, data.train_input, targets, data.test_input, together, alive, rules.loss, keep_weights
        )
        stopped = fitted.cpu().numpy() & (training["stop"] != "last")
        diverged = np.isnan(arrays["train_loss"])
        yield arrays, np.where(diverged, "diverged", np.where(stopped, training["stop"], "finished"))


def _together(members: Sequence[Mapping[str, Any]], data: Data, order_seeds: list[int]) -> Members:
    def values(name: str) -> Float[Tensor, " member"]:
        return data.train_input.new_tensor([each[name] for each in members])

    return Members(
        task_index=torch.tensor([data.seeds.index(each["seed"]) for each in members], device=data.train_input.device),
        order_seeds=order_seeds,
        label_scale=values("label_scale"),
        learning_rate=values("learning_rate"),
        decay=values("decay"),
        step_exponent=values("step_exponent"),
    )


def _dataset(
    arrays: Mapping[str, np.ndarray],
    stop_reason: np.ndarray,
    axes: Mapping[str, Sequence[Any]],
    steps: Sequence[int],
    task: xr.Dataset,
) -> xr.Dataset:
    at_step = (*axes, "step")
    coords: dict[str, Any] = {name: np.asarray(values) for name, values in axes.items()} | {
        "step": steps,
        "layer": np.arange(arrays["frobenius_norm"].shape[-1]),
        "train_point": task["train_point"].values,
        "test_point": task["test_point"].values,
    }
    outputs: tuple[str, ...] = ()
    if "class" in task.sizes:
        outputs = ("class",)
        coords["class"] = task["class"].values
    described: dict[str, tuple[tuple[str, ...], str]] = {
        "train_output": (("train_point", *outputs), "output on the training points"),
        "test_output": (("test_point", *outputs), "output on the test points"),
        "train_loss": ((), "loss over the whole training set"),
        "frobenius_norm": (("layer",), "Frobenius norm of the layer"),
    }
    for name in arrays.keys() - described.keys():
        layer = name.removeprefix("weight_")
        rows, columns = arrays[name].shape[-2:]
        described[name] = ((f"neuron_{layer}", f"input_{layer}"), f"weights of layer {layer}")
        coords |= {f"neuron_{layer}": np.arange(rows), f"input_{layer}": np.arange(columns)}
    variables = {
        name: variable((*at_step, *dims), arrays[name], long_name) for name, (dims, long_name) in described.items()
    }
    variables["stop_reason"] = variable(tuple(axes), stop_reason, "why training stopped")
    return xr.Dataset(variables, coords)
