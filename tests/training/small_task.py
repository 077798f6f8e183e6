"""A small task on real digits, and training settings that a test changes by name."""

from functools import cache
from pathlib import Path
from typing import Any

import xarray as xr

import complete
from implicitbias.tasks.build import build

NETWORK = complete.network(depth=3, width=12)


@cache
def small_task() -> xr.Dataset:
    """Twenty points for each of three seeds, binary labels."""
    return build(
        source="digits", labels="binary", train_size=20, test_size=40, seed=[0, 1, 2], raw_dir=Path("data/raw")
    )


def settings(**changes: Any) -> dict[str, Any]:
    """Training settings: small batches, few epochs."""
    return complete.training(**({"decay": 0.9, "epochs": 10, "batch_size": 8} | changes))
