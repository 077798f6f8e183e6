"""A labelling with several classes as one orthant: the differences f_{y_i}(x_i) - f_c(x_i), c != y_i, are positive."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from implicitbias.catalogue import LARGEST_ORTHANT, orthant_bytes
from implicitbias.errors import NumericalError
from implicitbias.shapes.tensors import Kernel, Labels


def differences(
    kernel: Kernel, classes: Labels, class_count: int
) -> tuple[Float[Tensor, "condition condition"], Int[Tensor, " condition"]]:
    """Covariance of the N = n (C - 1) differences f_{y_i}(x_i) - f_c(x_i), c != y_i, and where they stand.

    Args:
        kernel: `(n, n)` K of every output.
        classes: `(n,)` y from 0 to C - 1.
        class_count: C.

    Returns:
        The covariance, and the position i C + c of each difference.
    """
    contrast = contrasts(classes, class_count).to(kernel)  # (N, C)
    which = torch.nonzero(others(classes, class_count).reshape(-1))[:, 0]
    i = which // class_count
    return kernel[i][:, i] * (contrast @ contrast.T), which


def affordable(count: int, estimator: str) -> None:
    """Refuse more differences than memory holds matrices of.

    Raises:
        NumericalError: if the estimator would need more than 8 GB for `count` of them.
    """
    if (needed := orthant_bytes(count, estimator)) > LARGEST_ORTHANT:
        raise NumericalError(
            f"estimator {estimator!r}: {count} differences between outputs ask for {needed / 1e9:.1f} GB; allowed:"
            f" {LARGEST_ORTHANT / 1e9:.0f} GB, by fewer points or classes, or by the method structured, which does"
            " without them"
        )


def others(classes: Labels, class_count: int) -> Bool[Tensor, "n {class_count}"]:
    """True where a class is not the point's own."""
    return classes[:, None] != torch.arange(class_count, device=classes.device)


def contrasts(classes: Labels, class_count: int) -> Float[Tensor, "condition {class_count}"]:
    """Rows with 1 at the own class and -1 at another one."""
    i, c = torch.nonzero(others(classes, class_count), as_tuple=True)
    one = torch.eye(class_count, dtype=torch.float64, device=classes.device)
    return one[classes[i]] - one[c]


def outputs(
    differences: Float[Tensor, "condition samples"], which: Int[Tensor, " condition"], n: int, class_count: int
) -> Float[Tensor, "{n} {class_count} samples"]:
    """Outputs of mean 0 over the classes with these differences."""
    found = differences.new_zeros(n * class_count, differences.shape[1])
    found[which] = -differences
    found = found.reshape(n, class_count, -1)
    return found.sub_(found.mean(1, keepdim=True))
