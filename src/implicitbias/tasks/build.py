"""A task: source + labels + training size + seeds, as a dataset of inputs and +-1 labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from implicitbias.catalogue import LABEL_SUBSET, LABELS, SOURCES, resolve
from implicitbias.errors import ConfigError, nearest
from implicitbias.schema import describe, variable

_PAPER = "Bernstein & Yue 2021, section 4"


def build(
    *, source: str, labels: str, train_size: int, test_size: int | None = None, seed: Sequence[int], raw_dir: Path
) -> xr.Dataset:
    """The labelled training and test sets of every seed.

    The training set of seed s is the first `train_size` points of `RandomState(s).permutation` over the
    superset, in file order; the test set is the whole test superset, or the first `test_size` points of the
    same generator's next permutation (the authors' selection).

    Args:
        source: name in `catalogue.SOURCES`.
        labels: name in `catalogue.LABELS`.
        train_size: number of training points n.
        test_size: number of test points; None for all of them, in file order.
        seed: task seeds, each at most once.
        raw_dir: folder of the raw files.

    Returns:
        Dimensions `seed`, `train_point`, `test_point`, `feature`; variables `train_input`, `train_label`,
        `train_index`, `test_input` (without `seed` when the test set is whole), `test_label`, `test_index`.

    Raises:
        ConfigError: for an unknown name, a size that the source does not have, or impossible seeds.
        DataError: if the raw files are missing or damaged.

    """
    for name, table, what in ((source, SOURCES, "source"), (labels, LABELS, "label rule")):
        if name not in table:
            raise ConfigError(f"there is no {what} {name!r}{nearest(name, table)}; allowed: {', '.join(table)}")
    if not seed or len(set(seed)) < len(seed) or not all(0 <= s < 2**32 for s in seed):
        raise ConfigError(f"seed = {list(seed)}; allowed: one or more numbers from 0 to 2^32 - 1, each once")
    superset = resolve(SOURCES[source])(raw_dir)
    if LABEL_SUBSET[labels] == "zero_one":
        superset = superset.only((0, 1))
    available = len(superset.train_digit), len(superset.test_digit)
    for key, size, limit in zip(("train_size", "test_size"), (train_size, test_size), available, strict=True):
        if size is not None and not 1 <= size <= limit:
            raise ConfigError(f"{key} = {size}: {labels!r} on {source!r} has {limit} points; allowed: 1 to {limit}")

    whole = test_size is None
    train_index, test_index = zip(*(_select(s, available, train_size, test_size) for s in seed), strict=True)
    label_rule = resolve(LABELS[labels])
    labelled = [
        label_rule(superset.train_digit[train], superset.test_digit[test], s)
        for s, train, test in zip(seed, train_index, test_index, strict=True)
    ]
    train_points, test_points = np.stack(train_index), np.stack(test_index)
    test_input = superset.test_input if whole else superset.test_input[test_points]
    test_dims = ("test_point", "feature") if whole else ("seed", "test_point", "feature")
    dataset = xr.Dataset(
        {
            "train_input": variable(
                ("seed", "train_point", "feature"), superset.train_input[train_points], "training input", source=_PAPER
            ),
            "train_label": variable(
                ("seed", "train_point"), np.stack([train for train, _ in labelled]), "training label", source=_PAPER
            ),
            "train_index": variable(("seed", "train_point"), train_points, "index of the training point in its source"),
            "test_input": variable(test_dims, test_input, "test input", source=_PAPER),
            "test_label": variable(
                ("seed", "test_point"), np.stack([test for _, test in labelled]), "test label", source=_PAPER
            ),
            "test_index": variable(("seed", "test_point"), test_points, "index of the test point in its source"),
        },
        coords={
            "seed": np.asarray(seed),
            "train_point": np.arange(train_size),
            "test_point": np.arange(test_points.shape[1]),
            "feature": np.arange(superset.train_input.shape[1]),
        },
    )
    parameters = {
        "source": source, "labels": labels, "train_size": train_size, "test_size": test_size, "seed": list(seed)
    }  # fmt: skip
    return describe(dataset, f"task: {labels} labels on {source}", parameters)


def _select(
    seed: int, available: tuple[int, int], train_size: int, test_size: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training and test points of one seed."""
    generator = np.random.RandomState(seed)
    train = generator.permutation(available[0])[:train_size]
    test = generator.permutation(available[1])[:test_size]
    return train, np.arange(available[1]) if test_size is None else test
