"""Checks of how tangent features align with the labels during training (Baratin et al. 2021)."""

from itertools import pairwise

import numpy as np
import xarray as xr

from implicitbias.studies.half_times import half_times
from implicitbias.studies.intervals import Interval, draw_interval
from implicitbias.studies.verdicts import Verdict, arms, axis, mean, mean_interval, several_draws, verdict

_KIND = "tangent_alignment_by_kind"


def tangent_features_align_with_the_labels(dataset: xr.Dataset) -> Verdict:
    """At every depth, the alignment of the tangent kernel with the labels is higher at the end of training than at the
    start, by the 95 % interval of the difference over draws.

    The alignment at the end minus that at the start, draw by draw; with the fewest random labels.
    """
    rises = {name: _change(part["tangent_kernel_alignment"]) for name, part in arms(_cleanest(dataset), "depth")}
    return verdict(all(rise.low > 0 for rise in rises.values()), f"rise by {_by_depth(rises)}")


def effective_rank_of_deep_features_falls(dataset: xr.Dataset) -> Verdict:
    """In the deepest networks, the effective rank of the tangent kernel is lower at the end of training than at the
    start, by the 95 % interval of the ratio over draws.

    Of the deepest networks, as the paper's were deep; what it does in others is among the numbers.
    """
    rank: xr.DataArray = np.log(_cleanest(dataset)["tangent_kernel_rank"])  # type: ignore[assignment]
    deepest = str(axis(dataset, "depth").max())
    factors = {name: _change(part).exp() for name, part in arms(rank, "depth")}
    return verdict(factors[deepest].high < 1, f"rank at the end over that at the start {_by_depth(factors)}")


def deeper_networks_align_more(dataset: xr.Dataset) -> Verdict:
    """At the end of training, the alignment of the tangent kernel with the labels rises from every depth to the next
    larger one: the paired differences are above 0 by their 95 % intervals over draws.

    At the end of training, draw by draw; with the fewest random labels.
    """
    depths = np.sort(axis(dataset, "depth"))
    end = _cleanest(dataset)["tangent_kernel_alignment"].sel(step=axis(dataset, "step").max())
    gains = {
        f"{low} to {high}": draw_interval(end.sel(depth=high) - end.sel(depth=low)) for low, high in pairwise(depths)
    }
    return verdict(all(gain.low > 0 for gain in gains.values()) and len(gains) > 0, f"gain by {_by_depth(gains)}")


def true_labels_are_aligned_with_first(dataset: xr.Dataset) -> Verdict:
    """Where part of the labels is random, the alignment of the tangent kernel with the true labels makes half of its
    rise before that with the random labels does, at every depth: the ratio of steps is above 1 by its 95 % interval
    over draws.

    When half of the rise from the first checkpoint to the highest alignment is made, with the most random labels.
    """
    several_draws(dataset)
    share = axis(dataset, "random_share").max() if "random_share" in dataset.dims else None
    part = dataset if share is None else dataset.sel(random_share=share)
    factors = {}
    for name, arm in arms(part[_KIND], "depth"):
        alignment = mean(arm, "label_kind", "seed", "step").transpose("label_kind", "seed", "step")
        times = half_times(alignment.sel(label_kind=["true", "random"]).values, axis(arm, "step"))
        factors[name] = Interval(*mean_interval(np.log(times[1] / times[0]))).exp()
    return verdict(
        all(factor.low > 1 for factor in factors.values()),
        f"half-time for random labels over that for true ones {_by_depth(factors)}",
    )


def _cleanest(dataset: xr.Dataset) -> xr.Dataset:
    """The part with the fewest random labels."""
    return dataset.sel(random_share=dataset["random_share"].min()) if "random_share" in dataset.dims else dataset


def _change(values: xr.DataArray) -> Interval:
    """From the first checkpoint to the last."""
    steps = axis(values, "step")
    return draw_interval(values.sel(step=steps.max()) - values.sel(step=steps.min()))


def _by_depth(intervals: dict[str, Interval]) -> str:
    told = "; ".join(f"depth {name}: {interval}" if name else str(interval) for name, interval in intervals.items())
    return f"{told} (95 % over draws)"
