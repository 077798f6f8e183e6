"""Checks of smaller systems: depth, pruning, kinks, guessed gradients, a ball."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import difference_of_means, draw_interval
from implicitbias.studies.verdicts import (
    Verdict,
    arms,
    axis,
    experiment_setting,
    last,
    mean,
    shown,
    stderr_of_mean,
    verdict,
)  # fmt: skip


def kinks_stay_where_they_start(dataset: xr.Dataset) -> Verdict:
    """Without offset, the kinks of wide networks stay: fewer of them than of narrow networks have one that leaves (by 2
    standard errors), and the median loss of the widest is within 1 % of 2.

    Holzmüller & Steinwart 2020.
    """
    widths = np.sort(axis(dataset, "width"))
    part = dataset.sel(offset=0.0) if "offset" in dataset.dims else dataset
    share = mean(part["event_frequency"], "width").sel(width=widths)
    noise = np.sqrt((stderr_of_mean(part["event_frequency_stderr"], "width") ** 2).sel(width=widths[[0, -1]]).sum())
    loss = float(mean(part["median_loss"], "width").sel(width=widths[-1]))
    passed = share[0] - share[-1] > 2 * noise and abs(loss - 2) < 0.02
    return verdict(passed, f"shares {shown(share)} at widths {shown(widths)}; median loss {loss:.4f}")


def an_offset_moves_kinks(dataset: xr.Dataset) -> Verdict:
    """With the largest offset, the fraction of networks with a kink that leaves stays above .05 at every width.

    Holzmüller & Steinwart 2020.
    """
    offset = axis(dataset, "offset").max()
    share = mean(dataset["event_frequency"].sel(offset=offset), "width")
    return verdict((share > 0.05).all(), f"shares {shown(share)} at offset {offset:g}")


def better_guesses_are_better(dataset: xr.Dataset) -> Verdict:
    """The cosine with the true gradient rises from guesses in the weights to guesses in the activations, to masked
    ones, and to those through the next layer's weights.

    Singhal et al. 2023.
    """
    cosine = mean(dataset["cosine"], "guess").sel(guess=[*_GUESSES])
    return verdict((cosine.diff("guess") > 0).all(), f"cosines {shown(cosine)}")


def better_guesses_train_better(dataset: xr.Dataset) -> Verdict:
    """Test accuracy rises from guesses in the weights to guesses in the outputs, to masked ones, to those through the
    next layer's weights, and to the true gradient: the paired differences are above 0 by their 95 % intervals over
    draws.

    Whether the order of the cosines of Singhal et al. 2023 is that of what is learned.
    """
    return _trained_better(dataset, list(pairwise([*_GUESSES, _TRUE])))


def guesses_in_outputs_train_far_better(dataset: xr.Dataset) -> Verdict:
    """Networks trained with guesses in the outputs are more accurate than those trained with guesses in the weights,
    and networks trained with the true gradient are more accurate than with any guess: the paired differences are above
    0 by their 95 % intervals over draws.

    Singhal et al. 2023, section 4; the true gradient is better than all of them.
    """
    return _trained_better(dataset, [("weights", "activations"), *((guess, _TRUE) for guess in _GUESSES)])


_GUESSES = ("weights", "activations", "masked activations", "through the next layer")
_TRUE = "true gradient"


def _trained_better(dataset: xr.Dataset, pairs: Sequence[tuple[str, str]]) -> Verdict:
    """Whether of every pair of guesses the second trains better; a draw has data, weights and guesses of its own."""
    axis(dataset, "guess")
    accuracy = dataset["test_accuracy"]
    gains = [draw_interval(accuracy.sel(guess=two) - accuracy.sel(guess=one)) for one, two in pairs]
    numbers = "; ".join(f"{two} above {one} by {gain}" for (one, two), gain in zip(pairs, gains, strict=True))
    means = shown(mean(accuracy, "guess").sel(guess=[*_GUESSES, _TRUE]))
    return verdict(all(gain.low > 0 for gain in gains), f"accuracies {means}; {numbers}")


def deepest_networks_fit(dataset: xr.Dataset) -> Verdict:
    """The deepest networks fit their training sets.

    Bernstein et al. 2023; a network that has diverged counts as one that errs everywhere.
    """
    error = float(_deepest(dataset).fillna(1).max())
    return verdict(error == 0, f"largest training error {error:.3f} at depth {axis(dataset, 'depth').max()}")


def deepest_networks_do_not_fit(dataset: xr.Dataset) -> Verdict:
    """The training error of the deepest networks stays above .3, whatever the optimizer and its learning rate.

    Bernstein et al. 2023; a network that has diverged counts as one that errs everywhere.
    """
    names = [dim for dim in ("optimizer", "learning_rate") if dim in dataset.dims]
    error = float(mean(_deepest(dataset).fillna(1), *names).min())
    return verdict(error > 0.3, f"lowest training error {error:.3f} at depth {axis(dataset, 'depth').max()}")


def fitting_depends_on_the_learning_rate(dataset: xr.Dataset) -> Verdict:
    """For every optimizer, the training error ends below .2 at the best learning rate and above .4 at the worst.

    Where a network has diverged, all of its points count as wrong.
    """
    axis(dataset, "learning_rate")
    error = mean(last(dataset)["train_error"].fillna(1), "optimizer", "learning_rate")
    best, worst = error.min("learning_rate"), error.max("learning_rate")
    numbers = f"best {shown(best)}, worst {shown(worst)} for {', '.join(map(str, axis(dataset, 'optimizer')))}"
    return verdict((best < 0.2).all() & (worst > 0.4).all(), numbers)


def _deepest(dataset: xr.Dataset) -> xr.DataArray:
    """Training error of the deepest networks at the last step."""
    return last(dataset)["train_error"].sel(depth=axis(dataset, "depth").max())


def mild_pruning_is_free_and_extreme_pruning_is_not(dataset: xr.Dataset) -> Verdict:
    """The training loss ends below .05 throughout; the test error rises by less than .02 from keeping all weights to
    keeping half of them, and is above .4 for keeping the fewest, all by the 95 % intervals over draws.

    Yang et al. 2023; mild: to a half or more; extreme: the least that the study keeps. A loss starts at .69.
    """
    keep = np.sort(axis(dataset, "keep"))
    draws = experiment_setting(dataset, "draws") * dataset.sizes.get("seed", 1)
    parts = [dataset.sel(keep=kept) for kept in keep]
    loss = [difference_of_means(_moments(part, "train_loss"), (0, 0), draws) for part in parts]
    test = [_moments(part, "test_error") for part in parts]
    mild = [difference_of_means(test[at], test[-1], draws) for at in np.flatnonzero(keep[:-1] >= 0.5)]
    extreme = difference_of_means(test[0], (0, 0), draws)
    passed = all(each.high < 0.05 for each in loss) and all(each.high < 0.02 for each in mild) and extreme.low > 0.4
    numbers = (
        f"keeping {shown(keep)}: training loss {shown([each.centre for each in loss])}, test error"
        f" {shown([centre for centre, _ in test])}; mild"
        f" pruning adds {'; '.join(map(str, mild))}; keeping {keep[0]:g} leaves {extreme}; 95 % over {draws:g} draws"
    )
    return verdict(passed, numbers)


def a_second_layer_finds_the_ball(dataset: xr.Dataset) -> Verdict:
    """In every dimension, networks with two hidden layers, the first random, end with a lower test loss than either
    kind of network with one hidden layer has at its best step, chosen on the test points: the differences are above 0
    by their 95 % intervals over draws. Networks with one hidden layer have learned their training points: their mean
    squared error is below .01.

    Safran & Lee 2022; of both kinds of networks of one hidden layer. Every draw has data of its own.

    Of one hidden layer the best loss on the way counts, as if the steps had been chosen on the test points, so that
    neither too few nor too many of them are what tells the networks apart.
    """
    others = [name for name in axis(dataset, "network") if name != "two hidden layers"]
    draws = experiment_setting(dataset, "draws") * dataset.sizes.get("seed", 1)
    names = ["train_loss", "test_loss", "test_loss_stderr", "best_test_loss", "best_test_loss_stderr"]
    passed, numbers = True, []
    for name, part in arms(dataset[names], "features"):
        deep = part.sel(network="two hidden layers")
        fit = float(mean(part["train_loss"].sel(network="one hidden layer")))
        passed &= fit < 0.01
        for other in others:
            shallow = part.sel(network=other)
            more = difference_of_means(_moments(shallow, "best_test_loss"), _moments(deep, "test_loss"), draws)
            passed &= more.low > 0
            numbers.append(f"{other}{f' in {name} dimensions' if name else ''} {more}")
        numbers.append(f"training loss of one hidden layer {fit:.2g}")
    return verdict(
        passed, f"best loss above that of two hidden layers, 95 % over {draws:g} draws: {'; '.join(numbers)}"
    )


def _moments(part: xr.Dataset, name: str) -> tuple[float, float]:
    """The mean of a quantity and its standard error, from an experiment's own of both."""
    return float(mean(part[name])), float(stderr_of_mean(part[f"{name}_stderr"]))
