"""Checks of random against trained networks, of margins and slopes under control, and of smaller systems."""

import numpy as np
import xarray as xr

from implicitbias.studies.verdicts import Verdict, axis, mean, rank_correlation, rank_interval, shown, verdict


def width_helps_gradient_descent(dataset: xr.Dataset) -> Verdict:
    """SGD: rank correlation of width and accuracy (about its mean at each n and seed) above 0 by its 95 % interval."""
    accuracy = dataset["test_accuracy"].sel(found_by="sgd")
    factor = axis(dataset, "factor")
    centred = (accuracy - accuracy.mean("factor")).transpose("factor", ...).values.reshape(len(factor), -1)
    widths = np.broadcast_to(factor[:, None], centred.shape)
    keep = ~np.isnan(centred)
    low, correlation, high = rank_interval(widths[keep], centred[keep])
    return verdict(low > 0, f"rank correlation {correlation:.3f}, 95 % interval {low:.3f} to {high:.3f}")


def width_leaves_guesses_alone(dataset: xr.Dataset) -> Verdict:
    """Random networks that fit: the widest are within 2.5 points of the narrowest in accuracy."""
    factor = axis(dataset, "factor")
    accuracy = mean(dataset["test_accuracy"].sel(found_by="guess"), "factor")
    gap = float(accuracy.sel(factor=factor.max()) - accuracy.sel(factor=factor.min()))
    return verdict(abs(gap) <= 0.025, f"accuracies {shown(accuracy)}; widest minus narrowest {gap:+.4f}")


def depth_lowers_accuracy(dataset: xr.Dataset) -> Verdict:
    """The deepest networks are less accurate than the shallowest, random and trained by SGD."""
    layers = axis(dataset, "layers")
    accuracy = mean(dataset["test_accuracy"].sel(found_by=["guess", "sgd"]), "found_by", "layers")
    gap = accuracy.sel(layers=layers.max()) - accuracy.sel(layers=layers.min())
    return verdict((gap < 0).all(), f"deepest minus shallowest: guess, sgd {shown(gap)}")


def trained_networks_beat_guesses(dataset: xr.Dataset) -> Verdict:
    """At every size, SGD's networks are more accurate on the mean than random ones that fit as well."""
    names = [dim for dim in ("train_size", "factor", "layers") if dim in dataset.dims]
    gap = mean(dataset["test_accuracy"].sel(found_by="sgd") - dataset["test_accuracy"].sel(found_by="guess"), *names)
    return verdict((gap > 0).all(), f"gap in accuracy {float(gap.min()):.3f} to {float(gap.max()):.3f}")


def trained_networks_follow_the_prior(dataset: xr.Dataset) -> Verdict:
    """Functions that ten networks of both kinds have: rank correlation of their shares above .4 (five functions)."""
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
    """On the mean over targets, trained networks that fit are as accurate as random ones, within .05, or more so."""
    bayes, sgd = (mean(dataset[f"{kind}_accuracy"]) for kind in ("bayes", "sgd"))
    return verdict(
        sgd > bayes - 0.05, f"accuracy of random networks {float(bayes):.3f}, of trained ones {float(sgd):.3f}"
    )


def complexity_falls_with_regularisation(dataset: xr.Dataset) -> Verdict:
    """Where training fits, geometric complexity falls with the learning rate and with weight decay (rank corr. < 0)."""
    last = dataset["geometric_complexity"].isel(step=-1)
    names = ("learning_rate", "weight_decay")
    found = []
    for name in names:
        values = axis(dataset, name)
        table = mean(last, name, *[dim for dim in ("depth", *names) if dim in last.dims]).transpose(name, ...).values
        centred = (table.reshape(len(values), -1) / table.reshape(len(values), -1).mean(0)).ravel()
        found.append(rank_correlation(np.repeat(values, centred.size // len(values)), centred))
    return verdict(max(found) < 0, f"rank correlations with learning rate and weight decay {shown(found)}")


def complexity_falls_with_depth(dataset: xr.Dataset) -> Verdict:
    """At initialisation, the deeper the network, the lower its geometric complexity."""
    depths = np.sort(axis(dataset, "depth"))
    start = mean(dataset["geometric_complexity"].sel(step=0), "depth").sel(depth=depths)
    return verdict((start.diff("depth") < 0).all(), f"{shown(start)} at depths {shown(depths)}")


def networks_rely_on_the_simplest_feature(dataset: xr.Dataset) -> Verdict:
    """AUC within .05 of a half without the simplest feature; without all the others above .98 (clean data: .99)."""
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
    """Accuracy stays below .96 where the linear feature is noisy, though the slabs alone decide every label."""
    accuracy = mean(dataset["accuracy"], "data")
    if "noisy_lms_7" not in axis(dataset, "data"):
        raise KeyError("data noisy_lms_7")
    noisy = float(accuracy.sel(data="noisy_lms_7"))
    slabs = f"; on slabs alone {float(accuracy.sel(data='ms_7')):.3f}" if "ms_7" in accuracy["data"].values else ""
    return verdict(noisy < 0.96, f"accuracy {noisy:.3f}{slabs}")


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
    """The deepest networks have no training error at the end."""
    error = float(_deepest(dataset).fillna(1).max())
    return verdict(error == 0, f"largest training error {error:.3f} at depth {axis(dataset, 'depth').max()}")


def deepest_networks_do_not_fit(dataset: xr.Dataset) -> Verdict:
    """The deepest networks' training error stays above .3, whatever the optimizer and its learning rate."""
    names = [dim for dim in ("optimizer", "learning_rate") if dim in dataset.dims]
    error = float(mean(_deepest(dataset).fillna(1), *names).min())
    return verdict(error > 0.3, f"lowest training error {error:.3f} at depth {axis(dataset, 'depth').max()}")


def _deepest(dataset: xr.Dataset) -> xr.DataArray:
    """Training error of the deepest networks at the last step."""
    error = dataset["train_error"].sel(depth=axis(dataset, "depth").max())
    return error.isel(step=-1) if "step" in error.dims else error


def mild_pruning_is_free_and_extreme_pruning_is_not(dataset: xr.Dataset) -> Verdict:
    """Training error at most .01 throughout; test error within .02 for keeping half; above .4 for keeping least."""
    keep = np.sort(axis(dataset, "keep"))
    train, test = (mean(dataset[name], "keep").sel(keep=keep) for name in ("train_error", "test_error"))
    mild = float(test.sel(keep=keep[keep >= 0.5]).max() - test.sel(keep=keep[-1]))
    passed = float(train.max()) <= 0.01 and mild <= 0.02 and float(test[0]) > 0.4
    return verdict(passed, f"keeping {shown(keep)}: training error {shown(train)}, test error {shown(test)}")


def a_second_layer_finds_the_ball(dataset: xr.Dataset) -> Verdict:
    """In every dimension two hidden layers, the first random, have a lower test loss than one hidden layer."""
    axis(dataset, "network")
    loss = mean(dataset["test_loss"], "network", *[dim for dim in ("features",) if dim in dataset.dims])
    deep = loss.sel(network="two hidden layers")
    others = loss.drop_sel(network="two hidden layers").min("network")
    return verdict((deep < others).all(), f"two hidden layers {shown(deep)}, one at best {shown(others)}")


def _each(dataset: xr.Dataset, dim: str) -> list[xr.Dataset]:
    return [dataset.sel({dim: value}) for value in dataset[dim].values] if dim in dataset.dims else [dataset]
