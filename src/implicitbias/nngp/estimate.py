"""What an estimator of an orthant probability returns."""

import math
import warnings
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.errors import ConfigError, ConvergenceWarning

_FEW = 100  # effective samples below which the error bar says nothing


@dataclass(frozen=True)
class OrthantEstimate:
    """An estimate of ln P in nats and, on request, the weighted samples behind it.

    Attributes:
        log_probability: ln P.
        stderr: its standard error; 0 for a deterministic bound, NaN for a method that has no error bar (ep).
        effective_sample_size: (sum w)^2 / sum w^2 over weighted samples; NaN for a method without weights.
        upper_bound: psi >= ln P, deterministic (Botev 2017); 0, the trivial bound, where there is no tilting.
        lower_bound: Jensen's bound E_q[ln w] <= ln P, estimated from the samples; -inf without samples.
        samples: `(n, N)` f on the orthant, columns are samples, or None.
        log_weights: `(N,)` their log-weights, or None; column k belongs to group `k // (N / groups)`.
        groups: number of independent groups of samples whose spread is the standard error, which has one degree of
            freedom less.
    """

    log_probability: float
    stderr: float
    effective_sample_size: float
    upper_bound: float = 0.0
    lower_bound: float = -math.inf
    samples: Float[Tensor, "n *classes samples"] | None = None
    log_weights: Float[Tensor, " samples"] | None = None
    groups: int = 1


def at_least_one(name: str, value: Any) -> int:
    """A number of samples, checked.

    Raises:
        ConfigError: unless it is a whole number and at least 1.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ConfigError(f"{name} = {value!r}; allowed: a whole number, at least 1")
    return int(value)


def warn_if_few(effective: float, count: int, estimator: str, advice: str, few: int = _FEW) -> None:
    """Warn where so few samples carry the weight that the standard error says nothing.

    Warns:
        ConvergenceWarning: if fewer than `few` of the samples are effective, and fewer than a quarter.
    """
    if effective < min(few, count / 4):
        warnings.warn(
            f"{estimator}: {effective:.1f} of {count} samples are effective: the estimate of -ln P is likely too high,"
            f" and its standard error means nothing; {advice}",
            ConvergenceWarning,
            stacklevel=4,
        )


def log_mean(
    log_weights: Float[Tensor, "*k samples"],
) -> tuple[Float[Tensor, "*k"], Float[Tensor, "*k"], Float[Tensor, "*k"]]:
    """Logarithm of the mean weight, its delta-method standard error for independent weights, and their ESS."""
    count = log_weights.shape[-1]
    top = log_weights.amax(-1)
    w = torch.exp(log_weights - top[..., None])
    mean = w.mean(-1)
    stderr = w.std(-1) / mean / math.sqrt(count) if count > 1 else torch.full_like(mean, math.inf)
    return top + mean.log(), stderr, w.sum(-1).square() / w.square().sum(-1)
