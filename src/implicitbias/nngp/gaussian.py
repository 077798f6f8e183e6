"""The normal distribution far out in its tails, at the speed of erfc.

torch.special.ndtr and log_ndtr are right everywhere but take some 30 ns a value on a CPU; erfc, which is
vectorised, takes 2 ns and keeps its relative accuracy down to the smallest doubles.
"""

import math

import torch
from torch import Tensor

_FAR = -30.0  # Phi(-30) = 5e-198: u Phi(t) stays a normal double for every u that a 30-bit Sobol point can be


def ndtr(t: Tensor) -> Tensor:
    """Phi(t)."""
    tail: Tensor = torch.special.erfc(t * -math.sqrt(0.5))
    return tail.mul_(0.5)


def log_ndtr(t: Tensor) -> Tensor:
    """Logarithm of Phi(t), without underflow."""
    result = ndtr(t).log_()
    far = t < _FAR
    if bool(far.any()):
        result[far] = torch.special.log_ndtr(t[far])
    return result


def hazard(t: Tensor) -> Tensor:
    """h(t) = phi(t)/Phi(-t), the mean of a standard normal that is known to exceed t."""
    scaled: Tensor = torch.special.erfcx(t * math.sqrt(0.5))
    return math.sqrt(2 / math.pi) / scaled


def truncated(t: Tensor, u: Tensor) -> Tensor:
    """A standard normal that exceeds -t, by inversion: v = -Phi^-1(u Phi(t)).

    Args:
        t: `(...)`.
        u: `(...)` uniform in the open interval (0, 1).
    """
    v: Tensor = torch.special.ndtri(u * ndtr(t)).neg_()
    far = t < _FAR
    if bool(far.any()):  # Newton's method for ln Phi(-v) = ln u + ln Phi(t), from the tail's leading order
        lowest = -t[far]
        target = torch.log(u[far]) + log_ndtr(t[far])
        x = torch.sqrt(lowest**2 - 2 * torch.log(u[far]))
        for _ in range(3):
            x = x + (log_ndtr(-x) - target) / hazard(x)
        v[far] = torch.maximum(x, lowest)
    return v
