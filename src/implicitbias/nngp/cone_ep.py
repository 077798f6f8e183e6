"""Expectation propagation on a cone, with sites on the differences between the own and the other outputs.

Every condition d > 0 gets a Gaussian site exp(-tau d^2/2 + nu d), as in `nngp.ep`; given the own outputs v the sites
of a class see that class alone, so an update takes O(C n^3) (the structure is that of Riihimäki, Jylänki & Vehtari
2013, "Nested expectation propagation for Gaussian process classification with a multinomial probit likelihood").
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from implicitbias.linalg import among, cholesky
from implicitbias.nngp.cone_structure import ClassBlock, Cone
from implicitbias.nngp.ep import propagated
from implicitbias.shapes.tensors import Kernel, PerPoint


@dataclass(frozen=True)
class ClassSites:
    """The sites of one class and the Gaussian that they leave of d, given v: N(A v + V nu, V).

    Attributes:
        tau: `(o,)` site precisions.
        nu: `(o,)` site shifts.
        covariance: `(o, o)` V.
        map: `(o, n)` A.
        mean: `(o,)` of d, over v.
        variance: `(o,)` of d, over v.
        slope: `(o,)` regression of d on its own point's v_i.
    """

    tau: Float[Tensor, " other"]
    nu: Float[Tensor, " other"]
    covariance: Float[Tensor, "other other"]
    map: Float[Tensor, "other n"]
    mean: Float[Tensor, " other"]
    variance: Float[Tensor, " other"]
    slope: Float[Tensor, " other"]

    def ordered(self, order: Int[Tensor, " other"]) -> "ClassSites":
        """The same with its points in another order."""
        covariance = among(self.covariance, order)
        rows = (getattr(self, name)[order] for name in ("map", "mean", "variance", "slope"))
        return ClassSites(self.tau[order], self.nu[order], covariance, *rows)


@dataclass(frozen=True)
class ConeSites:
    """The Gaussian that EP finds.

    Attributes:
        mean: `(n,)` of the own outputs v.
        covariance: `(n, n)` of v.
        classes: one for every block of the cone.
        log_normaliser: ln of the integral of the prior times all sites.
    """

    mean: PerPoint
    covariance: Kernel
    classes: tuple[ClassSites, ...]
    log_normaliser: float

    @property
    def precision(self) -> Float[Tensor, " condition"]:
        """Of the cavities of all sites."""
        return torch.cat([1 / one.variance - one.tau for one in self.classes])

    @property
    def shift(self) -> Float[Tensor, " condition"]:
        """Precision times the mean of the cavities."""
        return torch.cat([one.mean / one.variance - one.nu for one in self.classes])


def cone_propagation(cone: Cone, tolerance: float = 1e-2, cap: int = 60) -> ConeSites:
    """Sites by parallel damped updates; importance sampling on top needs no convergence.

    Args:
        cone: the conditions.
        tolerance: change of the sites, in units of the largest, at which it stops.
        cap: number of updates at the most.
    """
    prior = cholesky(cone.own_covariance)
    sizes = [len(block.points) for block in cone.blocks]

    def gaussian(tau: Float[Tensor, " condition"], nu: Float[Tensor, " condition"]) -> ConeSites:
        return _gaussian(cone, prior, torch.split(tau, sizes), torch.split(nu, sizes))

    none = prior.new_zeros(sum(sizes))
    start = gaussian(none, none)
    return propagated(gaussian, start.precision, start.shift, tolerance, cap)[2]


def _gaussian(
    cone: Cone, prior: Kernel, tau: tuple[Float[Tensor, " _other"], ...], nu: tuple[Float[Tensor, " _other"], ...]
) -> ConeSites:
    """Prior times sites: first every class given v, then v, then the classes over v."""
    parts = [_given_own(*given) for given in zip(cone.blocks, tau, nu, strict=True)]
    precision = torch.cholesky_inverse(prior)
    pull = prior.new_zeros(len(prior))
    log_normaliser = -float(prior.diagonal().log().sum())
    for (covariance, to_mean, likelihood, log_determinant), shift in zip(parts, nu, strict=True):
        precision = precision + likelihood
        pull = pull + to_mean.T @ shift
        log_normaliser += 0.5 * float(shift @ covariance @ shift) - log_determinant
    factor = cholesky(precision, "the precision of EP")
    mean = torch.cholesky_solve(pull[:, None], factor)[:, 0]
    log_normaliser += 0.5 * float(pull @ mean) - float(factor.diagonal().log().sum())
    own_covariance = torch.cholesky_inverse(factor)
    own_variance = own_covariance.diagonal()
    classes = []
    for block, (covariance, to_mean, _, _), precisions, shift in zip(cone.blocks, parts, tau, nu, strict=True):
        common = to_mean @ own_covariance
        slope = common[torch.arange(len(shift)), block.points] / own_variance[block.points]
        variance = covariance.diagonal() + (common * to_mean).sum(1)
        centre = to_mean @ mean + covariance @ shift
        classes.append(ClassSites(precisions, shift, covariance, to_mean, centre, variance, slope))
    return ConeSites(mean, own_covariance, tuple(classes), log_normaliser)


def _given_own(
    block: ClassBlock, tau: Float[Tensor, " other"], nu: Float[Tensor, " other"]
) -> tuple[Float[Tensor, "other other"], Float[Tensor, "other n"], Kernel, float]:
    """V, A, the precision that the class gives v, and half of a log determinant."""
    root = tau.sqrt()[:, None]
    b = root * block.covariance * root.T
    b.diagonal().add_(1)
    factor = cholesky(b, "I + T^1/2 K T^1/2")
    w = torch.linalg.solve_triangular(factor, root * block.covariance, upper=False)
    y = torch.linalg.solve_triangular(factor, root * block.map, upper=False)
    covariance = torch.addmm(block.covariance, w.T, w, alpha=-1)
    return covariance, torch.addmm(block.map, w.T, y, alpha=-1), y.T @ y, float(factor.diagonal().log().sum())
