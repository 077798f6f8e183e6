"""The array type of metrics, float64 on the host, and the margins that most of them are made of."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Array = NDArray[np.float64]


def margins(outputs: Float[Array, "..."], labels: Float[Array, "*#lead n"]) -> Float[Array, "*#lead n"]:
    """y f(x) of labels +-1; of classes f_y(x) - max_{c != y} f_c(x): positive where the output is right.

    Args:
        outputs: `(..., n)`, or `(..., n, C)` where labels are classes.
        labels: `(..., n)` of +-1, or of classes 0 ... C - 1; broadcast against the outputs.

    Returns:
        `(..., n)`; NaN where an output is.

    Source: Lyu & Li 2020, section 2 and appendix G (several classes).
    """
    if outputs.ndim == labels.ndim:
        return outputs * labels
    own, others = _split(outputs, labels)
    largest: Array = own - others.max(-1)
    return largest


def soft_margins(outputs: Float[Array, "..."], labels: Float[Array, "*#lead n"]) -> Float[Array, "*#lead n"]:
    """f_y(x) - ln sum_{c != y} exp f_c(x), see `losses.soft_margins`; arguments and result as those of `margins`."""
    if outputs.ndim == labels.ndim:
        return outputs * labels
    own, others = _split(outputs, labels)
    soft: Array = own - np.logaddexp.reduce(others, axis=-1)
    return soft


def _split(
    outputs: Float[Array, "*#lead n class"], labels: Float[Array, "*#lead n"]
) -> tuple[Float[Array, "*#lead n"], Float[Array, "*#lead n class"]]:
    """The output of the own class, and those of all classes with -inf in its place."""
    true = np.broadcast_to(labels, outputs.shape[:-1])[..., None].astype(np.int64)
    others = outputs.copy()
    np.put_along_axis(others, true, -np.inf, axis=-1)
    return np.take_along_axis(outputs, true, axis=-1)[..., 0], others
