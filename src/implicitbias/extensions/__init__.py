"""Entries of your own: a Python file beside the config, whose functions are marked with what they are.

    extensions: [my_lab.py]

A function's name is the name that the config uses, the first line of its docstring says what it is, and of its settings
the signature says defaults and limits and the docstring's section Args what they mean. What else an entry of its kind
has (see `catalogue.entries`) is given to the mark:

    @metric(units="nats", dims=("class",))

From here on the entry is as good as those of the package: configs are checked against it, the schema lists it, and an
edit of the function, or of what it calls, reruns the jobs that use it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from annotated_types import Ge, Gt, Interval, Le, Lt

from implicitbias import catalogue
from implicitbias.extensions.entries import Kind, add

__all__ = [
    "Ge",
    "Gt",
    "Interval",
    "Le",
    "Lt",
    "activation",
    "architecture",
    "check",
    "experiment",
    "figure",
    "label_rule",
    "loss",
    "metric",
    "optimizer",
    "published_table",
    "source",
]

F = TypeVar("F", bound=Callable[..., Any])


def source(function: Any = None, /, **fields: Any) -> Any:
    """Points and labels +-1: `f(rng, size, *, features=..., ...) -> inputs (size, features), labels (size,)`."""
    return _mark(Kind("source", catalogue.SOURCES, catalogue.Source, ("rng", "size"), True), function, fields)


def label_rule(function: Any = None, /, **fields: Any) -> Any:
    """Labels +-1 of a synthetic source: `f(train_label, test_label, seed) -> both anew`.

    For data, whose classes the arguments then are, say which of these it `keeps`.
    """
    call = ("train_label", "test_label", "seed")
    return _mark(Kind("label rule", catalogue.LABELS, catalogue.Labels, call), function, fields)


def architecture(function: Any = None, /, **fields: Any) -> Any:
    """A family of networks: `f(phi, outputs, *, ...) -> list of layers` (see `networks.layers`)."""
    kind = Kind("architecture", catalogue.ARCHITECTURES, catalogue.Architecture, ("phi", "outputs"), True)
    return _mark(kind, function, fields)


def activation(function: Any = None, /, **fields: Any) -> Any:
    """An activation: `f(z, *, ...) -> phi(z)`, elementwise in torch; with degree, homogeneous and defect if need be."""
    return _mark(Kind("activation", catalogue.ACTIVATIONS, catalogue.Activation, ("z",), True), function, fields)


def optimizer(function: Any = None, /, **fields: Any) -> Any:
    """An update rule: `f(*, ...) -> optimizers.base.Optimizer`."""
    return _mark(Kind("optimizer", catalogue.OPTIMIZERS, catalogue.Optimizer, (), True), function, fields)


def loss(function: Any = None, /, **fields: Any) -> Any:
    """A loss: `f(outputs (member, batch), targets, label_scale (member,)) -> (member,)`, in torch."""
    call = ("outputs", "targets", "label_scale")
    return _mark(Kind("loss", catalogue.LOSSES, catalogue.Loss, call), function, fields)


def metric(function: Any = None, /, **fields: Any) -> Any:
    """A metric of a run: a function of arrays that its arguments name, such as `test_outputs (..., n)`, to `(...)`."""
    return _mark(Kind("metric", catalogue.METRICS, catalogue.Metric), function, fields)


def experiment(function: Any = None, /, **fields: Any) -> Any:
    """A system of its own: `f(*, seed, ...) -> xarray.Dataset`, with `variables`, the names of those that it has."""
    return _mark(Kind("experiment", catalogue.EXPERIMENTS, catalogue.Experiment, (), True), function, fields)


def figure(function: Any = None, /, **fields: Any) -> Any:
    """A figure of a study's dataset: `f(dataset) -> matplotlib figure`, with the variables that it `needs`."""
    return _mark(Kind("figure", catalogue.FIGURES, catalogue.Figure, ("dataset",)), function, fields)


def check(function: Any = None, /, **fields: Any) -> Any:
    """A prediction about a study's dataset: `f(dataset) -> studies.verdicts.verdict(passed, numbers)`."""
    return _mark(Kind("check", catalogue.CHECKS, catalogue.Entry, ("dataset",)), function, fields)


def published_table(function: Any = None, /, **fields: Any) -> Any:
    """Published values: `f() -> list of studies.published.Row`."""
    return _mark(Kind("published table", catalogue.PUBLISHED, catalogue.Entry), function, fields)


def _mark(kind: Kind, function: Any, fields: dict[str, Any]) -> Any:
    """Add the function; or what adds it, where the mark is written with parentheses."""
    if function is None:
        return lambda function: _mark(kind, function, fields)
    add(kind, function, fields)
    return function
