"""Many small orthants together: the steps of `nngp.mixture` for a stack of problems of one size, centred.

A step is taken by all members at once, and a member that has arrived stays where it is, so that each has the numbers
that it has alone, up to rounding. What is out of the ordinary (an error, equal points, a kernel that is nearly
singular, sites far out, a search that does not arrive) is left to the caller, to be solved alone.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from implicitbias.nngp.balance import SCRAMBLES, sobol
from implicitbias.nngp.ep import FAR, damped_step
from implicitbias.nngp.estimate import warn_if_few
from implicitbias.nngp.gaussian import hazard
from implicitbias.nngp.proposals import drawn, ep_guided, tilted
from implicitbias.nngp.standardise import DUPLICATE, REGULAR
from implicitbias.nngp.tilting import Tilting, hazard_terms
from implicitbias.rng import derive_seed

LARGEST = 64
"""Points up to which several problems together are faster than one after the other."""

_MEMBERS = 512  # prepared together
_NUMBERS = 2**19  # of samples drawn together: 4 MB


def mixtures(
    kernels: Float[Tensor, "k n n"], labels: Float[Tensor, "k n"], seeds: Sequence[int], samples: int
) -> tuple[Float[Tensor, "k 5"], Bool[Tensor, " k"]]:
    """Logarithms of P[sign f = labels] for f ~ N(0, K), by the mixture.

    Args:
        kernels: `(b, n, n)` covariances K.
        labels: `(b, n)` of +-1.
        seeds: of the members' scrambles.
        samples: number of samples N of each.

    Returns:
        Float64: the logarithm, its standard error, the effective sample size, the upper and the lower bound, `(b, 5)`;
        and whether the member was solved, `(b,)`.

    Warns:
        ConvergenceWarning: if so few samples of a member are effective that its standard error says nothing.
    """
    found = kernels.new_zeros(len(kernels), 5)
    solved = torch.zeros(len(kernels), dtype=torch.bool, device=kernels.device)
    for start in range(0, len(kernels), _MEMBERS):
        members = torch.arange(start, min(start + _MEMBERS, len(kernels)), device=kernels.device)
        a, ordinary = _correlations(kernels[members], labels[members])
        prepared = _prepared(_ordered(a))
        solved[members] = ordinary & prepared.found
        together = max(1, _NUMBERS // (samples * a.shape[-1]))
        ready = torch.nonzero(solved[members])[:, 0]
        for first in range(0, len(ready), together):
            some = ready[first : first + together]
            which = members[some]
            log_weights = _sampled(prepared, some, [seeds[i] for i in which.tolist()], samples)
            rounding = torch.finfo(a.dtype).eps * _inverse_norm(prepared.prior[some])
            found[which] = torch.stack(_summary(log_weights, rounding, prepared.upper_bound[some]), 1)
            solved[which] = torch.isfinite(found[which, 0])  # or all weights vanish
            fewest = float(found[which, 2].min())
            warn_if_few(fewest, log_weights[0].numel(), "mixture", "more samples may help")
    return found, solved


class _Prepared(NamedTuple):
    """What sampling asks for: EP's sites and the factors of prior and EP, the tilting, and whether all was found."""

    tau: Float[Tensor, "k n"]
    nu: Float[Tensor, "k n"]
    mean: Float[Tensor, "k n"]
    guide: Float[Tensor, "k n n"]
    prior: Float[Tensor, "k n n"]
    tilt: Float[Tensor, "k n"]
    upper_bound: Float[Tensor, " k"]
    found: Bool[Tensor, " k"]


def _correlations(
    kernels: Float[Tensor, "k n n"], labels: Float[Tensor, "k n"]
) -> tuple[Float[Tensor, "k n n"], Bool[Tensor, " k"]]:
    """Correlations of labels * f, and whether nothing has to be said or done about them.

    See `standardise.standardised`; out of the ordinary is anything but distinct points with a regular kernel.
    """
    deviation = kernels.diagonal(dim1=-2, dim2=-1).sqrt()
    scale = labels * deviation
    a = (kernels + kernels.mT).mul_(0.5).div_(scale[:, :, None]).div_(scale[:, None, :])
    a.diagonal(dim1=-2, dim2=-1).fill_(1)
    asymmetry = (kernels - kernels.mT).abs() - 1e-8 * deviation[:, :, None] * deviation[:, None, :]
    ordinary = torch.isfinite(a).all((1, 2)) & (labels.abs() == 1).all(1) & ~(asymmetry > 0).any((1, 2))
    ordinary &= (torch.triu(a, 1).abs() < 1 - DUPLICATE).all((1, 2))
    one = torch.eye(a.shape[-1], dtype=a.dtype, device=a.device)
    factor, failed = torch.linalg.cholesky_ex(a.where(ordinary[:, None, None], one))
    ordinary &= (failed == 0) & (factor.diagonal(dim1=-2, dim2=-1).square().amin(1) > REGULAR)
    return a.where(ordinary[:, None, None], one), ordinary


def _ordered(a: Float[Tensor, "k n n"]) -> Float[Tensor, "k n n"]:
    """A in the order that `tilting.gge_order` gives each member."""
    count, n, _ = a.shape
    member = torch.arange(count, device=a.device)
    order = torch.arange(n, device=a.device).repeat(count, 1)
    variance, centre, factor = torch.ones_like(a[:, 0]), torch.zeros_like(a[:, 0]), torch.zeros_like(a)
    for i in range(n):
        deviation = variance[:, i:].clamp(min=1e-14).sqrt()
        further = i + torch.argmin(centre[:, i:] / deviation, 1)
        for rows in (order, variance, centre, factor):
            rows[:, i], rows[member, further] = rows[member, further], rows[:, i].clone()
        pivot = variance[:, i, None].clamp(min=1e-14).sqrt()
        known = (factor[:, i + 1 :, :i] @ factor[:, i, :i, None])[:, :, 0]
        column = (a[member[:, None], order[:, i, None], order[:, i + 1 :]] - known) / pivot
        factor[:, i + 1 :, i] = column
        centre[:, i + 1 :] += column * hazard(-centre[:, i, None] / pivot)
        variance[:, i + 1 :] -= column**2
    return a[member[:, None, None], order[:, :, None], order[:, None, :]]


def _prepared(a: Float[Tensor, "k n n"]) -> _Prepared:
    """From A in the order of sampling."""
    prior = torch.linalg.cholesky_ex(a)[0]
    tau, nu, mean, covariance, near = _propagated(a)
    guide, failed = torch.linalg.cholesky_ex(covariance)
    tilt, upper_bound, reached = _tilting(a, prior, mean)
    return _Prepared(tau, nu, mean, guide, prior, tilt, upper_bound, near & (failed == 0) & reached)


def _propagated(
    a: Float[Tensor, "k n n"], tolerance: float = 1e-2, cap: int = 60
) -> tuple[
    Float[Tensor, "k n"], Float[Tensor, "k n"], Float[Tensor, "k n"], Float[Tensor, "k n n"], Bool[Tensor, " k"]
]:
    """EP as in `nngp.ep`: sites, mean and covariance, and whether all sites are near."""
    tau = nu = shift = torch.zeros_like(a[:, 0])
    precision = torch.ones_like(tau)
    moving = near = torch.ones(len(a), dtype=torch.bool, device=a.device)
    for _ in range(cap):
        step_tau, step_nu = (step.where(moving[:, None], 0.0) for step in damped_step(precision, shift, tau, nu))
        tau, nu = tau + step_tau, nu + step_nu
        root = tau.sqrt()
        scaled = root[:, :, None] * a
        b = scaled * root[:, None, :]
        b.diagonal(dim1=-2, dim2=-1).add_(1)
        factor, failed = torch.linalg.cholesky_ex(b)
        w = torch.linalg.solve_triangular(factor, scaled, upper=False)
        variance = 1 - w.square().sum(1)
        mean = ((a @ nu[:, :, None]) - w.mT @ (w @ nu[:, :, None]))[:, :, 0]
        precision, shift = 1 / variance - tau, mean / variance - nu
        near = near & (failed == 0) & (tau.amax(1) <= FAR)
        change = torch.maximum(
            step_tau.abs().amax(1) / tau.abs().amax(1), step_nu.abs().amax(1) / nu.abs().amax(1)
        )  # fmt: skip
        moving = moving & near & ~(change < tolerance)
        if not bool(moving.any()):
            break
    return tau, nu, mean, torch.baddbmm(a, w.mT, w, alpha=-1), near


def _tilting(
    a: Float[Tensor, "k n n"], factor: Float[Tensor, "k n n"], expected: Float[Tensor, "k n"], cap: int = 50
) -> tuple[Float[Tensor, "k n"], Float[Tensor, " k"], Bool[Tensor, " k"]]:
    """The tilts as in `nngp.tilting`, psi, and whether the saddle points were reached."""
    diagonal = factor.diagonal(dim1=-2, dim2=-1)
    scaled = factor / diagonal[:, :, None]
    gram = (a / diagonal[:, :, None]).div_(diagonal[:, None, :])

    def objective(t: Float[Tensor, "k n"]) -> Float[Tensor, " k"]:
        h = hazard(t)
        x = (scaled.mT @ h[:, :, None])[:, :, 0]
        return 0.5 * x.square().sum(1) + hazard_terms(t, h).sum(1)

    def newton(t: Float[Tensor, "k n"]) -> tuple[Float[Tensor, "k n"], Float[Tensor, " k"]]:
        h = hazard(t)
        slope = (h * (h - t)).clamp(1e-300, 1)  # h'(t)
        root = slope.sqrt()
        gradient = t - h + (gram @ h[:, :, None])[:, :, 0]
        hessian = (root[:, :, None] * gram).mul_(root[:, None, :])
        hessian.diagonal(dim1=-2, dim2=-1).add_(1 - slope)
        right = root * gradient
        step = -torch.cholesky_solve(right[:, :, None], torch.linalg.cholesky_ex(hessian)[0])[:, :, 0]
        return step / root, -(right * step).sum(1)

    pull = torch.cholesky_solve(expected[:, :, None], factor)[:, :, 0]
    nearer, origin = diagonal * pull - expected / diagonal, torch.zeros_like(expected)
    t = nearer.where((objective(nearer) < objective(origin))[:, None], origin)
    value = objective(t)
    reached = torch.zeros(len(a), dtype=torch.bool, device=a.device)
    for _ in range(cap):
        step, decrease = newton(t)
        rounding = 1e-12 * (1 + value.abs())
        reached = reached | (decrease < rounding)
        if bool(reached.all()):
            break
        size, new = torch.ones_like(value), objective(t + step)
        while bool((uphill := ~reached & (new > value - 1e-4 * size * decrease + rounding) & (size > 1e-9)).any()):
            size = torch.where(uphill, size / 2, size)
            new = torch.where(uphill, objective(t + size[:, None] * step), new)
        t = torch.where(reached[:, None], t, t + size[:, None] * step)
        value = torch.where(reached, value, new)
    h = hazard(t)
    tilt = (scaled.mT @ h[:, :, None])[:, :, 0] - h
    return tilt, value, reached


def _sampled(
    prepared: _Prepared, some: Int[Tensor, " k"], seeds: Sequence[int], samples: int
) -> Float[Tensor, "k scramble _samples"]:
    """Log-weights of some members, as `balance.balanced` has them."""
    tau, nu, mean, guide, prior, tilt, *_ = (each[some] for each in prepared)
    saddle = Tilting(prior, torch.zeros_like(mean), tilt, upper_bound=0.0)
    components = [ep_guided(tau, nu, mean, guide, prior), tilted(saddle)]
    n, count = mean.shape[-1], max(2, samples // (SCRAMBLES * len(components)))
    log_densities = []
    for position in range(len(components)):
        uniforms = torch.stack([sobol(n, count, derive_seed("sobol", seed, position)) for seed in seeds], 1)
        _, log_weights = drawn(components, saddle, position, uniforms.to(guide.device))
        log_densities.append(torch.logsumexp(-log_weights, 0).reshape(len(seeds), SCRAMBLES, count))
    return math.log(len(components)) - torch.cat(log_densities, 2)


def _inverse_norm(factor: Float[Tensor, "k n n"]) -> Float[Tensor, " k"]:
    """The norm of A^-1, from a few steps of the power method; `factor` is the Cholesky factor."""
    diagonal = factor.diagonal(dim1=-2, dim2=-1)
    v = torch.zeros_like(diagonal).scatter_(1, diagonal.argmin(1, keepdim=True), 1.0)[:, :, None]
    for _ in range(3):
        v = torch.cholesky_solve(v / v.norm(dim=1, keepdim=True), factor)
    norm: Tensor = v.norm(dim=1)[:, 0]
    return norm


def _summary(
    log_weights: Float[Tensor, "k scramble _samples"], rounding: Float[Tensor, " k"], bound: Float[Tensor, " k"]
) -> tuple[Float[Tensor, " k"], ...]:
    """ln P, its standard error, the effective sample size, the upper and the lower bound."""
    means = torch.logsumexp(log_weights, 2) - math.log(log_weights.shape[2])
    top = means.amax(1, keepdim=True)
    weights = torch.exp(means - top)
    mean = weights.mean(1)
    stderr = torch.hypot(weights.std(1) / mean / math.sqrt(SCRAMBLES), rounding)
    every = log_weights.flatten(1)
    single = torch.exp(every - every.amax(1, keepdim=True))
    effective = single.sum(1).square() / single.square().sum(1)
    return top[:, 0] + mean.log(), stderr, effective, bound, every.mean(1)
