"""One table of all trained networks of all studies, and which of their metrics predict the test error."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import t as student

from implicitbias.canonical import canonical_json
from implicitbias.catalogue import METRICS
from implicitbias.schema import describe, parameters_of, variable
from implicitbias.studies.loss_curves import loss_curves
from implicitbias.studies.variants import without_repeats
from implicitbias.studies.verdicts import fisher, last, rank_correlation

ARCHITECTURE = ("gibbs_error", "bayes_error")
"""What infinitely wide networks add to the table, where a study has them: their average error."""

_LEAST = 5  # pairs that a rank correlation is taken of, and draws that an interval rests on
_PAPERS = "after Jiang et al. 2020, section 4 (rank correlations within and across tasks)"


def gather(studies: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """All trained networks at their last step, a row each, with every metric that is one number.

    Args:
        studies: name -> dataset, from `assemble`; those without a training block and test errors add nothing.

    Returns:
        Dimension `run`: `study`, `task` (source, labels, sizes and the like, without the seed), `network` (its
        architecture), `seed`, `test_error`, the metrics, and of infinitely wide networks on the same points
        `gibbs_error` and `bayes_error`; NaN where a study does not have them.

        Dimension `metric`: rank correlations with the test error among networks of one architecture, for margins of
        different degrees of homogeneity cannot be compared. `within` tasks: Fisher's mean over the groups of one study,
        task and architecture with five or more runs. `across` them: Fisher's mean over architectures with five or more
        tasks of the correlation of the tasks' means. `within_groups` and `across_groups` say how many.

        Networks on the same points are no independent ones. A draw is a source with its labels and a seed; its training
        sets of all sizes are nested, and all studies take the same. The 95 % intervals (`within_low`, `within_high`,
        `across_low`, `across_high`) leave out one draw after another with all its networks, and are NaN for fewer than
        five draws (`within_draws`, `across_draws`), and where all correlations are 1. They hold for new draws, not for
        other sources and labels.

        And the loss of all trained networks while they train (see `studies.loss_curves`).
    """
    tables = [
        _table(name, study)
        for name, study in studies.items()
        for asked in [parameters_of(study)]
        if asked.get("training") and "test_error" in study and "test_error" in asked.get("metrics", ["test_error"])
    ]
    empty = pd.DataFrame(columns=["study", "task", "network", "draw", "seed", "test_error"])
    whole = pd.concat(tables, ignore_index=True) if tables else empty
    whole = whole.dropna(subset=["test_error"]).reset_index(drop=True)
    names = [name for name, entry in METRICS.items() if name in whole and not entry.over_networks]
    names.remove("test_error")
    columns: dict[str, xr.Variable] = {
        name: variable("run", whole[name].to_numpy(str), what)
        for name, what in (("study", "study"), ("task", "task without its seed"), ("network", "architecture"))
    }
    columns["seed"] = variable("run", whole["seed"].to_numpy(float), "seed of the task")
    for name in ("test_error", *names, *(name for name in ARCHITECTURE if name in whole)):
        entry = METRICS.get(name)
        text, source = (entry.long_name, entry.source) if entry else _INFINITE[name]
        columns[name] = variable("run", whole[name].to_numpy(float), text, source=source)
    found = [_predicts(whole, name) for name in names]
    for key, what in _PREDICTION.items():
        columns[key] = variable("metric", [each[key] for each in found], what, source=_PAPERS)
    columns |= (curves := loss_curves(studies))
    coords = {dim: np.arange(size) for dim, size in curves["curve_loss"].sizes.items()}
    dataset = xr.Dataset(columns, {"run": np.arange(len(whole)), "metric": np.array(names, dtype=str), **coords})
    return describe(dataset, "all trained networks of all studies", {"studies": sorted(studies)})


_INFINITE = {
    "gibbs_error": ("average test error over the orthant", "Bernstein & Yue 2021, section 4"),
    "bayes_error": ("test error of the orthant's majority", "Bernstein & Yue 2021, section 4"),
}
_PREDICTION = {
    "within": "rank correlation with the test error within tasks",
    "within_low": "lower end of its 95 % interval",
    "within_high": "upper end of its 95 % interval",
    "within_groups": "groups of one study, task and architecture that it rests on",
    "within_draws": "draws of training points that it rests on",
    "across": "rank correlation of the tasks' means with those of the test error",
    "across_low": "lower end of its 95 % interval",
    "across_high": "upper end of its 95 % interval",
    "across_groups": "architectures that it rests on",
    "across_draws": "draws of training points that it rests on",
}


def _table(name: str, study: xr.Dataset) -> pd.DataFrame:
    """The rows of one study."""
    end = last(study)
    error = end["test_error"]
    data = {}
    for key in (*(name for name in METRICS if not name.endswith("_stderr")), *ARCHITECTURE):
        if key in end and set(end[key].dims) <= set(error.dims):
            data[key] = end[key].broadcast_like(error).transpose(*error.dims)
    data["test_error"] = without_repeats(error)
    table = pd.DataFrame({key: values.values.ravel() for key, values in data.items()})
    table["study"], table["seed"] = name, _along(error, "seed", np.nan)
    parameters = parameters_of(study)
    task, network = (parameters.get(block) or {} for block in ("task", "network"))
    table["task"] = _words(error, task, without=("seed", "test_size"))
    table["network"] = _words(error, network)
    draws = _words(error, task, without=("seed", "test_size", "train_size"))
    table["draw"] = [f"{words} {seed}" for words, seed in zip(draws, table["seed"], strict=True)]
    return table


def _words(data: xr.DataArray, block: Mapping[str, Any], without: Sequence[str] = ()) -> list[str]:
    """A block of the study's config at every point of the array, flat."""
    settings = {key: value for key, value in block.items() if value is not None and key not in without}
    words = {key: _along(data, key, value) for key, value in settings.items()}
    return [canonical_json({key: _plain(values[row]) for key, values in words.items()}) for row in range(data.size)]


def _along(data: xr.DataArray, key: str, value: Any) -> np.ndarray:
    """A coordinate at every point of the array, flat; `value` where it is not one."""
    if key in data.dims:
        shape = [-1 if dim == key else 1 for dim in data.dims]
        return np.broadcast_to(data[key].values.reshape(shape), data.shape).ravel()
    return np.full(data.size, data[key].item() if key in data.coords else value, dtype=object)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _predicts(whole: pd.DataFrame, name: str) -> dict[str, float]:
    """The rank correlations of one metric with the test error, and their intervals."""
    known = whole.dropna(subset=[name])[["study", "task", "network", "draw", name, "test_error"]]
    within = [part for _, part in known.groupby(["study", "task", "network"])]
    across = [part for _, part in known.groupby("network") if part["task"].nunique() >= _LEAST]
    found = _pooled(within, name, "within") | _pooled(across, name, "across", by="task")
    return {key: float(value) for key, value in found.items()}


def _pooled(parts: Sequence[pd.DataFrame], name: str, kind: str, by: str | None = None) -> dict[str, float]:
    """Fisher's mean of the parts' rank correlations; its interval by the jackknife over draws (Miller 1974)."""

    def weighed(part: pd.DataFrame) -> np.ndarray:
        if by is not None:
            part = part.groupby(by)[[name, "test_error"]].mean()
        if len(part) < _LEAST or part[name].nunique() == 1 or part["test_error"].nunique() == 1:
            return np.zeros(2)
        weight = len(part) - 3
        return np.array([weight * fisher(rank_correlation(part[name], part["test_error"])), weight])

    kept = [(part, value) for part in parts if (value := weighed(part))[1] > 0]
    found = dict.fromkeys((kind, f"{kind}_low", f"{kind}_high"), np.nan)
    draws = sorted({draw for part, _ in kept for draw in part["draw"]})
    if kept:
        total = np.sum([value for _, value in kept], axis=0)
        centre = total[0] / total[1]
        found[kind] = np.tanh(centre)
        if len(draws) >= _LEAST:
            without = np.tile(total, (len(draws), 1))
            for (part, value), (row, draw) in product(kept, enumerate(draws)):
                other = part["draw"] != draw
                if not other.all():
                    without[row] += weighed(part[other]) - value
            with np.errstate(invalid="ignore", divide="ignore"):
                left = without[:, 0] / without[:, 1]  # NaN if nothing is left: no interval
            half = student.ppf(0.975, len(draws) - 1) * np.sqrt((len(draws) - 1) * left.var())
            if half > 0:  # at a correlation of 1 that every draw bears out there is nothing to vary
                found |= {f"{kind}_low": np.tanh(centre - half), f"{kind}_high": np.tanh(centre + half)}
    return found | {f"{kind}_groups": len(kept), f"{kind}_draws": len(draws)}


def judged(runs: xr.Dataset) -> xr.Dataset:
    """The metrics of the table whose correlation within tasks has an interval; the training error is none of them."""
    return runs.isel(metric=(runs["within_low"].notnull() & (runs["metric"] != "train_error")).values)
