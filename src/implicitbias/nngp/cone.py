"""How much of the infinitely wide network with C outputs gives a labelling.

    >>> estimate = log_probability(kernel, classes, class_count=10)            # 4096 points
    >>> estimate.log_probability, estimate.stderr, estimate.effective_sample_size

The outputs f_1 ... f_C are independent draws of N(0, K), and the event is the cone f_{y_i}(x_i) > f_c(x_i) for every
point i and every c other than its class y_i. The methods:

- structured: sequential samplers that use one kernel for all classes, balance heuristic; O(C n^3) to prepare and
  O(C n^2) a sample. Not for a nearly singular K, which it inverts class by class. Where one factor carries nearly all
  correlation of many points, a few samples carry the weight and the standard error may be too small: an effective
  sample size below some 200 says so.
- differences: the n (C - 1) differences f_{y_i} - f_c as an orthant like any other (`nngp.mixture`); O(C^3 n^3) and
  O(C^2 n^2). The reference, and the better one for a few hundred differences.
- mixture (default): whichever of the two suits the problem.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from implicitbias.errors import ConfigError, NumericalError, nearest
from implicitbias.linalg import cholesky
from implicitbias.nngp import orthant
from implicitbias.nngp.cone_ep import cone_propagation
from implicitbias.nngp.cone_mixture import combined
from implicitbias.nngp.cone_proposals import cone_guided, cone_tilted
from implicitbias.nngp.cone_structure import class_numbers, cone_of
from implicitbias.nngp.cone_tilting import cone_tilting
from implicitbias.nngp.estimate import OrthantEstimate
from implicitbias.nngp.mixture import sobol
from implicitbias.nngp.standardise import possible
from implicitbias.nngp.tilting import gge_order
from implicitbias.rng import derive_seed

_DUPLICATE = 1e-12  # 1 - correlation at which two points are one point, up to the rounding of a kernel
_SINGULAR = 1e-13  # smallest squared pivot that is more than rounding
_JITTER = 1e-10  # added to a singular correlation matrix
_INVERTIBLE = 1e-8  # smallest squared pivot at which conditioning on a class's own points keeps its digits
_FEW = 400  # differences up to which an orthant like any other is faster and has the smaller error
_LARGEST = torch.quasirandom.SobolEngine.MAXDIM  # dimensions that the Sobol points have


def log_probability(
    kernel: Tensor,
    classes: Tensor,
    method: str = "mixture",
    *,
    class_count: int,
    samples: int = 4096,
    seed: int = 0,
    target_stderr: float | None = None,
    cap: int = 2**15,
    keep_samples: bool = False,
) -> OrthantEstimate:
    """Logarithm of the probability that every point's own class has the largest of C independent outputs.

    Args:
        kernel: `(n, n)` covariance K of every output, any positive diagonal; float64, on any device.
        classes: `(n,)` integers from 0 to C - 1; a class may have no point.
        method: mixture, structured or differences.
        class_count: C, at least 2.
        samples: number of samples N.
        seed: of the scrambles.
        target_stderr: double N until the standard error is at most this, in nats.
        cap: largest N that this may reach.
        keep_samples: also return the weighted samples, as outputs `(n, C, N)` less their mean over the classes, which
            is all that the labelling speaks of.

    Raises:
        ConfigError: for an unknown method.
        NumericalError: if the kernel is no covariance, a class is none of 0 ... C - 1, or the probability is 0; the
            message says why.

    Warns:
        ConvergenceWarning: if `target_stderr` is not reached with `cap` samples.
    """
    if method not in METHODS:
        raise ConfigError(f"no method {method!r}{nearest(method, METHODS)}; allowed: {', '.join(METHODS)}")
    points = _standardised(kernel, classes, class_count)
    estimate = METHODS[method](points, samples, seed, target_stderr, cap)
    if not keep_samples:
        return replace(estimate, samples=None, log_weights=None)
    assert estimate.samples is not None
    outputs = estimate.samples[points.twin].mul_(points.deviation[:, None, None])
    return replace(estimate, samples=outputs)


@dataclass(frozen=True)
class _Points:
    """The labelling in a standard form.

    Attributes:
        correlation: `(k, k)` of the k distinct points, positive definite.
        classes: `(k,)` theirs.
        class_count: C.
        twin: `(n,)` for every given point, its position among the distinct ones.
        deviation: `(n,)` prior deviations of the given points.
    """

    correlation: Tensor
    classes: Tensor
    class_count: int
    twin: Tensor
    deviation: Tensor


def _by_either(points: _Points, samples: int, seed: int, target_stderr: float | None, cap: int) -> OrthantEstimate:
    few = len(points.classes) * (points.class_count - 1) <= _FEW
    method = _by_differences if few or not _invertible(points) else _by_structure
    return method(points, samples, seed, target_stderr, cap)


def _invertible(points: _Points) -> bool:
    return float(cholesky(points.correlation).diagonal().min()) ** 2 > _INVERTIBLE


def _by_structure(points: _Points, samples: int, seed: int, target_stderr: float | None, cap: int) -> OrthantEstimate:
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
    few = guided.sample(sobol(n * count, 8, derive_seed("bound", seed)).to(points.classes.device))
    jensen = max(estimate.lower_bound, float(guided.log_weight(few).mean()))  # the tilted samples spoil the first
    which = torch.cat([block.points * count + block.number for block in cone.blocks])
    outputs = _outputs(estimate.samples[n:], which, n, count)
    return replace(estimate, samples=outputs, lower_bound=min(jensen, estimate.log_probability))


def _by_differences(points: _Points, samples: int, seed: int, target_stderr: float | None, cap: int) -> OrthantEstimate:
    covariance, which = differences(points.correlation, points.classes, points.class_count)
    estimate = orthant.log_probability(
        covariance, covariance.new_ones(len(covariance)),
        samples=samples, seed=seed, target_stderr=target_stderr, cap=cap, keep_samples=True,
    )  # fmt: skip
    assert estimate.samples is not None
    return replace(estimate, samples=_outputs(estimate.samples, which, len(points.classes), points.class_count))


METHODS: dict[str, Callable[[_Points, int, int, float | None, int], OrthantEstimate]] = {
    "mixture": _by_either,
    "structured": _by_structure,
    "differences": _by_differences,
}


def differences(kernel: Tensor, classes: Tensor, class_count: int) -> tuple[Tensor, Tensor]:
    """Covariance `(N, N)` of the N = n (C - 1) differences f_{y_i}(x_i) - f_c(x_i), c != y_i, and where they stand.

    Args:
        kernel: `(n, n)` K of every output.
        classes: `(n,)` y from 0 to C - 1.
        class_count: C.

    Returns:
        The covariance, and `(N,)` the position i C + c of each difference.
    """
    contrast = _contrasts(classes, class_count).to(kernel)  # (N, C)
    which = torch.nonzero(_other(classes, class_count).reshape(-1))[:, 0]
    i = which // class_count
    return kernel[i][:, i] * (contrast @ contrast.T), which


def _other(classes: Tensor, class_count: int) -> Tensor:
    return classes[:, None] != torch.arange(class_count, device=classes.device)


def _contrasts(classes: Tensor, class_count: int) -> Tensor:
    """`(N, C)` rows with 1 at the own class and -1 at another one."""
    i, c = torch.nonzero(_other(classes, class_count), as_tuple=True)
    one = torch.eye(class_count, dtype=torch.float64, device=classes.device)
    return one[classes[i]] - one[c]


def _outputs(differences: Tensor, which: Tensor, n: int, class_count: int) -> Tensor:
    """Outputs `(n, C, N)` of mean 0 over the classes with these differences `(n (C - 1), N)`."""
    outputs = differences.new_zeros(n * class_count, differences.shape[1])
    outputs[which] = -differences
    outputs = outputs.reshape(n, class_count, -1)
    return outputs.sub_(outputs.mean(1, keepdim=True))


def _standardised(kernel: Tensor, classes: Tensor, class_count: int) -> _Points:
    n = len(classes) if classes.ndim == 1 else 0
    if n == 0 or kernel.shape != (n, n):
        raise NumericalError(
            f"kernel of shape {tuple(kernel.shape)} with classes of shape {tuple(classes.shape)};"
            " allowed: (n, n) and (n,) with n >= 1"
        )
    classes = class_numbers(classes, class_count).to(kernel.device)
    kernel = kernel.to(torch.float64)
    if not bool(torch.isfinite(kernel).all()):
        raise NumericalError("the kernel has entries that are not finite")
    variance = kernel.diagonal()
    if not bool((variance > 0).all()):
        wrong = int(torch.nonzero(variance <= 0)[0])
        raise NumericalError(f"point {wrong} has prior variance {float(variance[wrong]):g}: all its outputs are equal")
    asymmetry = float((kernel - kernel.T).abs().max())
    if asymmetry > 1e-8 * float(kernel.abs().max()):
        raise NumericalError(f"the kernel is not symmetric: K and its transpose differ by up to {asymmetry:.2g}")
    deviation = variance.sqrt()
    a = ((kernel + kernel.T) / 2) / deviation[:, None] / deviation
    a.diagonal().fill_(1)
    if float(a.abs().max()) > 1 + 1e-8:
        i, j = torch.nonzero(a.abs() > 1 + 1e-8)[0].tolist()
        raise NumericalError(f"the kernel is no covariance: points {i} and {j} have correlation {float(a[i, j]):.9g}")
    kept, twin = _distinct(a, classes)
    return _Points(
        _nonsingular(a[kept][:, kept], classes[kept], class_count), classes[kept], class_count, twin, deviation
    )


def _distinct(a: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """The first of every set of equal points, and for each point the position of its first among these."""
    first = (a > 1 - _DUPLICATE).to(torch.int8).argmax(0)
    while bool((first[first] != first).any()):  # the twin of a twin
        first = first[first]
    if not torch.equal(classes[first], classes):
        j = int(torch.nonzero(classes[first] != classes)[0])
        i = int(first[j])
        raise NumericalError(
            f"points {i} and {j} are equal under the kernel (correlation 1 to rounding) but have the classes"
            f" {int(classes[i])} and {int(classes[j])}: the probability is 0"
        )
    kept = torch.unique(first)
    return kept, torch.searchsorted(kept, first)


def _nonsingular(a: Tensor, classes: Tensor, class_count: int) -> Tensor:
    """A itself, or A with a jitter where it is singular to rounding but the labelling is still possible."""
    factor, failed = torch.linalg.cholesky_ex(a)
    if not int(failed) and float(factor.diagonal().min()) ** 2 > _SINGULAR:
        return a
    values, vectors = torch.linalg.eigh(a)
    if float(values[0]) < -1e-8 * len(a):
        raise NumericalError(f"the kernel is not positive semi-definite: smallest eigenvalue {float(values[0]):.2g}")
    inside = values > 1e-13 * len(a)
    root = vectors[:, inside] * values[inside].sqrt()
    contrast = _contrasts(classes, class_count).to(a)
    i = torch.nonzero(_other(classes, class_count))[:, 0]
    margins = (contrast[:, :, None] * root[i][:, None, :]).reshape(len(i), -1)
    if not possible(margins.cpu().numpy(), margins.new_zeros(len(i)).cpu().numpy()):
        raise NumericalError(
            f"the kernel of {len(a)} distinct points has rank {int(inside.sum())}, and no {class_count} functions in"
            " its range give these classes: the probability is 0"
        )
    a = a / (1 + _JITTER)
    a.diagonal().fill_(1)
    return a
