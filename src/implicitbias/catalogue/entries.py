"""What an entry of the catalogue is, of every kind."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass
from functools import cache
from importlib import import_module
from math import isfinite
from typing import Annotated, Any, get_args, get_type_hints

from implicitbias.catalogue.downloads import Download
from implicitbias.catalogue.limits import Allowed, Having, Limits, also, misfit
from implicitbias.docstrings import docstring_of, sentence

_POINTER = "module:function"
Pointer = Annotated[str, _POINTER]
"""Where code is. A field of an entry that holds one, or a tuple or mapping of them, is declared with this type: that
is how `pointers` finds it, whatever the field is called, so that an edit of that code reruns the jobs that use it."""


@dataclass(frozen=True)
class CalledBy:
    """Added to the type of a field with pointers, `Annotated[Pointer, CalledBy(module)]`: no other module calls them.

    Then an edit of their code reruns only those of the entry's jobs whose code holds that module.
    """

    module: str


@dataclass(frozen=True)
class Parameter:
    """A number, a word among `choices` or a text, that a config may set: its default, what is allowed, its meaning.

    `minimum` and `maximum` are inclusive; with `exclusive_minimum` and `exclusive_maximum` they are not. With
    `per_point` the training set's size n will do as well: a multiple "2n" of a whole number, and otherwise "5/n".
    """

    default: float | int | str | bool
    summary: str
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    choices: tuple[str, ...] = ()
    per_point: bool = False

    @property
    def shown(self) -> str:
        """The default as people read it; a text has to be given."""
        return "none" if self.default == "" else str(self.default)

    def refuses(self, value: Any) -> str:
        """What is allowed, if the value is not; otherwise an empty text."""
        if self.choices:
            return "" if value in self.choices else ", ".join(self.choices)
        for kind, allowed in ((bool, "true or false"), (str, "text")):
            if isinstance(self.default, kind):
                return "" if isinstance(value, kind) else allowed
        numbers = (int, float) if isinstance(self.default, float) else (int,)
        if isinstance(value, bool) or not isinstance(value, numbers) or not isfinite(value):
            return "a number" if isinstance(self.default, float) else "a whole number"
        told = []
        if self.minimum is not None:
            told.append((f"{'above' if self.exclusive_minimum else 'at least'} {self.minimum:g}", value - self.minimum))
        if self.maximum is not None:
            told.append((f"{'below' if self.exclusive_maximum else 'at most'} {self.maximum:g}", self.maximum - value))
        open_ends = (self.exclusive_minimum and value == self.minimum) or (
            self.exclusive_maximum and value == self.maximum
        )
        outside = open_ends or any(room < 0 for _, room in told)
        return " and ".join(words for words, _ in told) if outside else ""


@dataclass(frozen=True)
class Entry:
    """A named piece of the laboratory: where its code is and what it is.

    Without a `summary` the first paragraph of the function's docstring says what it is. It may be chosen where one of
    the mappings in `only` allows the setting of each of its keys.
    """

    function: Pointer
    summary: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    only: Limits = field(default=(), kw_only=True)

    @property
    def description(self) -> str:
        """What it is, in words."""
        return self.summary or sentence(docstring_of(self.function))

    @property
    def limits(self) -> Limits:
        """`only`, and what follows from other fields."""
        return self.only

    def misfit(self, settings: Mapping[str, Any]) -> str:
        """Which of these settings it does not go with, and what it does go with; empty if it goes with all."""
        return misfit(self.limits, settings)


@dataclass(frozen=True)
class Activation(Entry):
    """A hidden activation phi.

    `dual` is the function of its infinite-width kernel, where that has a closed form, and `mean` that of its mean over
    a normal variable. phi(r z)/r^degree is phi(z) for every r > 0 if it is `homogeneous`, and otherwise settles as r
    grows; |z phi'(z) - degree phi(z)| <= `defect`.
    """

    dual: Annotated[Pointer, CalledBy("implicitbias.networks.kernels")] = ""
    mean: Annotated[Pointer, CalledBy("implicitbias.networks.kernels")] = ""
    degree: int = 1
    homogeneous: bool = True
    defect: float = 0.0


@dataclass(frozen=True)
class Loss(Entry):
    """A loss.

    It `fits_targets` if it brings outputs to the values of their targets, and not only to their signs. A loss in the
    `log_domain` is differentiated as a logarithm. `margin` is the decreasing function of the margins over alpha that it
    sums over the points, "exponential" or "logistic"; empty where it sums another. Of several classes these are the
    `soft` margins or the margins themselves (see `losses`). One that `vanishes` is 0 where margins are large enough.
    """

    fits_targets: bool = False
    log_domain: bool = False
    margin: str = ""
    soft: bool = False
    vanishes: bool = False

    @property
    def limits(self) -> Limits:
        """`only`; training that ends without loss has one that vanishes."""
        return self.only if self.vanishes else also(self.only, {"stop": ("last", "fitted")})


@dataclass(frozen=True)
class Architecture(Entry):
    """A family of networks: a function of its parameters that returns layers (see `networks.architectures`).

    `vanishing` are the parameters that the limit of infinite width does not have.
    """

    vanishing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Optimizer(Entry):
    """An update rule.

    `rows` says what constraint it keeps the rows of weight matrices under (see `networks.layers.ROWS`), or which of its
    parameters says so.

    `equivariant`: without weight decay it may be run in the inputs' span, as gradient descent. `restartable`: it may
    begin in the middle of a run, for its steps depend neither on their number nor on more than the last two gradients.
    """

    equivariant: bool = False
    restartable: bool = False
    rows: str = "free"

    def rows_of(self, settings: Mapping[str, Any]) -> str:
        """The constraint on the rows of the networks that it trains, given its parameters."""
        if self.rows not in self.parameters:
            return self.rows
        chosen = settings.get(self.rows)
        return str(self.parameters[self.rows].default if chosen is None else chosen)


@dataclass(frozen=True)
class Source(Entry):
    """A data source.

    A real one has inputs `features` long and, in (training, test), `counts[number]` points of every class. A synthetic
    one has no counts: its function draws points and labels, as many as are wanted, given its parameters;
    `test_points` where the config does not say. `image` is the shape (channels, rows, columns) of inputs that are
    images. `download` says where its files come from. What data of your own have is not known here: `inspect` is the
    function that looks, given their path, and whether they are images shows then.
    """

    features: int = 0
    image: tuple[int, ...] = ()
    test_points: int = 1000
    counts: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    download: Download | None = None
    inspect: Pointer = ""

    @property
    def images(self) -> bool:
        """Whether its points are images, or may be."""
        return bool(self.image or self.inspect)

    @property
    def real(self) -> bool:
        """Whether its points are data, and not drawn."""
        return bool(self.counts or self.inspect)

    def rule(self, labels: Any) -> Any:
        """The name of a label rule; the labels that data come with are their classes."""
        return "class" if self.real and labels == "own" else labels

    @property
    def limits(self) -> Limits:
        """`only`, and label rules of its kind; what a synthetic source draws cannot be balanced."""
        real: Mapping[str, Allowed] = {"labels": Having({"real": (True,)})}
        synthetic: Mapping[str, Allowed] = {"labels": Having({"synthetic": (True,)}), "balanced": (False,)}
        return also(self.only, real if self.real else synthetic)

    def sizes(self, classes: tuple[int, ...]) -> tuple[int, int]:
        """Number of training and test points of these classes of a real source."""
        assert self.counts is not None
        train, test = (sum(counts[number] for number in classes) for counts in self.counts)
        return train, test

    def shape(self, features: int) -> tuple[int, ...]:
        """The shape of an input with so many features."""
        return self.image or (features,)


@dataclass(frozen=True)
class Labels(Entry):
    """A label rule: for real sources a function of the classes of the points.

    One that `keeps` only some classes names them; one with `several` labels keeps its first `classes` (a parameter; 0
    for all), and its labels are these classes. A rule without either is for synthetic sources; one that does not look
    at classes may be for both: `any_source`. All labels but those of a rule with `several` are +-1.
    """

    keeps: tuple[int, ...] = ()
    several: bool = False
    any_source: bool = False

    @property
    def real(self) -> bool:
        """Whether it labels real sources."""
        return self.several or bool(self.keeps)

    @property
    def synthetic(self) -> bool:
        """Whether it labels synthetic sources."""
        return self.any_source or not self.real


@dataclass(frozen=True)
class Metric(Entry):
    """A metric of a run: a function of the arrays that its argument names ask for (see `measurement`).

    `dims` are dimensions that its values add to the run's; with `over_networks` it takes the networks of a run
    (members, or accepted draws) together, as the last leading dimension, and its values do not have that dimension.
    `trained` says that it needs the weights or the loss of a trained run. `made_of` is the largest of:
    "outputs" (and losses), "weights", "slopes" (gradients by the inputs), "tangents" (by the weights) or "directions"
    (the same, and copies of weights along random directions); where it is not given it is the weights of a `trained`
    metric, and outputs otherwise. `arguments` of the function are given here. `coordinates` are of those `dims` that
    runs do not have; the function can ask for them by name.
    """

    long_name: str = ""
    units: str = "1"
    source: str = ""
    dims: tuple[str, ...] = ()
    over_networks: bool = False
    trained: bool = False
    made_of: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    coordinates: Mapping[str, tuple[float | str, ...]] = field(default_factory=dict)

    @property
    def demand(self) -> str:
        """What it is `made_of`, or the default."""
        return self.made_of or ("weights" if self.trained else "outputs")

    @property
    def limits(self) -> Limits:
        """`only`, and trained networks if it needs these."""
        return also(self.only, {"stage": ("training",)}) if self.trained else self.only


@dataclass(frozen=True)
class Experiment(Entry):
    """A small system that is computed whole: a function of `seed` and its parameters that gives a dataset.

    `variables` are those of the dataset, `words` those of them that hold no numbers, `dims` its dimensions; `minutes`
    on a core, at the default parameters; `work` lists for every part of the work the parameters that its time is
    proportional to, if they are not all; `dtype` is what its networks, or its other large arrays, are computed in. One
    with a `task` is given the study's tasks, one seed at a time; with `images` it classifies images, by networks of its
    parameters architecture, layers and factor. `uses` are other entries that it computes with, besides those that its
    parameters name.
    """

    variables: tuple[str, ...] = ()
    dims: tuple[str, ...] = ()
    minutes: float = 1.0
    work: tuple[tuple[str, ...], ...] = ()
    task: bool = False
    images: bool = False
    dtype: str = "float64"
    words: tuple[str, ...] = ()
    uses: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Figure(Entry):
    """A figure of a study: `needs` lists the dataset variables and `axes` the dimensions that it cannot do without.

    `estimators` are those of the complexity that it cannot do without, and `values` those of its axes; the values
    of the axes in `numbers` have to be numbers. `options` are
    the settings by which the config says what it shows; `quantities` is how many of these it needs.
    """

    alt: str = ""
    needs: tuple[str, ...] = ()
    axes: tuple[str, ...] = ()
    estimators: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    quantities: int = 1


def resolve(entry: Entry) -> Callable[..., Any]:
    """The function that an entry points to."""
    return function_of(entry.function)


def function_of(pointer: Pointer) -> Callable[..., Any]:
    """The function of the name `module:function`."""
    module, name = pointer.split(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def pointers(entry: Any) -> Iterator[tuple[Pointer, str]]:
    """Every pointer of an entry, those of entries inside it too, found by the declared types of its fields.

    Beside each stands the module that alone calls it, or "" if any code may.
    """
    of: Any = type(entry)
    for name, kind in hints(of).items():
        marks = list(_marks(kind))
        caller = next((mark.module for mark in marks if isinstance(mark, CalledBy)), "")
        for item in _items(getattr(entry, name)):
            if is_dataclass(item):
                yield from pointers(item)
            elif item and _POINTER in marks:
                yield item, caller


@cache
def hints(kind: type[Any]) -> dict[str, Any]:
    """The declared types of an entry's fields."""
    return get_type_hints(kind, include_extras=True)


def _marks(kind: Any) -> Iterator[Any]:
    """What a type is annotated with, at any depth."""
    yield from getattr(kind, "__metadata__", ())
    for inner in get_args(kind):
        yield from _marks(inner)


def _items(value: Any) -> Iterator[Any]:
    """What stands in tuples and mappings, at any depth; of another value itself."""
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if not isinstance(value, tuple):
        yield value
        return
    for item in value:
        yield from _items(item)
