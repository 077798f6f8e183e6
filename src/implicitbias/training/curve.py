"""The loss of every member while it trains, by epoch."""

from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float

from implicitbias.shapes.tensors import PerMember

_MOST = 200  # epochs of a curve


class LossCurve:
    """Losses of an epoch's batches, averaged over its points: each of the weights that its step started from.

    It is kept for every epoch of a short run, and of a longer one for 200 at most, at equal distances on a logarithmic
    axis. Nothing here waits for the device.
    """

    def __init__(self, epochs: int) -> None:
        self._last = epochs
        self.sums: dict[int, PerMember] = {}
        """Losses `(member,)` of the epochs so far, by epoch."""

    @cached_property
    def epochs(self) -> list[int]:
        """The epochs that are kept, counted from 1."""
        if self._last <= _MOST:
            return list(range(1, self._last + 1))
        return sorted({round(float(epoch)) for epoch in np.geomspace(1, self._last, _MOST)})

    @cached_property
    def _kept(self) -> frozenset[int]:
        return frozenset(self.epochs)

    def add(self, epoch: int, losses: PerMember, fraction: float) -> None:
        """Take in a batch.

        Args:
            epoch: counted from 1.
            losses: of the members.
            fraction: of the training points that are in the batch.
        """
        if epoch in self._kept:
            part = losses if fraction == 1 else fraction * losses
            self.sums[epoch] = self.sums[epoch] + part if epoch in self.sums else part

    def values(self) -> Float[np.ndarray, "member epoch"]:
        """Losses; NaN after a member has diverged, and where training stopped before."""
        known = torch.stack([self.sums[epoch] for epoch in self.epochs if epoch in self.sums], dim=1).cpu().numpy()
        missing = np.full((len(known), len(self.epochs) - known.shape[1]), np.nan, known.dtype)
        return np.concatenate([np.where(np.isfinite(known), known, np.nan), missing], axis=1)
