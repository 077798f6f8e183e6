"""Activations, and how initial weights are drawn."""

from math import log

from implicitbias.catalogue.entries import Activation, Entry, Parameter
from implicitbias.catalogue.limits import SIGNS, Allowed, Range
from implicitbias.catalogue.signatures import Bounds, parameters_of

_HERE, _DUALS = "implicitbias.networks.activations", "implicitbias.networks.duals"


def _slope(function: str) -> dict[str, Parameter]:
    return parameters_of(f"{_HERE}:{function}", {"slope": Bounds(0, 1)})


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(
        f"{_HERE}:relu", "sqrt(2) max(z, 0): keeps the second moment", dual=f"{_DUALS}:relu", mean=f"{_DUALS}:relu_mean"
    ),
    "leaky_relu": Activation(
        f"{_HERE}:leaky_relu", "sqrt(2/(1 + slope^2)) max(slope z, z): keeps second moments",
        _slope("leaky_relu"), dual=f"{_DUALS}:leaky_relu",
        mean=f"{_DUALS}:leaky_relu_mean",
    ),
    "plain_relu": Activation(
        f"{_HERE}:plain_relu", "max(z, 0)", dual=f"{_DUALS}:plain_relu", mean=f"{_DUALS}:plain_relu_mean"
    ),
    "plain_leaky_relu": Activation(
        f"{_HERE}:plain_leaky_relu", "max(slope z, z)", _slope("plain_leaky_relu"),
        dual=f"{_DUALS}:plain_leaky_relu", mean=f"{_DUALS}:plain_leaky_relu_mean",
    ),
    "smooth_leaky_relu": Activation(
        f"{_HERE}:smooth_leaky_relu", "slope z + (1 - slope) log((1 + e^z)/2)",
        _slope("smooth_leaky_relu"), homogeneous=False, defect=log(2),
    ),
    "squared_relu": Activation(
        f"{_HERE}:squared_relu", "max(z, 0)^2", dual=f"{_DUALS}:squared_relu", mean=f"{_DUALS}:squared_relu_mean",
        degree=2,
    ),
    "gelu": Activation(f"{_HERE}:gelu", "z Phi(z)", homogeneous=False, defect=0.2936),
    "silu": Activation(f"{_HERE}:silu", "z/(1 + e^-z)", homogeneous=False, defect=0.4393),
    "tanh": Activation(f"{_HERE}:tanh", "tanh(z)", degree=0, homogeneous=False, defect=0.4477),
    "sigmoid": Activation(f"{_HERE}:sigmoid", "1/(1 + e^-z)", degree=0, homogeneous=False, defect=0.2239),
    "erf": Activation(
        f"{_HERE}:erf", "erf(z)", dual=f"{_DUALS}:erf", mean=f"{_DUALS}:odd_mean", degree=0, homogeneous=False,
        defect=0.4839,
    ),
    "linear": Activation(f"{_HERE}:linear", "z", dual=f"{_DUALS}:linear", mean=f"{_DUALS}:odd_mean"),
}  # fmt: skip

_INITIALISATION = "implicitbias.networks.initialisation"
_ROW_BY_ROW: dict[str, Allowed] = {"architecture": ("mlp",), "bias": ("none", "first")}
"""For initialisations that give the output layer a weight for each row of the layer before, and no other."""

INITIALISATIONS: dict[str, Entry] = {
    "fan_in": Entry(f"{_INITIALISATION}:fan_in", "N(0, 1/fan_in)"),
    "glorot": Entry(f"{_INITIALISATION}:glorot", "N(0, 2/(fan_in + fan_out))"),
    "normal": Entry(f"{_INITIALISATION}:normal", "N(0, 1)"),
    "uniform": Entry(f"{_INITIALISATION}:uniform", "U[-1/fan_in, 1/fan_in]"),
    "fan_in_uniform": Entry(f"{_INITIALISATION}:fan_in_uniform", "U[-1, 1]/sqrt(fan_in), torch's own"),
    "orthogonal": Entry(
        f"{_INITIALISATION}:orthogonal", "semi-orthogonal times sqrt(fan_out/fan_in) (Bernstein et al. 2023)"
    ),
    "axes": Entry(
        f"{_INITIALISATION}:axes",
        "rows on the axes, of sizes 1, .1, .001, .01, output weights of these sizes (Tsoy & Konstantinov 2024)",
        only=({**_ROW_BY_ROW, **SIGNS},),
    ),
    "balanced": Entry(
        f"{_INITIALISATION}:balanced",
        "rows N(0, I/fan_in), output weights of the rows' norms",
        only=({"depth": Range(minimum=2), **_ROW_BY_ROW, **SIGNS},),
    ),
}
