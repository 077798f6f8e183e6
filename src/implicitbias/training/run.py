"""The training stage: the networks of a run, found on a task by gradient descent."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from math import prod
from typing import Any

import numpy as np
import torch
import xarray as xr

from implicitbias.catalogue import INITIALISATIONS, LOSSES, OPTIMIZERS, SCHEDULES, TARGETS, resolve
from implicitbias.errors import ConfigError
from implicitbias.networks.homogeneity import degree
from implicitbias.networks.mlp import initialise, of_network
from implicitbias.rng import derive_seed
from implicitbias.schema import describe, parameters_of, variable
from implicitbias.shapes import layer_shapes, positions
from implicitbias.training.checkpoints import checkpoint_steps
from implicitbias.training.loop import Members, descend, steps_per_epoch
from implicitbias.training.memory import free_bytes, members_at_once
from implicitbias.training.snapshots import snapshot
from implicitbias.training.span import expand, reduce, span_of

PER_MEMBER = ("label_scale", "learning_rate", "decay", "step_exponent", "init_scale")
"""Parameters that may differ between the members of one ensemble."""


def train(
    task: xr.Dataset,
    *,
    network: Mapping[str, Any],
    training: Mapping[str, Any],
    ensemble: Mapping[str, Sequence[float]],
    device: str = "cpu",
    memory_bytes: int | None = None,
    keep_weights: bool = True,
) -> xr.Dataset:
    """Train the product of task seeds, ensemble axes and members as stacked ensembles.

    A member's initial weights, data order and target draws depend on its task seed and number alone: it equals its
    solo run (to the last bit on one CPU thread), and runs that differ in label scale or learning rate start from
    the same networks.

    Args:
        task: from `tasks.build`.
        network: architecture, activation and its parameters, depth, width, bias, output, residual, init_scale.
        training: optimizer and its hyperparameters, loss, init, targets, label_scale, learning_rate, decay, epochs,
            batch_size, members, dtype, checkpoints; schedule, step_exponent, stop, until_fit; init_scale if `network`
            does not have it.
        ensemble: axis -> values, for axes of `PER_MEMBER` that are trained together; they replace the scalar.
        device: torch device.
        memory_bytes: memory to count on; None asks the machine. It decides the chunks, never the results.
        keep_weights: whether the result holds the weights, which for wide networks are nearly all of it.

    Returns:
        Dimensions `seed`, the axes of `ensemble`, `member`, `step`; variables `train_output`, `test_output`,
        `train_loss` (over the whole training set), `frobenius_norm` (by `layer`), `weight_0`, `weight_1`, …,
        `stop_reason` ("finished", "fitted" or "diverged"). A member is NaN from its divergence on.

    Raises:
        ConfigError: for an ensemble axis that members cannot differ in, checkpoints beyond the run, or a
            network that the optimizer cannot train.
    """
    if foreign := [name for name in ensemble if name not in PER_MEMBER]:
        raise ConfigError(f"ensemble: members cannot differ in {foreign[0]!r}; allowed: {', '.join(PER_MEMBER)}")
    where, dtype = torch.device(device), getattr(torch, training["dtype"])
    tensor = partial(torch.as_tensor, dtype=dtype, device=where)
    train_input, train_label = tensor(task["train_input"].values), tensor(task["train_label"].values)
    test_input = tensor(task["test_input"].values)
    points, features = train_input.shape[1:]
    shape = network["depth"], network["width"], features
    defaults = {"bias": "none", "output": "trained", "architecture": "mlp"}
    built = {key: network.get(key, default) for key, default in defaults.items()}
    shapes = layer_shapes(*shape, built["bias"], built["architecture"])

    entries = [OPTIMIZERS[name] for name in (training["optimizer"], training.get("until_fit")) if name]
    optimizer, *first = [
        resolve(entry)(**{name: training.get(name, number.default) for name, number in entry.parameters.items()})
        for entry in entries
    ]
    form, loss = of_network(network), resolve(LOSSES[training["loss"]])
    draw = resolve(INITIALISATIONS[training.get("init", "fan_in")])
    rule = resolve(TARGETS[training.get("targets", "labels")])
    schedule = resolve(SCHEDULES[training.get("schedule", "decaying")])
    rotates = all(entry.equivariant for entry in entries) and not training.get("weight_decay") and not form.kernels
    span = span_of(train_input) if rotates and features > points else None
    stops = training.get("stop", "last") == "fitted"
    total = training["epochs"] * steps_per_epoch(points, training["batch_size"])
    steps = checkpoint_steps(training["checkpoints"], total)

    axes: dict[str, Sequence[Any]] = {
        "seed": task["seed"].values.tolist(),
        **ensemble,
        "member": range(training["members"]),
    }
    fixed = {"init_scale": 1.0, "step_exponent": 0.0, **training, **network}
    members = [{**fixed, **dict(zip(axes, point, strict=True))} for point in product(*axes.values())]

    batch = points if training["batch_size"] == "full" else min(points, training["batch_size"])
    copies = 1 + sum(each.buffers for each in (optimizer, *first)) + (span is not None)
    layers = zip(shapes, positions(network["depth"], features, built["architecture"]), strict=True)
    activations = features + sum(often * (4 * rows + (often > 1) * columns) for (rows, columns), often in layers)
    floats = copies * sum(map(prod, shapes)) + batch * activations
    free = free_bytes(where) if memory_bytes is None else memory_bytes
    chunk = members_at_once(floats * dtype.itemsize, len(members), free)

    kept: dict[str, np.ndarray] = {}
    stop_reason = np.full(len(members), "finished")
    for start in range(0, len(members), chunk):
        here = slice(start, min(start + chunk, len(members)))
        seeds = [derive_seed("initialisation", each["seed"], each["member"]) for each in members[here]]
        init_scale = [each["init_scale"] for each in members[here]]
        weights = initialise(*shape, seeds, init_scale, dtype, where, rule=draw, **built)
        together = Members(
            task=torch.tensor([axes["seed"].index(each["seed"]) for each in members[here]], device=where),
            order_seeds=[derive_seed("data order", each["seed"], each["member"]) for each in members[here]],
            label_scale=tensor([each["label_scale"] for each in members[here]]),
            learning_rate=tensor([each["learning_rate"] for each in members[here]]),
            decay=tensor([each["decay"] for each in members[here]]),
            step_exponent=tensor([each["step_exponent"] for each in members[here]]),
        )
        draws = [derive_seed("targets", each["seed"], each["member"]) for each in members[here]]
        targets = rule(train_input, train_label, together.task, draws, network)
        if span is not None:
            initial, within = weights[0], reduce(span, weights[0], together.task)
            weights = [within.clone(), *weights[1:]]
        pauses = descend(
            weights, train_input if span is None else span.inputs, targets, together,
            form=form, loss=loss, optimizer=optimizer,
            epochs=training["epochs"], batch_size=training["batch_size"], checkpoints=steps, schedule=schedule,
            degree=degree(network),
            stop_fitted=stops, until_fit=next(iter(first), None),
            description=f"training {here.start + 1}-{here.stop} of {len(members)}",
        )  # fmt: skip
        for step, alive, fitted in pauses:
            whole = weights
            if span is not None:
                whole = [expand(span, initial, weights[0].detach() - within, together.task), *weights[1:]]
            arrays = snapshot(whole, train_input, targets, test_input, together, alive, form, loss, keep_weights)
            for name, values in arrays.items():
                if name not in kept:
                    kept[name] = np.empty((len(members), len(steps), *values.shape[1:]), values.dtype)
                kept[name][here, steps.index(step)] = values
            if stops:
                stop_reason[here][fitted.cpu().numpy()] = "fitted"
        stop_reason[here][np.isnan(kept["train_loss"][here, -1])] = "diverged"

    lead = tuple(len(values) for values in axes.values())
    arranged = {name: values.reshape(*lead, *values.shape[1:]) for name, values in kept.items()}
    dataset = _dataset(arranged, stop_reason.reshape(lead), axes, steps, task)
    parameters = {
        "task": parameters_of(task), "network": dict(network), "training": dict(training),
        "ensemble": {name: list(values) for name, values in ensemble.items()},
    }  # fmt: skip
    return describe(
        dataset, f"networks trained by {training['optimizer']}", parameters,
        device=where.type, dtype=training["dtype"], torch_version=str(torch.__version__),
    )  # fmt: skip


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
    described: dict[str, tuple[tuple[str, ...], str]] = {
        "train_output": (("train_point",), "output on the training points"),
        "test_output": (("test_point",), "output on the test points"),
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
