"""scikit-learn's 8x8 handwritten digits: real data that needs no download."""

from pathlib import Path

import numpy as np

from implicitbias.tasks.superset import Superset, prepared

_TRAIN = 1200


def load(raw_dir: Path | None = None, *, scaling: str = "norm") -> Superset:
    """The 1797 digits of the UCI optdigits test set, split once and for all into 1200 + 597 points.

    The file is ordered by writer, so the split is by a fixed permutation (seed 0): the PAC-Bayes bounds
    assume training and test points of one distribution. Pixels (0 to 16) are divided by 16, standardised by the mean
    and the standard deviation over all the training points' pixels, as MNIST's are by its constants, and every image
    is brought to norm 8.

    Args:
        raw_dir: not used; every source has the same form.
        scaling: of the images, as in `superset.prepared`.

    """
    from sklearn.datasets import load_digits

    pixels, digit = load_digits(return_X_y=True)
    order = np.random.RandomState(0).permutation(len(pixels))
    train, test = order[:_TRAIN], order[_TRAIN:]
    points = pixels / 16
    points = prepared(points, points[train].mean(), points[train].std(), scaling)
    digit = digit.astype(np.int64)
    return Superset(points[train], digit[train], points[test], digit[test])
