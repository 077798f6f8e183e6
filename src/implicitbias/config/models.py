"""What a config may say: the pydantic models behind config/schema.json and every validation error."""

from collections.abc import Mapping, Sequence
from itertools import product
from math import ceil
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from implicitbias import catalogue
from implicitbias.config.blocks import (
    NNGP,
    OF_TABLES,
    VECTORISABLE,
    Experiment,
    Network,
    Sampling,
    Strict,
    Task,
    Training,
    as_list,
    axes_of,
    problem,
)
from implicitbias.config.dataset import variables_of
from implicitbias.config.figures import check_figures
from implicitbias.config.grid import DECIDING, chosen_network, chosen_task, classes_of, grid, points_of, rows_of
from implicitbias.config.limits import check_limits
from implicitbias.config.parameters import add_parameters
from implicitbias.config.values import Count, Distinct, Name, NameOrNone, OneOf, Positive, Text, counted
from implicitbias.errors import ConfigError
from implicitbias.extensions.files import said_by_extension
from implicitbias.networks import Network as NetworkValue
from implicitbias.networks import network_of

MetricName = Annotated[str, OneOf(catalogue.METRICS, "metric")]
FigureName = Annotated[str, OneOf(catalogue.FIGURES, "figure")]
CheckName = Annotated[str, OneOf(catalogue.CHECKS, "check")]
PublishedName = Annotated[str, OneOf(catalogue.PUBLISHED, "published table")]


class FigureSettings(Strict):
    """One figure: which drawing, of what, how large."""

    figure: FigureName | None = Field(None, description="name in the figure table; default: its own key")
    select: dict[str, float | int | str] = Field({}, description="dimension: value, a part of the study's dataset")
    width: Positive | None = Field(None, description="inches")
    height: Positive | None = Field(None, description="inches")
    quantities: Distinct[str] | None = Field(
        None, description="of lines and scatter: the study's variables, a panel each"
    )
    x: str | None = Field(
        None,
        description="of lines: the dimension along which they run; default: step where several are kept, or else the"
        " first that varies",
    )
    hue: str | None = Field(None, description="of lines and scatter: the dimension told apart by colour")
    style: str | None = Field(None, description="of lines and scatter: the dimension told apart by dashes or markers")
    log: Distinct[Annotated[str, OneOf(("x", "y"), "axis")]] | None = Field(
        None, description="of lines and scatter: axes with a logarithmic scale"
    )


def _as_mapping(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    if wrong := [name for name in value if not isinstance(name, str)]:
        raise problem(f"{wrong[0]!r} is no name of a figure; allowed: a list of names, or a block of name: settings")
    if len(set(map(str, value))) < len(value):
        raise PydanticCustomError("duplicate", "a figure is named twice; name each once", {})
    return {name: {} for name in value}


def _built(
    who: str, parameters: Mapping[str, Any], source: str, points: catalogue.Points, rows: str | None = None
) -> NetworkValue:
    """The network, or the reason why it cannot be."""
    try:
        return network_of(parameters, points.shape, rows=rows, outputs=points.outputs)
    except ConfigError as error:
        raise problem(f"network for {who} on source {source!r}: {error}") from error
    except Exception as error:
        if told := said_by_extension(error):
            raise problem(f"network for {who} on source {source!r}: {told}") from error
        raise


def _check_kernel(who: str, network: NetworkValue) -> None:
    if reason := network.without_nngp:
        raise problem(f"{who} needs a kernel in closed form: {reason}")


class Study(Strict):
    """A grid that answers one paper's question; its result is one dataset."""

    composed = ("like",)

    theme: str = Field("", description="the part of the report that it stands in")
    papers: list[str] = Field([], description="the papers that it is after, for the report")
    question: str = Field("", description="what it asks, for the report")
    method: str = Field("", description="how it answers, in a few sentences, for the report")
    task: Task | None = Field(None, description="training and test points with their labels")
    network: Network | None = Field(None, description="the networks, finite and infinitely wide")
    training: Training | None = Field(None, description="how finite networks are trained, and to what")
    sampling: Sampling | None = Field(None, description="random finite networks, of which those that fit are kept")
    nngp: NNGP | None = Field(None, description="what is asked of the infinitely wide network")
    experiment: Experiment | None = Field(None, description="a system with data, networks or training of its own")
    ensemble: list[Annotated[str, OneOf(VECTORISABLE, "vectorisable axis")]] = Field(
        ["seed", "label_scale"], description="axes computed together in one job"
    )
    metrics: Distinct[MetricName] | None = Field(None, description="measured on every run")
    figures: Annotated[
        dict[Name, FigureSettings],
        BeforeValidator(_as_mapping, json_schema_input_type=dict[Name, FigureSettings] | list[FigureName]),
    ] = Field({}, description="names, or name: settings")
    checks: list[CheckName] = Field([], description="predictions that the report tests")
    published: list[PublishedName] = Field([], description="tables shown beside our values")

    @model_validator(mode="after")
    def _whole(self) -> "Study":
        self._check_blocks()
        check_limits(self)
        self._check_networks()
        self._check_orthants()
        self._check_image_classifiers()
        check_figures(self)
        return self

    def _check_blocks(self) -> None:
        """Every block has what it needs, and is used."""
        runs = self.training is not None or self.sampling is not None
        if not runs and self.nngp is None and self.experiment is None:
            raise problem("a study needs at least one of training, sampling, nngp, experiment")
        wants_task = self.experiment is not None and catalogue.EXPERIMENTS[self.experiment.name].task
        if self.experiment is not None and wants_task and self.task is None:
            raise problem(f"experiment {self.experiment.name!r} needs a task block")
        if self.task is not None and not (runs or self.nngp is not None or wants_task):
            raise problem(f"nothing in this study uses its task block (source: {self.task.source})")
        if (runs or self.nngp is not None) and (self.task is None or self.network is None):
            raise problem("training, sampling and nngp need a task and a network block (nngp its depth and activation)")
        if runs and not self.metrics:
            raise problem("training or sampling without metrics measures nothing: add metrics")
        if self.metrics and not runs:
            raise problem("metrics are measured on runs: add training or sampling")
        for name in self.metrics or []:
            if name.endswith("_stderr") and (of := name.removesuffix("_stderr")) not in (self.metrics or []):
                raise problem(f"metric {name!r} is the standard error of {of!r}; allowed: beside it")
        if self.experiment is not None and wants_task and isinstance(self.experiment.seed, list):
            raise problem(
                f"experiment.seed = {self.experiment.seed}: the seeds of experiment {self.experiment.name!r} are those"
                " of its tasks; allowed: one number here, and a list in task.seed"
            )
        for key, values in axes_of(self.experiment).items():
            for name in ("task", "network", "training", "sampling", "nngp"):
                other = getattr(getattr(self, name), key, None)
                if other not in (None, values):
                    raise problem(
                        f"experiment.{key} is the list {values}, and {name}.{key} is {other}; allowed: the same list in"
                        " both, or an experiment in a study of its own"
                    )
        scales = [block.label_scale for block in (self.training, self.nngp) if block and block.label_scale]
        if len(scales) == 2 and scales[0] != scales[1] and not all(isinstance(scale, list) for scale in scales):
            raise problem(
                f"training.label_scale = {scales[0]} and nngp.label_scale = {scales[1]}: networks and the infinitely"
                " wide network would be given different targets; allowed: the same in both"
            )
        rates = as_list(self.training.learning_rate) if self.training and "learning_rate" in self.ensemble else []
        if words := [rate for rate in rates if isinstance(rate, str)]:
            raise problem(f"learning rate {words[0]!r} is a number job by job only; allowed in an ensemble: numbers")

        self._check_checkpoints()

    def _check_checkpoints(self) -> None:
        """Steps that are to be kept are steps of every run."""
        if self.training is None or self.task is None or isinstance(self.training.checkpoints, str):
            return
        sizes, batches, epochs = map(as_list, (self.task.train_size, self.training.batch_size, self.training.epochs))
        shortest = min(
            passes * (1 if batch == "full" else ceil(n / batch)) for n, batch, passes in product(sizes, batches, epochs)
        )
        if (last := max(self.training.checkpoints)) > shortest:
            raise problem(
                f"training.checkpoints: {last} is no step of every run; allowed: final, log, or steps from 0 to"
                f" {shortest}, the last of the shortest run"
            )

    def _check_networks(self) -> None:
        """Every network of the grid can be built for the inputs of every source, and has the kernel that it needs."""
        if self.network is None or self.task is None:
            return
        trainings = points_of(self.training, {*DECIDING, "targets"})
        for (_, settings), ((source, points), n) in product(grid(self.network, set()), self.points().items()):
            parameters = chosen_network(settings)
            self._check_trained(parameters, trainings, source, points, n)
            # those of the other stages: of the class that is asked for, or else of the classes that are trained
            classes = classes_of(parameters["rows"], trainings)
            if self.sampling is not None:
                for rows in classes:
                    _built("random networks", parameters, source, points, rows)
            if self.nngp is not None:
                for rows in as_list(self.nngp.rows) if self.nngp.rows else classes:
                    infinite = _built("nngp", parameters, source, points, rows)
                    _check_kernel("nngp", infinite)
                    for what in self._inverted():
                        self._check_rank(f"nngp: {what}", infinite, n)
                    if self.nngp.lazy and infinite.without_ntk:
                        raise problem(f"nngp.lazy: true needs a tangent kernel in closed form: {infinite.without_ntk}")

    def _inverted(self) -> list[str]:
        """The settings of the infinite-width stage that need the kernel's inverse."""
        assert self.nngp is not None
        asked = {
            "estimators: bound": "bound" in self.nngp.estimators, "posterior: true": self.nngp.posterior,
            "label_scale": self.nngp.label_scale is not None,
        }  # fmt: skip
        return [key for key, wanted in asked.items() if wanted]

    def _check_rank(self, what: str, infinite: NetworkValue, n: int) -> None:
        """A linear network's kernel has an inverse for no more points than there are dimensions."""
        assert self.task is not None
        rank = infinite.nngp_rank
        if self.task.centred and rank <= infinite.features:
            rank = min(rank, n - 1)  # centred points sum to 0
        if n > rank:
            raise problem(
                f"{what} inverts the kernel, which for a linear network on {infinite.features} features has rank"
                f" {rank:g} at most, less than train_size: {n}; allowed: fewer points, another activation, or"
                " estimators without bound, posterior: false, no label_scale and targets other than spherised"
            )

    def _check_orthants(self) -> None:
        """Of several classes, every estimator but the mixture takes the n (C - 1) differences between outputs."""
        if self.nngp is None or self.task is None:
            return
        n, classes = max(as_list(self.task.train_size)), max(points.classes for _, points in self.points())
        for name in self.nngp.estimators:
            needed = catalogue.orthant_bytes(n * max(0, classes - 1), name)
            if name != "mixture" and needed > catalogue.LARGEST_ORTHANT:
                raise problem(
                    f"nngp.estimators: {name!r} needs {needed / 1e9:.0f} GB for {n} points of {classes} classes;"
                    f" allowed: {catalogue.LARGEST_ORTHANT / 1e9:.0f} GB, or the estimator mixture"
                )

    def _check_trained(
        self, parameters: Mapping[str, Any], trainings: Sequence[Mapping[str, Any]], source: str,
        points: catalogue.Points, n: int,
    ) -> None:  # fmt: skip
        """Networks are of the class that their optimizer keeps them in; targets from the kernel need one."""
        for training in trainings:
            rows = rows_of(training)
            if parameters["rows"] not in (None, rows):
                raise problem(
                    f"network.rows = {parameters['rows']!r} does not go with optimizer {training['optimizer']!r}, whose"
                    f" networks have rows {rows!r}; allowed: rows: {rows}, or null, and nngp.rows for another kernel"
                )
            network = _built(f"optimizer {training['optimizer']!r}", parameters, source, points, rows)
            if first := self.training.until_fit if self.training else None:
                of_first = catalogue.OPTIMIZERS[first].rows_of(training)
                _built(f"until_fit {first!r}", parameters, source, points, of_first)
            if training["targets"] == "spherised":
                _check_kernel("targets: spherised", network)
                self._check_rank("targets: spherised", network, n)
        rates = as_list(self.training.learning_rate) if self.training else []
        if by_width := [rate for rate in rates if str(rate).endswith("m") and "width" not in parameters]:
            raise problem(f"learning_rate = {by_width[0]!r}: architecture {parameters['architecture']!r} has no width")

    def _check_image_classifiers(self) -> None:
        """Every network of an experiment with images can be built for those of every source."""
        if self.experiment is None or self.task is None or not catalogue.EXPERIMENTS[self.experiment.name].images:
            return
        known = catalogue.EXPERIMENTS[self.experiment.name].parameters
        keys = ("architecture", "layers", "factor")
        axes = [as_list(getattr(self.experiment, key) or known[key].default) for key in keys]
        real = [name for name, entry in catalogue.SOURCES.items() if entry.images]
        for source, points in self.points():
            if source not in real:
                raise problem(
                    f"experiment {self.experiment.name!r} is for images, not for source {source!r};"
                    f" allowed: {', '.join(real)}"
                )
            for architecture, layers, factor in product(*axes):
                parameters = {"architecture": architecture, "depth": layers, "factor": factor}
                _built(f"experiment {self.experiment.name!r}", parameters, source, points)

    def axes(self) -> dict[str, list[Any]]:
        """The axes of the grid, in the order of the blocks; an axis in two blocks has the same list in both."""
        axes: dict[str, list[Any]] = {}
        for block in (self.task, self.network, self.training, self.sampling, self.nngp, self.experiment):
            for key, value in axes_of(block).items():
                if (known := axes.setdefault(key, value)) != value:
                    raise problem(f"{key} is a list in two blocks, {known} and {value}; allowed: the same list in both")
        return axes

    def points(self) -> dict[tuple[str, catalogue.Points], int]:
        """Every source with what its points are on the grid, and how many of them are the largest training set."""
        assert self.task is not None
        found: dict[tuple[str, catalogue.Points], int] = {}
        for settings in points_of(self.task, ("source", "features", "path", "train_size", "labels", "classes")):
            task = chosen_task(settings)
            task["features"] = counted(task.get("features"), task["train_size"])
            place = task["source"], catalogue.described(task)
            found[place] = max(task["train_size"], found.get(place, 0))
        return found

    def variables(self) -> dict[str, frozenset[str]]:
        """The data variables that this study's dataset will have, with their dimensions."""
        return variables_of(self)


class Execution(Strict):
    """How jobs run; nothing here changes a number.

    Nothing here enters a key either; where the limits cut an ensemble, its parts have the keys that they would have
    alone.
    """

    device: Annotated[str, OneOf(("auto", "cpu", "cuda"), "device")] = Field(
        "auto", description="auto: cuda where there is one"
    )
    gpus: bool = Field(
        False, description="true: the cluster has GPUs; device auto asks for one where a CPU takes much longer"
    )
    longest_minutes: Count | None = Field(
        None, description="longest run time that is granted; an ensemble that takes longer is cut into several jobs"
    )
    largest_mb: Count | None = Field(None, description="most memory that is granted, in MB")
    threads: Count = Field(1, description="threads a job; jobs run side by side, so 1 is fastest for small work")
    rerun_on_upgrade: bool = Field(
        False, description="true: compute results of other versions of torch, numpy or scipy than those installed anew"
    )
    keep_weights: bool = Field(
        True,
        description="false: runs are deleted once they are measured, and hold no weights unless a metric asks for them",
    )


class Config(Strict):
    """A whole config file."""

    composed = ("include", "only")

    name: NameOrNone = Field(
        "", description="subfolder of results/ for studies, figures and report; the points themselves are shared"
    )
    extensions: list[Text] = Field(
        [],
        description="Python files with entries of your own, by their paths from this one (see implicitbias.extensions)",
    )
    execution: Execution = Field(Execution(), description="how jobs run; nothing of it changes a number")
    studies: dict[Name, Study] = Field(min_length=1, description="name: study, in the order of the report")

    @model_validator(mode="after")
    def _names_are_free(self) -> "Config":
        if "all_runs" in self.studies:
            raise problem("all_runs is the table of all studies' runs, no name for a study")
        return self


def follow_tables() -> None:
    """Make the models anew of the tables of entries, to which extensions have been added, or taken from.

    Raises:
        ConfigError: for a parameter of an extension's entry whose name is taken; it names the file and the line.
    """
    for block, tables in OF_TABLES.items():
        add_parameters(block, tables)
    models: list[type[BaseModel]] = [*OF_TABLES, Study, Config]
    for model in models:
        model.model_rebuild(force=True)
