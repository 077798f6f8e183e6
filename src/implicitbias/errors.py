"""Errors whose message alone tells a researcher what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class ImplicitBiasError(Exception):
    """Base class: something is wrong that the user can put right."""


class ConfigError(ImplicitBiasError):
    """The config asks for something that does not exist or cannot be."""


class DataError(ImplicitBiasError):
    """A data file is missing, damaged, or not what its checksum promises."""


class ResultError(ImplicitBiasError):
    """A dataset breaks the result contract, or a result file cannot be read."""


class NumericalError(ImplicitBiasError):
    """The mathematics has no answer for this input (singular kernel, impossible event, …)."""


class ConvergenceWarning(UserWarning):
    """An estimate is returned, but it did not reach the accuracy asked for."""


def listed(name: object, allowed: Iterable[str], most: int = 30, place: str = "config/schema.json") -> str:
    """The allowed names; of more than `most`, those most like `name` and the place where the others are found."""
    names = list(allowed)
    if len(names) <= most:
        return ", ".join(names)
    like = get_close_matches(str(name), names, n=8, cutoff=0)
    return f"{', '.join(like)}, and {len(names) - len(like)} more (all of them: {place})"


def nearest(name: object, allowed: Iterable[str]) -> str:
    """The hint ` (did you mean 'x'?)` for the allowed name nearest to `name`, or an empty string."""
    match = get_close_matches(str(name), list(allowed), n=1)
    return f" (did you mean {match[0]!r}?)" if match else ""
