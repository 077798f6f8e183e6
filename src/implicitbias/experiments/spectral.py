"""Which frequencies a network learns first (Rahaman et al. 2019), and how that follows from the tangent kernel."""

import math
from itertools import pairwise

import numpy as np
import torch
import xarray as xr
from scipy.optimize import brentq
from torch import Tensor

from implicitbias.experiments.circle import descend_on_circle
from implicitbias.experiments.recorded import descend_recorded, uniform_layers
from implicitbias.networks import network_of
from implicitbias.networks.kernels import ntk_kernel
from implicitbias.networks.stacked import forward
from implicitbias.rng import derive_seed
from implicitbias.schema import variable

_RAHAMAN = "Rahaman et al. 2019, section 3"
_YU = "Yu, Yang & Townsend 2023"
_POINTS = 40  # for every unit of the spacing: four a period of the highest frequency
_DIRECTIONS = 200


def spectral_bias(
    *,
    rising: int = 0,
    spacing: int = 5,
    members: int = 1,
    width: int = 128,
    depth: int = 6,
    learning_rate: float = 3e-4,
    level: float = 0.9,
    steps: int = 20_000,
    every: int = 200,
    seed: int = 0,
) -> xr.Dataset:
    """How fast the amplitudes of a sum of ten sines are learned, and how well they survive noise in the weights.

    The target is sum_k A_k sin(2 pi k t + 2 pi phi_k) at t = 0, 1/n, 2/n, ..., k the first ten multiples of the spacing
    and n 40 times the spacing; a relu network with biases, both U[-1, 1]/sqrt(fan_in), learns it by full-batch Adam on
    the mean square loss, float32.

    Args:
        rising: whether higher frequencies have larger amplitudes: 1, or 0 for equal ones. With 1 amplitudes are
            .1, .2, ..., 1, with 0 they are 1.
        spacing: of the ten frequencies, the first of which it is. The paper's frequencies are 5, 10, ..., 50,
            at 200 points.
        members: networks, each with phases of its own.
        width: neurons of a hidden layer.
        depth: linear layers.
        learning_rate: step of Adam. The paper's is 3e-4, with 60,000 steps at width 256.
        level: fraction of the amplitude that counts as learned.
        steps: steps of the optimizer. The optimizer is Adam.
        every: steps between records.
        seed: of phases and weights.

    Returns:
        Dimensions `member`, `frequency`, `step`, `radius`, `direction`: `learned`, 2 |FFT f(k)|/(n A_k), `first_step`
        above `level` (NaN if never), and `robust`, what is left in the target's phase, Re(FFT f(k)/FFT target(k)),
        after moving the weights by `radius` in one of 200 random directions.
    """
    rng = np.random.default_rng(derive_seed("spectral bias", seed))
    frequencies, points = spacing * np.arange(1, 11), _POINTS * spacing
    amplitudes = np.linspace(0.1, 1, 10) if rising else np.ones(10)
    t = np.arange(points) / points
    phases = rng.random((members, 10, 1))
    target = torch.tensor(amplitudes @ np.sin(2 * np.pi * (frequencies[:, None] * t + phases)), dtype=torch.float32)
    x = torch.tensor(t[:, None], dtype=torch.float32).expand(members, -1, -1)
    network = network_of({"activation": "plain_relu", "depth": depth, "width": width, "bias": "all"}, 1)
    generator = torch.Generator().manual_seed(derive_seed("spectral network", seed))
    weights = uniform_layers(network, members, generator)  # zero biases would put all kinks at t = 0 at the start

    def spectrum(values: Tensor) -> np.ndarray:
        return np.fft.rfft(values.double().numpy())[:, frequencies] * 2 / (points * amplitudes)

    @torch.no_grad()
    def found(own: list[Tensor]) -> np.ndarray:
        return spectrum(forward(network, own, x))

    records = descend_recorded(
        network, weights, x, target, learning_rate=learning_rate, steps=steps, every=every,
        record=lambda: np.abs(found(weights)), description="spectral bias",
    )  # fmt: skip
    table, at = np.stack(records, axis=-1), np.arange(len(records)) * every
    reached = table > level
    first = np.where(reached.any(-1), at[reached.argmax(-1)], np.nan)
    radii = np.linspace(0, 5, 11)
    robust, whole = np.zeros((members, len(frequencies), len(radii), _DIRECTIONS)), spectrum(target)
    generator = torch.Generator().manual_seed(derive_seed("perturbation", seed))
    for direction in range(_DIRECTIONS):
        noise = [torch.randn(weight.shape, generator=generator) for weight in weights]
        size = torch.stack([part.square().sum((-1, -2)) for part in noise]).sum(0).sqrt()[:, None, None]
        for column, radius in enumerate(radii):
            moved = [w.detach() + radius * part / size for w, part in zip(weights, noise, strict=True)]
            robust[:, :, column, direction] = (found(moved) / whole).real
    return xr.Dataset(
        {
            "learned": variable(
                ("member", "frequency", "step"), table, "fraction of the amplitude learned", source=_RAHAMAN
            ),
            "first_step": variable(
                ("member", "frequency"), first, "first step at which the frequency is learned", source=_RAHAMAN
            ),
            "robust": variable(
                ("member", "frequency", "radius", "direction"), robust, "fraction of the amplitude left in phase",
                source=_RAHAMAN,
            ),
        },
        {
            "member": range(members), "frequency": frequencies, "step": at, "radius": radii,
            "direction": range(_DIRECTIONS),
        },
    )  # fmt: skip


def frequency_bias(
    *,
    sobolev: float = 0.0,
    points: int = 400,
    degrees: int = 16,
    trained: int = 3,
    width: int = 128,
    steps: int = 10_000,
    seed: int = 0,
) -> xr.Dataset:
    """How fast each frequency on a circle is learned by a Sobolev loss: by the tangent kernel, and by trained networks.

    Points are not spread evenly on the circle; the loss e^T W e/2 weighs the error's Fourier coefficient of degree l by
    (1 + l)^(2 sobolev), by quadrature on these points. The kernel is the infinitely wide two-layer relu network's with
    biases in both layers, trained by gradient flow. Networks of finite width in the same parametrisation take steps of
    gradient descent, the inverse of the kernel's largest rate long. Float64.

    Args:
        sobolev: order s of the loss. 0 is the plain square loss; below 0 smooth functions come first all the
            more.
        points: points on the circle.
        degrees: frequencies that are followed. They are 1 to `degrees`.
        trained: frequencies, the lowest, that trained networks learn too. One network for each.
        width: neurons of a hidden layer. Those of the trained networks.
        steps: steps of the optimizer. The optimizer is gradient descent, which may end earlier.
        seed: of the points and the networks.

    Returns:
        Dimension `degree`: `eigenvalue` of the kernel for evenly spread points, and `half_time`, when half of the
        target cos(degree angle) has been learned, in units of time of the flow; dimension `trained_degree`:
        `trained_half_time`, the same of trained networks (NaN if not within these steps).
    """
    rng = np.random.default_rng(derive_seed("frequency bias", seed))
    order = np.arange(1, degrees + 1)
    even = 2 * np.pi * np.arange(points) / points
    spectrum = np.fft.rfft(_circle_kernel(even)[0]).real[order] / points
    angles = np.sort((even + 0.8 * np.sin(even) + rng.normal(scale=0.2 / points, size=points)) % (2 * np.pi))
    gaps = np.diff(np.append(angles, angles[0] + 2 * np.pi))
    quadrature = (gaps + np.roll(gaps, 1)) / (4 * np.pi)
    followed = np.repeat(np.arange(degrees + 5), 2)[1:]  # each with its cosine and its sine
    turns = np.outer(angles, followed)
    waves = np.where(np.arange(len(followed)) % 2 == 1, np.cos(turns), np.sin(turns))
    waves[:, 0] = 1
    basis = waves * quadrature[:, None]  # basis^T e: the Fourier coefficients c of e, by quadrature
    root = (1.0 + followed) ** sobolev
    rates, vectors = np.linalg.eigh(root[:, None] * (basis.T @ _circle_kernel(angles) @ basis) * root)
    rates, half = np.maximum(rates, 0), []
    for degree in order:  # c' = -basis^T K basis diag(root^2) c
        position = 2 * degree - 1
        start = vectors.T @ (root * (basis.T @ waves[:, position]))
        half.append(_half_time(rates, vectors[position] * start / (root[position] * 0.5)))
    own = 2 * order[:trained] - 1
    found = descend_on_circle(
        angles, waves[:, own].T, 2 * basis[:, own].T, basis * root**2 @ basis.T, 1 / rates.max(), width, steps,
        np.random.default_rng(derive_seed("networks on the circle", seed)),
    )  # fmt: skip
    return xr.Dataset(
        {
            "eigenvalue": variable("degree", spectrum, "eigenvalue of the tangent kernel", source=_YU),
            "half_time": variable("degree", half, "time until half of the error is left", source=_YU),
            "trained_half_time": variable(
                "trained_degree", found, "time until half of a trained network's error is left", source=_YU
            ),
        },
        {"degree": order, "trained_degree": order[:trained]},
    )


def _half_time(rates: np.ndarray, shares: np.ndarray) -> float:
    """When sum_i shares_i exp(-rates_i t) first falls below a half; NaN if it does not within 10^9/max(rates)."""

    def excess(t: float) -> float:
        return float(np.exp(-rates * t) @ shares) - 0.5

    times = [float(t) for t in np.geomspace(1e-3, 1e9, 1000) / rates.max()]
    for before, after in pairwise(times):
        if excess(after) < 0:
            return brentq(excess, before, after, rtol=1e-9)
    return math.nan


def _circle_kernel(angles: np.ndarray) -> np.ndarray:
    """The tangent kernel on the circle of norm sqrt(2), with biases of variance 1."""
    points = math.sqrt(2) * torch.tensor(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    kernel: np.ndarray = ntk_kernel(network_of({"depth": 2, "bias": "all", "bias_variance": 1.0}, 2), points).numpy()
    return kernel
