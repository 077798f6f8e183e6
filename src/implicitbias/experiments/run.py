"""The stage of experiments: a name, its parameters, its dataset."""

from typing import Any

import xarray as xr

from implicitbias.catalogue import EXPERIMENTS, resolve
from implicitbias.rng import derive_seed
from implicitbias.schema import describe, parameters_of


def run(*, name: str, seed: int, task: xr.Dataset | None = None, **parameters: float | str) -> xr.Dataset:
    """The dataset of an experiment of the catalogue.

    Args:
        name: in `catalogue.EXPERIMENTS`.
        seed: of everything random in it; of an experiment with a task, besides the task's seed.
        task: from `tasks.build`, for experiments that need one.
        **parameters: its own; those left out have their defaults.

    Returns:
        What the experiment gives, with a dimension `seed` if it has a task.
    """
    entry = EXPERIMENTS[name]
    chosen = {key: parameter.default for key, parameter in entry.parameters.items()} | parameters
    described: dict[str, Any] = {"name": name, "seed": seed, **chosen}
    if task is None:
        dataset: xr.Dataset = resolve(entry)(seed=seed, **chosen)
    else:
        seeds = task["seed"].values.tolist()
        each = [resolve(entry)(task.sel(seed=one), seed=derive_seed(name, seed, one), **chosen) for one in seeds]
        dataset = xr.concat(each, "seed", combine_attrs="override").assign_coords(seed=seeds)
        described["task"] = parameters_of(task)
    return describe(dataset, entry.summary, described, device="cpu", dtype=entry.dtype)
