"""A small task on real digits, and training settings that a test changes by name."""

from functools import cache
from pathlib import Path
from typing import Any

import xarray as xr

from implicitbias.catalogue import OPTIMIZERS
from implicitbias.tasks.build import build

NETWORK = {"architecture": "mlp", "activation": "relu", "depth": 3, "width": 12}


@cache
def small_task() -> xr.Dataset:
    """Twenty points for each of three seeds, binary labels."""
    return build(
        source="digits", labels="binary", train_size=20, test_size=40, seed=[0, 1, 2], raw_dir=Path("data/raw")
    )


def settings(**changes: Any) -> dict[str, Any]:
    """Training settings, with the defaults of the chosen optimizer's hyperparameters."""
    base: dict[str, Any] = {
        "optimizer": "nero", "learning_rate": 0.01, "decay": 0.9, "epochs": 10, "batch_size": 8, "loss": "norm",
        "label_scale": 1.0, "init_scale": 1.0, "members": 1, "dtype": "float32", "checkpoints": "final",
    }  # fmt: skip
    base |= changes
    return base | {k: p.default for k, p in OPTIMIZERS[base["optimizer"]].parameters.items() if k not in base}
