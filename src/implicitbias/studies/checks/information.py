"""Checks of what layers hold of their input while a network learns."""

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import Interval, independent_difference
from implicitbias.studies.verdicts import MissingData, Verdict, axis, mean, mean_interval, verdict

_FITTED = 0.9
_MEASURES = {"in bins": "input_information", "by kernels": "input_information_bound"}


def tanh_compresses_after_the_fit(dataset: xr.Dataset) -> Verdict:
    """With tanh, the last hidden layer holds less information on the input at the end than when nine of ten training
    patterns were right: the change is below 0, in bins and by kernels, by the 95 % intervals over draws.

    Shwartz-Ziv & Tishby 2017, figure 2.
    """
    changes = [(how, Interval(*mean_interval(change))) for how, change in _changes(dataset, "tanh").items()]
    numbers = "; ".join(f"{how} {change} bit" for how, change in changes)
    return verdict(all(change.high < 0 for _, change in changes), f"change after the fit: {numbers}")


def relu_does_not_compress_after_the_fit(dataset: xr.Dataset) -> Verdict:
    """With relu, the last hidden layer holds more information on the input (in bins) at the end than when nine of ten
    training patterns were right, and the change is larger than with tanh, in bins and by kernels: all differences are
    above 0 by the 95 % intervals over draws.

    Saxe et al. 2019, figure 1; by kernels it is only asked to be less than tanh's, with different weights.
    """
    tanh, relu = (_changes(dataset, name) for name in ("tanh", "relu"))
    own = {how: Interval(*mean_interval(change)) for how, change in relu.items()}
    more = {how: independent_difference(relu[how], tanh[how]) for how in relu}
    numbers = "; ".join(f"{how} {own[how]} bit, above that of tanh by {more[how]}" for how in own)
    passed = own["in bins"].low > 0 and all(each.low > 0 for each in more.values())
    return verdict(passed, f"change after the fit: {numbers}")


def linear_students_generalise_without_compression(dataset: xr.Dataset) -> Verdict:
    """The test loss falls to less than half, while the hidden layer gains information on the input, of which it never
    loses a tenth again, by the 95 % intervals over draws.

    Saxe et al. 2019, section 3; the fall is the largest from any earlier step to a later one.
    """
    axis(dataset, "step")
    loss = mean(dataset["test_loss"], "step", "draw")
    held = mean(dataset["input_information"], "step", "draw")
    ratio = Interval(*mean_interval(loss.isel(step=-1) / loss.isel(step=0)))
    gain = Interval(*mean_interval(held.isel(step=-1) - held.isel(step=0)))
    held = held.transpose("step", "draw")
    fall = (held.copy(data=np.maximum.accumulate(held.values)) - held).max("step", skipna=False)
    lost = Interval(*mean_interval(fall))
    return verdict(
        ratio.high < 0.5 and gain.low > 0 and lost.high < 0.1 * gain.low,
        f"test loss at the end over that at the start {ratio}; information on the input gains {gain} bit, and falls by"
        f" {lost} at the most",
    )


def _changes(dataset: xr.Dataset, activation: str) -> dict[str, xr.DataArray]:
    """From the first epoch with nine of ten training patterns right to the last: of the last hidden layer, a draw each.

    Raises:
        MissingData: if there are no networks of this activation.
    """
    axis(dataset, "epoch")
    if activation not in dataset["activation"].values:
        raise MissingData(f"no networks with {activation}")
    part = dataset.sel(activation=activation) if "activation" in dataset.dims else dataset
    fitted = mean(part["train_accuracy"], "epoch", "draw") >= _FITTED
    layer = axis(part, "layer")[-2]
    changes = {}
    for how, name in _MEASURES.items():
        held = mean(part[name].sel(layer=layer), "epoch", "draw")
        change = held.isel(epoch=-1) - held.isel(epoch=fitted.argmax("epoch"))
        changes[how] = change.where(fitted.any("epoch"))
    return changes
