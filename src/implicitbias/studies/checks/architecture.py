"""Checks of Bernstein & Yue 2021: networks against the average function of their architecture, and its probability."""

import numpy as np
import xarray as xr

from implicitbias.studies.verdicts import (
    Lacking,
    Verdict,
    axis,
    estimated_by,
    last,
    mean,
    structured,
    verdict,
)


def networks_fit(dataset: xr.Dataset) -> Verdict:
    """Of a network that has diverged the training error is NaN: it does not fit."""
    errors = last(dataset)["train_error"]
    fits = errors == 0
    numbers = f"largest training error {float(errors.max()):.3g}"
    for depth in np.atleast_1d(dataset["depth"].values):
        part = fits.sel(depth=depth) if "depth" in fits.dims else fits
        numbers += f"; depth {depth}: {float(1 - part.mean()):.1%} of networks do not fit"
    return verdict(fits.all(), numbers)


def small_labels_hurt(dataset: xr.Dataset) -> Verdict:
    """Bernstein & Yue 2021, section 4."""
    scales = np.sort(axis(dataset, "label_scale"))
    errors = structured(dataset)["test_error"]
    low, high = (errors.sel(label_scale=scale) for scale in (scales[0], scales[-1]))
    gap = mean(low - high, "train_size", "labels", "depth")
    return verdict((gap > 0).all(), f"smallest gap in mean test error {float(gap.min()):.3f}")


def importance_has_not_converged(dataset: xr.Dataset) -> Verdict:
    """Above the truth: by 4 standard errors everywhere; a handful: the median is below 10.

    The estimator is unbiased for P, so by Jensen's inequality its -ln P is too high on average: bounds from it stay
    valid on average, and are loose.
    """
    chosen = structured(dataset)
    large = chosen.sel(train_size=[n for n in np.atleast_1d(chosen["train_size"].values) if n >= 100])
    if not large.sizes.get("train_size"):
        raise Lacking("no training size of 100 or more")
    published, true = estimated_by(large, "importance"), estimated_by(large, "mixture")
    gap = (published["complexity"] - true["complexity"]).values
    size = published["effective_sample_size"].values
    return verdict(
        (gap > 4 * true["complexity_stderr"].values).all() and np.median(size) < 10,
        f"gap {gap.min():.3g} to {gap.max():.3g} nats; median effective sample size {np.median(size):.2g}",
    )


def bound_above_truth(dataset: xr.Dataset) -> Verdict:
    """A theorem (Bernstein & Yue 2021); the truth is an estimate, which has 3 of its standard errors to spare."""
    bound, true = estimated_by(dataset, "bound"), estimated_by(dataset, "mixture")
    slack = (bound["complexity"] - true["complexity"] + 3 * true["complexity_stderr"]).values
    return verdict((slack >= 0).all(), f"bound minus truth at least {slack.min():.3g} nats")


def random_labels_at_chance(dataset: xr.Dataset) -> Verdict:
    """The standard error is that over seeds, which share neither training nor test points."""
    axis(dataset, "labels")
    names = [name for name in dataset["labels"].values if "random" in str(name)]
    if not names:
        raise Lacking("no random labels")
    by_seed = mean(dataset["test_error"].sel(labels=names), "seed", "labels").values.ravel()
    stderr = float(by_seed.std(ddof=1) / np.sqrt(len(by_seed))) if len(by_seed) > 1 else np.nan
    gap = float(by_seed.mean() - 0.5)
    return verdict(abs(gap) <= 4 * stderr, f"mean error minus a half {gap:+.4f}, standard error {stderr:.4f}")


def easier_labels_have_lower_bounds(dataset: xr.Dataset) -> Verdict:
    """Bernstein & Yue 2021, section 4; of the labels that the study has, at least two."""
    axis(dataset, "labels")
    wanted = [name for name in ("binary", "decimal", "random") if name in dataset["labels"].values]
    if len(wanted) < 2:
        raise Lacking("no two kinds of labels")
    bounds = mean(dataset["pac_bayes_bound"], "labels", "train_size", "estimator").sel(labels=wanted)
    gaps = bounds.diff("labels").values
    return verdict((gaps > 0).all(), f"{' < '.join(wanted)}: smallest gap {gaps.min():.3f}")


def error_bars_cover(dataset: xr.Dataset) -> Verdict:
    """A problem without an answer counts as one outside."""
    score = np.abs(estimated_by(dataset[["score"]], "mixture")["score"].values)
    share = float((score <= 3).mean())
    return verdict(share >= 0.98, f"{share:.1%} of {score.size} problems within 3 standard errors")
