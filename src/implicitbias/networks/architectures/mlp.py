"""Multilayer perceptrons."""

from implicitbias.networks.architectures.biases import biased
from implicitbias.networks.layers import Activation, Dense, Flatten, Layer, Residual, Scale


def mlp(
    phi: Activation,
    outputs: int,
    *,
    depth: int,
    width: int,
    bias: str,
    bias_variance: float,
    residual: bool,
    output: str,
) -> list[Layer]:
    """d -> m -> ... -> m -> outputs, with `depth` weight matrices (Bernstein & Yue 2021, section 4, and relatives).

    `output` is "trained", "signs" (+-1/sqrt(m) at random, frozen), "halves" (of m neurons the first half 2/m, the
    others -2/m, frozen), "mean_field" (trained, the network's output divided by m) or "random_features" (as mean_field,
    but starting at 0, and no other layer is trained).
    """

    def dense(layer: int, features: int, trained: bool, start: str = "drawn") -> Dense:
        return Dense(features, biased(bias, layer), bias_variance, trained, start)

    hidden_trained = output != "random_features"
    layers: list[Layer] = [Flatten()]
    for layer in range(depth - 1):
        block = (dense(layer, width, hidden_trained), phi)
        layers += [Residual(block)] if residual and layer else block
    frozen = {"signs": "signs", "halves": "halves", "random_features": "zeros"}
    layers.append(dense(depth - 1, outputs, output not in ("signs", "halves"), frozen.get(output, "drawn")))
    return [*layers, Scale(1 / width)] if output in ("mean_field", "random_features") else layers
