"""Label rules: from digits (or a synthetic source's own labels) to +-1 labels."""

import numpy as np
from numpy.typing import NDArray

Digits = NDArray[np.int64]
Labels = NDArray[np.int8]


def parity(train_digit: Digits, test_digit: Digits, seed: int) -> tuple[Labels, Labels]:
    """Odd digits +1, even digits -1; on the digits 0 and 1 "one against zero" (Bernstein & Yue 2021, section 4).

    Args:
        train_digit: `(n,)` digits of the training points.
        test_digit: `(m,)` digits of the test points.
        seed: not used; every rule has the same form.

    """
    return _signs(train_digit % 2), _signs(test_digit % 2)


def random(train_digit: Digits, test_digit: Digits, seed: int) -> tuple[Labels, Labels]:
    """Labels by coin, training points first, then test points, in the authors' stream.

    The stream is that of `torch.manual_seed(seed)` with one `torch.randint(0, 2, (1,))` a point. Torch's CPU
    generator is the Mersenne twister seeded as numpy's `RandomState` seeds it, and `randint` takes its
    32-bit output modulo 2, so that torch itself, slow to import, is not needed here.
    """
    n = len(train_digit)
    stream = np.random.RandomState(seed).bytes(4 * (n + len(test_digit)))
    coins = np.frombuffer(stream, "<u4") % 2
    return _signs(coins[:n]), _signs(coins[n:])


def pair(train_digit: Digits, test_digit: Digits, seed: int) -> tuple[Labels, Labels]:
    """The larger of two digits +1, the smaller -1; arguments are those of `parity`."""
    larger = max(train_digit.max(), test_digit.max())
    return _signs(train_digit == larger), _signs(test_digit == larger)


def own(train_label: NDArray[np.float64], test_label: NDArray[np.float64], seed: int) -> tuple[Labels, Labels]:
    """The labels +-1 that a synthetic source comes with."""
    return train_label.astype(np.int8), test_label.astype(np.int8)


def _signs(bits: NDArray[np.integer | np.bool_]) -> Labels:
    return (2 * bits.astype(np.int8) - 1).astype(np.int8)
