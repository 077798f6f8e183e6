"""The points that tasks are drawn from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from implicitbias.errors import DataError


@dataclass(frozen=True)
class Superset:
    """All points of a source, in file order.

    Attributes:
        train_input: `(n_train, d)`.
        train_class: `(n_train,)` class of each row.
        test_input: `(n_test, d)`.
        test_class: `(n_test,)`.
        names: of the classes 0 ... C - 1.
        image: the shape (channels, rows, columns) of an input that is an image, where the catalogue does not say it.

    """

    train_input: NDArray[np.float64]
    train_class: NDArray[np.int64]
    test_input: NDArray[np.float64]
    test_class: NDArray[np.int64]
    names: tuple[str, ...] = tuple("0123456789")
    image: tuple[int, ...] = ()

    def only(self, classes: tuple[int, ...]) -> "Superset":
        """The points of these classes, in file order."""
        train, test = np.isin(self.train_class, classes), np.isin(self.test_class, classes)
        return Superset(
            self.train_input[train], self.train_class[train], self.test_input[test], self.test_class[test], self.names,
            self.image,
        )  # fmt: skip


Moment = float | NDArray[np.float64]


def prepared(points: NDArray[np.float64], mean: Moment, deviation: Moment, scaling: str) -> NDArray[np.float64]:
    """Images `(n, d)` of pixels from 0 to 1 as networks see them; works in place.

    Args:
        points: is changed and returned.
        mean: of the training pixels, or `(d,)`.
        deviation: of the training pixels, or `(d,)`.
        scaling: pixels (as they are), standardised ((x - mean)/deviation) or norm (standardised, then every image
            brought to norm sqrt(d)).

    Raises:
        DataError: if an image is to be scaled that is zero.

    """
    if scaling == "pixels":
        return points
    points -= mean
    points /= deviation
    return scaled(points) if scaling == "norm" else points


def prepared_by_channel(
    train: NDArray[np.float64], test: NDArray[np.float64], channels: int, scaling: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both sets as in `prepared`, by the mean and the deviation of every channel over the training set; in place.

    Args:
        train: `(n, d)`, the d numbers of a point in the order channel, row, column.
        test: `(m, d)`.
        channels: into which a point's numbers fall; of points that are no images, d of one number each. One that is
            constant on the training set becomes 0, for it tells nothing.
        scaling: as in `prepared`.

    Raises:
        DataError: if a point is to be scaled that is zero.

    """
    by_channel = train.reshape(len(train), channels, -1)
    mean, deviation = by_channel.mean((0, 2)), by_channel.std((0, 2))
    deviation[by_channel.min((0, 2)) == by_channel.max((0, 2))] = np.inf
    each = train.shape[1] // channels
    mean, deviation = np.repeat(mean, each), np.repeat(deviation, each)
    return prepared(train, mean, deviation, scaling), prepared(test, mean, deviation, scaling)


def scaled(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows of `(n, d)` brought to norm sqrt(d), so that the NNGP kernel has a unit diagonal.

    Works in place: `points` is changed and returned.

    Raises:
        DataError: if a row is zero, which has no direction.

    """
    norms = np.sqrt(np.einsum("ij,ij->i", points, points))
    if not norms.all():
        raise DataError(
            f"point {int(np.argmin(norms))} is zero after standardising: it cannot be scaled to norm sqrt(d)"
        )
    points *= (np.sqrt(points.shape[1]) / norms)[:, None]
    return points
