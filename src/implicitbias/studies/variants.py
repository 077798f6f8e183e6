"""The architectures of a study, each once: an axis that an architecture does not have repeats its networks."""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
import xarray as xr

from implicitbias.catalogue import ARCHITECTURES
from implicitbias.studies.verdicts import Data

_DEFAULT = "mlp"
_SIZES = frozenset({"depth"}).union(*(entry.vanishing for entry in ARCHITECTURES.values()))
_PARAMETERS = {key for entry in ARCHITECTURES.values() for key in entry.parameters} - _SIZES


class Variant(NamedTuple):
    """An architecture with its parameters other than sizes.

    Attributes:
        architecture: its name in the catalogue.
        name: the same with those parameters in which the study's networks differ: "cnn, flatten readout".
        at: where it stands in the study, dimension -> value.
    """

    architecture: str
    name: str
    at: dict[str, object]


def variants(data: Data) -> Iterator[Variant]:
    """Every variant of the study's architectures, in the order of its axes, each once."""
    axes = [str(dim) for dim in data.dims if dim in _PARAMETERS]
    for architecture in _architectures(data):
        own = ARCHITECTURES[architecture].parameters
        choices = [data[axis].values.tolist() if axis in own else data[axis].values.tolist()[:1] for axis in axes]
        for values in product(*choices):
            at = dict(zip(axes, values, strict=True))
            words: list[str] = [_words(axis, value) for axis, value in at.items() if axis in own]
            if "architecture" in data.dims:
                at = {"architecture": architecture, **at}
            yield Variant(architecture, ", ".join([architecture, *words]), at)


def without_repeats(data: xr.DataArray) -> xr.DataArray:
    """The values of every network once: where an axis repeats networks, NaN at all of its values but the first."""
    kept = data
    for axis in (str(dim) for dim in data.dims if dim in _PARAMETERS):
        lacking = [name for name in _architectures(data) if axis not in ARCHITECTURES[name].parameters]
        if lacking:
            repeated = data[axis] != data[axis][0]
            if "architecture" in data.dims:
                repeated = repeated & data["architecture"].isin(lacking)
            kept = kept.where(~repeated)
    return kept.transpose(*data.dims)


def _architectures(data: xr.DataArray | xr.Dataset) -> list[str]:
    names = data["architecture"].values if "architecture" in data.coords else _DEFAULT
    return [str(name) for name in np.atleast_1d(names)]


def _words(key: str, value: object) -> str:
    if not isinstance(value, str):
        return f"{key.replace('_', ' ')} {value}"
    return f"{'no' if value == 'none' else value.replace('_', ' ')} {key.replace('_', ' ')}"
