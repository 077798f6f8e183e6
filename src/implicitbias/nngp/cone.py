"""How much of the infinitely wide network with C outputs gives a labelling.

    >>> estimate = log_probability(kernel, classes, class_count=10)            # 4096 points
    >>> estimate.log_probability, estimate.stderr, estimate.effective_sample_size

The outputs f_1 ... f_C are independent draws of N(0, K), and the event is the cone f_{y_i}(x_i) > f_c(x_i) for every
point i and every c other than its class y_i. The methods:

- structured: sequential samplers that use one kernel for all classes, balance heuristic; O(C n^3) to prepare and
  O(C n^2) a sample. Not for a nearly singular K, which it inverts class by class. Where one factor carries nearly all
  correlation of many points and the labels go against it, a few samples carry the weight and the standard error may be
  too small: .07 nats at an error of .55 and an effective sample size of 178. So it warns below 200.
- differences: the n (C - 1) differences f_{y_i} - f_c as an orthant like any other (`nngp.mixture`); O(C^3 n^3) and
  O(C^2 n^2). The reference: half the variance or less, at half the speed beyond 2000 differences.
- mixture (default): differences, if there are no more than 2000 or K is nearly singular; else structured.
- bound, importance, tilting, genz, subset, ep: those of `nngp.orthant`, on the orthant of the differences.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from implicitbias.catalogue import DENSE, ESTIMATORS
from implicitbias.errors import ConfigError, NumericalError, nearest
from implicitbias.linalg import cholesky
from implicitbias.nngp import orthant
from implicitbias.nngp.balance import sobol
from implicitbias.nngp.cone_differences import affordable, differences, outputs
from implicitbias.nngp.cone_ep import cone_propagation
from implicitbias.nngp.cone_mixture import combined
from implicitbias.nngp.cone_points import Points, standardised
from implicitbias.nngp.cone_proposals import cone_guided, cone_tilted
from implicitbias.nngp.cone_structure import cone_of
from implicitbias.nngp.cone_tilting import cone_tilting
from implicitbias.nngp.estimate import OrthantEstimate, at_least_one, warn_if_few
from implicitbias.nngp.tilting import gge_order
from implicitbias.rng import derive_seed
from implicitbias.shapes.tensors import Kernel, Labels

_INVERTIBLE = 1e-8  # smallest squared pivot at which conditioning on a class's own points keeps its digits
_EFFECTIVE = 200  # effective samples below which the structured error bar may be too small
_LARGEST = torch.quasirandom.SobolEngine.MAXDIM  # dimensions that the Sobol points have


def log_probability(
    kernel: Kernel, classes: Labels, method: str = "mixture", *, class_count: int, **settings: Any
) -> OrthantEstimate:
    """Logarithm of the probability that every point's own class has the largest of C independent outputs.

    Args:
        kernel: `(n, n)` covariance K of every output, any positive diagonal; float64, on any device.
        classes: `(n,)` integers from 0 to C - 1; a class may have no point.
        method: structured, differences, or a name in `catalogue.ESTIMATORS`.
        class_count: C, at least 2.
        **settings: of the method, as for `orthant.log_probability`; structured takes what mixture takes, and
            `keep_samples` returns outputs `(n, C, N)` less their mean over the classes, which is all that the labelling
            speaks of.

    Raises:
        ConfigError: for an unknown method, or what is no number of samples.
        NumericalError: if the kernel is no covariance, a class is none of 0 ... C - 1, the probability is 0, or the
            differences do not fit into memory; the message says why.

    Warns:
        ConvergenceWarning: if too few samples are effective, or a standard error asked for is not reached.
    """
    if method not in METHODS:
        raise ConfigError(f"no method {method!r}{nearest(method, METHODS)}; allowed: {', '.join(METHODS)}")
    points = standardised(kernel, classes, class_count)
    estimate = METHODS[method](points, **settings)
    if estimate.samples is None:
        return estimate
    return replace(estimate, samples=estimate.samples[points.twin].mul_(points.deviation[:, None, None]))


def _by_either(points: Points, **settings: Any) -> OrthantEstimate:
    few = len(points.classes) * (points.class_count - 1) <= DENSE
    method = _by_differences if few or not _invertible(points) else _by_structure
    return method(points, **settings)


def _by_structure(
    points: Points,
    *,
    samples: int = 4096,
    seed: int = 0,
    target_stderr: float | None = None,
    cap: int = 2**15,
    keep_samples: bool = False,
) -> OrthantEstimate:
    samples, cap = at_least_one("samples", samples), at_least_one("cap", cap)
    n, count = len(points.classes), points.class_count
    if not _invertible(points):
        raise NumericalError("the kernel is too nearly singular to be inverted class by class; use method differences")
    if n * count > _LARGEST:
        raise NumericalError(f"{n} points with {count} outputs; allowed: {_LARGEST} outputs in all")
    cone = cone_of(points.correlation, points.classes, count)
    sites = cone_propagation(cone)
    orders = []
    for block in cone.blocks:  # the least likely conditions first, for own outputs as EP expects them
        deviation = block.covariance.diagonal().sqrt()
        orders.append(gge_order(block.covariance / deviation[:, None] / deviation, block.map @ sites.mean / deviation))
    cone = replace(cone, blocks=tuple(one.ordered(order) for one, order in zip(cone.blocks, orders, strict=True)))
    sites = replace(sites, classes=tuple(one.ordered(order) for one, order in zip(sites.classes, orders, strict=True)))
    saddle = cone_tilting(cone)
    guided = cone_guided(cone, sites)
    estimate = combined(
        [guided, cone_tilted(cone, saddle)], saddle.upper_bound, n * count,
        samples=samples, seed=seed, target_stderr=target_stderr, cap=cap, device=points.classes.device,
        parts=(7, 1),  # the tilted sampler keeps the weights bounded; it is hardly ever the better one
    )  # fmt: skip
    assert estimate.samples is not None
    assert estimate.log_weights is not None
    effective, advice = estimate.effective_sample_size, "more samples, or the method differences, may help"
    warn_if_few(effective, len(estimate.log_weights), "structured", advice, few=_EFFECTIVE)
    _, few = guided.sample(sobol(n * count, 8, derive_seed("bound", seed)).to(points.classes.device))
    jensen = max(estimate.lower_bound, float(few.mean()))  # the tilted samples spoil the first
    lower_bound = min(jensen, estimate.log_probability)
    if not keep_samples:
        return replace(estimate, lower_bound=lower_bound, samples=None, log_weights=None)
    which = torch.cat([block.points * count + block.number for block in cone.blocks])
    return replace(estimate, lower_bound=lower_bound, samples=outputs(estimate.samples[n:], which, n, count))


def _by_differences(points: Points, estimator: str = "mixture", **settings: Any) -> OrthantEstimate:
    n, count = len(points.classes), points.class_count
    affordable(n * (count - 1), estimator)
    kernel = points.correlation * points.scale[:, None] * points.scale  # the closed bound depends on the scale
    covariance, which = differences(kernel, points.classes, count)
    estimate = orthant.log_probability(covariance, covariance.new_ones(len(covariance)), estimator, **settings)
    if estimate.samples is None:
        return estimate
    return replace(estimate, samples=outputs(estimate.samples, which, n, count).div_(points.scale[:, None, None]))


METHODS: dict[str, Callable[..., OrthantEstimate]] = {
    "structured": _by_structure,
    "differences": _by_differences,
    **{name: partial(_by_differences, estimator=name) for name in ESTIMATORS},
    "mixture": _by_either,
}


def _invertible(points: Points) -> bool:
    return float(cholesky(points.correlation).diagonal().min()) ** 2 > _INVERTIBLE
