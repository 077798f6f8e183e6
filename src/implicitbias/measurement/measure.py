"""The measurement stage: metrics of every network of a run."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import xarray as xr

from implicitbias.catalogue import METRICS, resolve
from implicitbias.errors import ResultError, nearest
from implicitbias.measurement.arrays import Array
from implicitbias.networks.homogeneity import degree
from implicitbias.schema import describe, parameters_of, variable
from implicitbias.shapes import layer_shapes

if TYPE_CHECKING:
    from implicitbias.measurement.tangents import Tangent

T = TypeVar("T")

PASSED_ON = ("stop_reason", "acceptance", "acceptance_stderr")
"""Variables of a run that a study wants to see too."""

NETWORKS = ("member", "draw")
"""The dimension that a metric over networks takes together: trained members, or accepted random networks."""

OF_RUN = {
    "train_outputs": "train_output", "test_outputs": "test_output", "frobenius_norms": "frobenius_norm",
    "train_losses": "train_loss",
}  # fmt: skip
OF_TASK = {
    "train_labels": "train_label", "test_labels": "test_label",
    "train_inputs": "train_input", "test_inputs": "test_input",
}  # fmt: skip
"""Argument names of metrics, and the variables that they stand for. Besides them:

- `layer_shapes`: `(L, 2)`; `network`: the networks' parameters; `degree`: of homogeneity in the trained weights;
- `weights`, `trained_weights`: lists of `(..., out, in)` arrays; `tangents`: see `measurement.tangents`;
- `input_slopes`: gradients of the outputs by the inputs, `(..., n, d)`;
- `coordinates` of the metric's own dimensions;
- of trained runs `loss`, its name, and `label_scales`, of the run's leading shape.
"""


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
        ResultError: for an unknown metric, or one that needs what the run does not have.

    """
    lead = tuple(str(dim) for dim in run["train_output"].dims if dim != "train_point")
    networks = tuple(dim for dim in lead if dim in NETWORKS)
    others = tuple(dim for dim in lead if dim not in NETWORKS)
    one_by_one, together = _providers(task, run, lead), _providers(task, run, (*others, *networks))
    variables: dict[str, xr.Variable] = {}
    coords: dict[str, Any] = {dim: run[dim].values for dim in lead}
    for name in metrics:
        if name not in METRICS:
            raise ResultError(f"no metric {name!r}{nearest(name, METRICS)}; allowed: {', '.join(METRICS)}")
        entry = METRICS[name]
        function = resolve(entry)
        providers = {**(together if entry.over_networks else one_by_one), **_constants(entry.coordinates)}
        needs = list(inspect.signature(function).parameters)
        if missing := [need for need in needs if need not in providers]:
            raise ResultError(f"metric {name!r} needs {', '.join(missing)}, which this run does not have")
        if entry.losses and (loss := providers["loss"]()) not in entry.losses:
            raise ResultError(f"metric {name!r} is not for loss {loss!r}; allowed: {', '.join(entry.losses)}")
        values = function(**{need: providers[need]() for need in needs})
        dims = (*(others if entry.over_networks else lead), *entry.dims)
        coords |= {dim: np.array(entry.coordinates.get(dim, run.get(dim))) for dim in entry.dims}
        variables[name] = variable(dims, values, entry.long_name, entry.units, entry.source)
    variables |= {name: run[name].variable for name in PASSED_ON if name in run}
    used = {dim for data in variables.values() for dim in data.dims}
    dataset = xr.Dataset(variables, {dim: values for dim, values in coords.items() if dim in used})
    kept = {key: run.attrs[key] for key in ("device", "dtype", "torch_version") if key in run.attrs}
    return describe(
        dataset, f"metrics of {run.attrs['title']}", {"metrics": sorted(metrics), "run": parameters_of(run)}, **kept
    )


def _constants(coordinates: Mapping[str, Sequence[float | str]]) -> dict[str, Callable[[], Any]]:
    return {name: partial(np.array, values) for name, values in coordinates.items()}


def _providers(task: xr.Dataset, run: xr.Dataset, lead: tuple[str, ...]) -> dict[str, Callable[[], Any]]:
    """What a metric can ask for, by argument name; task arrays are aligned with the run's leading dimensions."""
    stored = parameters_of(run)
    network, training = stored["network"], stored.get("training", {})

    def of_run(name: str) -> Array:
        return run[name].transpose(*lead, ...).values.astype(np.float64)

    @cache
    def weights() -> list[Array]:
        return [of_run(f"weight_{layer}") for layer in range(run.sizes["layer"])]

    # torch takes longer to import than most metrics to compute: only those that ask for these have to wait for it
    @cache
    def layers() -> "list[Tangent]":
        from implicitbias.measurement.tangents import layers_of

        return layers_of(weights(), of_task("train_input"), network)

    def trained(of_layers: list[T]) -> list[T]:
        from implicitbias.networks.mlp import of_network

        return of_layers[of_network(network).trained]

    @cache
    def input_slopes() -> Array:
        from implicitbias.measurement.tangents import slopes_of

        return slopes_of(weights(), of_task("train_input"), network)

    def label_scales() -> Array:
        if "label_scale" not in lead:
            return np.full([run.sizes[dim] for dim in lead], float(training["label_scale"]))
        scale = run["label_scale"].astype(np.float64)
        return scale.broadcast_like(run["train_output"].isel(train_point=0)).transpose(*lead).values

    def of_task(name: str) -> Array:
        data = task[name].sel(seed=run["seed"].values) if "seed" in task[name].dims else task[name]
        own = [str(dim) for dim in data.dims if dim not in lead]
        shape = [data.sizes.get(dim, 1) for dim in lead] + [data.sizes[dim] for dim in own]
        return data.values.astype(np.float64).reshape(shape)

    providers: dict[str, Callable[[], Any]] = {
        argument: partial(of_run, name) for argument, name in OF_RUN.items() if name in run
    }
    providers |= {argument: partial(of_task, name) for argument, name in OF_TASK.items()}
    providers |= {"network": lambda: network, "degree": lambda: degree(network)}
    if "layer" in run.dims:
        shape = network["depth"], network["width"], task.sizes["feature"]
        built = network.get("bias", "none"), network.get("architecture", "mlp")
        providers["layer_shapes"] = lambda: np.array(layer_shapes(*shape, *built), np.float64)
    if "weight_0" in run:
        providers |= {
            "weights": weights,
            "trained_weights": lambda: trained(weights()),
            "tangents": lambda: trained(layers()),
            "input_slopes": input_slopes,
        }
    if training:
        providers |= {"loss": lambda: training["loss"], "label_scales": label_scales}
    return providers
