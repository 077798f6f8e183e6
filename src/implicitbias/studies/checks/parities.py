"""Checks of margins on parities, with neurons that turn and without (Telgarsky 2022)."""

from itertools import pairwise

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import Interval, count_of_draws, experiment_interval
from implicitbias.studies.powers import log
from implicitbias.studies.verdicts import MissingData, Verdict, arms, axis, mean, mean_interval, verdict

_AXES = ("features", "width")


def turning_neurons_reach_the_global_margin(dataset: xr.Dataset) -> Verdict:
    """Networks all of whose weights are trained reach over 95 % of the largest margin of networks with the two signs'
    own directions, at every dimension and width, and the slope of their log margin against log d is -1/2 within .05, by
    the 95 % intervals over draws.

    Telgarsky 2022, section 2.3: of order 1/sqrt(d), where the tangent kernel's margin is of order 1/d.
    """
    passed, numbers = _reaches(dataset, "all weights", "best directions", 0.95)
    features = np.sort(axis(dataset, "features"))
    margins = mean(_log_margin(dataset, "all weights"), "features", "draw", "seed").sel(features=features)
    slopes = np.polyfit(np.log(features), margins.transpose("features", ...).values.reshape(len(features), -1), 1)[0]
    slope = Interval(*mean_interval(slopes))
    told = f"slope against log d {slope}"
    return verdict(passed and -0.55 < slope.low <= slope.high < -0.45, f"{numbers}; {told}")


def norms_alone_reach_the_margin_of_their_directions(dataset: xr.Dataset) -> Verdict:
    """Networks whose rows change in norm only reach over 80 % of the largest margin with their own directions and
    signs, at every dimension and width, by the 95 % intervals over draws.

    Telgarsky 2022, section 2.3; wide networks have all directions, these have the drawn ones.
    """
    return verdict(*_reaches(dataset, "norms alone", "best norms", 0.8))


def fixed_directions_cost_margin(dataset: xr.Dataset) -> Verdict:
    """With fixed directions, the largest margin is below that of networks with the two signs' own directions at every
    dimension and width; this cost is smaller in wider networks and larger in higher dimensions, by the 95 % intervals
    over draws.

    Telgarsky 2022, section 2.3: rows that change in norm only have the global margin at large widths.
    """
    widths, features = (np.sort(axis(dataset, name)) for name in ("width", "features"))
    share = _log_margin(dataset, "best norms") - _log_margin(dataset, "best directions")
    lost = {kind: experiment_interval(part) for kind, part in arms(share, *_AXES)}
    wider = [experiment_interval(share.sel(width=b) - share.sel(width=a)) for a, b in pairwise(widths)]
    higher = [experiment_interval(share.sel(features=a) - share.sel(features=b)) for a, b in pairwise(features)]
    passed = all(each.high < 0 for each in lost.values()) and all(each.low > 0 for each in (*wider, *higher))
    numbers = "; ".join(f"{kind} {each.exp()}" for kind, each in lost.items())
    return verdict(
        passed, f"share of the global margin by dimension and width, {count_of_draws(dataset)} draws: {numbers}"
    )


def _reaches(dataset: xr.Dataset, trained: str, best: str, least: float) -> tuple[bool, str]:
    share = _log_margin(dataset, trained) - _log_margin(dataset, best)
    found = {kind: experiment_interval(part).exp() for kind, part in arms(share, *_AXES)}
    numbers = "; ".join(f"{kind} {each}".strip() for kind, each in found.items())
    return all(each.low > least for each in found.values()), f"share by {count_of_draws(dataset)} draws: {numbers}"


def _log_margin(dataset: xr.Dataset, network: str) -> xr.DataArray:
    """The logarithm of a network's margin; NaN, which no check passes, where it does not fit."""
    if network not in axis(dataset, "network"):
        raise MissingData(f"no network {network}")
    return log(dataset["margin"].sel(network=network, drop=True))
