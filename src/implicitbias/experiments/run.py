"""The stage of experiments: a name, its parameters, its dataset."""

import xarray as xr

from implicitbias.catalogue import EXPERIMENTS, resolve
from implicitbias.schema import describe


def run(*, name: str, seed: int, **parameters: float | str) -> xr.Dataset:
    """The dataset of an experiment of the catalogue.

    Args:
        name: in `catalogue.EXPERIMENTS`.
        seed: of everything random in it.
        **parameters: its own; those left out have their defaults.
    """
    entry = EXPERIMENTS[name]
    chosen = {key: parameter.default for key, parameter in entry.parameters.items()} | parameters
    dataset: xr.Dataset = resolve(entry)(seed=seed, **chosen)
    return describe(dataset, entry.summary, {"name": name, "seed": seed, **chosen}, dtype="float64")
