"""The implicit-bias laboratory: the architecture's share and gradient descent's share of generalisation."""

__version__ = "0.1.0"
