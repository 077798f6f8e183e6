"""The keys of a config that name entries of tables."""

from collections.abc import Mapping
from dataclasses import dataclass

from implicitbias.catalogue.architectures import ARCHITECTURES
from implicitbias.catalogue.data import LABELS, SOURCES
from implicitbias.catalogue.entries import Entry
from implicitbias.catalogue.experiments import EXPERIMENTS
from implicitbias.catalogue.limits import Having, Limits
from implicitbias.catalogue.metrics import METRICS
from implicitbias.catalogue.networks import ACTIVATIONS, INITIALISATIONS
from implicitbias.catalogue.nngp import ESTIMATORS
from implicitbias.catalogue.outputs import OUTPUTS
from implicitbias.catalogue.training import LOSSES, OPTIMIZERS, SCHEDULES, TARGETS


@dataclass(frozen=True)
class Choice:
    """A key whose values name entries: of which table, and of what kind an error says that they are.

    Where the key is set, to whatever entry, the other settings have to be what `only` allows, besides that entry's own
    limits.
    """

    table: Mapping[str, Entry]
    kind: str
    only: Limits = ()


CHOICES: dict[str, Choice] = {
    "source": Choice(SOURCES, "source"),
    "labels": Choice(LABELS, "labels"),
    "architecture": Choice(ARCHITECTURES, "architecture"),
    "activation": Choice(ACTIVATIONS, "activation"),
    "output": Choice(OUTPUTS, "output"),
    "optimizer": Choice(OPTIMIZERS, "optimizer"),
    "until_fit": Choice(
        OPTIMIZERS, "until_fit", only=({"stop": ("last",), "optimizer": Having({"restartable": (True,)})},)
    ),
    "loss": Choice(LOSSES, "loss"),
    "schedule": Choice(SCHEDULES, "schedule"),
    "targets": Choice(TARGETS, "targets"),
    "init": Choice(INITIALISATIONS, "init"),
    "metrics": Choice(METRICS, "metric"),
    "estimators": Choice(ESTIMATORS, "estimator"),
    "name": Choice(EXPERIMENTS, "experiment"),
}
