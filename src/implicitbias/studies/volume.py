"""Random networks that fit and families of trained ones as the training set grows, and what is claimed of them.

Of one class of networks and the same points: the error of a random function that fits the labels (Gibbs), of the vote
of all of them (Bayes), and of networks trained by one optimizer to one loss. Three numbers compare the first with the
last, and they need not tell the same: gap = Gibbs - trained, ratio = Gibbs/trained, and the fraction of the fall from
chance that is there without any training, (chance - Gibbs)/(chance - trained).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from implicitbias.studies.intervals import Array, Interval, draw_interval, joint_intervals, known_points, of_kind
from implicitbias.studies.verdicts import MissingData, arms, axis, last, several_draws

PANELS = {
    "source": "{}", "labels": "{} labels", "classes": "{} classes", "architecture": "{}", "readout": "{} readout",
    "depth": "depth {}", "width": "width {}", "optimizer": "{}", "constraint": "{}",
}  # fmt: skip
"""Axes whose every value has a panel of its own, and how its value is told."""

FAMILIES = {"loss": "{} loss", "label_scale": "scale {:g}", "learning_rate": "step {}", "batch_size": "batches of {}"}
"""Axes that tell the families of trained networks of a panel apart; of all other axes the last value is taken."""

NEAR = 0.02
"""Two errors that differ by less are called alike."""

NEEDS = ("train_error", "test_error_by_point", "gibbs_error_by_point", "bayes_error_by_point")
"""The variables of a study that can be looked at in this way."""

_LEAST = 1e-4  # an error below this counts as this in a ratio
_GUESSES = 10  # accepted random networks, below which their mean error is not told
_GIBBS, _BAYES, _TRAINED = range(3)


@dataclass(frozen=True)
class Claim:
    """What is claimed of trained networks and random ones, as an interval that a number is to lie in.

    Attributes:
        words: the claim.
        source: who made it, or who is refuted by its contrary.
        number: of chance and the mean errors `(..., 2, 3)` at the middle and the largest training size, of random
            functions, their vote, and trained networks.
        least: the lower end.
        most: the upper end.
    """

    words: str
    source: str
    number: Callable[[float, Array], Array]
    least: float
    most: float

    def verdict(self, found: Interval) -> str:
        """Supported or refuted, if all of the interval says so, or else undecided."""
        if found.low > self.least and found.high < self.most:
            return "supported"
        return "refuted" if found.high <= self.least or found.low >= self.most else "undecided"


@dataclass(frozen=True)
class Size:
    """Random and trained networks at one training size, with 95 % intervals over draws of training and test points."""

    train_size: int
    trained: Interval
    gap: Interval
    ratio: Interval
    fraction: Interval


@dataclass(frozen=True)
class Curve:
    """A family of trained networks.

    Attributes:
        family: its name.
        sizes: where all of its networks fit their training points, by rising training size.
        findings: the number that each claim is about, by the claim's name; none where the family does not fit.
    """

    family: str
    sizes: list[Size]
    findings: dict[str, Interval]


@dataclass(frozen=True)
class Panel:
    """One class of networks on one kind of data.

    Attributes:
        name: the values of the panel's axes.
        chance: the error of a random class.
        gibbs: error of random functions that fit, by training size.
        bayes: error of their vote, likewise.
        guessed: error of random networks of finite width that fit, where enough of them were found.
        curves: one a family.
    """

    name: str
    chance: float
    gibbs: dict[int, Interval]
    bayes: dict[int, Interval]
    guessed: dict[int, Interval]
    curves: list[Curve]


def _gap(chance: float, errors: Array) -> Array:
    gap: Array = errors[..., _GIBBS] - errors[..., _TRAINED]
    return gap


def _distance(chance: float, errors: Array) -> Array:
    return np.abs(_gap(chance, errors))


def _log_ratio(chance: float, errors: Array) -> Array:
    logs: Array = np.log(np.maximum(errors, _LEAST))
    return logs[..., _GIBBS] - logs[..., _TRAINED]


def _fraction(chance: float, errors: Array) -> Array:
    fraction: Array = (chance - errors[..., _GIBBS]) / (chance - errors[..., _TRAINED])
    return fraction


def _middle(statistic: Callable[[float, Array], Array], chance: float, errors: Array) -> Array:
    return statistic(chance, errors[..., 0, :])


def _largest(statistic: Callable[[float, Array], Array], chance: float, errors: Array) -> Array:
    return statistic(chance, errors[..., 1, :])


def _rise(statistic: Callable[[float, Array], Array], chance: float, errors: Array) -> Array:
    """From the middle training size to the largest."""
    return statistic(chance, errors[..., 1, :]) - statistic(chance, errors[..., 0, :])


def _from_vote(chance: float, errors: Array) -> Array:
    difference: Array = errors[..., _TRAINED] - errors[..., _BAYES]
    return difference


CLAIMS = {
    "comparable": Claim(
        "at few points trained networks err as random ones that fit", "Chiang et al. 2023",
        partial(_middle, _gap), -NEAR, NEAR,
    ),
    "better": Claim(
        "at few points trained networks err less than random ones that fit", "Peleg & Hein 2024",
        partial(_middle, _gap), 0, inf,
    ),
    "draw": Claim(
        "at many points trained networks err as random ones that fit", "Mingard et al. 2021",
        partial(_largest, _gap), -NEAR, NEAR,
    ),
    "shrinks": Claim(
        "the gap, of either sign, shrinks with the training set", "Pakman, Kreimer & Berchenko 2026",
        partial(_rise, _distance), -inf, 0,
    ),
    "ratio": Claim(
        "the ratio grows with the training set", "this project, against Pakman et al. 2026",
        partial(_rise, _log_ratio), 0, inf,
    ),
    "fraction": Claim(
        "the fraction that needs no training grows with the training set", "Pakman, Kreimer & Berchenko 2026",
        partial(_rise, _fraction), 0, inf,
    ),
    "vote": Claim(
        "at many points trained networks err as the vote of random ones that fit", "Bernstein & Yue 2021, version 2",
        partial(_largest, _from_vote), -NEAR, NEAR,
    ),
}  # fmt: skip
"""The few points are the study's middle training size, the many its largest."""


def panels(dataset: xr.Dataset) -> Iterator[Panel]:
    """Every panel of a study.

    Raises:
        MissingData: if the study lacks an error at its test points, two training sizes or two draws, or has other test
            points at some training sizes than at others.
    """
    if missing := [name for name in NEEDS if name not in dataset]:
        raise MissingData(f"no {missing[0]}")
    several_draws(dataset)
    if len(axis(dataset, "train_size")) < 2:
        raise MissingData("no two training sizes")
    kept = [*NEEDS, "test_index", *(name for name in ("chance_error", "sampled_test_error") if name in dataset)]
    chosen = dataset[kept].sortby("train_size")
    for dim in map(str, chosen.dims):
        if dim not in {*PANELS, *FAMILIES, "train_size", "seed", "member", "draw", "test_point"}:
            chosen = last(chosen, dim)
    for _, part in arms(chosen, *PANELS):
        yield _panel(_named(PANELS, part, chosen), part)


def _panel(name: str, part: xr.Dataset) -> Panel:
    chance = float(part["chance_error"].fillna(0.5).mean()) if "chance_error" in part else 0.5  # of labels +-1
    there, points = known_points(part)
    errors = [_table(part[f"{each}_error_by_point"], there) for each in ("gibbs", "bayes", "test")]
    fits = (part["train_error"] == 0).all([dim for dim in ("seed", "member") if dim in part["train_error"].dims])
    sizes = part["train_size"].values.tolist()
    random = {
        n: joint_intervals(
            np.stack([_at(each, {"train_size": n}) for each in errors[:_TRAINED]]), points,
            [partial(of_kind, _GIBBS), partial(of_kind, _BAYES)],
        )
        for n in sizes
    }  # fmt: skip
    return Panel(
        name, chance,
        {n: found[_GIBBS].within(0, 1) for n, found in random.items()},
        {n: found[_BAYES].within(0, 1) for n, found in random.items()},
        {n: guessed for n in sizes if (guessed := _guessed(part, n)) is not None},
        [_curve(_named(FAMILIES, at, part) or "trained networks", at, errors, fits, points, chance)
         for _, at in arms(part[["train_error"]], *FAMILIES)],
    )  # fmt: skip


def _curve(
    family: str, at: xr.Dataset, errors: Sequence[xr.DataArray], fits: xr.DataArray, points: NDArray[np.int64],
    chance: float,
) -> Curve:  # fmt: skip
    place = {dim: at[dim].item() for dim in FAMILIES if dim in fits.dims}
    known = [int(n) for n in fits["train_size"].values[fits.sel(place).values]]
    tables = {n: np.stack([_at(each, {**place, "train_size": n}) for each in errors]) for n in known}
    ends = few_and_many(fits["train_size"].values)
    findings = {}
    if set(ends) <= set(known):
        both = np.concatenate([tables[n] for n in ends])
        numbers = [partial(_of_pair, claim.number, chance) for claim in CLAIMS.values()]
        findings = dict(zip(CLAIMS, joint_intervals(both, points, numbers), strict=True))
    return Curve(family, [_size(n, table, points, chance) for n, table in tables.items()], findings)


def few_and_many(sizes: NDArray[np.int64]) -> tuple[int, int]:
    """The training sizes that claims are about: the study's middle one (the lower of two) and its largest."""
    ordered = np.sort(sizes)
    return int(ordered[(len(ordered) - 1) // 2]), int(ordered[-1])


def _size(train_size: int, errors: Array, points: NDArray[np.int64], chance: float) -> Size:
    trained, gap, logs, fraction = joint_intervals(
        errors, points, [partial(of_kind, _TRAINED), *(partial(each, chance) for each in (_gap, _log_ratio, _fraction))]
    )
    return Size(train_size, trained.within(0, 1), gap, logs.exp(), fraction)


def _table(errors: xr.DataArray, there: NDArray[np.bool]) -> xr.DataArray:
    """Means over networks, `(..., seed, test_point)`, at the points that there are."""
    networks = [dim for dim in ("member",) if dim in errors.dims]
    table = errors.mean(networks, skipna=False).transpose(..., "seed", "test_point").isel(test_point=there)
    return table.drop_vars([name for name in table.coords if name not in (*FAMILIES, "train_size")])


def _at(table: xr.DataArray, place: Mapping[str, object]) -> Array:
    """`(S, m)`; an axis that the errors do not have is left out."""
    return table.sel({dim: value for dim, value in place.items() if dim in table.dims}).values.astype(np.float64)


def _guessed(part: xr.Dataset, train_size: int) -> Interval | None:
    """The mean error of accepted random networks over draws of training points, if there are enough."""
    if "sampled_test_error" not in part:
        return None
    errors = part["sampled_test_error"].sel(train_size=train_size)
    by_draw = errors.mean("draw").dropna("seed")
    if int(errors.count()) < _GUESSES or by_draw.sizes["seed"] < 2:
        return None
    return draw_interval(by_draw).within(0, 1)


def _of_pair(number: Callable[[float, Array], Array], chance: float, means: Array) -> Array:
    return number(chance, means.reshape(*means.shape[:-1], 2, 3))


def _named(words: Mapping[str, str], part: xr.Dataset, whole: xr.Dataset) -> str:
    """What tells the part from others of the whole."""
    told = [word.format(part[dim].item()) for dim, word in words.items() if dim in whole.dims]
    return ", ".join(told).replace("_", " ")
