"""Putting a study's files together into one dataset whose dimensions are the config's axes."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from implicitbias.errors import ResultError
from implicitbias.schema import describe, mixture, variable, versions_of

Part = tuple[Mapping[str, Any], xr.DataArray]
"""A variable of one file, and where in the grid it stands."""

_AXIS_ATTRIBUTES: dict[str, tuple[str, str]] = {
    "train_size": ("number of training points", "1"),
    "depth": ("depth (weight matrices)", "1"),
    "width": ("width (hidden neurons a layer)", "1"),
    "label_scale": ("label scale", "1"),
    "learning_rate": ("learning rate", "1"),
    "seed": ("seed", "1"),
    "member": ("member of the ensemble", "1"),
    "draw": ("draw (accepted random network)", "1"),
    "points": ("training points", "1"),
    "relative_step": ("step size over the largest stable one", "1"),
    "step": ("optimizer step", "1"),
    "epoch": ("epoch", "1"),
    "layer": ("layer", "1"),
    "problem": ("random problem", "1"),
    "features": ("dimension of the inputs", "1"),
    "init_scale": ("factor on the initial weights", "1"),
    "random_share": ("fraction of random labels", "1"),
    "class": ("class", "1"),
    "classes": ("number of classes", "1"),
    "layers": ("weight matrices", "1"),
    "trained_degree": ("degree", "1"),
    "path_kind": ("path between points", "1"),
    "path_frequency": ("frequency (cycles a path)", "1"),
    "label_kind": ("kind of labels", "1"),
    "largest": ("number of largest eigenvalues", "1"),
    "averaged": ("networks in an average", "1"),
    "neuron_0": ("neuron of the first layer", "1"),
    "plane_x": ("first coordinate over its largest value", "1"),
    "plane_y": ("second coordinate over its largest value", "1"),
}


def assemble(
    pieces: Sequence[tuple[Mapping[str, Any], str, xr.Dataset]],
    *,
    axes: Mapping[str, Sequence[Any]],
    fixed: Mapping[str, Any],
    labels: Mapping[str, str] | None = None,
    title: str,
    parameters: Mapping[str, Any],
    **attrs: Any,
) -> xr.Dataset:
    """One dataset from the pieces of a grid.

    Args:
        pieces: (coordinates, prefix of variable names, dataset) of every file; a piece without a coordinate
            for an axis holds for all its values.
        axes: the grid's axes in the config's order; each becomes a dimension. One with numbers and words (batch_size:
            [1, full]) becomes one of words.
        fixed: scalars of the grid; they become scalar coordinates.
        labels: what axes are, for those that are not the same in all studies; the others have names of their own.
        title: one line on what the study is.
        parameters: the study's config.
        **attrs: more global attributes, e.g. `question`.

    Returns:
        The study's dataset; points that no piece covers are NaN.

    Raises:
        ResultError: if two pieces claim the same variable in different shapes.

    """
    mixed = {axis for axis, values in axes.items() if len({isinstance(value, str) for value in values}) > 1}
    axes = {axis: [*map(str, values)] if axis in mixed else values for axis, values in axes.items()}
    pieces = [
        ({axis: str(value) if axis in mixed else value for axis, value in coords.items()}, prefix, dataset)
        for coords, prefix, dataset in pieces
    ]
    by_name: dict[str, list[Part]] = {}
    for coords, prefix, dataset in pieces:
        for name, data in dataset.data_vars.items():
            linked = data.attrs.get("ancillary_variables")
            renamed = data.assign_attrs(ancillary_variables=prefix + linked) if linked else data
            by_name.setdefault(f"{prefix}{name}", []).append((coords, renamed))
    combined = xr.Dataset({name: _combine(name, _squeezed(parts, axes), axes) for name, parts in by_name.items()})
    scalars = {key: value for key, value in fixed.items() if key not in combined.dims and key not in combined}
    combined = combined.assign_coords(scalars)
    for name in map(str, combined.coords):
        plain = (labels or {}).get(name, name.replace("_", " "))
        long_name, units = _AXIS_ATTRIBUTES.get(name, (plain, "1"))
        combined[name].attrs.update(long_name=long_name, units=units)
    inherited = {
        key: value
        for key in ("device", "dtype")
        if (value := ", ".join(sorted({str(d.attrs[key]) for _, _, d in pieces if key in d.attrs})))
    }
    codes = sorted({str(d.attrs["code"]) for _, _, d in pieces if "code" in d.attrs})
    inherited |= versions_of(*(dataset for _, _, dataset in pieces))
    whole = describe(combined, title, parameters, **inherited, codes=" ".join(codes), **attrs)
    if told := mixture(whole):
        warnings.warn(f"{title}: {told}", stacklevel=2)
    return whole


def _squeezed(parts: Sequence[Part], axes: Mapping[str, Sequence[Any]]) -> list[Part]:
    """Without dimensions that are no axis of the grid and have one value in every part (a lone seed, a lone step, …).

    The layers of a network of depth 1 stay where others of the study are deeper, and points are points even if there is
    one. A lone estimator keeps its name.
    """
    dims = {dim for _, part in parts for dim in part.dims} - {*axes, "draw", "test_point", "train_point"}
    lone = [dim for dim in dims if all(part.sizes.get(dim) == 1 for _, part in parts)]
    named = [dim for dim in lone if dim != "estimator"]
    return [(coords, part.squeeze(lone).drop_vars(named, errors="ignore")) for coords, part in parts]


def _combine(name: str, parts: Sequence[Part], axes: Mapping[str, Sequence[Any]]) -> xr.DataArray:
    """One array over the axes on which the parts differ, then over the parts' own dimensions."""
    first = parts[0][1]
    outer = [axis for axis in axes if any(axis in coords and axis not in part.dims for coords, part in parts)]
    inner: dict[str, np.ndarray] = {}
    for _, part in parts:
        if part.dims != first.dims:
            raise ResultError(f"{name}: files of one study have different dimensions {first.dims} and {part.dims}")
        for dim in part.dims:
            values = part.coords[dim].values
            inner[str(dim)] = values if str(dim) not in inner else _union(inner[str(dim)], values)
    for dim in inner:
        if dim in axes:  # the config's order, whatever order the files have
            inner[dim] = np.asarray(axes[dim])
    coords: dict[str, Any] = {axis: np.asarray(axes[axis]) for axis in outer} | inner
    text = first.dtype.kind in "OUS"
    missing: Any = "" if text else np.nan
    dtype = object if text else np.result_type(first.dtype, np.float64)
    shape = tuple(len(values) for values in coords.values())
    target = xr.DataArray(np.full(shape, missing, dtype), coords, tuple(coords))
    for where, part in parts:
        place: dict[str, Any] = {axis: where[axis] for axis in outer if axis in where}
        place |= {str(dim): part.coords[dim].values for dim in part.dims}
        cell = target.loc[place]
        target.loc[place] = part.transpose(*[dim for dim in cell.dims if dim in part.dims])
    if text:
        target = target.astype(str)
    checked = variable(target.dims, target.values, **_required(name, first))  # type: ignore[arg-type]
    scalars = {key: first[key] for key in ("estimator",) if key in first.coords and first[key].ndim == 0}
    return xr.DataArray(checked, {**target.coords, **scalars})


def _union(known: np.ndarray, more: np.ndarray) -> np.ndarray:
    """The values of both, in order of appearance for text and in rising order for numbers."""
    new = [value for value in more if value not in known]
    if not new:
        return known
    both = np.concatenate([known, np.asarray(new)])
    return both if both.dtype.kind in "OUS" else np.sort(both)


def _required(name: str, array: xr.DataArray) -> dict[str, Any]:
    attrs = {str(key): value for key, value in array.attrs.items()}
    attrs.setdefault("long_name", name)
    return attrs
