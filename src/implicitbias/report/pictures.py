"""A figure in the report: its picture inside the page, at a size that is read, and what it shows in words."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr
from PIL import Image

from implicitbias.catalogue import FIGURES
from implicitbias.figures.tables import label, text_of

_PIXELS = 108
"""Of the page, an inch of a figure: its smallest letters, of 7.5 points, are 11 pixels high."""


def picture(name: str, path: Path, settings: Mapping[str, Any], dataset: xr.Dataset) -> dict[str, Any]:
    """What the template shows of a figure.

    Args:
        name: of the figure in its study.
        path: of its PNG file.
        settings: what it was drawn with; `figure` is its name in `catalogue.FIGURES`.
        dataset: that it was drawn of.
    """
    entry = FIGURES[settings["figure"]]
    with Image.open(path) as image:
        width, height = (round(pixels * _PIXELS / image.info["dpi"][0]) for pixels in image.size)
    shown = _quantities(settings, dataset) if "quantities" in settings else ""
    return {
        "name": name,
        "drawn": settings["figure"],
        "caption": shown or entry.summary,
        "alt": f"{entry.alt}: {shown}" if shown else entry.alt,
        "data": base64.b64encode(path.read_bytes()).decode(),
        "width": width,
        "height": height,
    }


def _quantities(settings: Mapping[str, Any], dataset: xr.Dataset) -> str:
    """What a figure of chosen quantities shows: "test error, training loss against learning rate, by optimizer"."""

    def named(key: str) -> str:
        return label(dataset, key) if key in dataset.variables else key.replace("_", " ")

    text = ", ".join(map(named, settings["quantities"]))
    if "x" in settings:
        text += f" against {named(settings['x'])}"
    if kinds := [named(settings[key]) for key in ("hue", "style") if key in settings]:
        text += f", by {' and '.join(kinds)}"
    if part := [f"{named(key)} {text_of(value)}" for key, value in settings.get("select", {}).items()]:
        text += f" ({', '.join(part)})"
    return text
