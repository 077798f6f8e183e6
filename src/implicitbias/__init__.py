"""The implicit-bias laboratory: what architectures, targets and gradient descent each give to generalisation."""

__version__ = "0.1.0"
