"""A task: source + labels + training size + seeds, as a dataset of inputs and of labels, +-1 or classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from implicitbias.canonical import canonical_json
from implicitbias.catalogue import LABELS, SOURCES, kept_classes, resolve
from implicitbias.errors import ConfigError, nearest
from implicitbias.rng import derive_seed
from implicitbias.schema import describe, variable

_PAPER = "Bernstein & Yue 2021, section 4"
_LONG_NAMES = {
    "train_input": "training input",
    "train_label": "training label",
    "train_index": "index of the training point in its source",
    "train_random": "whether the training label was drawn at random",
    "test_input": "test input",
    "test_label": "test label",
    "test_index": "index of the test point in its source",
}


def build(
    *,
    source: str,
    train_size: int,
    seed: Sequence[int],
    raw_dir: Path,
    labels: str = "own",
    centred: bool = False,
    balanced: bool = False,
    random_share: float = 0.0,
    test_size: int | None = None,
    digest: str | None = None,
    **parameters: float | str,
) -> xr.Dataset:
    """The labelled training and test sets of every seed.

    Of a real source, the training set of seed s is the first `train_size` points of `RandomState(s).permutation` over
    the superset, in file order; the test set is the whole test superset, or the first `test_size` points of the same
    generator's next permutation (the authors' selection). A synthetic source draws its points anew for every seed.

    Args:
        source: name in `catalogue.SOURCES`.
        train_size: number of training points n.
        seed: task seeds, each at most once.
        raw_dir: folder of the raw files.
        labels: name in `catalogue.LABELS`.
        centred: whether the mean of a seed's training inputs is subtracted from all its inputs.
        balanced: of a real source, whether the first points of every label in the permutation are taken in turns.
        random_share: fraction of a seed's training labels that are random instead.
        test_size: number of test points; None for all of them, in file order (of a synthetic source, 1000).
        digest: of the contents of your own data that are meant; None for whatever is there.
        **parameters: of the source and of the label rule; those left out have their defaults.

    Returns:
        Dimensions `seed`, `train_point`, `test_point`, `feature`, and of labels that are classes `class`, with the
        names of the classes 0 ... C - 1; variables `train_input`, `train_label`, `train_index`, `test_input` (without
        `seed` when the test set is whole), `test_label`, `test_index`, and where labels are random `train_random`, 1
        for those and 0 for others; of images the attribute `image`, their shape (channels, rows, columns) as JSON.

    Raises:
        ConfigError: for an unknown name, a size that the source does not have, or impossible seeds.
        DataError: if the raw files are missing or damaged.

    """
    for name, table, what in ((source, SOURCES, "source"), (labels, LABELS, "label rule")):
        if name not in table:
            raise ConfigError(f"there is no {what} {name!r}{nearest(name, table)}; allowed: {', '.join(table)}")
    if not seed or len(set(seed)) < len(seed) or not all(0 <= s < 2**32 for s in seed):
        raise ConfigError(f"seed = {list(seed)}; allowed: one or more numbers from 0 to 2^32 - 1, each once")
    entry = SOURCES[source]
    labels = entry.rule(labels)
    rule = LABELS[labels]
    if problem := entry.misfit({"labels": labels}):
        raise ConfigError(f"source {source!r} does not go with {problem}")
    known = {**entry.parameters, **rule.parameters}
    if unknown := parameters.keys() - known.keys():
        raise ConfigError(f"source {source!r} has no parameter {min(unknown)!r}; it has: {', '.join(known)}")
    chosen = {key: parameter.default for key, parameter in known.items()} | parameters
    chosen |= {} if digest is None else {"digest": digest}
    names: tuple[str, ...] = ()
    image = entry.image
    if entry.real:
        arrays, names, image = _real(source, labels, train_size, test_size, seed, raw_dir, balanced, chosen)
    else:
        arrays = _synthetic(source, labels, train_size, test_size, seed, chosen)
    if random_share:
        possible = np.arange(len(names)) if rule.several else np.array([-1, 1])
        drawn = [
            _randomised(given, random_share, possible, s) for given, s in zip(arrays["train_label"], seed, strict=True)
        ]
        arrays["train_label"], arrays["train_random"] = map(np.stack, zip(*drawn, strict=True))
    if centred:
        mean = arrays["train_input"].mean(1, keepdims=True)
        arrays = {**arrays, "train_input": arrays["train_input"] - mean, "test_input": arrays["test_input"] - mean}
    shared = arrays["test_input"].ndim == 2
    dims = {
        "train_input": ("seed", "train_point", "feature"),
        "train_label": ("seed", "train_point"),
        "train_index": ("seed", "train_point"),
        "train_random": ("seed", "train_point"),
        "test_input": ("test_point", "feature") if shared else ("seed", "test_point", "feature"),
        "test_label": ("seed", "test_point"),
        "test_index": ("seed", "test_point"),
    }
    dataset = xr.Dataset(
        {
            name: variable(dims[name], values, _LONG_NAMES[name], source=_PAPER if entry.counts else entry.summary)
            for name, values in arrays.items()
        },
        coords={
            "seed": np.asarray(seed),
            "train_point": np.arange(train_size),
            "test_point": np.arange(arrays["test_label"].shape[1]),
            "feature": np.arange(arrays["train_input"].shape[-1]),
            **({"class": list(names)} if rule.several else {}),
        },
    )
    stored = {
        "source": source, "labels": labels, "train_size": train_size, "test_size": test_size, "seed": list(seed),
        "centred": centred, "balanced": balanced, "random_share": random_share,
    }  # fmt: skip
    images = {"image": canonical_json(image)} if image else {}
    return describe(dataset, f"task: {labels} labels on {source}", stored | chosen, **images)


def _real(
    source: str, labels: str, train_size: int, test_size: int | None, seed: Sequence[int], raw_dir: Path,
    balanced: bool, parameters: Mapping[str, Any],
) -> tuple[dict[str, np.ndarray], tuple[str, ...], tuple[int, ...]]:  # fmt: skip
    """The arrays, the names of the classes that are kept, and the shape of images."""
    rule = LABELS[labels]
    own = {key: value for key, value in parameters.items() if key not in rule.parameters}
    superset = resolve(SOURCES[source])(raw_dir, **own)
    kept = kept_classes(rule, parameters.get("classes"), len(superset.names))
    if max(kept) >= len(superset.names):
        raise ConfigError(f"{labels!r} needs class {max(kept)}, but source {source!r} has {len(superset.names)}")
    if set(kept) < set(superset.train_class):  # a copy, which for all of MNIST would be large
        superset = superset.only(kept)
    available = len(superset.train_class), len(superset.test_class)
    for key, size, limit in zip(("train_size", "test_size"), (train_size, test_size), available, strict=True):
        if size is not None and not 1 <= size <= limit:
            raise ConfigError(f"{key} = {size}: {labels!r} on {source!r} has {limit} points; allowed: 1 to {limit}")
    known = resolve(rule)(superset.train_class, superset.test_class, 0)[0] if balanced else None
    train_index, test_index = zip(*(_select(s, available, train_size, test_size, known) for s in seed), strict=True)
    labelled = [
        resolve(rule)(superset.train_class[train], superset.test_class[test], s)
        for s, train, test in zip(seed, train_index, test_index, strict=True)
    ]
    train_points, test_points = np.stack(train_index), np.stack(test_index)
    arrays = {
        "train_input": superset.train_input[train_points],
        "train_label": np.stack([train for train, _ in labelled]),
        "train_index": train_points,
        "test_input": superset.test_input if test_size is None else superset.test_input[test_points],
        "test_label": np.stack([test for _, test in labelled]),
        "test_index": test_points,
    }
    names = tuple(superset.names[number] for number in kept)
    return arrays, names, superset.image or SOURCES[source].image


def _synthetic(
    source: str, labels: str, train_size: int, test_size: int | None, seed: Sequence[int], parameters: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    own = {key: value for key, value in parameters.items() if key != "flip"}
    size = train_size + (SOURCES[source].test_points if test_size is None else test_size)
    inputs, clean, flipped = [], [], []
    for one in seed:
        rng = np.random.default_rng(derive_seed("synthetic task", source, one))
        x, y = resolve(SOURCES[source])(rng, size, **own)
        train_label, test_label = resolve(LABELS[labels])(y[:train_size], y[train_size:], one)
        turned = rng.permutation(train_size) < round(parameters["flip"] * train_size)
        inputs.append(x)
        flipped.append(np.where(turned, -train_label, train_label).astype(np.int8))
        clean.append(test_label)
    points, index = np.stack(inputs), np.tile(np.arange(size), (len(seed), 1))
    return {
        "train_input": points[:, :train_size],
        "train_label": np.stack(flipped),
        "train_index": index[:, :train_size],
        "test_input": points[:, train_size:],
        "test_label": np.stack(clean),
        "test_index": index[:, train_size:],
    }


def _select(
    seed: int, available: tuple[int, int], train_size: int, test_size: int | None, labels: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training and test points of one seed; given the superset's labels, all labels in turns."""
    generator = np.random.RandomState(seed)
    train = generator.permutation(available[0])
    if labels is not None:
        possible = np.unique(labels)
        turns = possible[::-1] if possible[0] < 0 else possible  # +1 before -1, and class 0 before class 1
        parts = [train[labels[train] == label] for label in turns]
        each = min(map(len, parts))
        limit = len(parts) * each
        if train_size > limit:
            raise ConfigError(f"train_size = {train_size}: balanced, there are {limit} points; allowed: 1 to {limit}")
        train = np.stack([part[:each] for part in parts], axis=1).ravel()
    train = train[:train_size]
    test = generator.permutation(available[1])[:test_size]
    return train, np.arange(available[1]) if test_size is None else test


def _randomised(labels: np.ndarray, fraction: float, possible: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The labels, a fraction of them (rounded) drawn anew from the possible ones; and which these are, as 0 and 1."""
    rng = np.random.default_rng(derive_seed("labels by coin", seed))
    chosen = rng.permutation(len(labels)) < round(fraction * len(labels))
    drawn = np.where(chosen, possible[rng.integers(len(possible), size=len(labels))], labels).astype(labels.dtype)
    return drawn, chosen.astype(np.int8)
