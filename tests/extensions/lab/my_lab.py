"""Everything that an extension file can hold, a few lines each."""

from typing import Annotated

import numpy as np
import seaborn as sns
import torch
import xarray as xr
from my_shapes import on_a_sphere

from implicitbias.extensions import (
    Ge,
    Interval,
    activation,
    architecture,
    check,
    experiment,
    figure,
    label_rule,
    loss,
    metric,
    optimizer,
    published_table,
    source,
)
from implicitbias.networks.layers import Convolution, Dense, Flatten, GlobalAverage, Pool
from implicitbias.optimizers.base import Optimizer, blocks
from implicitbias.schema import variable
from implicitbias.studies.published import Row
from implicitbias.studies.verdicts import verdict

GAP = 0.5


@source
def ring(rng, size, *, features: Annotated[int, Ge(2)] = 5, radius: Annotated[float, Ge(1)] = 2.0):
    """Points inside and outside of a sphere.

    Args:
        features: dimension d of the inputs.
        radius: radius of the sphere.
    """
    y = 2.0 * rng.integers(2, size=size) - 1
    return on_a_sphere(rng, size, features) * (radius + GAP * y)[:, None], y


@label_rule
def flipped(train_label, test_label, seed):
    """All labels of the source, flipped."""
    return (-train_label).astype(np.int8), (-test_label).astype(np.int8)


@architecture
def funnel(phi, outputs, *, width: Annotated[int, Ge(1)] = 16, stages: Annotated[int, Interval(ge=1, le=3)] = 1):
    """Convolutions and average pooling in turns, then the global average.

    Args:
        width: channels.
        stages: convolutions, each with its pooling.
    """
    layers = []
    for _ in range(stages):
        layers += [Convolution(width, side=3), phi, Pool("average")]
    return [*layers, GlobalAverage(), Dense(outputs)]


@architecture
def bottleneck(phi, outputs, *, width: Annotated[int, Ge(1)] = 8):
    """Two layers.

    Args:
        width: hidden neurons.
    """
    return [Flatten(), Dense(width), phi, Dense(outputs)]


@activation
def bent(z, *, bend: Annotated[float, Interval(ge=0, le=1)] = 0.5):
    """max(bend z, z).

    Args:
        bend: slope of the negative side.
    """
    return torch.maximum(z, bend * z)


@optimizer
def sign_descent(shrink: Annotated[float, Ge(0)] = 1.0):
    """Signs of gradients.

    Args:
        shrink: factor on the step.
    """

    def update(gradients, state, weights, learning_rate, step):
        for gradient, weight in zip(gradients, weights, strict=True):
            for g, w, r in blocks(gradient, weight, -shrink * learning_rate[:, None, None]):
                w.addcmul_(g.sign(), r)

    return Optimizer(lambda weights: None, update, extra_numbers=lambda rows, columns: 0)


@loss(fits_targets=True)
def cubic(outputs, targets, label_scale):
    """Mean of |f - alpha t|^3 over the batch."""
    return (outputs - label_scale[:, None] * targets).abs().pow(3).mean(-1)


@metric(only=[{"depth": (2, 3)}], source="this test")
def largest_output(test_outputs):
    """Largest |f(x)| over the test points."""
    return np.abs(test_outputs).max(-1)


@experiment(variables=["area"])
def circle_area(*, radius: Annotated[float, Ge(0)] = 1.0, seed):
    """The area of a circle, by points at random.

    Args:
        radius: radius of the circle.
    """
    points = np.random.default_rng(seed).uniform(-radius, radius, (10_000, 2))
    area = 4 * radius**2 * (np.linalg.norm(points, axis=1) < radius).mean()
    return xr.Dataset({"area": variable((), area, "area of the circle")})


@figure(needs=["largest_output"])
def histogram(dataset):
    """Histogram of the largest outputs."""
    return sns.displot(dataset["largest_output"].values.ravel()).figure


@check
def outputs_are_positive(dataset):
    """No network is constantly 0."""
    smallest = float(dataset["largest_output"].min())
    return verdict(smallest > 0, f"smallest {smallest:.3f}")


@published_table
def guesses():
    """What was guessed beforehand."""
    return [Row("largest output", "largest_output", {"radius": 1.0, "labels": "own", "shrink": 0.5}, 1.0, "a guess")]
