"""How much of a Gaussian lies in an orthant: ln P[sign f = labels] for f ~ N(0, K), by one interface.

    >>> estimate = log_probability(kernel, labels)            # the mixture, 4096 points
    >>> estimate.log_probability, estimate.stderr, estimate.effective_sample_size

The methods are `catalogue.ESTIMATORS`:

- mixture (default): EP-guided and minimax-tilted sequential samplers, balance heuristic; honest error bars.
- tilting: the tilted sampler alone (Botev 2017). genz: no tilt (Genz 1992, GHK), in the same order.
- importance: the estimator of Bernstein & Yue 2021, to show that it has not converged.
- ep: expectation propagation, deterministic and without an error bar (Cunningham et al. 2011).
- bound: the closed bound of Bernstein & Yue 2021.
"""

from typing import Any

from torch import Tensor

from implicitbias.catalogue import ESTIMATORS, resolve
from implicitbias.errors import ConfigError, nearest
from implicitbias.nngp.estimate import OrthantEstimate


def log_probability(kernel: Tensor, labels: Tensor, method: str = "mixture", **settings: Any) -> OrthantEstimate:
    """Logarithm of P[sign f = labels] for f ~ N(0, K).

    Args:
        kernel: `(n, n)` covariance K, any positive diagonal; float64, on any device.
        labels: `(n,)` of +-1.
        method: a name in `catalogue.ESTIMATORS`.
        **settings: of the method: `samples`, `seed`, `target_stderr`, `cap`, `keep_samples` for mixture, tilting
            and genz; `draws`, `seed` for importance; `constant` for bound.

    Raises:
        ConfigError: for an unknown method.
        NumericalError: if the kernel is no covariance, or the probability is 0; the message says why.
    """
    if method not in ESTIMATORS:
        raise ConfigError(f"no estimator {method!r}{nearest(method, ESTIMATORS)}; allowed: {', '.join(ESTIMATORS)}")
    estimate: OrthantEstimate = resolve(ESTIMATORS[method])(kernel, labels, **settings)
    return estimate
