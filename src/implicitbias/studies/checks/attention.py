"""Checks of what attention selects: max-margin directions, optimal tokens, and sentences that were not seen."""

from typing import Any

import numpy as np
import xarray as xr

from implicitbias.studies.intervals import Interval, count_of_draws, experiment_interval
from implicitbias.studies.powers import late_power, log
from implicitbias.studies.verdicts import (
    MissingData,
    Verdict,
    axis,
    experiment_setting,
    last,
    mean,
    since,
    verdict,
)  # fmt: skip

_ADAPTIVE = ("normalised", "Polyak")  # rules of the steps
_FACTORS = "normalised, factors"


def attention_turns_to_its_max_margin(dataset: xr.Dataset) -> Verdict:
    """Under normalised and Polyak steps, one minus the cosine of the attention weights with the max-margin solution (of
    smallest Frobenius norm) ends below .01 and falls as a power of the step over the last decade: the power is below 0,
    both by the 95 % intervals over draws.

    Vasudeva, Deora & Thrampoulidis 2024: under normalised and Polyak steps the distance of directions tends to 0.
    """
    passed, numbers = True, []
    for rule, part in _rules(dataset, _ADAPTIVE):
        end, power = _ends_and_falls(part["frobenius_distance"])
        passed &= end.high < 0.01 and power.high < 0
        numbers.append(f"{rule} {end}, a power {power} of the step")
    return verdict(passed, f"1 - cosine, 95 % over {count_of_draws(dataset)} draws: {'; '.join(numbers)}")


def adaptive_steps_turn_faster(dataset: xr.Dataset) -> Verdict:
    """After as many steps, gradient descent is further from the max-margin direction than normalised and than Polyak
    steps: the ratios of one minus the cosine are above 1 by their 95 % intervals over draws.

    Vasudeva, Deora & Thrampoulidis 2024; by the ratio of distances at the last step, paired within draws.
    """
    ((_, descent),) = _rules(dataset, ("gradient descent",))
    passed, numbers = True, []
    for rule, part in _rules(dataset, _ADAPTIVE):
        ratio = experiment_interval(log(last(descent)["frobenius_distance"] / last(part)["frobenius_distance"])).exp()
        passed &= ratio.low > 1
        numbers.append(f"{rule} {ratio}")
    return verdict(
        passed, f"gradient descent's 1 - cosine over theirs, {count_of_draws(dataset)} draws: {'; '.join(numbers)}"
    )


def attention_selects_the_optimal_tokens(dataset: xr.Dataset) -> Verdict:
    """Under normalised and Polyak steps, the optimal token of every sequence ends with over 99 % of the attention, by
    the 95 % interval over draws.

    Tarzanagh et al. 2023; in the sequence where it is least, of every draw.
    """
    found = {rule: experiment_interval(last(part)["attention"]) for rule, part in _rules(dataset, _ADAPTIVE)}
    numbers = "; ".join(f"{rule} {interval.within(0, 1)}" for rule, interval in found.items())
    return verdict(
        all(interval.low > 0.99 for interval in found.values()), f"{numbers}; {count_of_draws(dataset)} draws"
    )


def factors_find_the_smallest_nuclear_norm(dataset: xr.Dataset) -> Verdict:
    """Weights trained as a product Q K^T end nearer in direction to the max-margin solution of smallest nuclear norm
    than to that of smallest Frobenius norm, and weights trained as one matrix end nearer to the latter; where the
    factors select all optimal tokens, one minus their cosine ends below .01 and still falls, by the 95 % intervals over
    draws.

    Tarzanagh et al. 2023: trained as it is, W tends to the solution of smallest Frobenius norm instead.

    Factors may also end with another selection of tokens, which is a local optimum, and then tend to another solution.
    """
    parts = dict(_rules(dataset, (_FACTORS, "normalised")))
    gaps = {
        rule: experiment_interval(last(part)["frobenius_distance"] - last(part)["nuclear_distance"])
        for rule, part in parts.items()
    }
    elsewhere = np.ravel(mean(last(parts[_FACTORS])["attention"], "draw", "seed") <= 0.5)
    end, power = _ends_and_falls(parts[_FACTORS]["nuclear_distance"], ~elsewhere)
    numbers = "; ".join(f"{rule} {gap}" for rule, gap in gaps.items())
    return verdict(
        gaps[_FACTORS].low > 0 and gaps["normalised"].high < 0 and end.high < 0.01 and power.high < 0,
        f"1 - cosine with the solution of smallest Frobenius norm less that with the nuclear norm's: {numbers}; the"
        f" latter of factors {end}, a power {power} of the step, but for {int(elsewhere.sum())} draws that select"
        f" another token; {count_of_draws(dataset)} draws",
    )


def both_layers_turn_to_their_max_margins(dataset: xr.Dataset) -> Verdict:
    """One minus the cosine of either layer's weights with their max-margin solution ends below .01 and falls as a power
    of the step over the last decade: the power is below 0, both by the 95 % intervals over draws.

    Huang, Liang & Yang 2024, theorems 1 and 2: directions converge, slower than any exponential of the step.
    """
    passed, numbers = True, []
    for layer in axis(dataset, "layer"):
        end, power = _ends_and_falls(dataset["distance"].sel(layer=layer))
        passed &= end.high < 0.01 and power.high < 0
        numbers.append(f"{layer} {end}, a power {power} of the step")
    return verdict(passed, f"1 - cosine, 95 % over {count_of_draws(dataset)} draws: {'; '.join(numbers)}")


def losses_fall_at_the_rate_of_the_margins(dataset: xr.Dataset) -> Verdict:
    """Over the last two thirds of the steps, the log of either stage's excess loss falls on a straight line (R^2 above
    .999), per step by the step's length times the largest margin of weights of norm 1, within a tenth by the 95 %
    interval over draws.

    Huang, Liang & Yang 2024, theorems 1 and 2: the log loss falls linearly.

    Steps of length eta in the max-margin direction lower it by eta times the largest margin of weights of norm 1.
    """
    steps, length = axis(dataset, "step"), experiment_setting(dataset, "step_length")
    late = since(dataset[["log_excess_loss"]], steps[-1] / 3)["log_excess_loss"]
    if late.sizes["step"] < 3:
        raise MissingData("no three checkpoints in the last two thirds of the steps")
    slopes = late.polyfit("step", 1)["polyfit_coefficients"].sel(degree=1, drop=True)
    straight = xr.corr(late, late["step"], "step") ** 2
    passed, numbers = True, []
    for layer in axis(dataset, "layer"):
        rate = experiment_interval((-slopes / (length * dataset["largest_margin"])).sel(layer=layer))
        least = float(straight.sel(layer=layer).min(skipna=False))
        passed &= 0.9 < rate.low <= rate.high < 1.1 and least > 0.999
        numbers.append(f"{layer} {rate} (R^2 of the line at least {least:.4f})")
    return verdict(
        passed, f"slope over the predicted one, 95 % over {count_of_draws(dataset)} draws: {'; '.join(numbers)}"
    )


def predictions_carry_to_unseen_sentences(dataset: xr.Dataset) -> Verdict:
    """The accuracy on unseen sentences ends above .95 where the order of their tokens follows from training, and above
    .5 where the other tokens were never seen with the query, by the lower ends of the 95 % intervals over draws.

    Huang, Liang & Yang 2024, section 6; without training a sentence's tokens have equal attention.
    """
    axis(dataset, "sentences")
    least = {"unseen, in order": 0.95, "unseen, beyond the order": 0.5}
    passed, numbers = True, []
    for kind, threshold in least.items():
        accuracy = dataset["accuracy"].sel(sentences=kind)
        end, start = experiment_interval(last(accuracy)), experiment_interval(accuracy.isel(step=0))
        passed &= end.low > threshold
        numbers.append(f"{kind} {end.within(0, 1)} (at the start {start.centre:.2f})")
    return verdict(passed, f"accuracy, 95 % over {count_of_draws(dataset)} draws: {'; '.join(numbers)}")


def _rules(dataset: xr.Dataset, names: tuple[str, ...]) -> list[tuple[str, xr.Dataset]]:
    """The parts of these rules of the steps.

    Raises:
        MissingData: if one is missing.
    """
    missing = [name for name in names if name not in axis(dataset, "rule")]
    if missing:
        raise MissingData(f"no rule {missing[0]}")
    return [(name, dataset.sel(rule=name)) for name in names]


def _ends_and_falls(values: xr.DataArray, judged: Any = ...) -> tuple[Interval, Interval]:
    """Values at the last step, and the power of the step with which they change over the last decade, of some draws."""
    axis(values, "step")
    return experiment_interval(last(values), judged), experiment_interval(late_power(values["step"], values), judged)
