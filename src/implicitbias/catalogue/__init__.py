"""The tables of everything a config can name. One function plus one entry here makes a new source, label
rule, optimizer, loss, estimator, metric, figure or check; schema, validation, tests and docs read these tables.

The tables hold names and numbers only and point to code by "module:function", so that a config is validated
in milliseconds without importing torch, and so that a job depends on the code of the entries that it uses
and on no other entry's (see `implicitbias.fingerprint`).
"""

from implicitbias.catalogue.architectures import ARCHITECTURES
from implicitbias.catalogue.checks import CHECKS, PUBLISHED
from implicitbias.catalogue.choices import CHOICES
from implicitbias.catalogue.data import LABELS, NESTED, SOURCES
from implicitbias.catalogue.entries import (
    Activation,
    Architecture,
    CalledBy,
    Entry,
    Experiment,
    Figure,
    Labels,
    Loss,
    Metric,
    Optimizer,
    Parameter,
    Pointer,
    Source,
    function_of,
    pointers,
    resolve,
)
from implicitbias.catalogue.experiments import EXPERIMENTS
from implicitbias.catalogue.figures import FIGURES
from implicitbias.catalogue.metrics import METRICS
from implicitbias.catalogue.networks import ACTIVATIONS, INITIALISATIONS
from implicitbias.catalogue.nngp import (
    BY_POINT,
    DENSE,
    ESTIMATORS,
    LARGEST_ORTHANT,
    NNGP_DIMS,
    NNGP_VARIABLES,
    SAMPLED,
    nngp_variables,
    orthant_bytes,
)
from implicitbias.catalogue.outputs import OUTPUTS
from implicitbias.catalogue.points import Contents, Points, described, kept_classes, look_anew
from implicitbias.catalogue.training import LOSSES, OPTIMIZERS, PER_MEMBER, SCHEDULES, TARGETS

__all__ = [
    "ACTIVATIONS",
    "ARCHITECTURES",
    "BY_POINT",
    "CHECKS",
    "CHOICES",
    "DENSE",
    "ESTIMATORS",
    "EXPERIMENTS",
    "FIGURES",
    "INITIALISATIONS",
    "LABELS",
    "LARGEST_ORTHANT",
    "LOSSES",
    "METRICS",
    "NESTED",
    "NNGP_DIMS",
    "NNGP_VARIABLES",
    "OPTIMIZERS",
    "OUTPUTS",
    "PER_MEMBER",
    "PUBLISHED",
    "SAMPLED",
    "SCHEDULES",
    "SOURCES",
    "TARGETS",
    "Activation",
    "Architecture",
    "CalledBy",
    "Contents",
    "Entry",
    "Experiment",
    "Figure",
    "Labels",
    "Loss",
    "Metric",
    "Optimizer",
    "Parameter",
    "Pointer",
    "Points",
    "Source",
    "described",
    "function_of",
    "kept_classes",
    "look_anew",
    "nngp_variables",
    "orthant_bytes",
    "pointers",
    "resolve",
]
