"""Parameters as the plan passes them: complete, with the config's defaults for what a test does not name."""

from typing import Any

from implicitbias.catalogue import ACTIVATIONS, OPTIMIZERS
from implicitbias.config.blocks import Network, Training
from implicitbias.config.plan import _chosen


def network(**given: Any) -> dict[str, Any]:
    """Of a network; of depth 2, if not told otherwise."""
    filled = Network(**({"depth": 2} | given)).model_dump()
    return _chosen(ACTIVATIONS, filled["activation"], filled)


def training(**given: Any) -> dict[str, Any]:
    """Of a training stage."""
    filled = Training(**given).model_dump()
    return _chosen(OPTIMIZERS, filled["optimizer"], filled)
