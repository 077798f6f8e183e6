"""Parameters of entries as their functions say them: defaults in the signature, meanings in the docstring."""

from collections.abc import Mapping
from dataclasses import dataclass

from implicitbias.catalogue.entries import Parameter, Pointer
from implicitbias.docstrings import defaults_of, docstring_of, meanings


@dataclass(frozen=True)
class Bounds:
    """What a signature cannot say of a parameter (see `Parameter`)."""

    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    choices: tuple[str, ...] = ()


def parameters_of(function: Pointer, bounds: Mapping[str, Bounds]) -> dict[str, Parameter]:
    """The parameters that have bounds, of a function whose module is read and not imported."""
    defaults, told = defaults_of(function), meanings(docstring_of(function))
    return {key: Parameter(defaults[key], told[key], **vars(own)) for key, own in bounds.items()}
