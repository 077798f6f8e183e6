"""Figures of studies: one function a figure, from a study's dataset to a matplotlib figure."""

import os
from importlib.util import find_spec
from pathlib import Path

# Figures are the same for everybody: matplotlib, which is imported after this, gets neither an inherited backend nor
# anybody's matplotlibrc.
_FOUND = find_spec("matplotlib")
if _FOUND is not None and _FOUND.origin is not None:
    os.environ["MPLBACKEND"] = "agg"
    os.environ["MATPLOTLIBRC"] = str(Path(_FOUND.origin).parent / "mpl-data/matplotlibrc")
