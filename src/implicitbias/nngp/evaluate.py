"""The nngp stage: all infinite-width quantities of a task and an architecture."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float, Int
from torch import Tensor

from implicitbias.catalogue import ESTIMATORS, nngp_variables
from implicitbias.errors import ConfigError, NumericalError, nearest
from implicitbias.networks import Network
from implicitbias.networks.kernels import nngp_kernel, nngp_variance, ntk_kernel
from implicitbias.networks.of_task import network_for
from implicitbias.nngp import posterior as posteriors
from implicitbias.nngp.bounds import pac_bayes
from implicitbias.nngp.estimate import OrthantEstimate
from implicitbias.nngp.labelling import Labelling, labelling_of
from implicitbias.nngp.orthant import taken_settings
from implicitbias.nngp.posterior import TestBlock
from implicitbias.nngp.variables import SPREAD_POINTS, VARIABLES
from implicitbias.progress import Progress
from implicitbias.rng import derive_seed
from implicitbias.schema import describe, parameters_of, variable, with_stderr
from implicitbias.shapes.tensors import Kernel

_NO_ESTIMATE = OrthantEstimate(math.nan, math.nan, math.nan)


def evaluate(
    task: xr.Dataset,
    *,
    network: Mapping[str, Any],
    estimators: Sequence[str],
    draws: int,
    samples: int,
    delta: float,
    constant: str,
    posterior: bool,
    label_scale: Sequence[float] | None = None,
    ray_samples: int = 100,
    lazy: bool = False,
    by_point: bool = False,
    device: str = "cpu",
) -> xr.Dataset:
    """Complexity by every estimator, PAC-Bayes bounds, and the errors of the posteriors.

    Args:
        task: from `tasks.build`.
        network: the networks' parameters, as `network_of` takes them; their widths do not matter.
        estimators: names in `catalogue.ESTIMATORS`.
        draws: draws of the importance estimator.
        samples: points of the other sampling estimators and of the posteriors.
        delta: failure probability of the PAC-Bayes bounds.
        constant: of the closed bound, "tight" or "published".
        posterior: whether to compute the errors of the posterior on the orthant.
        label_scale: alphas of the label ray to condition on, or None.
        ray_samples: functions drawn for the spread at every alpha.
        lazy: whether to compute the errors of the infinitely wide network that gradient descent trains to every alpha.
        by_point: whether to keep the errors at every test point.
        device: torch device; float64 throughout.

    Returns:
        Dimensions `seed`, `estimator` and (if asked for) `label_scale` and `test_point`, with it `class` where the
        task's labels are classes. Such a task has no spherised errors, and `chance_error` beside the others. What has
        no answer on a draw of points, for its kernel is singular or its labelling impossible, is NaN there, and
        `unanswered` (by `seed`) says why.

    Raises:
        ConfigError: for an unknown estimator.

    """
    unknown = [name for name in estimators if name not in ESTIMATORS]
    if unknown:
        hint = nearest(unknown[0], ESTIMATORS)
        raise ConfigError(f"no estimator {unknown[0]!r}{hint}; allowed: {', '.join(ESTIMATORS)}")
    built = network_for(network, task)
    settings = {
        "draws": draws, "samples": samples, "delta": delta, "constant": constant, "posterior": posterior,
        "label_scale": None if label_scale is None else list(label_scale), "ray_samples": ray_samples, "lazy": lazy,
        "by_point": by_point,
    }  # fmt: skip
    seeds = [int(seed) for seed in task["seed"].values]
    rows: list[dict[str, Any]] = []
    with Progress(len(seeds), f"infinite width, depth {built.depth}", "draw of points") as progress:
        for position, seed in enumerate(seeds):
            row = _one_seed(task.isel(seed=position), seed, built, estimators, settings, torch.device(device))
            rows.append(row)
            progress.update(figures=partial(_told, row))

    coords: dict[str, Any] = {"seed": seeds, "estimator": list(estimators)}
    coords |= {} if label_scale is None else {"label_scale": list(label_scale)}
    coords |= {"test_point": task["test_point"].values} if by_point else {}
    coords |= {"class": task["class"].values} if "class" in task.dims and by_point and posterior else {}
    wanted = _wanted(settings, several="class" in task.dims)
    variables: dict[str, xr.Variable] = {}
    for name, (dims, *words) in VARIABLES.items():
        if name in wanted:
            shape = tuple(len(coords[dim]) for dim in dims)
            one = variable(("seed", *dims), _stacked(rows, name, shape), *words)
            variables[name] = one
            if f"{name}_stderr" in wanted:
                variables |= with_stderr(name, one, _stacked(rows, f"{name}_stderr", shape))
    reasons = ["; ".join(dict.fromkeys(row["unanswered"])) for row in rows]
    if any(reasons):
        variables["unanswered"] = variable(("seed",), np.array(reasons), "why numbers of this draw of points are NaN")
    dataset = xr.Dataset(variables, coords)
    title = f"infinite-width {_named(built)}"
    parameters = {"task": parameters_of(task), "network": dict(network), "estimators": list(estimators), **settings}
    return describe(dataset, title, parameters, device=device, dtype="float64")


def _wanted(settings: Mapping[str, Any], *, several: bool) -> set[str]:
    """The names of all variables that these settings ask for."""
    names = nngp_variables(
        posterior=settings["posterior"], label_scale=settings["label_scale"] is not None, lazy=settings["lazy"],
        by_point=settings["by_point"], several={several},
    )  # fmt: skip
    if settings["by_point"]:
        probabilities = {"class_probability", "class_probability_stderr"}
        names |= {"test_index", *(probabilities if several and settings["posterior"] else ())}
    return names


def _stacked(rows: Sequence[Mapping[str, Any]], name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A variable's values of all seeds, NaN where it has none."""
    nothing = np.full(shape, np.nan)
    return np.stack([np.asarray(row.get(name, nothing), np.float64) for row in rows])


@contextmanager
def _answer(reasons: list[str]) -> Iterator[None]:
    """What is asked inside may have no answer: then the reason is noted."""
    try:
        yield
    except NumericalError as error:
        reasons.append(str(error))


def _told(row: Mapping[str, Any]) -> str:
    return f"complexity {', '.join(f'{value:.2f}' for value in row['complexity'])}"


def _named(network: Network) -> str:
    activations = ", ".join(sorted({layer.name for layer in network.activations})) or "linear"
    rows = "" if network.rows == "free" else f" with rows {network.rows}"
    return f"{activations} network of depth {network.depth}{rows}"


def _one_seed(
    task: xr.Dataset,
    seed: int,
    network: Network,
    estimators: Sequence[str],
    settings: Mapping[str, Any],
    device: torch.device,
) -> dict[str, Any]:
    """All numbers of one task seed, by variable name; and why those that have no answer are absent."""
    labelling = labelling_of(task, device)
    inputs = _tensor(task, "train_input", device)
    kernel = nngp_kernel(network, inputs)
    reasons: list[str] = []
    row = labelling.constants()
    known: dict[str, OrthantEstimate] = {}
    if settings["posterior"] or settings["label_scale"] is not None:
        with _answer(reasons):
            row |= _predicted(task, seed, network, labelling, kernel, settings, known, reasons)
    if settings["by_point"]:
        row["test_index"] = task["test_index"].values
    for name in estimators:
        if name not in known:
            own = taken_settings(name, {**settings, "seed": derive_seed(name, seed)})
            with _answer(reasons):
                known[name] = labelling.log_probability(kernel, name, **own)
    found = [known.get(name, _NO_ESTIMATE) for name in estimators]
    row["complexity"] = [-estimate.log_probability for estimate in found]
    row["complexity_stderr"] = [estimate.stderr for estimate in found]
    row["complexity_lower_bound"] = [max(0.0, -estimate.upper_bound) for estimate in found]
    row["complexity_upper_bound"] = [
        -estimate.lower_bound if math.isfinite(estimate.lower_bound) else math.nan for estimate in found
    ]
    row["effective_sample_size"] = [estimate.effective_sample_size for estimate in found]
    row["pac_bayes_bound"] = [pac_bayes(c, len(inputs), settings["delta"]) for c in row["complexity"]]
    return {**row, "unanswered": reasons}


def _predicted(
    task: xr.Dataset, seed: int, network: Network, labelling: Labelling, kernel: Kernel, settings: Mapping[str, Any],
    known: dict[str, OrthantEstimate], reasons: list[str],
) -> dict[str, Any]:  # fmt: skip
    """What the posteriors say of the test points; the estimate that they are made of is `known` from then on."""
    kept = labelling.distinct(kernel)  # copies of a point would make K singular and add nothing
    distinct = labelling.only(kept)
    inputs, test_inputs = (_tensor(task, name, kernel.device) for name in ("train_input", "test_input"))
    cross = nngp_kernel(network, inputs[kept], test_inputs)
    variance = nngp_variance(network, test_inputs)
    block = posteriors.prepare(kernel[kept][:, kept], cross, variance, labelling.test)
    row: dict[str, Any] = {}
    if settings["posterior"]:
        with _answer(reasons):
            estimate = labelling.log_probability(
                kernel, "mixture", samples=settings["samples"], seed=derive_seed("mixture", seed), keep_samples=True
            )
            assert estimate.samples is not None
            known["mixture"] = estimate
            row |= distinct.posterior(block, replace(estimate, samples=estimate.samples[kept]), settings, seed)
        row["test_points"] = len(test_inputs)
    if settings["label_scale"] is not None:
        some = np.unique(np.linspace(0, len(test_inputs) - 1, min(len(test_inputs), SPREAD_POINTS)).astype(int))
        within, points = nngp_kernel(network, test_inputs[some]), cross[:, some]
        covariance = within - points.T @ block.projection[:, some]
        row["prior_std"] = float(variance.mean().sqrt())
        row |= _at_scales("ray", distinct, block, covariance, some, settings, seed)
    if settings["lazy"]:
        with _answer(reasons):
            tangents = ntk_kernel(network, inputs[kept]), ntk_kernel(network, inputs[kept], test_inputs)
            trained = posteriors.lazy(kernel[kept][:, kept], cross, variance, *tangents, block.labels)
            projection = trained.projection[:, some]
            mixed = projection.T @ points
            covariance = within + projection.T @ kernel[kept][:, kept] @ projection - mixed - mixed.T
            row |= _at_scales("lazy", distinct, trained, covariance, some, settings, seed)
    return row


def _tensor(task: xr.Dataset, name: str, device: torch.device) -> Tensor:
    return torch.as_tensor(task[name].values.astype(np.float64), device=device)


def _at_scales(
    name: str, labelling: Labelling, block: TestBlock, covariance: Float[Tensor, "k k"], some: Int[np.ndarray, " k"],
    settings: Mapping[str, Any], seed: int,
) -> dict[str, Any]:  # fmt: skip
    """Errors at every label scale, and how they differ between functions, by the covariance at some test points."""
    scales, draws = settings["label_scale"], settings["ray_samples"]
    errors = labelling.ray(block, scales)
    part = TestBlock(block.factor, block.projection[:, some], block.deviation[some], block.labels[some])
    spread = labelling.ray_spread(part, scales, covariance, draws, derive_seed("ray", seed))
    return {
        f"{name}_error": errors.mean(1).tolist(), f"{name}_error_std": spread.tolist(),
        f"{name}_error_by_point": errors.tolist(),
    }  # fmt: skip
