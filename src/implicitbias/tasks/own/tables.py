"""Tables in a .csv or .parquet file: a column of labels, perhaps one that splits, and columns of numbers."""

import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from implicitbias.errors import ConfigError, DataError
from implicitbias.tasks.own.raw import Part, Raw, contents, digest_of

_LABEL, _SPLIT = "label", "split"
Where = Callable[[int], str]


def read_csv(path: Path) -> Raw:
    """A table with a head line: the column `label`, if there is one the column `split` (train or test), and numbers.

    Raises:
        DataError: if it is no such table; it names the line.

    """
    content = contents(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # lines with more values than the head line
            table = pd.read_csv(
                BytesIO(content), index_col=False, dtype={_LABEL: str, _SPLIT: str}, keep_default_na=False,
                na_values=[""], skip_blank_lines=False, low_memory=False,
            )  # fmt: skip
    except Exception as error:  # pandas, and the codecs below it, raise a dozen different types
        raise DataError(f"{path}: cannot be read as a table ({str(error).strip()})") from error
    return _raw(path, content, table, lambda row: f"{path}: line {row + 2}")


def read_parquet(path: Path) -> Raw:
    """A table as in `read_csv`.

    Raises:
        ConfigError: if the library that reads this format is not installed.
        DataError: if it is no such table; it names the row.

    """
    content = contents(path)
    try:
        table = pd.read_parquet(BytesIO(content))
    except ImportError as error:
        raise ConfigError(
            f"{path}: pyarrow, which reads .parquet files, is not installed; pip install pyarrow, or save as .csv"
        ) from error
    except Exception as error:  # pyarrow has a family of its own
        raise DataError(f"{path}: cannot be read as a table ({str(error).strip()})") from error
    return _raw(path, content, table, lambda row: f"{path}: row {row} (counted from 0)")


def _raw(path: Path, content: bytes, table: pd.DataFrame, where: Where) -> Raw:
    names = [str(name) for name in table.columns]
    table.columns = pd.Index(names)
    if _LABEL not in names or len(set(names)) < len(names):
        raise DataError(f"{path}: the columns are {_few(names)}; allowed: each once, and one of them {_LABEL!r}")
    numbers = table.drop(columns=[_LABEL, _SPLIT], errors="ignore")
    if not len(table) or not len(numbers.columns):
        told = f"{len(table)} rows and {len(numbers.columns)} columns of numbers"
        raise DataError(f"{path}: has {told}; allowed: one of each, or more")
    for name in names:
        _check_column(table[name], name, where, number=name in numbers)
    whole = Part(numbers.to_numpy(np.float64), _labels(table[_LABEL], where), where)
    digest = digest_of([(path.name, content)])
    if _SPLIT not in table:
        return Raw(whole, None, digest)
    split = table[_SPLIT].to_numpy(object)
    wrong = np.array([value not in ("train", "test") for value in split])
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"{where(row)}: {_SPLIT} is {split[row]!r}; allowed: train, test")
    rows = [np.flatnonzero(split == name) for name in ("train", "test")]
    if not all(map(len, rows)):
        raise DataError(f"{path}: of column {_SPLIT!r} all rows are {split[0]!r}; allowed: both train and test")
    return Raw(whole.take(rows[0]), whole.take(rows[1]), digest)


def _check_column(column: "pd.Series[Any]", name: str, where: Where, number: bool) -> None:
    """Every row has a value, which is a number where numbers are wanted."""
    absent = column.isna().to_numpy(bool)
    if absent.any():
        raise DataError(f"{where(int(np.argmax(absent)))}: column {name!r} has no value")
    if number and column.dtype.kind not in "iuf":
        read = pd.to_numeric(column.astype(str), errors="coerce")
        text = read.isna().to_numpy(bool)
        row = int(np.argmax(text)) if text.any() else 0
        raise DataError(f"{where(row)}: column {name!r} is {column.iloc[row]!r}; allowed: numbers")


def _labels(column: "pd.Series[Any]", where: Where) -> np.ndarray:
    """Numbers if all labels are numbers, else names."""
    if column.dtype.kind in "biuf":
        return column.to_numpy()
    names = column.astype(str)
    numbers = pd.to_numeric(names, errors="coerce").to_numpy(np.float64)
    text = np.isnan(numbers)
    if not text.any():
        return numbers
    if not text.all():
        row = int(np.argmax(text)) if text[0] != text.any() else int(np.argmin(text))
        raise DataError(
            f"{where(row)}: the label {names.iloc[row]!r} is a {'name' if text[row] else 'number'}, unlike"
            f" {names.iloc[0]!r} in the first row; allowed: all numbers, or all names"
        )
    return names.to_numpy(str)


def _few(names: list[str], most: int = 12) -> str:
    return ", ".join(map(repr, names[:most])) + (f", ... ({len(names)} in all)" if len(names) > most else "")
