"""What a config may say: the pydantic models behind config/schema.json and every validation error."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator
from pydantic_core import PydanticCustomError

from implicitbias import catalogue
from implicitbias.config.values import Axis, Count, Distinct, OneOf, Positive, Probability, Real, Share, Whole, number
from implicitbias.errors import nearest

TargetsName = Annotated[str, OneOf(tuple(catalogue.TARGETS), "target rule")]
SourceName = Annotated[str, OneOf(tuple(catalogue.SOURCES), "source")]
LabelsName = Annotated[str, OneOf(tuple(catalogue.LABELS), "label rule")]
ActivationName = Annotated[str, OneOf(tuple(catalogue.ACTIVATIONS), "activation")]
OptimizerName = Annotated[str, OneOf(tuple(catalogue.OPTIMIZERS), "optimizer")]
InitialisationName = Annotated[str, OneOf(tuple(catalogue.INITIALISATIONS), "initialisation")]
ScheduleName = Annotated[str, OneOf(tuple(catalogue.SCHEDULES), "schedule")]
LossName = Annotated[str, OneOf(tuple(catalogue.LOSSES), "loss")]
ExperimentName = Annotated[str, OneOf(tuple(catalogue.EXPERIMENTS), "experiment")]
EstimatorName = Annotated[str, OneOf(tuple(catalogue.ESTIMATORS), "estimator")]
MetricName = Annotated[str, OneOf(tuple(catalogue.METRICS), "metric")]
FigureName = Annotated[str, OneOf(tuple(catalogue.FIGURES), "figure")]
CheckName = Annotated[str, OneOf(tuple(catalogue.CHECKS), "check")]
PublishedName = Annotated[str, OneOf(tuple(catalogue.PUBLISHED), "published table")]

OUTPUTS = ("trained", "signs", "halves", "mean_field", "random_features")
"""What the last layer is."""

VECTORISABLE = ("seed", "label_scale", "learning_rate", "decay", "step_exponent", "init_scale")
"""Axes whose values can be computed together in one job, as one stacked ensemble."""


MAGNITUDE_LOSSES = ("norm", "square")
"""Losses that fit outputs to the targets themselves; the others want the right sign only."""

LOG_LOSSES = ("exponential", "log_logistic")
"""Losses that are differentiated as logarithms."""


class Strict(BaseModel):
    """A block of the config: every key is known, no value is coerced."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            raise PydanticCustomError("block", "a block of keys is expected here: {keys}", {"keys": _names(cls)})
        for key in values:
            if key not in cls.model_fields:
                raise PydanticCustomError(
                    "unknown_key", "there is no key {key} here{hint}; allowed: {keys}",
                    {"key": repr(key), "hint": nearest(key, cls.model_fields), "keys": _names(cls)},
                )  # fmt: skip
        return values


def _names(model: type[BaseModel]) -> str:
    return ", ".join(model.model_fields)


def _parameters(table: Mapping[str, catalogue.Entry]) -> dict[str, Any]:
    """A field for every parameter of the table's entries; null where the entry in use has no such parameter."""
    axis: Any = Axis
    owners: dict[str, list[tuple[str, catalogue.Parameter]]] = {}
    for name, entry in table.items():
        for key, parameter in entry.parameters.items():
            owners.setdefault(key, []).append((name, parameter))
    fields: dict[str, Any] = {}
    for key, users in owners.items():
        text = "; ".join(f"{parameter.summary} ({name}; default {parameter.default})" for name, parameter in users)
        fields[key] = (axis[number(users[0][1])] | None, Field(None, description=text))
    return fields


def _check_parameters(block: Strict, table: Mapping[str, catalogue.Entry], kind: str) -> None:
    """Every parameter that is given belongs to an entry that is chosen."""
    chosen = as_list(getattr(block, kind))
    for key in _parameters(table):
        owners = [name for name, entry in table.items() if key in entry.parameters]
        if getattr(block, key) is not None and not set(owners) & set(chosen):
            raise PydanticCustomError(
                "unused", "{key} is a parameter of {owners}, but the {kind} here is {chosen}",
                {"key": key, "owners": " and ".join(owners), "kind": kind, "chosen": ", ".join(chosen)},
            )  # fmt: skip


class TaskBase(Strict):
    """Labelled training and test sets: source + labelling + training size + seed."""

    source: Axis[SourceName] = Field(description="where the points come from")
    labels: Axis[LabelsName] = Field("own", description="how they are labelled; own: as a synthetic source does")
    train_size: Axis[Count] = Field(description="number of training points n")
    centred: bool = Field(False, description="subtract the training inputs' mean from all inputs")
    balanced: bool = Field(False, description="of a real source: equally many training points of either label")
    random_share: Axis[Share] = Field(0.0, description="share of the training labels that are drawn by coin instead")
    test_size: Count | None = Field(
        None, description="number of test points; null: the whole test set (of a synthetic source, 1000 points)"
    )
    seed: Axis[Whole] = Field(
        0, description="draws the training subset (and random labels, initial weights, data order)"
    )


class _Task(TaskBase):
    @model_validator(mode="after")
    def _fits_source(self) -> "_Task":
        _check_parameters(self, catalogue.SOURCES, "source")
        for source in as_list(self.source):
            for labels in as_list(self.labels):
                if allowed := catalogue.not_labelled_by(source, labels):
                    raise PydanticCustomError(
                        "labels", "labels: {labels} do not go with source {source}; allowed: {allowed}",
                        {"labels": repr(labels), "source": repr(source), "allowed": ", ".join(allowed)},
                    )  # fmt: skip
                if self.balanced and (catalogue.SOURCES[source].counts is None or "random" in labels):
                    raise _problem(f"balanced goes with labels that the digits of a real source decide, not {labels!r}")
                self._check_sizes(source, labels)
        return self

    def _check_sizes(self, source: str, labels: str) -> None:
        entry = catalogue.SOURCES[source]
        if entry.counts is None:
            return
        wanted = {"train_size": max(as_list(self.train_size)), "test_size": self.test_size or 1}
        for (key, size), limit in zip(wanted.items(), entry.sizes(catalogue.LABELS[labels].digits), strict=True):
            if size > limit:
                raise PydanticCustomError(
                    "too_large", "{key}: {size} is more than source {source} has for labels {labels};"
                    " allowed: at most {limit}",
                    {"key": key, "size": size, "source": repr(source), "labels": repr(labels), "limit": limit},
                )  # fmt: skip


class NetworkBase(Strict):
    """A family of networks; the infinite-width quantities depend on depth and activation alone.

    The defaults are what these quantities are the limit of: no biases, every layer trained.
    """

    architecture: Axis[Annotated[str, OneOf(("mlp",), "architecture")]] = Field(
        "mlp", description="mlp: fully connected"
    )
    activation: Axis[ActivationName] = Field("relu", description="hidden activation")
    depth: Axis[Annotated[int, Field(ge=1, le=1000)]] = Field(
        description="number of weight matrices L; 1: a linear model"
    )
    width: Axis[Count] = Field(1000, description="hidden neurons a layer m")
    bias: Axis[Annotated[str, OneOf(("none", "first", "all"), "bias")]] = Field(
        "none", description="layers with a bias"
    )
    residual: Axis[bool] = Field(False, description="hidden layers of equal width add their input to their output")
    output: Axis[Annotated[str, OneOf(OUTPUTS, "output")]] = Field(
        "trained",
        description="the last layer: trained; +-1/sqrt(m) by coin and frozen (signs); 2/m, then -2/m, frozen (halves);"
        " trained, with the network's output divided by m (mean_field); the same from 0, all other layers frozen"
        " (random_features)",
    )


class _Network(NetworkBase):
    @model_validator(mode="after")
    def _parameters_are_used(self) -> "_Network":
        _check_parameters(self, catalogue.ACTIVATIONS, "activation")
        return self


class TrainingBase(Strict):
    """How networks are found by gradient descent."""

    optimizer: Axis[OptimizerName] = Field("nero", description="the update rule")
    until_fit: OptimizerName | None = Field(
        None, description="another update rule, for a network's steps until it first has no training error"
    )
    learning_rate: Axis[Positive] = Field(0.01, description="step size at the start")
    decay: Axis[Annotated[Real, Field(gt=0, le=1)]] = Field(1.0, description="learning-rate factor after every epoch")
    step_exponent: Axis[Annotated[Real, Field(ge=0, le=1)]] = Field(
        0.0, description="the learning rate is divided by the step's number to this power"
    )
    schedule: Axis[ScheduleName] = Field("decaying", description="of the learning rate")
    stop: Annotated[str, OneOf(("last", "fitted"), "stopping rule")] = Field(
        "last", description="last: after all epochs; fitted: once an epoch had no training error"
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
        _check_parameters(self, catalogue.OPTIMIZERS, "optimizer")
        return self

    @model_validator(mode="after")
    def _both_rules_have_steps(self) -> "_Training":
        if self.until_fit and self.stop == "fitted":
            raise _problem("until_fit leaves nothing to the optimizer with stop: fitted; allowed: stop: last")
        return self

    @model_validator(mode="after")
    def _schedule_has_its_loss(self) -> "_Training":
        if named := [name for name in as_list(self.schedule) if name in ("loss_based", "plain")]:
            wrong = [loss for loss in as_list(self.loss) if loss not in LOG_LOSSES]
            wrong += [name for name in as_list(self.optimizer) if name != "sgd"]
            if wrong:
                raise _problem(
                    f"schedule {named[0]} does not go with {wrong[0]!r}; allowed: optimizer sgd with loss"
                    f" {' or '.join(LOG_LOSSES)}"
                )
        return self

    @model_validator(mode="after")
    def _targets_have_magnitudes(self) -> "_Training":
        wrong = [loss for loss in as_list(self.loss) if loss not in MAGNITUDE_LOSSES]
        if wrong and as_list(self.targets) != ["labels"]:
            raise _problem(
                f"loss {wrong[0]!r} looks at the sign of a target only; with targets: {self.targets}, allowed:"
                f" {', '.join(MAGNITUDE_LOSSES)}"
            )
        return self


if TYPE_CHECKING:
    Task = _Task
    Network = _Network
    Training = _Training
else:
    Task = create_model("Task", __base__=_Task, __doc__=TaskBase.__doc__, **_parameters(catalogue.SOURCES))
    Network = create_model(
        "Network", __base__=_Network, __doc__=NetworkBase.__doc__, **_parameters(catalogue.ACTIVATIONS)
    )
    Training = create_model(
        "Training", __base__=_Training, __doc__=TrainingBase.__doc__, **_parameters(catalogue.OPTIMIZERS)
    )


class Sampling(Strict):
    """Guess and check: random networks, kept when they fit the training signs."""

    draws: Axis[Count] = Field(1000, description="random networks drawn")
    flip: bool = Field(True, description="also accept a network with every sign wrong, negated")


class _Experiment(Strict):
    """A small system that one function computes whole."""

    name: ExperimentName = Field(description="which one")
    seed: Axis[Whole] = Field(0, description="of everything random in it")

    @model_validator(mode="after")
    def _parameters_are_used(self) -> "_Experiment":
        _check_parameters(self, catalogue.EXPERIMENTS, "name")
        return self


if TYPE_CHECKING:
    Experiment = _Experiment
else:
    Experiment = create_model(
        "Experiment", __base__=_Experiment, __doc__=_Experiment.__doc__, **_parameters(catalogue.EXPERIMENTS)
    )


class NNGP(Strict):
    """Infinite-width quantities of a task and an architecture."""

    estimators: Distinct[EstimatorName] = Field(["bound", "mixture"], description="of the complexity -ln P")
    delta: Axis[Probability] = Field(0.01, description="failure probability of the PAC-Bayes bound")
    constant: Axis[Annotated[str, OneOf(("tight", "published"), "constant")]] = Field(
        "tight", description="of the closed bound: tight n(ln 2 - 1/2), or the published code's n/5"
    )
    draws: Axis[Count] = Field(100_000, description="draws of the importance estimator")
    samples: Axis[Annotated[int, Field(ge=256)]] = Field(
        4096, description="quasi-random points of the mixture estimator"
    )
    posterior: bool = Field(True, description="also the errors of the posterior on the orthant")
    label_scale: Axis[Positive] | None = Field(None, description="also condition on f(X) = alpha Y for these alpha")
    ray_samples: Annotated[int, Field(ge=2)] = Field(100, description="functions drawn for every alpha")


class FigureSettings(Strict):
    """One figure: which drawing, of what, how large."""

    figure: FigureName | None = Field(None, description="name in the figure table; default: its own key")
    select: dict[str, float | int | str] = Field({}, description="dimension: value, a part of the study's dataset")
    width: Positive | None = Field(None, description="inches")
    height: Positive | None = Field(None, description="inches")
    quantities: Distinct[str] | None = Field(
        None, description="of lines and scatter: the study's variables, a panel each"
    )
    x: str | None = Field(None, description="of lines: the dimension along which they run (default step)")
    hue: str | None = Field(None, description="of lines and scatter: the dimension told apart by colour")
    style: str | None = Field(None, description="of lines and scatter: the dimension told apart by dashes or markers")
    log: Distinct[Annotated[str, OneOf(("x", "y"), "axis")]] | None = Field(
        None, description="of lines and scatter: axes with a logarithmic scale"
    )


def _as_mapping(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    if wrong := [name for name in value if not isinstance(name, str)]:
        raise _problem(f"{wrong[0]!r} is no name of a figure; allowed: a list of names, or a block of name: settings")
    if len(set(map(str, value))) < len(value):
        raise PydanticCustomError("duplicate", "a figure is named twice; name each once", {})
    return {name: {} for name in value}


class Study(Strict):
    """A grid that answers one paper's question; its result is one dataset."""

    question: str = Field("", description="what it asks, for the report")
    method: str = Field("", description="how it answers, in a few sentences, for the report")
    task: Task | None = None
    network: Network | None = None
    training: Training | None = None
    sampling: Sampling | None = None
    nngp: NNGP | None = None
    experiment: Experiment | None = None
    ensemble: list[Annotated[str, OneOf(VECTORISABLE, "vectorisable axis")]] = Field(
        ["seed", "label_scale"], description="axes computed together in one job"
    )
    metrics: Distinct[MetricName] | None = Field(None, description="measured on every run")
    figures: Annotated[dict[str, FigureSettings], BeforeValidator(_as_mapping)] = Field(
        {}, description="names, or name: settings"
    )
    checks: list[CheckName] = Field([], description="predictions that the report tests")
    published: list[PublishedName] = Field([], description="tables shown beside our values")

    @model_validator(mode="after")
    def _whole(self) -> "Study":
        runs = self.training is not None or self.sampling is not None
        if not runs and self.nngp is None and self.experiment is None:
            raise _problem("a study needs at least one of training, sampling, nngp, experiment")
        wants_task = self.experiment is not None and catalogue.EXPERIMENTS[self.experiment.name].task
        if self.experiment is not None and wants_task and self.task is None:
            raise _problem(f"experiment {self.experiment.name!r} needs a task block")
        if self.task is not None and not (runs or self.nngp is not None or wants_task):
            raise _problem("nothing in this study uses its task block")
        if (runs or self.nngp is not None) and (self.task is None or self.network is None):
            raise _problem(
                "training, sampling and nngp need a task and a network block (nngp its depth and activation)"
            )
        if self.network is not None and (self.nngp is not None or self._targets_from_kernel()):
            duals = [name for name, entry in catalogue.ACTIVATIONS.items() if entry.dual]
            if wrong := [name for name in as_list(self.network.activation) if name not in duals]:
                raise _problem(
                    f"activation {wrong[0]!r} has no infinite-width kernel in closed form, which nngp and spherised"
                    f" targets need; allowed: {', '.join(duals)}"
                )
            plain = {"bias": "none", "residual": False, "output": "trained"}
            for key, value in plain.items():
                if as_list(getattr(self.network, key)) != [value]:
                    raise _problem(f"nngp and spherised targets are for networks with {key}: {value}")
        if runs and not self.metrics:
            raise _problem("training or sampling without metrics measures nothing: add metrics")
        if self.metrics and not runs:
            raise _problem("metrics are measured on runs: add training or sampling")
        self._check_metrics()
        self._check_figures(self.axes())
        return self

    def _check_metrics(self) -> None:
        """Every metric has what it needs: weights, a loss with margins, as many layers as it is made for."""
        for name in self.metrics or []:
            entry = catalogue.METRICS[name]
            if entry.trained and self.sampling is not None:
                raise _problem(f"metric {name!r} is one of trained networks; sampling trains none")
            losses = as_list(self.training.loss) if self.training else []
            depths = as_list(self.network.depth) if self.network else []
            for what, given, allowed in (("loss", losses, entry.losses), ("depth", depths, entry.depth)):
                if allowed and (wrong := [value for value in given if value not in allowed]):
                    listed = ", ".join(map(str, allowed))
                    raise _problem(f"metric {name!r} is not for {what} {wrong[0]!r}; allowed: {listed}")

    def _targets_from_kernel(self) -> bool:
        return self.training is not None and as_list(self.training.targets) != ["labels"]

    def axes(self) -> dict[str, list[Any]]:
        """The axes of the grid, in the order of the blocks; an axis in two blocks has the same list in both."""
        axes: dict[str, list[Any]] = {}
        for block in (self.task, self.network, self.training, self.sampling, self.nngp, self.experiment):
            for key, value in axes_of(block).items():
                if axes.setdefault(key, value) != value:
                    raise _problem(f"{key} is a list in two blocks, with different values; one axis has one list")
        return axes

    def _check_figures(self, axes: dict[str, Any]) -> None:
        for name, settings in self.figures.items():
            figure = settings.figure or name
            if figure not in catalogue.FIGURES:
                raise _problem(
                    f"figures: there is no figure of the name {figure!r}{nearest(figure, catalogue.FIGURES)};"
                    f" allowed: {', '.join(catalogue.FIGURES)}"
                )
            entry = catalogue.FIGURES[figure]
            missing = [need for need in entry.needs if need not in self.variables()]
            missing += [axis for axis in entry.axes if axis not in axes and axis != "estimator"]
            if missing:
                raise _problem(f"figure {name!r} needs {', '.join(missing)}, which this study does not have")
            self._check_options(name, settings, entry, axes)
            for axis, value in settings.select.items():
                if value not in axes.get(axis, []):
                    allowed = axes.get(axis) or f"the axes {', '.join(axes) or 'none'}"
                    raise _problem(f"figure {name!r}: select {axis}: {value!r} is not in the grid; allowed: {allowed}")

    def _check_options(
        self, name: str, settings: FigureSettings, entry: catalogue.Figure, axes: dict[str, Any]
    ) -> None:
        settable = {key for figure in catalogue.FIGURES.values() for key in figure.options}
        for key in sorted(settable - set(entry.options)):
            if getattr(settings, key) is not None:
                owners = [other for other, figure in catalogue.FIGURES.items() if key in figure.options]
                raise _problem(f"figure {name!r} has no setting {key}; those with one: {', '.join(owners)}")
        if not entry.options:
            return
        if len(settings.quantities or []) < entry.quantities:
            raise _problem(
                f"figure {name!r} needs quantities: [...], {entry.quantities} or more of this study's variables"
            )
        variables = self.variables()
        for quantity in settings.quantities or []:
            if quantity not in variables:
                raise _problem(
                    f"figure {name!r}: quantity {quantity!r} is not measured here{nearest(quantity, variables)};"
                    f" allowed: {', '.join(sorted(variables))}"
                )
        dims = {*axes, "member", "step"} if self.training else set(axes)
        dims |= {dim for metric in self.metrics or [] for dim in catalogue.METRICS[metric].dims}
        dims |= set(catalogue.EXPERIMENTS[self.experiment.name].dims) if self.experiment else set()
        for key in ("x", "hue", "style"):
            if (dim := getattr(settings, key)) is not None and dim not in dims:
                raise _problem(
                    f"figure {name!r}: {key}: {dim!r} is no dimension of this study{nearest(dim, dims)};"
                    f" allowed: {', '.join(sorted(dims))}"
                )

    def variables(self) -> set[str]:
        """Names of the data variables that this study's dataset will have."""
        metrics = self.metrics or []
        names = set(metrics) if self.training else set()
        if self.sampling:
            names |= {f"sampled_{metric}" for metric in metrics} | {"sampled_acceptance"}
        if self.nngp:
            names |= set(catalogue.NNGP_VARIABLES["estimators"])
            names |= set(catalogue.NNGP_VARIABLES["posterior"]) if self.nngp.posterior else set()
            names |= set(catalogue.NNGP_VARIABLES["label_scale"]) if self.nngp.label_scale is not None else set()
        if self.experiment:
            names |= set(catalogue.EXPERIMENTS[self.experiment.name].variables)
        return names


class Execution(Strict):
    """How jobs run; nothing here changes a number, so nothing here enters a key."""

    device: Annotated[str, OneOf(("auto", "cpu", "cuda"), "device")] = Field(
        "auto", description="auto: cuda where there is one"
    )
    threads: Count = Field(1, description="threads a job; jobs run side by side, so 1 is fastest for small work")
    keep_weights: bool = Field(True, description="false: runs hold no weights and are deleted once they are measured")


class Config(Strict):
    """A whole config file."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$")] = Field(
        "", description="subfolder of results/ for studies, figures and report; the points themselves are shared"
    )
    execution: Execution = Execution()
    studies: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")], Study] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_free(self) -> "Config":
        if "all_runs" in self.studies:
            raise _problem("all_runs is the table of all studies' runs, no name for a study")
        return self


def _problem(text: str) -> PydanticCustomError:
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
