"""Small data of every form that the source `files` reads."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

NAMES = ("bird", "cat", "dog")


def arrays(n: int = 12, m: int = 6, shape: tuple[int, ...] = (4, 5, 3), classes: int = 3) -> dict[str, np.ndarray]:
    """Images (or vectors) as Keras writes them: pixels of 0 to 255, labels in a column."""
    random = np.random.RandomState(0)
    return {
        "x_train": random.randint(0, 256, (n, *shape)).astype(np.uint8),
        "y_train": (np.arange(n) % classes)[:, None],
        "x_test": random.randint(0, 256, (m, *shape)).astype(np.uint8),
        "y_test": (np.arange(m) % classes)[:, None],
    }


def npz(folder: Path, **changes: Any) -> Path:
    """A .npz file of `arrays` with changes; an array that is None is left out."""
    held = {name: value for name, value in {**arrays(), **changes}.items() if value is not None}
    np.savez(folder / "own.npz", **held)
    return folder / "own.npz"


def table(n: int = 12) -> pd.DataFrame:
    """A table with two columns of numbers and a name in every row."""
    random = np.random.RandomState(0)
    return pd.DataFrame(
        {"height": random.randn(n).round(3), "label": [NAMES[i % 3] for i in range(n)], "weight": np.arange(n) ** 2}
    )


def csv(folder: Path, frame: pd.DataFrame | None = None) -> Path:
    """A .csv file of a table."""
    (table() if frame is None else frame).to_csv(folder / "own.csv", index=False)
    return folder / "own.csv"


def pictures(
    folder: Path, n: int = 4, m: int = 2, size: tuple[int, int] = (5, 4), mode: str = "RGB", suffix: str = ".png"
) -> Path:
    """A folder train/<class>/ and test/<class>/ of pictures; size is (columns, rows)."""
    random = np.random.RandomState(0)
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    for half, count in (("train", n), ("test", m)):
        for name in NAMES if count else ():
            (folder / "own" / half / name).mkdir(parents=True)
            for number in range(count):
                pixels = random.randint(0, 256, shape).astype(np.uint8)
                Image.fromarray(pixels, mode).save(folder / "own" / half / name / f"{number:03}{suffix}")
    return folder / "own"
