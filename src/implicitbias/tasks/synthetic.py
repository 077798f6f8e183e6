"""Synthetic sources: labelled points drawn from the data models of the literature.

Every function draws `train_size + test_size` points from one generator and gives inputs `(points, d)` and clean
labels `(points,)` of +-1; `build` flips the share `flip` of the training labels.
"""

import numpy as np
from numpy.typing import NDArray

Points = tuple[NDArray[np.float64], NDArray[np.float64]]


def gaussian(rng: np.random.Generator, size: int, *, features: int) -> Points:
    """x ~ N(0, I), random labels: nearly orthogonal where d is much larger than n, separable where d >= n."""
    return rng.normal(size=(size, features)), _coins(rng, size)


def orthogonal(rng: np.random.Generator, size: int, *, features: int) -> Points:
    """Orthogonal points of norm sqrt(d), random labels; as many as there are dimensions, then fresh ones.

    The first min(size, d) points are exactly orthogonal: take `train_size` at most d.
    """
    first = min(size, features)
    basis = np.linalg.qr(rng.normal(size=(features, first)))[0].T
    rest = rng.normal(size=(size - first, features))
    rest /= np.linalg.norm(rest, axis=1, keepdims=True)
    return np.sqrt(features) * np.concatenate([basis, rest]), _coins(rng, size)


def two_gaussians(rng: np.random.Generator, size: int, *, features: int, mean_exponent: float) -> Points:
    """x ~ N(y mu, I) with |mu| = d^mean_exponent (Frei et al. 2023, section 5)."""
    y = _coins(rng, size)
    mean = _direction(rng, features) * features**mean_exponent
    return y[:, None] * mean + rng.normal(size=(size, features)), y


def common_signal(rng: np.random.Generator, size: int, *, features: int, deviation: float) -> Points:
    """x = y mu + xi with mu and xi ~ N(0, deviation^2 I) (Kou, Chen & Gu 2023, section 6)."""
    y = _coins(rng, size)
    mean = rng.normal(size=features)
    return deviation * (y[:, None] * mean + rng.normal(size=(size, features))), y


def signal_and_noise(rng: np.random.Generator, size: int, *, features: int, signal: float) -> Points:
    """x = sqrt(s) y v + sqrt(1 - s) xi, v a unit vector, xi ~ N(0, (I - v v^T)/d) (Karhadkar et al. 2024)."""
    y, v = _coins(rng, size), _direction(rng, features)
    noise = rng.normal(size=(size, features))
    noise -= np.outer(noise @ v, v)
    return np.sqrt(signal) * y[:, None] * v + np.sqrt((1 - signal) / features) * noise, y


def xor_clusters(rng: np.random.Generator, size: int, *, spread: float) -> Points:
    """Clusters +-e1 labelled -1 and +-e2 labelled +1 in the plane, noise cut at 2 sd (Tsoy & Konstantinov 2024)."""
    y, side = _coins(rng, size), _coins(rng, size)
    centre = np.where(y[:, None] > 0, [0.0, 1.0], [1.0, 0.0]) * side[:, None]
    noise = rng.normal(size=(size, 2))
    while (far := np.linalg.norm(noise, axis=1) > 2).any():
        noise[far] = rng.normal(size=(int(far.sum()), 2))
    return centre + spread * noise, y


def disc_grid(rng: np.random.Generator, size: int, *, features: int, grid: int) -> Points:
    """grid^2 discs in the first two coordinates, half of them labelled -1; the others U[-1/2, 1/2].

    `features` counts the two disc coordinates and the noise; the last coordinate is the constant 1 (Chizat & Bach
    2020, section 5).
    """
    negative = rng.permutation(grid**2) < grid**2 // 2
    disc = rng.integers(grid**2, size=size)
    step = 3 * grid - 1
    centre = (1 + 3 * np.stack(np.divmod(disc, grid), axis=1)) / step - 0.5
    angle, radius = rng.uniform(0, 2 * np.pi, size), rng.uniform(0, 1 / step, size)
    x = rng.uniform(-0.5, 0.5, size=(size, features))
    x[:, :2] = centre + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x[:, -1] = 1
    return x, np.where(negative[disc], -1.0, 1.0)


def sparse_teacher(rng: np.random.Generator, size: int, *, features: int, teacher: int, active: int) -> Points:
    """x ~ N(0, I), y = sign sum_j u_j relu(w_j x), every w_j on `active` coordinates (Tsilivis et al. 2025)."""
    x = rng.normal(size=(size, features))
    output = np.zeros(size)
    for sign in _coins(rng, teacher):
        chosen = rng.choice(features, active, replace=False)
        output += sign * np.maximum(x[:, chosen] @ rng.normal(size=active), 0)
    return x, np.where(output > 0, 1.0, -1.0)


def sparse_parity(rng: np.random.Generator, size: int, *, features: int, active: int) -> Points:
    """x uniform on {+-1/sqrt(d)}^d, y the sign of the product of the first `active` coordinates (Telgarsky 2022)."""
    signs = rng.choice([-1.0, 1.0], size=(size, features))
    return signs / np.sqrt(features), signs[:, :active].prod(1)


def _coins(rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    return rng.choice([-1.0, 1.0], size)


def _direction(rng: np.random.Generator, features: int) -> NDArray[np.float64]:
    v: NDArray[np.float64] = rng.normal(size=features)
    return v / np.linalg.norm(v)
