"""The measurement stage: metrics of every network of a run."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from implicitbias.catalogue import LOSSES, METRICS, Metric, resolve
from implicitbias.errors import ResultError, nearest
from implicitbias.measurement.arrays import Array, margins, soft_margins
from implicitbias.networks import Network
from implicitbias.networks.of_task import network_for
from implicitbias.schema import describe, parameters_of, variable, versions_of

if TYPE_CHECKING:
    from torch import Tensor

    from implicitbias.measurement.loss_direction import LossDirection
    from implicitbias.measurement.tangents import Tangent

PASSED_ON = ("stop_reason", "loss_curve", "acceptance", "acceptance_stderr")
"""Variables of a run that a study wants to see too."""

NETWORKS = ("member", "draw")
"""The dimension that a metric over networks takes together: trained members, or accepted random networks."""


def measure(task: xr.Dataset, run: xr.Dataset, metrics: Sequence[str]) -> xr.Dataset:
    """Compute metrics of a run; each is given exactly the arrays that its argument names ask for.

    Args:
        task: the run's task.
        run: from `training.run.train` or `sampling.sample`.
        metrics: names in `catalogue.METRICS`.

    Returns:
        One variable a metric, over the run's leading dimensions (and the metric's own), without that of the networks
        for a metric over networks.

    Raises:
        ResultError: for an unknown metric, one that needs what the run does not have, or one of another shape than
            that of its dimensions.

    """
    lead = tuple(str(dim) for dim in run["train_output"].dims if dim not in ("train_point", "class"))
    networks = tuple(dim for dim in lead if dim in NETWORKS)
    others = tuple(dim for dim in lead if dim not in NETWORKS)
    one_by_one, together = _known(task, run, lead), _known(task, run, (*others, *networks))
    variables: dict[str, xr.Variable] = {}
    coords: dict[str, Any] = {dim: run[dim].values for dim in lead}
    for name in metrics:
        if name not in METRICS:
            raise ResultError(f"no metric {name!r}{nearest(name, METRICS)}; allowed: {', '.join(METRICS)}")
        entry = METRICS[name]
        if problem := entry.misfit({**parameters_of(run)["network"], **one_by_one["training"]}):
            raise ResultError(f"metric {name!r} does not go with {problem}")
        values = _value(name, entry, together if entry.over_networks else one_by_one)
        dims = (*(others if entry.over_networks else lead), *entry.dims)
        coords |= {dim: np.array(entry.coordinates.get(dim, run.get(dim))) for dim in entry.dims}
        _check_shape(name, values, {dim: np.size(coords[dim]) for dim in dims})
        variables[name] = variable(dims, values, entry.long_name, entry.units, entry.source)
        if "test_point" in entry.dims:
            variables["test_index"] = task["test_index"].variable
    for name in metrics:
        if (error := f"{name}_stderr") in variables:
            variables[name].attrs["ancillary_variables"] = error
    variables |= {name: run[name].variable for name in PASSED_ON if name in run}
    coords |= {"epoch": run["epoch"].values} if "epoch" in run else {}
    used = {dim for data in variables.values() for dim in data.dims}
    dataset = xr.Dataset(variables, {dim: values for dim, values in coords.items() if dim in used})
    parameters = {"metrics": sorted(metrics), "run": parameters_of(run)}
    dataset = describe(dataset, f"metrics of {run.attrs['title']}", parameters)
    kept = {key: run.attrs[key] for key in ("device", "dtype") if key in run.attrs}
    return dataset.assign_attrs(**kept, **versions_of(run, dataset))


def _value(name: str, entry: Metric, known: dict[str, Any]) -> Array:
    """The metric's values, of what is known of the run."""
    function = resolve(entry)
    own = {**entry.arguments, **{key: np.array(values) for key, values in entry.coordinates.items()}}
    try:
        arguments = {need: own[need] if need in own else _argument(need, known) for need in _names(function)}
    except _MissingError as missing:
        raise ResultError(f"metric {name!r} needs {missing}, which this run does not have") from None
    values: Array = function(**arguments)
    return values


def _check_shape(name: str, values: Any, sizes: Mapping[str, int]) -> None:
    """A metric has a value for every network, or for every element of its own dimensions."""
    allowed = tuple(sizes.values())
    if np.shape(values) != allowed:
        code = inspect.unwrap(resolve(METRICS[name])).__code__
        raise ResultError(
            f"{code.co_filename}: line {code.co_firstlineno}: metric {name!r} returned an array of shape"
            f" {np.shape(values)}; allowed: {allowed}, of the dimensions {', '.join(sizes) or 'none'}"
        )


class _MissingError(Exception):
    """What a run does not have."""


def _argument(name: str, known: dict[str, Any]) -> Any:
    """What the name stands for: known, or made (once) of others, by the function of that name."""
    if name not in known:
        if name not in MAKERS:
            raise _MissingError(name)
        try:
            known[name] = MAKERS[name](**{need: _argument(need, known) for need in _names(MAKERS[name])})
        except KeyError:
            raise _MissingError(name) from None
    return known[name]


def _names(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def _known(task: xr.Dataset, run: xr.Dataset, lead: tuple[str, ...]) -> dict[str, Any]:
    """What all others are made of; `lead` are the run's leading dimensions in the order that arrays are to have."""
    stored = parameters_of(run)
    return {
        "task": task,
        "run": run,
        "lead": lead,
        "network": network_for(stored["network"], task),
        "training": stored.get("training", {}),
    }


def _of_run(name: str, run: xr.Dataset, lead: tuple[str, ...]) -> Array:
    return run[name].transpose(*lead, ...).values.astype(np.float64)


def _of_task(name: str, task: xr.Dataset, run: xr.Dataset, lead: tuple[str, ...]) -> Array:
    """Aligned with the run's leading dimensions."""
    data = task[name].sel(seed=run["seed"].values) if "seed" in task[name].dims else task[name]
    own = [str(dim) for dim in data.dims if dim not in lead]
    shape = [data.sizes.get(dim, 1) for dim in lead] + [data.sizes[dim] for dim in own]
    return data.values.astype(np.float64).reshape(shape)


def _layer_shapes(network: Network) -> Array:
    return np.array(network.shapes, np.float64)


def _degree(network: Network) -> int:
    return network.leading_degree


def _weights(run: xr.Dataset, lead: tuple[str, ...], network: Network) -> list[Array]:
    return [_of_run(f"weight_{layer}", run, lead) for layer in range(network.depth)]


def _trained_weights(weights: list[Array], network: Network) -> list[Array]:
    return weights[network.trained]


def _loss(training: Mapping[str, Any]) -> str:
    return LOSSES[training["loss"]].margin


def _loss_margins(
    train_outputs: Array, train_labels: Array, label_scales: Array, training: Mapping[str, Any], train_margins: Array
) -> Array:
    if train_outputs.ndim == train_labels.ndim or not LOSSES[training["loss"]].soft:
        return train_margins
    alpha = label_scales[..., None, None]
    return alpha[..., 0] * soft_margins(train_outputs / alpha, train_labels)


def _train_random(task: xr.Dataset, run: xr.Dataset, lead: tuple[str, ...], train_labels: Array) -> Array:
    return _of_task("train_random", task, run, lead) if "train_random" in task else np.zeros_like(train_labels)


def _train_targets(train_labels: Array, network: Network) -> Array:
    """The labels +-1, or one-hot vectors of the classes."""
    return train_labels if network.outputs == 1 else np.eye(network.outputs)[train_labels.astype(np.int64)]


def _label_scales(run: xr.Dataset, lead: tuple[str, ...], training: Mapping[str, Any]) -> Array:
    if "label_scale" not in lead:
        return np.full([run.sizes[dim] for dim in lead], float(training["label_scale"]))
    scale = run["label_scale"].astype(np.float64)
    return scale.broadcast_like(run["train_loss"]).transpose(*lead).values


# torch takes longer to import than most metrics to compute: only those that ask for these have to wait for it
def _tangents(weights: list[Array], train_inputs: Array, train_targets: Array, network: Network) -> "list[Tangent]":
    from implicitbias.losses import margins
    from implicitbias.measurement.tangents import tangents_of

    return tangents_of(network, weights, train_inputs, train_targets, margins)


def _output_tangents(weights: list[Array], train_inputs: Array, network: Network) -> "list[Tangent]":
    from implicitbias.measurement.tangents import tangents_of

    return tangents_of(network, weights, train_inputs)


def _margin_slopes(weights: list[Array], train_inputs: Array, train_targets: Array, network: Network) -> Array:
    from implicitbias.losses import margins
    from implicitbias.measurement.tangents import slopes_of

    return slopes_of(network, weights, train_inputs, train_targets, margins)


def _input_slopes(weights: list[Array], train_inputs: Array, network: Network) -> Array:
    from implicitbias.measurement.tangents import slopes_of

    if network.outputs == 1:
        return slopes_of(network, weights, train_inputs)
    each = [slopes_of(network, weights, train_inputs, None, partial(_output, c)) for c in range(network.outputs)]
    return np.concatenate(each, axis=-1)


def _local_volume(
    weights: list[Array], train_inputs: Array, train_targets: Array, network: Network, tangents: "list[Tangent]"
) -> tuple[Array, Array]:
    from implicitbias.measurement.local_volume import volumes

    return volumes(network, weights, train_inputs, train_targets, tangents)


def _output(number: int, outputs: "Tensor", _: "Tensor") -> "Tensor":
    return outputs[..., number]


def _loss_direction(
    weights: list[Array], train_inputs: Array, train_targets: Array, network: Network, tangents: "list[Tangent]",
    loss_margins: Array, label_scales: Array, training: Mapping[str, Any],
) -> "LossDirection":  # fmt: skip
    from implicitbias.measurement.loss_direction import loss_direction

    if network.outputs > 1 and LOSSES[training["loss"]].soft:
        tangents = _soft_tangents(weights, train_inputs, train_targets, network, label_scales)
    return loss_direction(tangents, loss_margins, label_scales, LOSSES[training["loss"]].margin)


def _soft_tangents(
    weights: list[Array], train_inputs: Array, train_targets: Array, network: Network, label_scales: Array
) -> "list[Tangent]":
    """Gradients of the soft margins at each network's label scale, which goes along with its targets."""
    from implicitbias.losses import soft_margins
    from implicitbias.measurement.tangents import tangents_of

    scales = np.broadcast_to(label_scales[..., None, None], (*label_scales.shape, *train_targets.shape[-2:]))
    targets = np.concatenate([np.broadcast_to(train_targets, scales.shape), scales[..., :1]], axis=-1)
    return tangents_of(
        network, weights, train_inputs, targets,
        lambda outputs, given: given[..., -1] * soft_margins(outputs / given[..., -1:], given[..., :-1]),
    )  # fmt: skip


_OF_RUN = {
    "train_outputs": "train_output", "test_outputs": "test_output", "frobenius_norms": "frobenius_norm",
    "train_losses": "train_loss",
}  # fmt: skip
_OF_TASK = {
    "train_labels": "train_label", "test_labels": "test_label",
    "train_inputs": "train_input", "test_inputs": "test_input",
}  # fmt: skip
MAKERS: dict[str, Callable[..., Any]] = {
    **{name: partial(_of_run, stored) for name, stored in _OF_RUN.items()},
    **{name: partial(_of_task, stored) for name, stored in _OF_TASK.items()},
    "layer_shapes": _layer_shapes,
    "degree": _degree,
    "weights": _weights,
    "trained_weights": _trained_weights,
    "loss": _loss,
    "label_scales": _label_scales,
    "train_margins": lambda train_outputs, train_labels: margins(train_outputs, train_labels),
    "test_margins": lambda test_outputs, test_labels: margins(test_outputs, test_labels),
    "loss_margins": _loss_margins,
    "train_targets": _train_targets,
    "train_random": _train_random,
    "tangents": _tangents,
    "output_tangents": _output_tangents,
    "margin_slopes": _margin_slopes,
    "input_slopes": _input_slopes,
    "loss_direction": _loss_direction,
    "local_volume": _local_volume,
}
"""What a metric's argument names can ask for, besides `network`, the metric's own arguments and the
coordinates of its dimensions:

- arrays of the run and of its task, with `train_random`, 1 where a label was drawn at random; `layer_shapes`:
  `(L, 2)`; `degree`: of homogeneity in the trained weights (at large ones);
- `train_margins`, `test_margins`: y f, or of several classes f_y less the largest other output, `(..., n)`;
- `weights`, `trained_weights`: lists of `(..., out, in)` arrays; `tangents`, of the margins, and `output_tangents`, of
  the only output: see `measurement.tangents`; `local_volume`: its logarithm and the standard error of that;
- `margin_slopes`: gradients of the margins by the inputs, `(..., n, d)`; `input_slopes`: those of all outputs one after
  the other, `(..., n, outputs d)`;
- of trained runs `loss`, the function of the margin that it sums, `loss_margins`, these margins, `label_scales`, of the
  run's leading shape, and `loss_direction`.
"""
