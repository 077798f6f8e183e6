"""Predictions that a program can test, by topic: a check says of a study's dataset passed, failed or not run."""

import re
from dataclasses import replace

import xarray as xr

from implicitbias.catalogue import CHECKS, resolve
from implicitbias.studies.verdicts import MissingData, Verdict, diverged


def run_check(name: str, dataset: xr.Dataset) -> Verdict:
    """The verdict of a check of the catalogue; "not run" where the dataset lacks what it needs.

    The numbers end with how many networks have diverged: these pass no check that asks them for a number.
    """
    try:
        found: Verdict = resolve(CHECKS[name])(dataset)
    except MissingData as missing:
        return Verdict("not run", f"this study has {missing}")
    except (
        LookupError,
        ValueError,
        TypeError,
        ArithmeticError,
    ) as error:  # xarray quotes the variable, dimension or value it misses
        quoted = re.search(r"'(\w+)'", str(error))
        if not quoted:
            return Verdict("not run", "there is nothing in this study to judge")
        some = "not all values of" if "not all values" in str(error) else "no"
        return Verdict("not run", f"this study has {some} {quoted[1]}")
    lost = diverged(dataset)
    return replace(found, numbers=f"{found.numbers}; {lost}") if lost else found
