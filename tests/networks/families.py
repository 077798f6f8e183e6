"""Members of every family of the catalogue, for tests over the whole table."""

from collections.abc import Iterator
from typing import Any

from implicitbias.catalogue import ARCHITECTURES, Parameter
from implicitbias.errors import ConfigError
from implicitbias.networks import Network, network_of

SHAPES = ((40,), (2, 6, 5), (1, 16, 16))
"""Shapes of inputs to try: a family is tested on the first that it takes."""


def variants(architecture: str) -> Iterator[dict[str, Any]]:
    """The family at its defaults, and with one parameter after the other at every other word that it may have."""
    yield {"architecture": architecture}
    for key, parameter in ARCHITECTURES[architecture].parameters.items():
        for value in _others(key, parameter):
            chosen = {"architecture": architecture, key: value}
            if key == "bias_variance" and "bias" in ARCHITECTURES[architecture].parameters:
                chosen["bias"] = "all"
            yield chosen


def _others(key: str, parameter: Parameter) -> list[Any]:
    if key == "bias_variance":
        return [0.3]
    if isinstance(parameter.default, bool):
        return [not parameter.default]
    return [word for word in parameter.choices if word != parameter.default]


def of_width(parameters: dict[str, Any], width: int) -> dict[str, Any]:
    """The same with a width of its own, if it has one."""
    own = ARCHITECTURES[parameters["architecture"]].parameters
    return {**parameters, "width": width} if "width" in own else parameters


def built(parameters: dict[str, Any], **more: Any) -> Network:
    """The network, for inputs of the first shape that it takes."""
    reason: ConfigError | None = None
    for shape in SHAPES:
        try:
            return network_of(parameters, shape, **more)
        except ConfigError as error:
            reason = error
    assert reason is not None
    raise reason


FAMILY = [parameters for name in ARCHITECTURES for parameters in variants(name)]


def named(parameters: dict[str, Any]) -> str:
    return "-".join(map(str, parameters.values()))
