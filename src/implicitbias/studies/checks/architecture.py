"""Checks of Bernstein & Yue 2021: networks against the average function of their architecture, and its probability."""

import numpy as np
import xarray as xr
from scipy.stats import binomtest
from scipy.stats import t as student

from implicitbias.studies.intervals import difference_interval, draw_interval
from implicitbias.studies.verdicts import (
    MissingData,
    Verdict,
    arms,
    axis,
    estimated_by,
    last,
    mean,
    several_draws,
    structured,
    verdict,
)

_NEAR = 0.05


def networks_fit(dataset: xr.Dataset) -> Verdict:
    """Every trained network fits its training set at the end.

    Of a network that has diverged the training error is NaN: it does not fit.
    """
    errors = last(dataset)["train_error"]
    fits = errors == 0
    numbers = f"largest training error {float(errors.max()):.3g}"
    for depth in np.atleast_1d(dataset["depth"].values) if "depth" in dataset else ():
        part = fits.sel(depth=depth) if "depth" in fits.dims else fits
        numbers += f"; depth {depth}: {float(1 - part.mean()):.1%} of networks do not fit"
    return verdict(fits.all(), numbers)


def small_labels_hurt(dataset: xr.Dataset) -> Verdict:
    """With true labels, networks trained to the smallest targets err more than those trained to the largest, for every
    kind of labels, size and depth: the differences are above 0 by their 95 % intervals over draws of training and test
    points.

    Bernstein & Yue 2021, section 4; every kind of labels, size and depth by itself.
    """
    scales = np.sort(axis(dataset, "label_scale"))
    several_draws(dataset)
    rises = {}
    for name, part in arms(structured(dataset), "labels", "train_size", "depth"):
        errors = (part["test_error_by_point"].sel(label_scale=scale) for scale in (scales[0], scales[-1]))
        rises[name] = difference_interval(part, *errors)
    unsure = [f"{name} {rise}" for name, rise in rises.items() if not rise.low > 0]
    centres = [rise.centre for rise in rises.values()]
    where = f"{len(rises) - len(unsure)} of {len(rises)}{', not in ' if unsure else ''}{'; '.join(unsure)}"
    return verdict(
        not unsure,
        f"rise of the test error from label scale {scales[-1]:g} to {scales[0]:g}, by labels, n and depth:"
        f" {min(centres):.3g} to {max(centres):.3g}, above 0 by its 95 % interval in {where}",
    )


def importance_has_not_converged(dataset: xr.Dataset) -> Verdict:
    """With true labels at n >= 100, the published estimator of the complexity is above the truth by 4 standard errors,
    on a median of fewer than ten effective samples.

    The estimator is unbiased for P, so by Jensen's inequality its -ln P is too high on average: bounds from it stay
    valid on average, and are loose.
    """
    chosen = structured(dataset)
    large = chosen.sel(train_size=[n for n in np.atleast_1d(chosen["train_size"].values) if n >= 100])
    if not large.sizes.get("train_size"):
        raise MissingData("no training size of 100 or more")
    published, true = estimated_by(large, "importance"), estimated_by(large, "mixture")
    gap = (published["complexity"] - true["complexity"]).values
    size = published["effective_sample_size"].values
    return verdict(
        (gap > 4 * true["complexity_stderr"].values).all() and np.median(size) < 10,
        f"gap {gap.min():.3g} to {gap.max():.3g} nats; median effective sample size {np.median(size):.2g}",
    )


def bound_above_truth(dataset: xr.Dataset) -> Verdict:
    """The closed bound lies above the true complexity, by 3 standard errors.

    A theorem (Bernstein & Yue 2021); the truth is an estimate, which has 3 of its standard errors to spare.
    """
    bound, true = estimated_by(dataset, "bound"), estimated_by(dataset, "mixture")
    slack = (bound["complexity"] - true["complexity"] + 3 * true["complexity_stderr"]).values
    return verdict((slack >= 0).all(), f"bound minus truth at least {slack.min():.3g} nats")


def random_labels_at_chance(dataset: xr.Dataset) -> Verdict:
    """On random labels, networks err half the time, within .05 by the 95 % interval over draws; this is a control,
    which holds unless test labels leak into training.

    Random labels are drawn anew for every seed, also those of the test points, so that draws speak for both.
    """
    names = [name for name in axis(dataset, "labels") if "random" in str(name)]
    if not names:
        raise MissingData("no random labels")
    error = draw_interval(dataset["test_error"].sel(labels=names))
    passed = 0.5 - _NEAR < error.low <= error.high < 0.5 + _NEAR
    return verdict(passed, f"mean test error {error}, 95 % over {several_draws(dataset)} draws")


def easier_labels_have_lower_bounds(dataset: xr.Dataset) -> Verdict:
    """At every n, the bounds are lowest for binary labels, higher for decimal and highest for random ones.

    Bernstein & Yue 2021, section 4; of the labels that the study has, at least two.
    """
    axis(dataset, "labels")
    wanted = [name for name in ("binary", "decimal", "random") if name in dataset["labels"].values]
    if len(wanted) < 2:
        raise MissingData("no two kinds of labels")
    bounds = mean(dataset["pac_bayes_bound"], "labels", "train_size", "estimator").sel(labels=wanted)
    gaps = bounds.diff("labels").values
    return verdict((gaps > 0).all(), f"{' < '.join(wanted)}: smallest gap {gaps.min():.3f}")


def error_bars_cover(dataset: xr.Dataset) -> Verdict:
    """On random problems, the mixture's estimates lie within 1, 2 and 3 of its standard errors of the truth as often as
    Student's t does: the intervals of the three fractions, which hold jointly with 95 %, contain the nominal ones, so
    that error bars are neither too narrow nor too wide.

    Too wide error bars are as wrong as too narrow ones. A problem without an answer counts as one outside.

    The three intervals (Clopper & Pearson 1934) hold together with 95 % (Bonferroni); the nominal share is that of
    Student's t with every problem's degrees of freedom.
    """
    part = estimated_by(dataset[["score", "degrees_of_freedom"]], "mixture")
    score, freedom = np.abs(part["score"].values), part["degrees_of_freedom"].values
    if np.isnan(freedom).all():
        raise MissingData("no problem that is answered")
    passed, numbers = True, []
    for width in (1, 2, 3):
        inside = int((score <= width).sum())
        found = binomtest(inside, score.size).proportion_ci(1 - 0.05 / 3, method="exact")
        nominal = float(np.nanmean(2 * student.cdf(width, freedom) - 1))
        passed &= bool(found.low <= nominal <= found.high)
        share = f"{inside / score.size:.3f} ({found.low:.3f} to {found.high:.3f})"
        numbers.append(f"{width}: {share}, nominal {nominal:.3f}")
    return verdict(passed, f"share of {score.size} problems within standard errors of {'; '.join(numbers)}")
