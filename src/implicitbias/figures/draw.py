"""The figure stage: choose a part of a study, draw it, and write it in every format."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from implicitbias.catalogue import FIGURES, resolve
from implicitbias.errors import ResultError
from implicitbias.figures.layout import nothing
from implicitbias.stamp import metadata
from implicitbias.studies.verdicts import MissingData

_DPI = 150
_NO_TIMESTAMP: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Producer": None},
}


def draw(
    dataset: xr.Dataset,
    *,
    figure: str,
    select: Mapping[str, Any] | None = None,
    width: float | None = None,
    height: float | None = None,
    **options: Any,
) -> Figure:
    """Draw a figure of the catalogue; where the study's numbers leave nothing to show, one that says so.

    Args:
        dataset: of the study.
        figure: name in `catalogue.FIGURES`.
        select: dimension -> value, the part of the dataset to draw; a dimension on which nothing depends is left out.
        width: inches, or None for the figure's own.
        height: inches, or None for the figure's own.
        **options: of a figure that has them.

    """
    mpl.rcdefaults()
    sns.set_theme(context="notebook", style="ticks", palette="colorblind", font_scale=0.9)
    try:
        drawn: Figure = resolve(FIGURES[figure])(_part(dataset, select or {}), **options)
    except MissingData as missing:
        drawn = nothing(f"this study has {missing}")
    if width or height:
        own = drawn.get_size_inches()
        drawn.set_size_inches(width or own[0], height or own[1])
    return drawn


def _reduce(path: Path, said: Mapping[str, str | None]) -> None:
    """Write a PNG file anew in the 256 colours that serve it best: a third of its size, and the same to the eye."""
    text = PngInfo()
    for key, value in said.items():
        if value is not None:
            text.add_text(key, value)
    with Image.open(path) as image:
        few = image.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(path, "png", dpi=(_DPI, _DPI), pnginfo=text)


def _part(dataset: xr.Dataset, select: Mapping[str, Any]) -> xr.Dataset:
    """Where the dimensions have these values; a number stands for its word on an axis of words (batch_size 1, full)."""
    places = {}
    for dim, value in select.items():
        if dim in dataset.dims:
            values = dataset[dim].values
            places[dim] = int(np.argmax(values == (str(value) if values.dtype.kind in "OU" else value)))
    return dataset.isel(places)


def save(figure: Figure, paths: Iterable[str | Path], code: str = "unknown") -> None:
    """Write the figure to every path, each whole or not at all; equal figures give equal files.

    Args:
        figure: the figure.
        paths: where to; missing folders are made.
        code: fingerprint of the code that drew it, kept in the files' metadata.

    Raises:
        ResultError: if a file cannot be written (the disk is full, say); no partial file is left.

    """
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.stem}.part{path.suffix}")
        said = _NO_TIMESTAMP.get(path.suffix, {}) | metadata(path.suffix, code)
        try:
            figure.savefig(temporary, dpi=_DPI, bbox_inches="tight", metadata=said)
            if path.suffix == ".png":
                _reduce(temporary, said)
            temporary.replace(path)
        except OSError as error:
            raise ResultError(f"{path}: cannot be written ({error}). Make room and call the workflow again.") from error
        finally:
            temporary.unlink(missing_ok=True)
    plt.close(figure)
