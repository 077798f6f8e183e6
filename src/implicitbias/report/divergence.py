"""Which trained networks of a study diverged."""

from itertools import product

import xarray as xr

_NAMED = 8  # places


def divergence(dataset: xr.Dataset) -> str:
    """How many trained networks diverged, and where in the study's grid; an empty text if it trains none.

    A place is given by all axes of several values but seeds and members, of which it is said how many diverged.
    """
    if "stop_reason" not in dataset:
        return ""
    reasons = dataset["stop_reason"].squeeze(drop=True)
    lost, trained = reasons == "diverged", reasons != ""
    text = f"{int(lost.sum())} of {int(trained.sum())} trained networks diverged"
    axes = [dim for dim in map(str, reasons.dims) if dim not in ("seed", "member")]
    places = []
    for values in product(*(reasons[axis].values.tolist() for axis in axes)):
        here = dict(zip(axes, values, strict=True))
        if count := int(lost.sel(here).sum()):
            where = ", ".join(f"{axis.replace('_', ' ')} {value}" for axis, value in here.items())
            places.append(f"{where} ({count} of {int(trained.sel(here).sum())})")
    if not axes or not places:
        return f"{text}."
    more = [f"and at {len(places) - _NAMED} other places"] if len(places) > _NAMED else []
    return f"{text}: at {'; '.join([*places[:_NAMED], *more])}."
