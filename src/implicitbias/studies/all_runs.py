"""One table of all trained networks of all studies, and which of their metrics predict the test error."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from implicitbias.catalogue import METRICS
from implicitbias.schema import canonical_json, describe, parameters_of, variable
from implicitbias.studies.verdicts import rank_correlation, rank_interval

ARCHITECTURE = ("gibbs_error", "bayes_error")
"""What infinitely wide networks add to the table, where a study has them: the architecture's share."""

_LEAST = 5  # runs of a task, or tasks, that a rank correlation is taken of
_PAPERS = "after Jiang et al. 2020, section 4 (rank correlations within and across tasks)"


def gather(studies: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """All trained networks at their last step, a row each, with every metric that is one number.

    Args:
        studies: name -> dataset, from `assemble`; those without a training block and test errors add nothing.

    Returns:
        Dimension `run`: `study`, `task` (source, labels, sizes and the like, without the seed), `seed`, `test_error`,
        the metrics, and of infinitely wide networks on the same points `gibbs_error` and `bayes_error`; NaN where a
        study does not have them. Dimension `metric`: rank correlations with the test error, `within` tasks (of the
        same study: Fisher's mean over tasks of five or more runs) and `across` them (of the tasks' means), with their
        95 % intervals `within_low`, `within_high`, `across_low`, `across_high`, and `within_tasks`, `across_tasks`,
        how many tasks they rest on.
    """
    trained = {name: study for name, study in studies.items() if parameters_of(study).get("training")}
    tables = [_table(name, study) for name, study in trained.items() if "test_error" in study]
    empty = pd.DataFrame(columns=["study", "task", "seed", "test_error"])
    whole = pd.concat(tables, ignore_index=True) if tables else empty
    whole = whole.dropna(subset=["test_error"]).reset_index(drop=True)
    names = [name for name, entry in METRICS.items() if name in whole and not entry.over_networks]
    names.remove("test_error")
    columns: dict[str, xr.Variable] = {
        name: variable("run", whole[name].to_numpy(str), what)
        for name, what in (("study", "study"), ("task", "task without its seed"))
    }
    columns["seed"] = variable("run", whole["seed"].to_numpy(float), "seed of the task")
    for name in ("test_error", *names, *(name for name in ARCHITECTURE if name in whole)):
        entry = METRICS.get(name)
        text, source = (entry.long_name, entry.source) if entry else _INFINITE[name]
        columns[name] = variable("run", whole[name].to_numpy(float), text, source=source)
    found = [_predicts(whole, name) for name in names]
    for key, what in _PREDICTION.items():
        columns[key] = variable("metric", [each[key] for each in found], what, source=_PAPERS)
    dataset = xr.Dataset(columns, {"run": np.arange(len(whole)), "metric": np.array(names, dtype=str)})
    return describe(dataset, "all trained networks of all studies", {"studies": sorted(studies)})


_INFINITE = {
    "gibbs_error": ("average test error over the orthant", "Bernstein & Yue 2021, section 4"),
    "bayes_error": ("test error of the orthant's majority", "Bernstein & Yue 2021, section 4"),
}
_PREDICTION = {
    "within": "rank correlation with the test error within tasks",
    "within_low": "lower end of its 95 % interval",
    "within_high": "upper end of its 95 % interval",
    "within_tasks": "tasks that it rests on",
    "across": "rank correlation of the tasks' means with those of the test error",
    "across_low": "lower end of its 95 % interval",
    "across_high": "upper end of its 95 % interval",
    "across_tasks": "tasks that it rests on",
}


def _table(name: str, study: xr.Dataset) -> pd.DataFrame:
    """The rows of one study."""
    last = study.isel(step=-1) if "step" in study.dims else study
    error = last["test_error"]
    data = {"test_error": error}
    for key in (*METRICS, *ARCHITECTURE):
        if key in last and set(last[key].dims) <= set(error.dims):
            data[key] = last[key].broadcast_like(error).transpose(*error.dims)
    table = pd.DataFrame({key: values.values.ravel() for key, values in data.items()})
    table["study"], table["seed"] = name, _along(error, "seed", np.nan)
    settings = {key: value for key, value in (parameters_of(study).get("task") or {}).items() if value is not None}
    words = {key: _along(error, key, value) for key, value in settings.items() if key not in ("seed", "test_size")}
    table["task"] = [
        canonical_json({key: _plain(values[row]) for key, values in words.items()}) for row in range(len(table))
    ]
    return table


def _along(data: xr.DataArray, key: str, value: Any) -> np.ndarray:
    """A coordinate at every point of the array, flat; `value` where it is not one."""
    if key in data.coords:
        coordinate = data[key].broadcast_like(data).transpose(*data.dims)
        return coordinate.values.ravel()
    return np.full(data.size, value, dtype=object)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _predicts(whole: pd.DataFrame, name: str) -> dict[str, float]:
    """The rank correlations of one metric with the test error, and their intervals."""
    known = whole.dropna(subset=[name])
    centres, weights = [], []
    for _, part in known.groupby(["study", "task"]):
        if len(part) >= _LEAST and part[name].nunique() > 1 and part["test_error"].nunique() > 1:
            correlation = np.clip(rank_correlation(part[name], part["test_error"]), -1 + 1e-3, 1 - 1e-3)
            centres.append(np.arctanh(correlation))
            weights.append(len(part) - 3)
    found = dict.fromkeys(_PREDICTION, np.nan) | {"within_tasks": len(centres)}
    if centres:
        middle, half = np.average(centres, weights=weights), 1.96 * np.sqrt(1.06 / np.sum(weights))
        ends = {"within": middle, "within_low": middle - half, "within_high": middle + half}
        found |= {key: np.tanh(value) for key, value in ends.items()}
    means = known.groupby("task")[[name, "test_error"]].mean()
    found["across_tasks"] = len(means)
    if len(means) >= _LEAST:
        low, correlation, high = rank_interval(means[name], means["test_error"])
        found |= {"across": correlation, "across_low": low, "across_high": high}
    return {key: float(value) for key, value in found.items()}
