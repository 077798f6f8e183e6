"""Checks of which interactions of patches kernels learn first: by order alone, or near ones (Xiao 2022)."""

from collections.abc import Iterator
from itertools import pairwise, permutations

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import Interval, experiment_interval
from implicitbias.studies.verdicts import MissingData, Verdict, arms, axis, mean, shown, verdict

_NEAR, _FAR = (["order 2, near", "order 3, near"], ["order 2, far", "order 3, far"])
_ORDERS = ("order 1", "order 2, near", "order 3, near")
_ALIKE = 0.1  # of the fraction learned: perceptrons' kernels do not know what is near


def perceptrons_learn_by_order_alone(dataset: xr.Dataset) -> Verdict:
    """With the kernel of perceptrons, more is learned of order 1 than of order 2, and of order 2 than of order 3 (the
    differences over all training sizes are above 0), and far interactions are learned as well as near ones (within .1),
    by the 95 % intervals over draws.

    Xiao 2022: the eigenspaces of a perceptron's kernel are told by the order of interactions.
    """
    passed, told = True, []
    for name, learned in _learned(dataset, "mlp"):
        by_order, apart = _orders(learned), _near_over_far(learned)
        passed &= all(more.low > 0 for more in by_order)
        passed &= all(-_ALIKE < more.low <= more.high < _ALIKE for more in apart)
        told.append(f"{name}orders {_shown(by_order)} apart, near and far {_shown(apart)}")
    return verdict(passed, f"fractions learned, 95 % over draws: {'; '.join(told)}")


def convolutions_learn_near_interactions_first(dataset: xr.Dataset) -> Verdict:
    """With the kernel of convolutions, more is learned of near interactions than of far ones of the same order, of
    three near patches than of two far ones, and of low orders than of high ones, by the 95 % intervals over draws.

    Xiao 2022: convolutions split the spaces of one order by the distance of the patches that interact.
    """
    passed, told = True, []
    for name, learned in _learned(dataset, "cnn"):
        by_order, apart = _orders(learned), _near_over_far(learned)
        exchanged = _over(learned, "order 3, near", "order 2, far")
        passed &= all(more.low > 0 for more in [*by_order, *apart, exchanged])
        told.append(
            f"{name}orders {_shown(by_order)} apart, near over far {_shown(apart)}, three near patches over two far"
            f" ones {exchanged}"
        )
    return verdict(passed, f"fractions learned, 95 % over draws: {'; '.join(told)}")


def an_average_over_places_saves_points(dataset: xr.Dataset) -> Verdict:
    """From as many points, convolutions with a global average learn more of every part than those without, by the 95 %
    intervals of the paired differences over draws.

    Xiao 2022: with a global average parts that are sums over all places are learned from fewer points.
    """
    passed, told = True, []
    flat = dict(_learned(dataset, "cnn"))
    for name, learned in _learned(dataset, "cnn_global_average"):
        parts = [str(part) for part in learned["component"].values]
        more = [experiment_interval((learned - flat[name]).sel(component=part)) for part in parts]
        passed &= all(each.low > 0 for each in more)
        told += [f"{name}{part} {each}" for part, each in zip(parts, more, strict=True)]
    return verdict(passed, f"more is learned with the average, 95 % over draws: {'; '.join(told)}")


def eigenvalues_tell_what_is_learned_first(dataset: xr.Dataset) -> Verdict:
    """Of any two parts whose eigenvalues differ, that of the larger eigenvalue is learned better, both by the 95 %
    intervals over draws.

    Xiao 2022, and Bordelon et al. 2020: of a kernel, parts of larger eigenvalues are learned from fewer points.

    Of all pairs of parts whose eigenvalues are told apart, by the interval of their ratio over draws.
    """
    passed, told = True, []
    for name, part in arms(dataset[["learned", "eigenvalue"]], "topology", "kernel"):
        learned, values = part["learned"], part["eigenvalue"].copy(data=np.log(part["eigenvalue"].values))
        pairs = right = 0
        for one, other in permutations(map(str, axis(part, "component")), 2):
            if _over(values, one, other).low > 0:
                pairs += 1
                right += _over(learned, one, other).low > 0
        passed &= right == pairs > 0
        means = shown(np.exp(mean(values, "component").values))
        told.append(f"{name.replace('_', ' ')} {right} of {pairs} (eigenvalues, geometric means, {means})".strip())
    return verdict(passed, f"pairs in the eigenvalues' order: {'; '.join(told)}")


def _learned(dataset: xr.Dataset, topology: str) -> Iterator[tuple[str, xr.DataArray]]:
    """Name and fractions learned of networks of a topology, for every kernel.

    Raises:
        MissingData: if there are none.
    """
    if "topology" not in dataset.coords or topology not in np.atleast_1d(dataset["topology"].values):
        raise MissingData(f"no topology {topology}")
    part = dataset[["learned"]]
    part = part.sel(topology=topology) if "topology" in part.dims else part
    for name, one in arms(part, "kernel"):
        axis(one["learned"], "component")
        yield f"{name} " if name else "", one["learned"]


def _over(values: xr.DataArray, one: str, other: str) -> Interval:
    """By how much values of one part are above those of another, on the mean over training sets, whose sizes double."""
    return experiment_interval(values.sel(component=one) - values.sel(component=other))


def _orders(learned: xr.DataArray) -> list[Interval]:
    """How much more of order 1 is learned than of order 2, and of order 2 than of order 3."""
    return [_over(learned, *pair) for pair in pairwise(_ORDERS)]


def _near_over_far(learned: xr.DataArray) -> list[Interval]:
    """How much more of near than of far interactions is learned, of order 2 and of order 3."""
    return [_over(learned, near, far) for near, far in zip(_NEAR, _FAR, strict=True)]


def _shown(intervals: list[Interval]) -> str:
    return " and ".join(map(str, intervals))
