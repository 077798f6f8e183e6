"""Parameters as the plan passes them: complete, with the config's defaults for what a test does not name."""

from typing import Any

from implicitbias import networks
from implicitbias.catalogue import OPTIMIZERS
from implicitbias.config.blocks import Network, Training
from implicitbias.config.grid import chosen, chosen_network


def network(**given: Any) -> dict[str, Any]:
    """Of a network, whose rows are free if not told otherwise."""
    return chosen_network(Network(**({"rows": "free"} | given)).model_dump())


def training(**given: Any) -> dict[str, Any]:
    """Of a training stage."""
    filled = Training(**given).model_dump()
    return chosen(OPTIMIZERS, filled["optimizer"], filled)


def mlp(inputs: int, **given: Any) -> networks.Network:
    """A perceptron for inputs of so many features."""
    return networks.network_of(given, inputs)
