"""How much of a Gaussian lies in an orthant: ln P[sign f = labels] for f ~ N(mean, K), by one interface.

    >>> estimate = log_probability(kernel, labels)            # the mixture, 4096 points
    >>> estimate.log_probability, estimate.stderr, estimate.effective_sample_size
    >>> log_probabilities(kernel, many_labels).log_probability            # a batch, with a stderr for each

The methods are `catalogue.ESTIMATORS`:

- mixture (default): EP-guided and minimax-tilted sequential samplers, balance heuristic; honest error bars.
- tilting: the tilted sampler alone (Botev 2017). genz: no tilt (Genz 1992, GHK), in the same order.
- importance: the estimator of Bernstein & Yue 2021; unbiased for P, but not converged at n >= 100, so that -ln P is too
  high and bounds from it are loose.
- subset: subset simulation with elliptical slices (Gessner, Kanjilal & Hennig 2020), for comparison.
- ep: expectation propagation, deterministic and without an error bar (Cunningham et al. 2011).
- bound: the closed bound of Bernstein & Yue 2021.
"""

from collections.abc import Mapping
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from implicitbias.catalogue import ESTIMATORS, resolve
from implicitbias.errors import ConfigError, NumericalError, nearest
from implicitbias.linalg import real
from implicitbias.nngp import many
from implicitbias.nngp.estimate import OrthantEstimate, at_least_one
from implicitbias.rng import derive_seed
from implicitbias.shapes.tensors import Kernel, Labels, PerPoint


def log_probability(
    kernel: Kernel, labels: Labels, method: str = "mixture", *, mean: PerPoint | None = None, **settings: Any
) -> OrthantEstimate:
    """Logarithm of P[sign f = labels] for f ~ N(mean, K).

    Args:
        kernel: `(n, n)` covariance K, any positive diagonal, on any device; a tensor or an array of real numbers, taken
            as float64.
        labels: `(n,)` of +-1.
        method: a name in `catalogue.ESTIMATORS`.
        mean: `(n,)` mean of f, None for 0 (all that importance and bound know).
        **settings: of the method: `samples`, `seed`, `target_stderr`, `cap`, `keep_samples` for mixture, tilting
            and genz; `samples`, `seed` for subset; `draws`, `seed` for importance; `constant` for bound.

    Raises:
        ConfigError: for an unknown method, a mean for a method of centred Gaussians, or what is no number of samples.
        NumericalError: if the kernel is no covariance, or the probability is 0; the message says why.

    Warns:
        ConvergenceWarning: if too few samples are effective, or a standard error asked for is not reached.
    """
    if method not in ESTIMATORS:
        raise ConfigError(f"no estimator {method!r}{nearest(method, ESTIMATORS)}; allowed: {', '.join(ESTIMATORS)}")
    if mean is not None:
        settings = {"mean": mean, **settings}
        if taken_settings(method, {"mean": mean}) == {}:
            raise ConfigError(f"estimator {method!r} knows centred Gaussians only; leave the mean out")
    estimate: OrthantEstimate = resolve(ESTIMATORS[method])(kernel, labels, **settings)
    return estimate


def taken_settings(method: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the settings that the method's signature asks for."""
    wanted = signature(resolve(ESTIMATORS[method])).parameters.keys() & settings.keys()
    return {name: settings[name] for name in wanted}


class OrthantEstimates(NamedTuple):
    """Estimates of a batch, every field a float64 tensor of the batch's shape (see `OrthantEstimate`)."""

    log_probability: Float[Tensor, "*batch"]
    stderr: Float[Tensor, "*batch"]
    effective_sample_size: Float[Tensor, "*batch"]
    upper_bound: Float[Tensor, "*batch"]
    lower_bound: Float[Tensor, "*batch"]


def log_probabilities(
    kernels: Shaped[Tensor, "*#batch n n"],
    labels: Shaped[Tensor, "*#batch n"],
    method: str = "mixture",
    *,
    seed: int = 0,
    **settings: Any,
) -> OrthantEstimates:
    """Logarithms of P[sign f = labels] for a batch of kernels, of sign vectors, or of both.

    Each has random numbers of its own. By the mixture, centred problems of few points are solved together
    (`nngp.many`), with the numbers that they have alone, up to rounding; all others one after another.

    Args:
        kernels: `(..., n, n)`.
        labels: `(..., n)` of +-1; the leading dimensions of both broadcast.
        method: a name in `catalogue.ESTIMATORS`.
        seed: of the batch.
        **settings: of the method, as for `log_probability`.

    Raises:
        ConfigError: for an unknown method.
        NumericalError: naming the batch index, if a kernel is no covariance or a probability is 0.
    """
    kernels, labels = real(kernels, "the kernels"), real(labels, "the labels")
    if kernels.ndim < 2 or labels.ndim < 1:
        raise NumericalError(
            f"kernels of shape {tuple(kernels.shape)}, labels of shape {tuple(labels.shape)}; allowed: (..., n, n) and"
            " (..., n)"
        )
    shape = np.broadcast_shapes(kernels.shape[:-2], labels.shape[:-1])
    n = labels.shape[-1]
    every_kernel = kernels.expand(*shape, *kernels.shape[-2:]).reshape(-1, *kernels.shape[-2:])
    every_label = labels.expand(*shape, n).reshape(-1, n)
    seeds = [derive_seed("orthant batch", seed, position) for position in range(len(every_label))]
    found = torch.zeros(len(seeds), len(OrthantEstimates._fields), dtype=torch.float64)
    solved = torch.zeros(len(seeds), dtype=torch.bool)
    small = 0 < n <= many.LARGEST and kernels.shape[-2:] == (n, n)
    if method == "mixture" and small and settings.keys() <= {"samples"}:
        samples = at_least_one("samples", settings.get("samples", 4096))
        batch = many.mixtures(every_kernel, every_label.to(kernels.device), seeds, samples)
        found, solved = (each.cpu() for each in batch)
    for position in torch.nonzero(~solved)[:, 0].tolist():
        own: dict[str, Any] = {"seed": seeds[position]}
        if method in ESTIMATORS:
            own = taken_settings(method, own)
        try:
            estimate = log_probability(every_kernel[position], every_label[position], method, **own, **settings)
        except NumericalError as error:
            index = tuple(int(i) for i in np.unravel_index(position, shape))
            raise NumericalError(f"batch index {index}: {error}") from error
        found[position] = found.new_tensor([getattr(estimate, name) for name in OrthantEstimates._fields])
    return OrthantEstimates(*(column.reshape(shape) for column in found.T))
