"""Mutual information of a layer with the input and the label, of a network without noise, by bins and by kernels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_LEAST = -80.0  # exponent, beside the 0 of the pattern itself: exp takes long where it gives denormal numbers


def binned_information(
    activations: NDArray[Any], labels: NDArray[np.int64], bounds: Sequence[float], bins: int
) -> tuple[float, float]:
    """I(X; T) and I(T; Y) in bits, T a layer's activations in bins of equal width, X uniform over the patterns.

    A pattern decides its bins, so that I(X; T) = H(T); and I(T; Y) = H(T) + H(Y) - H(T, Y).

    Args:
        activations: `(patterns, neurons)`; bins^neurons is to be below 2^62.
        labels: `(patterns,)` 0 or 1.
        bounds: of the bins; what lies on the upper one is in the last.
        bins: between the bounds.

    Returns:
        NaN where the bounds are not finite, those of a network that has diverged.

    Source: Shwartz-Ziv & Tishby 2017, section 2.4.
    """
    low, high = bounds
    if not np.isfinite(high - low):
        return np.nan, np.nan
    place = np.floor((activations - low) / max(high - low, 1e-30) * bins).clip(0, bins - 1).astype(np.int64)
    codes = place @ bins ** np.arange(activations.shape[1], dtype=np.int64)
    whole = _entropy(codes)
    return whole, whole + _entropy(labels) - _entropy(2 * codes + labels)


def _entropy(codes: NDArray[np.generic]) -> float:
    share = np.unique(codes, return_counts=True)[1] / len(codes)
    return float(-(share * np.log2(share)).sum())


def kernel_information(
    activations: Tensor, labels: Tensor, chosen: Tensor, noise_variance: float
) -> tuple[Tensor, Tensor]:
    """Upper bound on I(X; T), and the same bound's estimate of I(T; Y), in bits, of T = activations + N(0, s^2 I).

    I(X; T) <= -mean_i ln mean_j exp(-|t_i - t_j|^2 / (2 s^2)); given a label, i and j are among its patterns.

    Args:
        activations: `(networks, patterns, neurons)`.
        labels: `(patterns,)` 0 or 1.
        chosen: indices of the patterns that the outer mean is taken over.
        noise_variance: s^2.

    Returns:
        `(networks,)` each.

    Source: Kolchinsky & Tracey 2017, equation 10; Saxe et al. 2019, appendix.
    """
    activations = activations - activations.mean(1, keepdim=True)  # distances then cancel less
    square = activations.square().sum(-1)
    some = activations[:, chosen]
    product = torch.baddbmm(square[:, None], some, activations.mT, alpha=-2)
    exponent = product.add_(square[:, chosen, None]).clamp_(min=0).mul_(-1 / (2 * noise_variance))
    kernel = exponent.clamp_(min=_LEAST).exp_()
    same = (labels[:, None] == torch.arange(2)).to(kernel.dtype)  # (patterns, class)
    by_class = kernel @ same  # sums over the patterns of each class
    own = by_class.gather(2, labels[chosen].expand(len(kernel), -1)[..., None])[..., 0]
    size = same.sum(0)[labels[chosen]]
    input_information = -(by_class.sum(-1) / len(labels)).log2().mean(1)
    return input_information, input_information + (own / size).log2().mean(1)
