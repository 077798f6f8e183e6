"""The keys of a config that name entries of tables."""

from collections.abc import Mapping
from dataclasses import dataclass

from implicitbias.catalogue.data import LABELS, SOURCES
from implicitbias.catalogue.entries import Entry
from implicitbias.catalogue.experiments import EXPERIMENTS
from implicitbias.catalogue.metrics import METRICS
from implicitbias.catalogue.networks import ACTIVATIONS, INITIALISATIONS
from implicitbias.catalogue.nngp import ESTIMATORS
from implicitbias.catalogue.training import LOSSES, OPTIMIZERS, SCHEDULES, TARGETS


@dataclass(frozen=True)
class Choice:
    """A key whose values name entries: of which table, and of what kind an error says that they are."""

    table: Mapping[str, Entry]
    kind: str


CHOICES: dict[str, Choice] = {
    "source": Choice(SOURCES, "source"),
    "labels": Choice(LABELS, "labels"),
    "activation": Choice(ACTIVATIONS, "activation"),
    "optimizer": Choice(OPTIMIZERS, "optimizer"),
    "until_fit": Choice(OPTIMIZERS, "until_fit"),
    "loss": Choice(LOSSES, "loss"),
    "schedule": Choice(SCHEDULES, "schedule"),
    "targets": Choice(TARGETS, "targets"),
    "init": Choice(INITIALISATIONS, "init"),
    "metrics": Choice(METRICS, "metric"),
    "estimators": Choice(ESTIMATORS, "estimator"),
    "name": Choice(EXPERIMENTS, "experiment"),
}
