"""A labelling with several classes in a standard form: distinct points, and a positive definite correlation matrix."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from implicitbias.errors import NumericalError
from implicitbias.nngp.cone_differences import contrasts, others
from implicitbias.nngp.cone_structure import class_numbers
from implicitbias.nngp.standardise import possible
from implicitbias.shapes.tensors import Kernel, Labels, PerPoint

_DUPLICATE = 1e-12  # 1 - correlation at which two points are one point, up to the rounding of a kernel
_SINGULAR = 1e-13  # smallest squared pivot that is more than rounding
_JITTER = 1e-10  # added to a singular correlation matrix


@dataclass(frozen=True)
class Points:
    """The labelling in a standard form.

    Attributes:
        correlation: `(k, k)` of the k distinct points, positive definite.
        classes: `(k,)` theirs.
        class_count: C.
        scale: `(k,)` their prior deviations.
        twin: `(n,)` for every given point, its position among the distinct ones.
        deviation: `(n,)` prior deviations of the given points.
    """

    correlation: Float[Tensor, "k k"]
    classes: Int[Tensor, " k"]
    class_count: int
    scale: Float[Tensor, " k"]
    twin: Int[Tensor, " n"]
    deviation: PerPoint


def standardised(kernel: Kernel, classes: Labels, class_count: int) -> Points:
    """The standard form. Points that are equal under the kernel are merged, which leaves the probability as it is.

    Args:
        kernel: `(n, n)` covariance K of every output, any positive diagonal.
        classes: `(n,)` integers from 0 to C - 1.
        class_count: C, at least 2.

    Raises:
        NumericalError: if the kernel is no covariance, a class is none of 0 ... C - 1, or the probability is 0: by two
            points that are equal and of two classes (named), or because no functions in the range of a singular K give
            these classes.
    """
    a, classes, deviation = _correlation(kernel, classes, class_count)
    kept, twin = _distinct(a, classes)
    correlation = _nonsingular(a[kept][:, kept], classes[kept], class_count)
    return Points(correlation, classes[kept], class_count, deviation[kept], twin, deviation)


def distinct(kernel: Kernel, classes: Labels, class_count: int) -> Int[Tensor, " k"]:
    """Positions of the points that differ under the kernel; conditioning on these conditions on all.

    Arguments and errors are those of `standardised`.
    """
    a, classes, _ = _correlation(kernel, classes, class_count)
    return _distinct(a, classes)[0]


def _correlation(kernel: Kernel, classes: Labels, class_count: int) -> tuple[Kernel, Int[Tensor, " n"], PerPoint]:
    """The correlations, the classes as integers, and the prior deviations."""
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
    return a, classes, deviation


def _distinct(a: Kernel, classes: Labels) -> tuple[Int[Tensor, " k"], Int[Tensor, " n"]]:
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


def _nonsingular(a: Kernel, classes: Labels, class_count: int) -> Kernel:
    """A itself, or A with a jitter where it is singular to rounding but the labelling is still possible."""
    factor, failed = torch.linalg.cholesky_ex(a)
    if not int(failed) and float(factor.diagonal().min()) ** 2 > _SINGULAR:
        return a
    values, vectors = torch.linalg.eigh(a)
    if float(values[0]) < -1e-8 * len(a):
        raise NumericalError(f"the kernel is not positive semi-definite: smallest eigenvalue {float(values[0]):.2g}")
    inside = values > 1e-13 * len(a)
    root = vectors[:, inside] * values[inside].sqrt()
    contrast = contrasts(classes, class_count).to(a)
    i = torch.nonzero(others(classes, class_count))[:, 0]
    margins = (contrast[:, :, None] * root[i][:, None, :]).reshape(len(i), -1)
    if not possible(margins.cpu().numpy(), margins.new_zeros(len(i)).cpu().numpy()):
        raise NumericalError(
            f"the kernel of {len(a)} distinct points has rank {int(inside.sum())}, and no {class_count} functions in"
            " its range give these classes: the probability is 0"
        )
    a = a / (1 + _JITTER)
    a.diagonal().fill_(1)
    return a
