"""The event sign f = labels, f ~ N(mean, K), in a standard form: g > 0, g ~ N(m, A), A a correlation matrix."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.optimize import linprog
from torch import Tensor

from implicitbias.errors import NumericalError
from implicitbias.linalg import among, real
from implicitbias.shapes.tensors import Kernel, Labels, PerPoint

_DUPLICATE = 1e-12  # 1 - |correlation| at which two points are one point, up to the rounding of a kernel
_APART = 1e-13  # variance of the difference of merged points that is more than rounding
_REGULAR = 1e-8  # smallest squared pivot that is more than rounding whatever the eigenvalues
_JITTER = 1e-12  # added to a singular A; moves the event's borders by about its root
_NEVER = 1e6, 100  # a mean above the first, plus the second times the lowest mean's distance from 0, is never crossed


@dataclass(frozen=True)
class Orthant:
    """P[g > 0] for g ~ N(m, A).

    Attributes:
        correlation: `(k, k)` A of the k distinct points, float64, positive definite.
        mean: `(k,)` m; a mean so high that its condition is always met is lowered to where it still is.
        kept: `(k,)` positions of the distinct points among the n given.
        twin: `(n,)` for every given point, its position among the distinct ones.
        scale: `(n,)` label times prior deviation.
        lead: `(n,)` how far a point's own mean lies above that of its twin: f = scale * (g[twin] + lead).
        jitter: variance, in units of the prior's, that the answer leaves out or puts in: what was added to the diagonal
            of a singular A, or that of the difference of merged points, where it is more than rounding; else 0.
    """

    correlation: Float[Tensor, "k k"]
    mean: Float[Tensor, " k"]
    kept: Int[Tensor, " k"]
    twin: Int[Tensor, " n"]
    scale: PerPoint
    lead: PerPoint
    jitter: float

    def outputs(self, g: Float[Tensor, "k samples"]) -> Float[Tensor, "n samples"]:
        """f of the given points, from g of the distinct ones."""
        return (g[self.twin] + self.lead[:, None]).mul_(self.scale[:, None])


def standardised(kernel: Kernel, labels: Labels, mean: PerPoint | None = None) -> Orthant:
    """The standard form. Points that are equal under the kernel are merged, which leaves the probability as it is.

    Args:
        kernel: `(n, n)` covariance K, any positive diagonal; tensor or array of real numbers.
        labels: `(n,)` of +-1.
        mean: `(n,)` mean of f, None for 0.

    Raises:
        NumericalError: if K is no covariance, or if the probability is 0: by two points that are equal with
            opposite labels (named), or because no function in the range of a singular K has these signs. With a mean,
            equal points with opposite labels ask for an interval, which this does not do: an error too.
    """
    a, scale = _correlations(*checked(kernel, labels))
    own = torch.zeros_like(scale) if mean is None else _standardised_mean(mean, scale)
    kept, twin = _distinct(a)
    hardest = own.new_full(kept.shape, torch.inf).scatter_reduce(0, twin, own, "amin")  # of equal points' conditions
    hardest = hardest.clamp(max=_NEVER[0] + _NEVER[1] * float((-hardest).max().clamp(min=0)))
    correlation, jitter = _nonsingular(a if len(kept) == len(a) else among(a, kept), hardest)
    apart = 2 * (1 - float(a[torch.arange(len(a), device=a.device), kept[twin]].min()))  # variance of f - f of a twin
    if apart > _APART:
        jitter = max(jitter, apart)
    return Orthant(correlation, hardest, kept, twin, scale, lead=own - hardest[twin], jitter=jitter)


def blurred(a: Kernel, jitter: float) -> Kernel:
    """The correlations of g + sqrt(jitter) e, e independent standard normal, from those of g."""
    a = a / (1 + jitter)
    a.diagonal().fill_(1)
    return a


def _standardised_mean(mean: PerPoint, scale: PerPoint) -> PerPoint:
    mean = real(mean, "the mean").to(scale.device)
    if mean.shape != scale.shape or not bool(torch.isfinite(mean).all()):
        raise NumericalError(f"a mean of shape {tuple(mean.shape)}; allowed: {tuple(scale.shape)}, all of it finite")
    return mean / scale


def ordinary(
    kernels: Float[Tensor, "k n n"], labels: Float[Tensor, "k n"]
) -> tuple[Float[Tensor, "k n n"], Bool[Tensor, " k"]]:
    """The standard form of a stack's members that have distinct points and a regular kernel, and which these are.

    The identity stands in for the others.
    """
    a, _ = _correlations(kernels, labels)
    plain = torch.isfinite(a).all((1, 2)) & (labels.abs() == 1).all(1) & ~_asymmetric(kernels).any((1, 2))
    plain &= (torch.triu(a, 1).abs() < 1 - _DUPLICATE).all((1, 2))
    a = a.where(plain[:, None, None], torch.eye(a.shape[-1], dtype=a.dtype, device=a.device))
    return a, plain & _regular(*torch.linalg.cholesky_ex(a))


def _correlations(
    kernel: Float[Tensor, "*k n n"], labels: Float[Tensor, "*k n"]
) -> tuple[Float[Tensor, "*k n n"], Float[Tensor, "*k n"]]:
    """The correlations of labels * f, and the label times the prior deviation."""
    scale = labels * kernel.diagonal(dim1=-2, dim2=-1).sqrt()
    a = (kernel + kernel.mT).mul_(0.5).div_(scale[..., :, None]).div_(scale[..., None, :])
    a.diagonal(dim1=-2, dim2=-1).fill_(1)
    return a, scale


def _asymmetric(kernel: Float[Tensor, "*k n n"]) -> Bool[Tensor, "*k n n"]:
    """The pairs at which it is not symmetric, each on its own scale."""
    deviation = kernel.diagonal(dim1=-2, dim2=-1).sqrt()
    return (kernel - kernel.mT).abs() > 1e-8 * deviation[..., :, None] * deviation[..., None, :]


def _regular(factor: Float[Tensor, "*k n n"], failed: Int[Tensor, "*k"]) -> Bool[Tensor, "*k"]:
    """Whether what has this Cholesky factor is regular, whatever its eigenvalues."""
    return (failed == 0) & (factor.diagonal(dim1=-2, dim2=-1).amin(-1).square() > _REGULAR)


def checked(kernel: Any, labels: Any) -> tuple[Kernel, PerPoint]:
    """A kernel and labels as float64 tensors on the kernel's device.

    Raises:
        NumericalError: if they are of other shapes, not real and finite, the kernel is not symmetric or has a diagonal
            that is not positive, or a label is not +-1.
    """
    kernel = real(kernel, "the kernel")
    labels = real(labels, "the labels").to(kernel.device)
    if labels.ndim != 1:
        raise NumericalError(f"labels of shape {tuple(labels.shape)}; allowed: (n,), one of +1 and -1 a point")
    n = len(labels)
    if kernel.shape != (n, n) or n == 0:
        raise NumericalError(f"kernel of shape {tuple(kernel.shape)} with {n} labels; allowed: (n, n) with n >= 1")
    if not bool((labels.abs() == 1).all()):
        wrong = int(torch.nonzero(labels.abs() != 1)[0])
        raise NumericalError(f"label {wrong} is {float(labels[wrong]):g}; allowed: +1 and -1")
    if not bool(torch.isfinite(kernel).all()):
        raise NumericalError("the kernel has entries that are not finite")
    if not bool((kernel.diagonal() > 0).all()):
        wrong = int(torch.nonzero(kernel.diagonal() <= 0)[0])
        raise NumericalError(
            f"point {wrong} has prior variance {float(kernel[wrong, wrong]):g}: its sign has no meaning"
        )
    asymmetric = _asymmetric(kernel)
    if bool(asymmetric.any()):
        i, j = torch.nonzero(asymmetric)[0].tolist()
        raise NumericalError(
            f"the kernel is not symmetric: K[{i}, {j}] = {float(kernel[i, j]):.9g}, K[{j}, {i}] ="
            f" {float(kernel[j, i]):.9g}"
        )
    return kernel, labels


def distinct(kernel: Kernel, labels: Labels) -> Int[Tensor, " k"]:
    """Positions of the points that differ under the kernel; conditioning on these conditions on all.

    Arguments and errors are those of `standardised`.
    """
    return _distinct(_correlations(*checked(kernel, labels))[0])[0]


def _distinct(a: Kernel) -> tuple[Int[Tensor, " k"], Int[Tensor, " n"]]:
    """The first of every set of equal points, and for each point the position of its first among these."""
    upper = torch.triu(a, 1)
    if float(upper.abs().max()) > 1 + 1e-8:
        i, j = torch.nonzero(upper.abs() > 1 + 1e-8)[0].tolist()
        raise NumericalError(f"the kernel is no covariance: points {i} and {j} have correlation {float(a[i, j]):.9g}")
    if float(upper.min()) < -1 + _DUPLICATE:
        i, j = torch.nonzero(upper < -1 + _DUPLICATE)[0].tolist()
        raise NumericalError(
            f"points {i} and {j} are equal under the kernel (correlation +-1 to rounding) but their labels say the"
            " opposite: the probability is 0 to rounding"
        )
    first = torch.arange(len(a), device=a.device)
    same = upper > 1 - _DUPLICATE
    first = torch.where(same.any(0), same.to(torch.int8).argmax(0), first)
    while bool((first[first] != first).any()):  # the twin of a twin
        first = first[first]
    kept = torch.unique(first)
    return kept, torch.searchsorted(kept, first)


def _nonsingular(a: Kernel, mean: PerPoint) -> tuple[Kernel, float]:
    """A itself, or A with a jitter (second) where it is singular to rounding but the event is still possible."""
    factor, failed = torch.linalg.cholesky_ex(a)
    if bool(_regular(factor, failed)):
        return a, 0.0
    values, vectors = torch.linalg.eigh(a)
    rounding = 2 * len(a) * torch.finfo(a.dtype).eps * float(values[-1])
    if not int(failed) and float(values[0]) > rounding:
        return a, 0.0
    if float(values[0]) < -1e-8 * len(a):
        raise NumericalError(f"the kernel is not positive semi-definite: smallest eigenvalue {float(values[0]):.2g}")
    inside = values > rounding
    if not possible((vectors[:, inside] * values[inside].sqrt()).cpu().numpy(), mean.cpu().numpy()):
        raise NumericalError(
            f"the kernel of {len(a)} distinct points has rank {int(inside.sum())} to rounding, and no function in its"
            " range has these signs: the probability is 0, or so small that rounding of the kernel decides it"
        )
    jitter = _JITTER
    while int(torch.linalg.cholesky_ex(blurred(a, jitter)).info):
        jitter *= 10
    return blurred(a, jitter), jitter


def possible(root: Float[np.ndarray, "n rank"], mean: Float[np.ndarray, " n"]) -> bool:
    """Whether some z has root z + mean > 0 in every row.

    By linear programming, made homogeneous (root z + s mean, s >= 0): the largest margin over a box.
    """
    n, r = root.shape
    found = linprog(
        np.append(np.zeros(r + 1), -1.0), A_ub=np.hstack([-root, -mean[:, None], np.ones((n, 1))]), b_ub=np.zeros(n),
        bounds=[(-1, 1)] * r + [(0, 1), (None, 1)],
    )  # fmt: skip
    return found.x is not None and bool(found.x[-1] > 1e-9)
