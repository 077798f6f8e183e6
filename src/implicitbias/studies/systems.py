"""Checks of random against trained networks, of margins and slopes under control, and of smaller systems."""

import numpy as np
import xarray as xr

from implicitbias.studies.verdicts import (
    Lacking,
    Verdict,
    axis,
    last,
    mean,
    rank_correlation,
    rank_interval,
    shown,
    verdict,
)


def width_helps_gradient_descent(dataset: xr.Dataset) -> Verdict:
    """Peleg & Hein 2024."""
    low, correlation, high = _trend(dataset["test_accuracy"].sel(found_by="sgd"), "factor")
    return verdict(low > 0, f"rank correlation {correlation:.3f}, 95 % interval {low:.3f} to {high:.3f}")


def _trend(values: xr.DataArray, dim: str) -> tuple[float, float, float]:
    """Rank correlation, and its 95 % interval about it, of a dimension and values about their mean over it."""
    along = values.sortby(dim).transpose(dim, ...)
    centred = (along - along.mean(dim)).values.reshape(along.sizes[dim], -1)
    positions = np.broadcast_to(along[dim].values[:, None], centred.shape)
    keep = ~np.isnan(centred)
    return rank_interval(positions[keep], centred[keep])


def width_leaves_guesses_alone(dataset: xr.Dataset) -> Verdict:
    """Chiang et al. 2023; Peleg & Hein 2024."""
    factor = axis(dataset, "factor")
    accuracy = mean(dataset["test_accuracy"].sel(found_by="guess"), "factor")
    gap = float(accuracy.sel(factor=factor.max()) - accuracy.sel(factor=factor.min()))
    return verdict(abs(gap) <= 0.025, f"accuracies {shown(accuracy)}; widest minus narrowest {gap:+.4f}")


def depth_lowers_accuracy(dataset: xr.Dataset) -> Verdict:
    """Peleg & Hein 2024."""
    axis(dataset, "layers")
    passed, numbers = True, []
    for name in ("guess", "sgd"):
        low, correlation, high = _trend(dataset["test_accuracy"].sel(found_by=name), "layers")
        passed &= high < 0
        numbers.append(f"{name} {correlation:.3f} ({low:.3f} to {high:.3f})")
    return verdict(passed, f"rank correlations {', '.join(numbers)}")


def trained_networks_beat_guesses(dataset: xr.Dataset) -> Verdict:
    """Peleg & Hein 2024."""
    names = [dim for dim in ("train_size", "factor", "layers") if dim in dataset.dims]
    gap = mean(dataset["test_accuracy"].sel(found_by="sgd") - dataset["test_accuracy"].sel(found_by="guess"), *names)
    return verdict((gap > 0).all(), f"gap in accuracy {float(gap.min()):.3f} to {float(gap.max()):.3f}")


def trained_networks_follow_the_prior(dataset: xr.Dataset) -> Verdict:
    """Mingard et al. 2021; of at least five functions."""
    pairs = []
    for part in _each(dataset, "seed"):
        shares = np.stack([part[f"{kind}_probability"].values for kind in ("bayes", "sgd")])
        counts = shares * np.array([[float(part[f"{kind}_count"])] for kind in ("bayes", "sgd")])
        pairs.append(shares[:, (counts >= 9.5).all(0)])
    both = np.concatenate(pairs, axis=1)
    if both.shape[1] < 5:
        return Verdict("not run", f"only {both.shape[1]} functions are common among both kinds of networks")
    correlation = rank_correlation(*both)
    return verdict(correlation > 0.4, f"rank correlation {correlation:.3f} over {both.shape[1]} functions")


def trained_networks_generalise_as_random_ones(dataset: xr.Dataset) -> Verdict:
    """Mingard et al. 2021."""
    bayes, sgd = (mean(dataset[f"{kind}_accuracy"]) for kind in ("bayes", "sgd"))
    return verdict(
        sgd > bayes - 0.05, f"accuracy of random networks {float(bayes):.3f}, of trained ones {float(sgd):.3f}"
    )


def complexity_falls_with_regularisation(dataset: xr.Dataset) -> Verdict:
    """Dherin et al. 2022; of networks that have not fitted, or have diverged, the slopes say nothing."""
    end = last(dataset)
    fitted = end["train_error"] <= 0.01
    slopes: xr.DataArray = np.log(end["geometric_complexity"].where(fitted))  # type: ignore[assignment]
    passed, numbers = True, []
    for name in ("learning_rate", "weight_decay"):
        axis(dataset, name)
        low, correlation, high = _trend(slopes, name)
        passed &= high < 0
        numbers.append(f"{name.replace('_', ' ')} {correlation:.3f} ({low:.3f} to {high:.3f})")
    return verdict(passed, f"rank correlations with {', '.join(numbers)}; {int(fitted.sum())} of {fitted.size} fit")


def complexity_falls_with_depth(dataset: xr.Dataset) -> Verdict:
    """Dherin et al. 2022."""
    depths = np.sort(axis(dataset, "depth"))
    start = mean(dataset["geometric_complexity"].sel(step=0), "depth").sel(depth=depths)
    return verdict((start.diff("depth") < 0).all(), f"{shown(start)} at depths {shown(depths)}")


def networks_rely_on_the_simplest_feature(dataset: xr.Dataset) -> Verdict:
    """Shah et al. 2020."""
    chosen = [name for name in axis(dataset, "data") if name != "ms_7"]
    simple, others = (
        mean(dataset[f"{part}_randomized_auc"], "data").sel(data=chosen) for part in ("simple", "complex")
    )
    least = np.array([0.98 if name.startswith("noisy") else 0.99 for name in chosen])
    passed = (np.abs(simple - 0.5) <= 0.05).all() and (others.values > least).all()
    return verdict(
        passed, f"{', '.join(chosen)}: without the simplest {shown(simple)}, without the others {shown(others)}"
    )


def a_noisy_simple_feature_costs_accuracy(dataset: xr.Dataset) -> Verdict:
    """Shah et al. 2020: the linear feature alone gives .95, having learned nothing .5, the slabs alone 1."""
    if "noisy_lms_7" not in axis(dataset, "data"):
        raise Lacking("no data noisy_lms_7")
    accuracy = mean(dataset["accuracy"], "data")
    noisy = float(accuracy.sel(data="noisy_lms_7"))
    passed = 0.9 < noisy < 0.96
    if "ms_7" not in accuracy["data"].values:
        return verdict(passed, f"accuracy {noisy:.3f}; slabs alone (ms_7) are not in this study")
    slabs = float(accuracy.sel(data="ms_7"))
    return verdict(passed and slabs > 0.96, f"accuracy {noisy:.3f}; on slabs alone {slabs:.3f}")


def random_labels_cost_accuracy_at_equal_margin(dataset: xr.Dataset) -> Verdict:
    """At every target all fit, both arms' margins agree to a quarter, and random labels cost over .1 in test error.

    The margin is the normalised one, the mean over networks; the arms are the smallest and the largest random share.
    """
    shares = axis(dataset, "random_share")
    margin, error = (mean(dataset[name], "random_share", "label_scale") for name in ("normalized_margin", "test_error"))
    true, attacked = (margin.sel(random_share=share) for share in (shares.min(), shares.max()))
    gap = error.sel(random_share=shares.max()) - error.sel(random_share=shares.min())
    unfitted = float((dataset["train_error"] > 0).where(dataset["train_error"].notnull(), True).mean())
    passed = unfitted == 0 and (abs(attacked / true - 1) < 0.25).all() and float(gap.min()) > 0.1
    numbers = f"margins {shown(true)} of true and {shown(attacked)} of random labels"
    return verdict(passed, f"gaps in test error {shown(gap)} at {numbers}; {unfitted:.0%} of networks do not fit")


def averages_beat_members(dataset: xr.Dataset) -> Verdict:
    """At every label scale, the average of most networks errs no more than a network, within half a point.

    At the smallest scale, where single networks err most, every doubling of their number lowers the error.
    """
    scales = axis(dataset, "label_scale")
    names = [dim for dim in ("random_share", "label_scale") if dim in dataset.dims]
    error = mean(dataset["average_error"], *names, "averaged").dropna("averaged", how="all")
    gap = error.isel(averaged=-1) - error.isel(averaged=0)
    small = error.sel(label_scale=scales.min())
    passed = (gap <= 0.005).all() and (small.diff("averaged") < 0).all()
    numbers = f"{int(error['averaged'][-1])} minus 1 networks {float(gap.min()):+.3f} to {float(gap.max()):+.3f}"
    return verdict(passed, f"{numbers}; at the smallest scale {shown(small)}")


def deepest_networks_fit(dataset: xr.Dataset) -> Verdict:
    """Bernstein et al. 2023; a network that has diverged counts as one that errs everywhere."""
    error = float(_deepest(dataset).fillna(1).max())
    return verdict(error == 0, f"largest training error {error:.3f} at depth {axis(dataset, 'depth').max()}")


def deepest_networks_do_not_fit(dataset: xr.Dataset) -> Verdict:
    """Bernstein et al. 2023; a network that has diverged counts as one that errs everywhere."""
    names = [dim for dim in ("optimizer", "learning_rate") if dim in dataset.dims]
    error = float(mean(_deepest(dataset).fillna(1), *names).min())
    return verdict(error > 0.3, f"lowest training error {error:.3f} at depth {axis(dataset, 'depth').max()}")


def fitting_depends_on_the_learning_rate(dataset: xr.Dataset) -> Verdict:
    """Every optimizer: the training error ends below .2 at its best learning rate, above .4 at its worst (or diverged).

    Where a network has diverged, all of its points count as wrong.
    """
    axis(dataset, "learning_rate")
    last = dataset["train_error"].isel(step=-1) if "step" in dataset.dims else dataset["train_error"]
    error = mean(last.fillna(1), "optimizer", "learning_rate")
    best, worst = error.min("learning_rate"), error.max("learning_rate")
    numbers = f"best {shown(best)}, worst {shown(worst)} for {', '.join(map(str, axis(dataset, 'optimizer')))}"
    return verdict((best < 0.2).all() & (worst > 0.4).all(), numbers)


def _deepest(dataset: xr.Dataset) -> xr.DataArray:
    """Training error of the deepest networks at the last step."""
    return last(dataset)["train_error"].sel(depth=axis(dataset, "depth").max())


def mild_pruning_is_free_and_extreme_pruning_is_not(dataset: xr.Dataset) -> Verdict:
    """Yang et al. 2023; mild: to a half or more; extreme: the least that the study keeps. A loss starts at .69."""
    keep = np.sort(axis(dataset, "keep"))
    loss, test = (mean(dataset[name], "keep").sel(keep=keep) for name in ("train_loss", "test_error"))
    mild = test.sel(keep=keep[keep >= 0.5]) - test.sel(keep=keep[-1])
    passed = (loss < 0.05).all() & (mild <= 0.02).all() & (float(test[0]) > 0.4)
    return verdict(passed, f"keeping {shown(keep)}: training loss {shown(loss)}, test error {shown(test)}")


def a_second_layer_finds_the_ball(dataset: xr.Dataset) -> Verdict:
    """Safran & Lee 2022; of the networks of one hidden layer the best."""
    axis(dataset, "network")
    loss = mean(dataset["test_loss"], "network", *[dim for dim in ("features",) if dim in dataset.dims])
    deep = loss.sel(network="two hidden layers")
    others = loss.drop_sel(network="two hidden layers").min("network")
    return verdict((deep < others).all(), f"two hidden layers {shown(deep)}, one at best {shown(others)}")


def _each(dataset: xr.Dataset, dim: str) -> list[xr.Dataset]:
    return [dataset.sel({dim: value}) for value in dataset[dim].values] if dim in dataset.dims else [dataset]
