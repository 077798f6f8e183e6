"""Checks of gradient descent with large steps on quadratic models: its phases, and what averaging does."""

from collections.abc import Iterator
from math import sqrt

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import Interval
from implicitbias.studies.verdicts import MissingData, Verdict, arms, axis, mean_interval, verdict

_CATAPULT = 2 * sqrt(2) - 2  # relative step above which a loss may rise
_NAMES = ("lyapunov", "period", "rises", "diverged")
_CHAOS = 0.01  # an exponent above this is no rounding of 0: networks have directions along which nothing changes


def the_cubic_map_has_five_phases(dataset: xr.Dataset) -> Verdict:
    """The cubic map has five phases: at steps up to 2 sqrt 2 - 2 the loss rises from no start; from there to 1 it rises
    from some, and all of them settle; above 1 the period is 2 and no start settles; somewhere below 2 the Lyapunov
    exponent is above 0 by its 95 % interval over starts; below 2 no start diverges, and above 2 all of them do.

    Chen et al. 2023: monotonic, catapult, periodic, chaotic and divergent.
    """
    known = _by_draw(dataset, *(f"map_{name}" for name in _NAMES))
    passed, numbers = _five_phases(xr.Dataset({name: known[f"map_{name}"] for name in _NAMES}))
    return verdict(passed, f"of {known.sizes['all']} starts {numbers}")


def orthogonal_data_follow_the_cubic_map(dataset: xr.Dataset) -> Verdict:
    """Models of orthogonal data have the map's five phases in every draw: their periods are the map's in over 95 % of
    draws and step sizes, and their exponents, where positive, are the map's within .02 by the 95 % interval over draws.

    Chen et al. 2023: on orthogonal data every residual of a model follows the map, and so has its five phases.
    """
    passed, told = True, []
    for name, part in _on_design(dataset, "orthogonal"):
        known = _by_draw(part, *_NAMES, *(f"map_{kind}" for kind in _NAMES))
        of_model, numbers = _five_phases(known)
        bounded = known["map_diverged"] == 0
        equal = float((known["period"] == known["map_period"]).where(bounded).mean())
        positive = [known[key].clip(min=0) for key in ("lyapunov", "map_lyapunov")]
        away = Interval(*mean_interval((positive[0] - positive[1]).mean("relative_step")))
        passed &= of_model and equal > 0.95 and -0.02 < away.low <= away.high < 0.02
        told.append(
            f"{name}of {known.sizes['all']} draws {numbers}; periods are the map's in {equal:.1%}, exponents where"
            f" positive differ by {away}"
        )
    return verdict(passed, "; ".join(told))


def generic_data_have_the_phases(dataset: xr.Dataset) -> Verdict:
    """Models of Gaussian data usually settle at steps below 1 and have a longer period above, until the Lyapunov
    exponent is above 0 by its 95 % interval over draws; under a tenth diverge at steps below 1, and over nine tenths
    above 2.

    Chen et al. 2023, by simulation; models that diverge earlier, as from some first weights, are not counted.
    """
    passed, told = True, []
    for name, part in _on_design(dataset, "gaussian"):
        known = _by_draw(part, *_NAMES)
        below, above, beyond = (_between(known, *ends) for ends in ((0, 1), (1, 2), (2, np.inf)))
        first = _first_chaotic(above)
        settled = (_usual_period(below) == 1).all() and _first_chaotic(below) is None
        oscillates = first is not None and (_usual_period(above).where(above["relative_step"] < first[0], 2) > 1).all()
        diverged = float(beyond["diverged"].mean())
        early = float(below["diverged"].mean())
        passed &= bool(settled) and bool(oscillates) and diverged > 0.9 and early < 0.1
        told.append(
            f"{name}of {known.sizes['all']} draws {_chaos_from(first)}; usual periods"
            f" {_range(_usual_period(below))} below 1, {_range(_usual_period(above))} from 1 to 2;"
            f" {early:.1%} diverge below 1, {diverged:.1%} above 2"
        )
    return verdict(passed, "; ".join(told))


def averaging_steps_lowers_the_test_loss(dataset: xr.Dataset) -> Verdict:
    """In the periodic and in the chaotic phase, predictions averaged over many steps have a lower test loss than those
    of the last weights, by the 95 % interval of the paired difference over draws.

    Chen et al. 2023; the last weights against predictions averaged over many steps, in the same runs.
    """
    passed, told = True, []
    for name, part in arms(dataset, "model", "design"):
        known = _between(_by_draw(part, "test_loss", "averaged_test_loss", "map_lyapunov", "diverged"), 1, 2)
        chaotic = known["map_lyapunov"].mean("all") > _CHAOS
        if not bool(known["diverged"].notnull().all()):
            return verdict(False, f"{name} has no numbers")
        for phase, where in (("periodic", ~chaotic), ("chaotic", chaotic)):
            chosen = known.sel(relative_step=where)
            losses = chosen[["test_loss", "averaged_test_loss"]].mean("relative_step").dropna("all")
            gain = Interval(*mean_interval(losses["test_loss"] - losses["averaged_test_loss"]))
            passed &= gain.low > 0
            told.append(f"{name} {phase} {gain} of {float(losses['test_loss'].mean()):.3g}".strip())
    return verdict(passed, f"what averaging takes off the test loss, 95 % over draws: {'; '.join(told)}")


def _five_phases(known: xr.Dataset) -> tuple[bool, str]:
    """Whether all draws have the map's phases, and numbers; variables are by relative step and draw."""
    ends = ((0, _CATAPULT), (_CATAPULT, 1), (1, 2), (2, np.inf))
    monotonic, catapult, above, beyond = (_between(known, *pair) for pair in ends)
    risen = [part["rises"].mean("all", skipna=False) for part in (monotonic, catapult)]
    first = _first_chaotic(above)
    passed = (
        (risen[0] == 0).all()
        & (risen[1] > 0).all()
        & (_between(known, 0, 1)["period"] == 1).all()
        & (above["period"].isel(relative_step=0) == 2).all()
        & (above["period"] != 1).all()
        & (above["diverged"] == 0).all()
        & (beyond["diverged"] == 1).all()
    )
    numbers = (
        f"losses rise in {_range(risen[0], '.0%')} up to 2 sqrt 2 - 2, in {_range(risen[1], '.0%')} from there to 1;"
        f" the period is 2 at {float(above['relative_step'][0]):.3g}; {_chaos_from(first)};"
        f" {float(above['diverged'].mean()):.0%} diverge up to 2, {float(beyond['diverged'].mean()):.0%} above"
    )
    return bool(passed) and first is not None, numbers


def _first_chaotic(known: xr.Dataset) -> tuple[float, Interval] | None:
    """The smallest relative step at which the interval of the exponent is above 0, and that interval."""
    for step in known["relative_step"].values:
        exponents = known["lyapunov"].sel(relative_step=step).dropna("all")
        interval = Interval(*mean_interval(exponents)) if exponents.size else None
        if interval and interval.low > _CHAOS:
            return float(step), interval
    return None


def _chaos_from(first: tuple[float, Interval] | None) -> str:
    return f"exponents are positive from {first[0]:.3g} on, {first[1]}" if first else "no exponent is positive"


def _usual_period(known: xr.Dataset) -> xr.DataArray:
    """Median over the draws that stay bounded, with infinity for no period."""
    period = known["period"].where(known["period"] != 0, np.inf)
    return period.quantile(0.5, "all", method="lower", skipna=True)


def _range(values: xr.DataArray, form: str = "g") -> str:
    low, high = (f"{float(end):{form}}".replace("inf", "none") for end in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def _by_draw(dataset: xr.Dataset, *names: str) -> xr.Dataset:
    """Variables by relative step and draw, a dimension `all` for draws of all kinds."""
    axis(dataset, "relative_step")
    chosen = dataset[list(names)]
    others = [dim for dim in chosen.dims if dim != "relative_step"]
    return chosen.stack(all=others).reset_index("all", drop=True).sortby("relative_step")


def _on_design(dataset: xr.Dataset, kind: str) -> Iterator[tuple[str, xr.Dataset]]:
    """Name and part for every model on such data.

    Raises:
        MissingData: if there are none.
    """
    if "design" not in dataset or kind not in np.atleast_1d(dataset["design"].values):
        raise MissingData(f"no {kind} inputs")
    part = dataset.sel(design=kind) if "design" in dataset.dims else dataset
    return ((f"{name} " if name else "", one) for name, one in arms(part, "model"))


def _between(known: xr.Dataset, low: float, high: float) -> xr.Dataset:
    """The relative steps above one value and below another.

    Raises:
        MissingData: if there are none.
    """
    steps = known["relative_step"]
    chosen = known.sel(relative_step=(steps > low) & (steps < high))
    if not chosen.sizes["relative_step"]:
        raise MissingData(f"no relative step between {low:g} and {high:g}")
    return chosen
