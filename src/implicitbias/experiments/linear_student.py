"""A deep linear student of a linear teacher: generalisation without compression (Saxe et al. 2019)."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from implicitbias.rng import derive_seed
from implicitbias.schema import variable

_SOURCE = "Saxe et al. 2019, section 3"
_DIVERGED = 1e4  # weights beyond this; their outer product still has digits left for the noise
Array = NDArray[np.float64]


def linear_student(
    *,
    features: int = 100,
    width: int = 100,
    train_size: int = 300,
    label_noise: float = 0.5,
    learning_rate: float = 0.05,
    steps: int = 3000,
    noise_variance: float = 0.1,
    init_scale: float = 0.1,
    records: int = 30,
    draws: int = 8,
    seed: int = 0,
) -> xr.Dataset:
    """What the hidden layer of a two-layer linear network holds of its input and of its label, in closed form.

    The teacher gives y = v.x + noise for x ~ N(0, I), v ~ N(0, I/d); the student W_2 W_1 x learns it by gradient
    descent on half the mean square error, full batch, from normal weights of variance init_scale^2/d. All is normal,
    and T = W_1 x + N(0, s^2 I), so that its information is a logarithm of determinants, without bins.

    Args:
        features: coordinates. This is d.
        width: neurons of a hidden layer.
        train_size: training points.
        label_noise: standard deviation of the teacher's noise. That of v.x is about 1.
        learning_rate: step of gradient descent.
        steps: steps of the optimizer. The optimizer is gradient descent.
        noise_variance: of the noise added to the hidden layer. This is s^2.
        init_scale: factor on the initial weights.
        records: steps at which everything is taken. They are about evenly spread on a logarithmic scale, beside the
            start.
        draws: random networks. Each has a teacher of its own.
        seed: of everything.

    Returns:
        Dimensions `step` and `draw`: `train_loss`, mean square errors; `test_loss`, that of a new point less its noise;
        `input_information` and `label_information` in bits.
    """
    rng = np.random.default_rng(derive_seed("linear student", seed))
    teacher = rng.normal(size=(draws, features, 1)) / features**0.5
    x = rng.normal(size=(draws, train_size, features))
    y = x @ teacher + label_noise * rng.normal(size=(draws, train_size, 1))
    first = init_scale * rng.normal(size=(draws, width, features)) / features**0.5
    second = init_scale * rng.normal(size=(draws, 1, width)) / features**0.5
    second_moment, cross = x.mT @ x / train_size, y.mT @ x / train_size
    at = np.unique(np.round(np.append(0, np.geomspace(1, steps, records))).astype(int))
    found = np.empty((4, len(at), draws))

    def measured(first: Array, second: Array) -> Array:
        """The four numbers of every student, NaN of one that has diverged."""
        there = np.maximum(np.abs(first).max((1, 2)), np.abs(second).max((1, 2))) < _DIVERGED
        inner, outer = (np.where(there[:, None, None], part, 0) for part in (first, second))
        slope = (outer @ inner).mT
        values = [
            ((x @ slope - y) ** 2).mean((1, 2)),
            ((slope - teacher) ** 2).sum((1, 2)),
            *gaussian_information(inner, teacher, label_noise, noise_variance),
        ]
        kept: Array = np.where(there, values, np.nan)
        return kept

    with np.errstate(over="ignore", invalid="ignore"):  # of students that diverge
        for step in range(steps + 1):
            if step in at:
                found[:, np.searchsorted(at, step)] = measured(first, second)
            residual = second @ first @ second_moment - cross  # (draws, 1, features)
            change = second.mT @ residual
            second = second - learning_rate * residual @ first.mT
            first = first - learning_rate * change
    texts = {
        "train_loss": "mean square training error",
        "test_loss": "mean square test error",
        "input_information": "information on the input",
        "label_information": "information on the label",
    }
    return xr.Dataset(
        {
            name: variable(("step", "draw"), values, text, "bit" if name.endswith("information") else "1", _SOURCE)
            for (name, text), values in zip(texts.items(), found, strict=True)
        },
        {"step": at, "draw": np.arange(draws)},
    )


def gaussian_information(
    weights: Array, teacher: Array, label_noise: float, noise_variance: float
) -> tuple[Array, Array]:
    """I(X; T) and I(T; Y) in bits, for X ~ N(0, I), T = W X + N(0, s^2 I) and Y = v.X + N(0, label_noise^2).

    I(X; T) = ln det(I + W W^T/s^2)/2, and I(T; Y) = -ln(1 - c^T C^-1 c / var Y)/2 with C = cov T and c = cov(T, Y).

    Args:
        weights: `(..., m, d)`.
        teacher: `(..., d, 1)`.
        label_noise: standard deviation.
        noise_variance: s^2.

    Returns:
        `(...)` each.

    Source: Saxe et al. 2019, equations 8 and 9.
    """
    covariance = weights @ weights.mT + noise_variance * np.eye(weights.shape[-2])
    logarithm = np.linalg.slogdet(covariance / noise_variance)[1]
    c = weights @ teacher
    explained = (c.mT @ np.linalg.solve(covariance, c))[..., 0, 0]
    variance = (teacher**2).sum((-2, -1)) + label_noise**2
    return logarithm / 2 / np.log(2), -np.log2(1 - explained / variance) / 2
