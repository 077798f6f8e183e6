"""Label rules: from classes (or a synthetic source's own labels) to labels +-1, or to the classes themselves."""

import numpy as np
from numpy.typing import NDArray

Classes = NDArray[np.int64]
Labels = NDArray[np.int8]


def parity(train_class: Classes, test_class: Classes, seed: int) -> tuple[Labels, Labels]:
    """Odd classes +1, even classes -1; on the digits 0 and 1 "one against zero" (Bernstein & Yue 2021, section 4).

    Args:
        train_class: `(n,)` classes (digits) of the training points.
        test_class: `(m,)` classes of the test points.
        seed: not used; every rule has the same form.

    """
    return _signs(train_class % 2), _signs(test_class % 2)


def random(train_class: Classes, test_class: Classes, seed: int) -> tuple[Labels, Labels]:
    """Random labels +-1, training points first, then test points, in the authors' stream.

    The stream is that of `torch.manual_seed(seed)` with one `torch.randint(0, 2, (1,))` a point. Torch's CPU
    generator is the Mersenne twister seeded as numpy's `RandomState` seeds it, and `randint` takes its
    32-bit output modulo 2, so that torch itself, slow to import, is not needed here.
    """
    n = len(train_class)
    stream = np.random.RandomState(seed).bytes(4 * (n + len(test_class)))
    coins = np.frombuffer(stream, "<u4") % 2
    return _signs(coins[:n]), _signs(coins[n:])


def pair(train_class: Classes, test_class: Classes, seed: int) -> tuple[Labels, Labels]:
    """The larger of two classes +1, the smaller -1; arguments are those of `parity`."""
    larger = max(train_class.max(), test_class.max())
    return _signs(train_class == larger), _signs(test_class == larger)


def classes(train_class: Classes, test_class: Classes, seed: int) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """The classes 0 ... C - 1 themselves; arguments are those of `parity`."""
    return train_class.astype(np.int16), test_class.astype(np.int16)


def own(train_label: NDArray[np.float64], test_label: NDArray[np.float64], seed: int) -> tuple[Labels, Labels]:
    """The labels +-1 that a synthetic source comes with."""
    return train_label.astype(np.int8), test_label.astype(np.int8)


def _signs(bits: NDArray[np.integer | np.bool_]) -> Labels:
    return (2 * bits.astype(np.int8) - 1).astype(np.int8)
