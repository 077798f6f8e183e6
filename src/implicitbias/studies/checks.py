"""Predictions that a program can test: each check looks at a study's dataset and says passed, failed or not run."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from implicitbias.catalogue import CHECKS, resolve

_PAPER = "Bernstein & Yue 2021"


@dataclass(frozen=True)
class Verdict:
    """What a check found: `outcome` is "passed", "failed" or "not run"; `numbers` are the figures it rests on."""

    outcome: str
    numbers: str


def run_check(name: str, dataset: xr.Dataset) -> Verdict:
    """The verdict of a check of the catalogue; "not run" where the dataset lacks what it needs."""
    try:
        verdict: Verdict = resolve(CHECKS[name])(dataset)
    except KeyError as missing:
        return Verdict("not run", f"this study has no {missing.args[0]}")
    return verdict


def _verdict(passed: Any, numbers: str) -> Verdict:
    return Verdict("passed" if bool(passed) else "failed", numbers)


def _mean(data: xr.DataArray, *keep: str) -> xr.DataArray:
    """Mean over everything but the dimensions to keep."""
    return data.mean([dim for dim in data.dims if dim not in keep])


def _axis(dataset: xr.Dataset, name: str) -> np.ndarray:
    if name not in dataset.dims:
        raise KeyError(f"axis {name}")
    values: np.ndarray = dataset[name].values
    return values


def _shown(values: Any) -> str:
    return ", ".join(f"{value:.3g}" for value in np.ravel(values))


def networks_fit(dataset: xr.Dataset) -> Verdict:
    """Every trained network fits its training set."""
    errors = dataset["train_error"]
    numbers = f"largest training error {float(errors.max()):.3g}"
    for depth in np.atleast_1d(dataset["depth"].values):
        part = errors.sel(depth=depth) if "depth" in errors.dims else errors
        numbers += f"; depth {depth}: {float((part > 0).mean()):.1%} of networks do not fit"
    return _verdict(float(errors.max()) == 0, numbers)


def error_falls_with_label_scale(dataset: xr.Dataset) -> Verdict:
    """Trained networks' test error falls as the label scale rises."""
    order = np.sort(_axis(dataset, "label_scale"))
    errors = _mean(dataset["test_error"], "label_scale").sel(label_scale=order).values
    return _verdict((np.diff(errors) < 0).all(), f"test error {_shown(errors)} at label scale {_shown(order)}")


def small_labels_hurt(dataset: xr.Dataset) -> Verdict:
    """At every training size, true labels: networks trained to the smallest labels err more than to the largest."""
    scales = np.sort(_axis(dataset, "label_scale"))
    errors = _structured(dataset)["test_error"]
    low, high = (errors.sel(label_scale=scale) for scale in (scales[0], scales[-1]))
    gap = _mean(low - high, "train_size", "labels", "depth")
    return _verdict((gap > 0).all(), f"smallest gap in mean test error {float(gap.min()):.3f}")


def networks_cross_orthant_average(dataset: xr.Dataset) -> Verdict:
    """Networks cross the average over the orthant between label scales 0.1 and 1."""
    errors = _mean(dataset["test_error"], "label_scale")
    average = float(dataset["gibbs_error"].mean())
    low, high = (float(errors.sel(label_scale=scale)) for scale in _present(dataset, (0.1, 1.0)))
    return _verdict(low > average > high, f"networks {low:.3f} at 0.1 and {high:.3f} at 1; average {average:.3f}")


def networks_beat_nngp_at_large_scale(dataset: xr.Dataset) -> Verdict:
    """At label scales of 10 and more, networks beat the NNGP conditioned on the same targets."""
    scales = [scale for scale in _axis(dataset, "label_scale") if scale >= 10]
    if not scales:
        raise KeyError("label scale of 10 or more")
    networks, nngp = (
        _mean(dataset[name], "label_scale").sel(label_scale=scales) for name in ("test_error", "ray_error")
    )
    return _verdict((networks < nngp).all(), f"networks {_shown(networks)}, NNGP {_shown(nngp)}")


def orthant_averages_agree(dataset: xr.Dataset) -> Verdict:
    """Rejection-sampled random networks err as the NNGP's average over the orthant, within 3 standard errors."""
    sampled = dataset["sampled_test_error"].values.ravel()
    sampled = sampled[~np.isnan(sampled)]
    if len(sampled) < 10:
        return Verdict("not run", f"only {len(sampled)} random networks were accepted")
    average, own = float(dataset["gibbs_error"].mean()), float(dataset["gibbs_error_stderr"].mean())
    stderr = float(np.hypot(own, sampled.std(ddof=1) / np.sqrt(len(sampled))))
    z = (sampled.mean() - average) / stderr
    return _verdict(
        abs(z) <= 3, f"{len(sampled)} networks {sampled.mean():.4f}, NNGP {average:.4f}: {z:+.1f} standard errors"
    )


def importance_has_not_converged(dataset: xr.Dataset) -> Verdict:
    """With true labels at n >= 100 the published estimator lies above the truth, on a handful of effective samples."""
    chosen = _structured(dataset)
    large = chosen.sel(train_size=[n for n in np.atleast_1d(chosen["train_size"].values) if n >= 100])
    if not large.sizes.get("train_size"):
        raise KeyError("training size of 100 or more")
    published, true = _estimator(large, "importance"), _estimator(large, "mixture")
    gap = (published["complexity"] - true["complexity"]).values
    size = published["effective_sample_size"].values
    return _verdict(
        (gap > 4 * true["complexity_stderr"].values).all() and np.median(size) < 10,
        f"gap {gap.min():.3g} to {gap.max():.3g} nats; median effective sample size {np.median(size):.2g}",
    )


def bound_above_truth(dataset: xr.Dataset) -> Verdict:
    """The closed bound lies above the true complexity everywhere (as a theorem says)."""
    bound, true = _estimator(dataset, "bound"), _estimator(dataset, "mixture")
    slack = (bound["complexity"] - true["complexity"] + 3 * true["complexity_stderr"]).values
    return _verdict((slack >= 0).all(), f"bound minus truth at least {slack.min():.3g} nats")


def random_labels_at_chance(dataset: xr.Dataset) -> Verdict:
    """On random labels trained networks err half the time, within 4 standard errors."""
    _axis(dataset, "labels")
    names = [name for name in dataset["labels"].values if "random" in str(name)]
    if not names:
        raise KeyError("random labels")
    by_seed = _mean(dataset["test_error"].sel(labels=names), "seed", "labels").values.ravel()
    stderr = float(by_seed.std(ddof=1) / np.sqrt(len(by_seed))) if len(by_seed) > 1 else np.nan
    gap = float(by_seed.mean() - 0.5)
    return _verdict(abs(gap) <= 4 * stderr, f"mean error minus a half {gap:+.4f}, standard error {stderr:.4f}")


def easier_labels_have_lower_bounds(dataset: xr.Dataset) -> Verdict:
    """At every training size the bounds are ordered by the labels' difficulty: binary < decimal < random."""
    _axis(dataset, "labels")
    wanted = [name for name in ("binary", "decimal", "random") if name in dataset["labels"].values]
    if len(wanted) < 2:
        raise KeyError("two kinds of labels")
    bounds = _mean(dataset["pac_bayes_bound"], "labels", "train_size", "estimator").sel(labels=wanted)
    gaps = bounds.diff("labels").values
    return _verdict((gaps > 0).all(), f"{' < '.join(wanted)}: smallest gap {gaps.min():.3f}")


def _structured(dataset: xr.Dataset) -> xr.Dataset:
    """The part with true labels."""
    names = [name for name in np.atleast_1d(dataset["labels"].values) if "random" not in str(name)]
    if not names:
        raise KeyError("true labels")
    return dataset.sel(labels=names) if "labels" in dataset.dims else dataset


def _estimator(dataset: xr.Dataset, name: str) -> xr.Dataset:
    if name not in np.atleast_1d(dataset["estimator"].values):
        raise KeyError(f"estimator {name}")
    return dataset.sel(estimator=name)


def _present(dataset: xr.Dataset, scales: tuple[float, ...]) -> tuple[float, ...]:
    if not set(scales) <= set(_axis(dataset, "label_scale").tolist()):
        raise KeyError(f"label scales {scales}")
    return scales
