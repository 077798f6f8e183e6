"""The loss of all trained networks of all studies while they train, in one table."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from implicitbias.schema import variable


def loss_curves(studies: Mapping[str, xr.Dataset]) -> dict[str, xr.Variable]:
    """A row a network, for studies whose networks train for more than one epoch.

    Returns:
        Dimensions `curve` and `point`: `curve_loss` and `curve_epoch` (float32), both NaN beyond a study's last point;
        by `curve` alone `curve_study` and `curve_end`, why training stopped.
    """
    losses, epochs, names, ends = [], [], [], []
    for name, study in studies.items():
        if "loss_curve" not in study or "epoch" not in study["loss_curve"].dims:
            continue
        curves = study["loss_curve"].transpose(..., "epoch")
        networks = curves.isel(epoch=0, drop=True)
        end = study["stop_reason"].broadcast_like(networks).transpose(*networks.dims).values.ravel()
        values = curves.values.reshape(-1, curves.sizes["epoch"])
        known = np.isfinite(values).any(1)
        losses += list(values[known])
        epochs += [curves["epoch"].values] * known.sum()
        names += [name] * known.sum()
        ends += list(end[known])
    length = max(map(len, losses), default=0)
    return {
        "curve_loss": variable(("curve", "point"), _padded(losses, length), "loss over the training set"),
        "curve_epoch": variable(("curve", "point"), _padded(epochs, length), "epoch"),
        "curve_study": variable("curve", np.array(names, str), "study"),
        "curve_end": variable("curve", np.array(ends, str), "why training stopped"),
    }


def _padded(rows: list[np.ndarray], length: int) -> np.ndarray:
    whole = np.full((len(rows), length), np.nan, np.float32)
    for target, row in zip(whole, rows, strict=True):
        target[: len(row)] = row
    return whole
