"""The blocks of a study: task, network, training, sampling, experiment and infinite width."""

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator
from pydantic_core import PydanticCustomError

from implicitbias import catalogue
from implicitbias.config.parameters import check_parameters, parameter_fields
from implicitbias.config.values import (
    Axis,
    Count,
    Distinct,
    OneOf,
    Positive,
    Probability,
    Rate,
    Real,
    Seed,
    Share,
    Whole,
)
from implicitbias.errors import ImplicitBiasError, nearest
from implicitbias.networks.layers import ROWS

TargetsName = Annotated[str, OneOf(catalogue.TARGETS, "target rule")]
SourceName = Annotated[str, OneOf(catalogue.SOURCES, "source")]
LabelsName = Annotated[str, OneOf(catalogue.LABELS, "label rule")]
ArchitectureName = Annotated[str, OneOf(catalogue.ARCHITECTURES, "architecture")]
RowsName = Annotated[str, OneOf(ROWS, "constraint on rows")]
ActivationName = Annotated[str, OneOf(catalogue.ACTIVATIONS, "activation")]
OptimizerName = Annotated[str, OneOf(catalogue.OPTIMIZERS, "optimizer")]
InitialisationName = Annotated[str, OneOf(catalogue.INITIALISATIONS, "initialisation")]
ScheduleName = Annotated[str, OneOf(catalogue.SCHEDULES, "schedule")]
LossName = Annotated[str, OneOf(catalogue.LOSSES, "loss")]
ExperimentName = Annotated[str, OneOf(catalogue.EXPERIMENTS, "experiment")]
EstimatorName = Annotated[str, OneOf(catalogue.ESTIMATORS, "estimator")]

VECTORISABLE = ("seed", *catalogue.PER_MEMBER)
"""Axes whose values can be computed together in one job, as one stacked ensemble."""


class Strict(BaseModel):
    """A block of the config: every key is known, no value is coerced."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    composed: ClassVar[tuple[str, ...]] = ()
    """Keys that a file may have here, and that the composition of files has used up."""

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, values: Any) -> Any:
        allowed = [*cls.composed, *cls.model_fields]
        if not isinstance(values, dict):
            raise PydanticCustomError("block", "a block of keys is expected here: {keys}", {"keys": ", ".join(allowed)})
        for key in values:
            if key not in cls.model_fields:
                raise PydanticCustomError(
                    "unknown_key", "there is no key {key} here{hint}; allowed: {keys}",
                    {"name": key, "key": repr(key), "hint": nearest(key, allowed), "keys": ", ".join(allowed)},
                )  # fmt: skip
        return values


def problem(text: str) -> PydanticCustomError:
    """An error in what keys say together."""
    return PydanticCustomError("study", "{text}", {"text": text})


def as_list(value: Any) -> list[Any]:
    """The values of an axis, or of a scalar as a list of one."""
    return value if isinstance(value, list) else [value]


NOT_AXES = frozenset({"estimators", "checkpoints", "name"})
"""Keys that are no axes: lists that are sets handled inside one job, and the experiment's name."""


def axes_of(block: BaseModel | None) -> dict[str, list[Any]]:
    """The axes of a block: every key whose value is a list."""
    if block is None:
        return {}
    return {key: value for key, value in block if isinstance(value, list) and key not in NOT_AXES}


class TaskBase(Strict):
    """Labelled training and test sets: source + labelling + training size + seed."""

    source: Axis[SourceName] = Field(description="where the points come from")
    labels: Axis[LabelsName] = Field("own", description="how they are labelled; own: as the source does it")
    train_size: Axis[Count] = Field(description="number of training points n")
    centred: bool = Field(False, description="subtract the training inputs' mean from all inputs")
    balanced: bool = Field(False, description="of a real source: equally many training points of every label")
    random_share: Axis[Share] = Field(0.0, description="fraction of the training labels that are random instead")
    test_size: Count | None = Field(
        None, description="number of test points; null: the whole test set (of a synthetic source, 1000 points)"
    )
    seed: Axis[Seed] = Field(
        0, description="draws the training subset (and random labels, initial weights, data order)"
    )


class _Task(TaskBase):
    @model_validator(mode="before")
    @classmethod
    def _own_labels_of_data(cls, values: Any) -> Any:
        """Label rules by the names that all sources have for them (`Source.rule`)."""
        if not isinstance(values, dict):
            return values
        known = [catalogue.SOURCES.get(source) for source in as_list(values.get("source")) if isinstance(source, str)]
        if not known or not all(entry and entry.real for entry in known):
            return values
        rule, given = known[0].rule, values.get("labels", "own")  # type: ignore[union-attr]
        return {**values, "labels": [rule(each) for each in given] if isinstance(given, list) else rule(given)}

    @model_validator(mode="after")
    def _fits_source(self) -> "_Task":
        check_parameters(self, catalogue.SOURCES, "source")
        check_parameters(self, catalogue.LABELS, "labels")
        for source, labels in product(as_list(self.source), as_list(self.labels)):
            self._check_sizes(source, labels)
        return self

    def _check_sizes(self, source: str, labels: str) -> None:
        entry, rule = catalogue.SOURCES[source], catalogue.LABELS[labels]
        if not (entry.real and rule.real):  # a synthetic source has any size, and other rules are refused in the end
            return
        sizes = max(as_list(self.train_size)), self.test_size or 1
        paths = as_list(getattr(self, "path", None)) if entry.inspect else [None]
        for path, classes in product(paths, as_list(getattr(self, "classes", None)) if rule.several else [None]):
            try:
                points = catalogue.described({"source": source, "labels": labels, "classes": classes, "path": path})
            except ImplicitBiasError as error:
                raise problem(str(error)) from error
            assert points.counts is not None
            available = len(points.counts[0])
            if rule.several and not 2 <= points.classes <= available:
                raise problem(
                    f"classes: {classes} of source {source!r}; allowed: 2 to {available}, or 0 for all of them"
                )
            if max(points.kept) >= available:
                raise problem(
                    f"labels: {labels!r} needs class {max(points.kept)}, but source {source!r} has {available}"
                )
            for key, size, limit in zip(("train_size", "test_size"), sizes, points.sizes, strict=True):
                if size > limit:
                    kept = f" and {classes} classes" if classes else ""
                    raise problem(
                        f"{key}: {size} is more than source {source!r} has for labels {labels!r}{kept};"
                        f" allowed: at most {limit}"
                    )


class NetworkBase(Strict):
    """A family of networks, finite and infinitely wide.

    The defaults of the architectures are what the kernels are the limit of: no biases, every layer trained.
    """

    architecture: Axis[ArchitectureName] = Field("mlp", description="the family; its parameters are keys of this block")
    activation: Axis[ActivationName] = Field("relu", description="hidden activation")
    rows: Axis[RowsName] | None = Field(
        None,
        description="what the rows of all trained weight matrices obey: nothing (free), norm 1 (unit), mean 0"
        " (mean_free), or both (mean_free_unit); null: what the optimizer keeps, and free where nothing is trained",
    )


class _Network(NetworkBase):
    @model_validator(mode="after")
    def _parameters_are_used(self) -> "_Network":
        check_parameters(self, catalogue.ARCHITECTURES, "architecture")
        check_parameters(self, catalogue.ACTIVATIONS, "activation")
        return self


class TrainingBase(Strict):
    """How networks are found by gradient descent."""

    optimizer: Axis[OptimizerName] = Field("nero", description="the update rule")
    until_fit: OptimizerName | None = Field(
        None,
        description="another update rule, for a network's steps until it first has no training error; parameters that"
        " it has in common with the optimizer are the optimizer's, its others have their defaults",
    )
    learning_rate: Axis[Rate] = Field(
        0.01,
        description="step size at the start: a number, or one over the training size as 1/n, over the inputs' dimension"
        " as 10/d, or times the width as 0.5m",
    )
    decay: Axis[Annotated[Real, Field(gt=0, le=1)]] = Field(1.0, description="learning-rate factor after every epoch")
    step_exponent: Axis[Annotated[Real, Field(ge=0, le=1)]] = Field(
        0.0, description="the learning rate is divided by the step's number to this power"
    )
    schedule: Axis[ScheduleName] = Field("decaying", description="of the learning rate")
    stop: Axis[Annotated[str, OneOf(("last", "fitted", "no_loss"), "stopping rule")]] = Field(
        "last",
        description="last: after all epochs; fitted: once an epoch had no training error; no_loss: once it had no loss,"
        " which the hinge loss alone allows",
    )
    epochs: Axis[Count] = Field(100, description="passes through the training set")
    batch_size: Axis[Count | Annotated[str, OneOf(("full",), "batch size")]] = Field(
        50, description="points a step, or full"
    )
    loss: Axis[LossName] = Field("norm", description="what is minimised")
    targets: Axis[TargetsName] = Field("labels", description="what the outputs are fitted to, times the label scale")
    label_scale: Axis[Positive] = Field(1.0, description="alpha: outputs are fitted to alpha times the targets")
    init: Axis[InitialisationName] = Field("fan_in", description="how initial weights are drawn")
    init_scale: Axis[Positive] = Field(1.0, description="factor on the initial weights of all trained layers")
    members: Count = Field(1, description="independently initialised networks a grid point")
    dtype: Annotated[str, OneOf(("float32", "float64"), "dtype")] = Field(
        "float32", description="of weights and outputs"
    )
    checkpoints: Annotated[str, OneOf(("final", "log"), "checkpoint rule")] | Distinct[Whole] = Field(
        "final", description="steps that are kept: final, log (log-spaced, with 0 and the last), or a list"
    )


class _Training(TrainingBase):
    @model_validator(mode="after")
    def _parameters_are_used(self) -> "_Training":
        check_parameters(self, catalogue.OPTIMIZERS, "optimizer")
        return self


if TYPE_CHECKING:
    Task = _Task
    Network = _Network
    Training = _Training
else:
    Task = create_model(
        "Task", __base__=_Task, __doc__=TaskBase.__doc__, **parameter_fields(catalogue.SOURCES),
        **parameter_fields(catalogue.LABELS),
    )  # fmt: skip
    Network = create_model(
        "Network", __base__=_Network, __doc__=NetworkBase.__doc__, **parameter_fields(catalogue.ARCHITECTURES),
        **parameter_fields(catalogue.ACTIVATIONS),
    )  # fmt: skip
    Training = create_model(
        "Training", __base__=_Training, __doc__=TrainingBase.__doc__, **parameter_fields(catalogue.OPTIMIZERS)
    )


class Sampling(Strict):
    """Guess and check: random networks, kept when they fit the training signs."""

    draws: Axis[Count] = Field(1000, description="random networks drawn")
    flip: bool = Field(True, description="also accept a network with every sign wrong, negated")


class _Experiment(Strict):
    """A small system that one function computes whole."""

    name: ExperimentName = Field(description="which one")
    seed: Axis[Seed] = Field(0, description="of everything random in it")

    @model_validator(mode="after")
    def _parameters_are_used(self) -> "_Experiment":
        check_parameters(self, catalogue.EXPERIMENTS, "name")
        return self


if TYPE_CHECKING:
    Experiment = _Experiment
else:
    Experiment = create_model(
        "Experiment", __base__=_Experiment, __doc__=_Experiment.__doc__, **parameter_fields(catalogue.EXPERIMENTS)
    )


OF_TABLES: dict[type[BaseModel], tuple[Mapping[str, catalogue.Entry], ...]] = {
    Task: (catalogue.SOURCES, catalogue.LABELS),
    Network: (catalogue.ARCHITECTURES, catalogue.ACTIVATIONS),
    Training: (catalogue.OPTIMIZERS,),
    Experiment: (catalogue.EXPERIMENTS,),
}
"""The blocks that have keys for the parameters of entries, and the tables of these."""


class NNGP(Strict):
    """Infinite-width quantities of a task and an architecture."""

    rows: Axis[RowsName] | None = Field(
        None,
        description="what the rows of the infinitely wide network obey, if it is to be of another class than the"
        " study's networks; null: of the same",
    )
    estimators: Distinct[EstimatorName] = Field(["bound", "mixture"], description="of the complexity -ln P")
    delta: Axis[Probability] = Field(0.01, description="failure probability of the PAC-Bayes bound")
    constant: Axis[Annotated[str, OneOf(("tight", "published"), "constant")]] = Field(
        "tight", description="of the closed bound: tight n(ln 2 - 1/2), or the published code's n/5"
    )
    draws: Axis[Count] = Field(100_000, description="draws of the importance estimator")
    samples: Axis[Annotated[Count, Field(ge=256)]] = Field(
        4096, description="quasi-random points of the mixture estimator"
    )
    posterior: bool = Field(
        True,
        description="also the errors of the posterior on the orthant and, where labels are +-1, of the spherised one",
    )
    label_scale: Axis[Positive] | None = Field(None, description="also condition on f(X) = alpha Y for these alpha")
    ray_samples: Annotated[Count, Field(ge=2)] = Field(100, description="functions drawn for every alpha")
    lazy: bool = Field(
        False,
        description="also the infinitely wide network that gradient descent trains to f(X) = alpha Y, for these alpha",
    )
    by_point: bool = Field(
        False,
        description="also the errors at every test point, which intervals over draws of test points are made from, and"
        " of several classes their posterior probabilities",
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "NNGP":
        if self.lazy and self.label_scale is None:
            raise problem("nngp.lazy: true needs nngp.label_scale: the targets that the network is trained to")
        if self.by_point and not self.posterior and self.label_scale is None:
            raise problem("nngp.by_point: true needs errors: posterior: true, or label_scale")
        return self
