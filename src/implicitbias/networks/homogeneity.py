"""Degrees of homogeneity: f(x; r theta) = r^M f(x; theta) for the trained weights theta."""

from collections.abc import Mapping
from typing import Any

from implicitbias.catalogue import ACTIVATIONS
from implicitbias.shapes import FROZEN_OUTPUTS


def degree(network: Mapping[str, Any]) -> int:
    """The degree M in the trained weights; for a network that is not homogeneous, at large weights.

    A layer after an activation of degree p turns degree M into 1 + p M (Lyu & Li 2020; Cai et al. 2025).
    """
    output, p, m = network["output"], ACTIVATIONS[network["activation"]].degree, 1
    if output == "random_features":
        return 1
    for _ in range(network["depth"] - 1):
        m = 1 + p * m
    return m - 1 if output in FROZEN_OUTPUTS else m
