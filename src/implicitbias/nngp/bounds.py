"""The closed bound on the complexity, and the PAC-Bayes bound on the error (Bernstein & Yue 2021)."""

import math

import torch

from implicitbias.errors import ConfigError, nearest
from implicitbias.linalg import cholesky, determinant_root
from implicitbias.nngp.estimate import OrthantEstimate
from implicitbias.nngp.standardise import checked
from implicitbias.shapes.tensors import Kernel, Labels

_CONSTANTS = {"tight": math.log(2) - 0.5, "published": 0.2}


def closed(kernel: Kernel, labels: Labels, constant: str = "tight") -> float:
    """The closed upper bound C1 on the complexity -ln P[sign f(X) = Y], in nats.

    C1 = c n + |K|^(1/n) [ (1/2 - 1/pi) tr K^-1 + (1/pi) Y^T K^-1 Y ] with c = ln 2 - 1/2 (tight, what the
    derivation gives) or 1/5 (published, what the authors' code has).

    Args:
        kernel: `(n, n)` float64.
        labels: `(n,)` of +-1.
        constant: "tight" or "published".

    Raises:
        NumericalError: if the kernel is singular or no covariance.
        ConfigError: for an unknown constant.

    Source: Bernstein & Yue 2021, theorem 1.

    """
    if constant not in _CONSTANTS:
        raise ConfigError(f"no constant {constant!r}{nearest(constant, _CONSTANTS)}; allowed: {', '.join(_CONSTANTS)}")
    kernel, labels = checked(kernel, labels)
    n = len(labels)
    factor = cholesky(kernel)
    inverse = torch.cholesky_inverse(factor)
    root = determinant_root(factor)
    quadratic = (0.5 - 1 / math.pi) * float(inverse.trace()) + float(labels @ inverse @ labels) / math.pi
    return _CONSTANTS[constant] * n + root * quadratic


def bound(kernel: Kernel, labels: Labels, *, constant: str = "tight") -> OrthantEstimate:
    """The closed bound as an estimator: ln P >= -C1; arguments and errors are those of `closed`."""
    lower = -closed(kernel, labels, constant)
    return OrthantEstimate(lower, stderr=0.0, effective_sample_size=math.nan, lower_bound=lower)


def pac_bayes(complexity: float, n: int, delta: float = 0.01) -> float:
    """The PAC-Bayes bound on the Gibbs error: 1 - exp(-(C + ln(2n/delta))/(n - 1)), with probability 1 - delta.

    Args:
        complexity: C in nats (an upper bound on, or an estimate of, -ln P).
        n: number of training points; at n = 1 the bound says nothing (1).
        delta: failure probability.

    Source: Langford & Seeger 2001; Bernstein & Yue 2021, theorem 2.

    """
    if n < 2:
        return 1.0
    return -math.expm1(-(complexity + math.log(2 * n / delta)) / (n - 1))


def pac_bayes_given_first(
    complexity: float, first_complexity: float, n: int, first: int, delta: float = 0.01, choices: int = 1
) -> float:
    """The PAC-Bayes bound on the Gibbs error whose prior already knows the first m of the n labels.

    The prior conditioned on the first m labels does not depend on the other n - m points, so it is a prior for these.
    The posterior on all n labels is that prior conditioned on the other labels, which every function of it fits; its
    divergence from the prior is -ln P[Y_n]/P[Y_m] = C_n - C_m. Hence, with probability 1 - delta, the Gibbs error is at
    most 1 - exp(-(C_n - C_m + ln(2 k (n - m)/delta))/(n - m - 1)): theorem 2 on n - m points, where the best of k sizes
    m may be chosen because every one of them has failure probability delta/k (a union bound).

    Args:
        complexity: C_n = -ln P[Y_n] in nats.
        first_complexity: C_m of the first m labels; 0 for m = 0, which gives `pac_bayes`.
        n: number of training points.
        first: m; with n - m < 2 points left the bound says nothing (1).
        delta: failure probability, of all choices together.
        choices: k, the number of sizes m among which one is chosen after the labels are seen.

    Source: Ambroladze, Parrado-Hernandez & Shawe-Taylor 2007 (priors learnt from a part of the data); Dziugaite et al.
    2021; Bernstein & Yue 2021, theorem 2.

    """
    return pac_bayes(complexity - first_complexity, n - first, delta / choices)
