"""Networks as values: from one definition follow finite networks, their sizes, their degrees and their kernels.

Nothing here needs torch until numbers are asked for, so that a config is validated, and jobs are sized, in no time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import inf, prod
from typing import TYPE_CHECKING, Any

from implicitbias.catalogue import ACTIVATIONS, ARCHITECTURES, CHOICES, Entry, Parameter, function_of, resolve
from implicitbias.errors import ConfigError, nearest
from implicitbias.networks.layers import (
    ROWS,
    Activation,
    Degree,
    Layer,
    Linear,
    Normalisation,
    Pool,
    Residual,
    Scale,
    Shape,
    Weight,
    flat,
    weights_of,
)

if TYPE_CHECKING:
    from torch import Tensor

_AT_ONCE = 1 << 22  # weights of the members that a processor trains together
COMMON = ("architecture", "activation", "rows")
"""Parameters that every architecture has."""


@dataclass(frozen=True)
class Network:
    """A network: its layers, what goes in, and the constraint that its weights obey.

    Attributes:
        layers: in the order in which an input meets them.
        input_shape: `(features,)` or `(channels, rows, columns)`.
        rows: what the rows of every trained weight matrix obey (see `layers.ROWS`).
    """

    layers: tuple[Layer, ...]
    input_shape: Shape
    rows: str = "free"

    @cached_property
    def weights(self) -> tuple[Weight, ...]:
        """The weight matrices, in the order in which an input meets them."""
        return tuple(weights_of(self.layers, self.input_shape))

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shape (out, in) of each of a member's weight matrices; `in` counts the column of biases."""
        return [weight.shape for weight in self.weights]

    @property
    def depth(self) -> int:
        """The number of weight matrices."""
        return len(self.weights)

    @property
    def features(self) -> int:
        """Numbers in an input."""
        return prod(self.input_shape)

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return self.weights[-1].rows

    @property
    def trained(self) -> slice:
        """Which of the weight matrices are trained."""
        trained = [number for number, weight in enumerate(self.weights) if weight.layer.trained]
        return slice(trained[0], trained[-1] + 1)

    @property
    def activations(self) -> list[Activation]:
        """The activations, in the order in which an input meets them."""
        return [layer for layer in flat(self.layers) if isinstance(layer, Activation)]

    @property
    def is_dense(self) -> bool:
        """Whether no weights are shared between pixels."""
        return all(weight.positions == 1 for weight in self.weights)

    @property
    def numbers(self) -> int:
        """Numbers in a member's weights."""
        return sum(rows * columns for rows, columns in self.shapes)

    @property
    def on_one_processor(self) -> int:
        """How many members a processor trains together: with more weights, each pass over them takes longer a weight.

        Measured for widths from 64 to 1000; a processor's address translation reaches about as far.
        """
        return max(1, _AT_ONCE // self.numbers)

    @property
    def products(self) -> int:
        """Products with weights that one input takes."""
        return sum(prod(weight.shape) * weight.positions for weight in self.weights)

    @property
    def numbers_in(self) -> int:
        """Numbers that weights are multiplied with, of one input: of a convolution all of all patches."""
        return sum(weight.positions * weight.shape[1] for weight in self.weights)

    @property
    def numbers_out(self) -> int:
        """Numbers that come out of products with weights, of one input."""
        return sum(weight.positions * weight.rows for weight in self.weights)

    @cached_property
    def _degree(self) -> Degree:
        degree = Degree(0, 0)
        for layer in self.layers:
            degree = layer.degree(degree)
        return degree

    @property
    def degree(self) -> int | None:
        """M in f(x; r theta) = r^M f(x; theta), theta the trained weights, for all r > 0; None if there is none.

        Biases after the first layer, activations that are not homogeneous, and residual paths of different lengths
        leave none (Lyu & Li 2020).
        """
        return self._degree.exact

    @property
    def leading_degree(self) -> int:
        """M in f(x; r theta) ~ r^M at large r, which is the degree where there is one (Cai et al. 2025)."""
        return self._degree.leading

    @property
    def without_nngp(self) -> str:
        """Why the infinitely wide network's covariance has no closed form here; empty if it has one."""
        for layer in flat(self.layers):
            if isinstance(layer, Pool) and layer.kind == "max":
                return "max pooling has no kernel in closed form; allowed: pooling none or average"
            if isinstance(layer, Activation) and not ACTIVATIONS[layer.name].dual:
                able = [name for name, entry in ACTIVATIONS.items() if entry.dual]
                return f"activation {layer.name!r} has no kernel in closed form; allowed: {', '.join(able)}"
            if isinstance(layer, Linear) and layer.start not in ("drawn", "signs"):
                return (
                    f"an output layer that starts as {layer.start!r} has no random outputs; allowed: output trained or"
                    " signs"
                )
        if any(isinstance(layer, Scale) for layer in self.layers):
            return "an output divided by the width vanishes as the width grows; allowed: output trained or signs"
        return _not_gaussian(self.layers)

    @property
    def nngp_rank(self) -> float:
        """What the rank of the infinitely wide network's covariance is at most, of however many points.

        A linear network's output is a linear function of its input, and of the constant where dense layers start with
        biases that are not 0; rows of mean 0 do not see the mean of what they are multiplied with.
        """
        if any(layer.name != "linear" for layer in self.activations) or any(
            isinstance(layer, Normalisation) for layer in flat(self.layers)
        ):
            return inf
        if any(weight.bias and weight.layer.bias_variance for weight in self.weights):
            return self.features + 1 if self.is_dense else inf
        return self.features - int("mean_free" in self.rows and self.is_dense)

    @property
    def without_ntk(self) -> str:
        """Why the neural tangent kernel has no closed form here; empty if it has one."""
        if not all(weight.layer.trained for weight in self.weights):
            return "the tangent kernel is that of networks whose layers are all trained; allowed: output trained"
        return self.without_nngp

    def nngp(self, x: "Tensor", z: "Tensor | None" = None) -> "Tensor":
        """The covariance of an output at points `(n, d)` and `(m, d)`; see `kernels.nngp_kernel`."""
        kernel: Tensor = _call("kernels:nngp_kernel", self, x, z)
        return kernel

    def ntk(self, x: "Tensor", z: "Tensor | None" = None) -> "Tensor":
        """The neural tangent kernel at points `(n, d)` and `(m, d)`; see `kernels.ntk_kernel`."""
        kernel: Tensor = _call("kernels:ntk_kernel", self, x, z)
        return kernel

    def initialise(
        self, seeds: Sequence[int], init_scale: float | Sequence[float] = 1.0, **kind: Any
    ) -> "list[Tensor]":
        """Random weights, one member a seed, in the class of the network's rows; see `stacked.initialise`."""
        weights: list[Tensor] = _call("stacked:initialise", self, seeds, init_scale, **kind)
        return weights

    def forward(self, weights: "Sequence[Tensor]", x: "Tensor") -> "Tensor":
        """Outputs `(member, batch)`, or `(member, batch, outputs)` of several; see `stacked.forward`."""
        outputs: Tensor = _call("stacked:forward", self, weights, x)
        return outputs


def _call(name: str, *arguments: Any, **more: Any) -> Any:
    """A function of this package that needs torch.

    For people at a prompt: stages import what they call, so that their fingerprints follow its code.
    """
    return function_of(f"implicitbias.networks.{name}")(*arguments, **more)


def _not_gaussian(layers: Sequence[Layer], gaussian: bool = False) -> str:
    """Why an activation's input is no Gaussian process; empty if all are."""
    for layer in layers:
        if isinstance(layer, Linear):
            gaussian = True
        elif isinstance(layer, Activation):
            if not gaussian:
                return "an activation of what is not linear in random weights has no kernel in closed form"
            gaussian = False
        elif isinstance(layer, Residual):
            if reason := _not_gaussian(layer.layers, gaussian):
                return reason
            if any(isinstance(inner, Pool) for inner in flat(layer.layers)):
                return "pooling inside of a residual block has no kernel here"
            gaussian = gaussian and any(isinstance(inner, Linear) for inner in layer.layers[-1:])
        elif isinstance(layer, Normalisation) and not gaussian:
            return "normalisation of what is not linear in random weights has no kernel in closed form"
    return ""


def network_of(
    parameters: Mapping[str, Any], input_shape: int | Sequence[int], *, rows: str | None = None, outputs: int = 1
) -> Network:
    """The network that these parameters describe; all that is read of a network's parameters is read here.

    Args:
        parameters: `architecture` (a name in `catalogue.ARCHITECTURES`, default mlp), `activation` (default relu),
            `rows` (default free), and the architecture's and the activation's own parameters; those left out have the
            catalogue's defaults.
        input_shape: d, `(d,)` or `(channels, rows, columns)`; inputs are flattened in this order.
        rows: the constraint, in place of that of the parameters.
        outputs: how many outputs it has.

    Raises:
        ConfigError: for an unknown name or key, a value that is not allowed, or inputs that the layers cannot take.
    """
    shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
    given = {key: value for key, value in parameters.items() if value is not None}
    if rows is not None:
        given["rows"] = rows
    return _network_of(tuple(sorted(given.items())), shape, outputs)


@lru_cache(maxsize=4096)
def _network_of(parameters: tuple[tuple[str, Any], ...], shape: Shape, outputs: int) -> Network:
    given: dict[str, Any] = {"architecture": "mlp", "activation": "relu", "rows": "free", **dict(parameters)}
    tables: dict[str, Mapping[str, Entry]] = {"architecture": ARCHITECTURES, "activation": ACTIVATIONS}
    own: dict[str, dict[str, Any]] = {}
    for kind, table in tables.items():
        if given[kind] not in table:
            hint = nearest(given[kind], table)
            raise ConfigError(f"there is no {kind} {given[kind]!r}{hint}; allowed: {', '.join(table)}")
        entries = table[given[kind]].parameters
        own[kind] = {key: _checked(key, given.get(key, entry.default), entry) for key, entry in entries.items()}
    known = {*COMMON, *own["architecture"], *own["activation"]}
    if unknown := [key for key in given if key not in known]:
        raise ConfigError(
            f"architecture {given['architecture']!r} with activation {given['activation']!r} has no parameter"
            f" {unknown[0]!r}{nearest(unknown[0], known)}; allowed: {', '.join(sorted(known))}"
        )
    if given["rows"] not in ROWS:
        raise ConfigError(f"rows = {given['rows']!r}{nearest(given['rows'], ROWS)}; allowed: {', '.join(ROWS)}")
    for key, value in {**given, **own["architecture"]}.items():
        if key in CHOICES and (problem := CHOICES[key].table[value].misfit(own["architecture"])):
            raise ConfigError(f"{CHOICES[key].kind} {value!r} does not go with {problem}")
    phi = Activation(given["activation"], tuple(sorted(own["activation"].items())))
    architecture = resolve(ARCHITECTURES[given["architecture"]])
    try:
        network = Network(tuple(architecture(phi, outputs, **own["architecture"])), shape, given["rows"])
        _check(network)
    except ConfigError as error:
        raise ConfigError(f"architecture {given['architecture']!r} on inputs of shape {shape}: {error}") from None
    return network


def _checked(key: str, value: Any, parameter: Parameter) -> Any:
    """The value of a parameter, if it is one that the catalogue allows."""
    if problem := parameter.refuses(value):
        raise ConfigError(f"{key} = {value!r}; allowed: {problem}")
    return value


def _check(network: Network) -> None:
    """Every layer takes what comes in, and the constraint on rows can be kept."""
    for number, weight in enumerate(network.weights):
        layer = weight.layer
        if network.rows == "free" or not layer.trained:
            continue
        if layer.bias_variance:
            raise ConfigError(
                f"bias_variance = {layer.bias_variance:g} does not go with rows {network.rows!r}, of which biases are a"
                " part; allowed: 0, or rows: free"
            )
        if "mean_free" in network.rows and weight.shape[1] < 2:
            raise ConfigError(
                f"rows = {network.rows!r}: layer {number} has rows of one number, which cannot have mean 0; allowed: at"
                " least 2 features and a width of at least 2"
            )
        if "unit" in network.rows and layer.start == "zeros":
            raise ConfigError(
                f"rows = {network.rows!r}: layer {number} starts at 0, where no row has norm 1; allowed: rows free or"
                " mean_free"
            )
