"""What the infinite-width stage asks of a task's labels, whether they are signs or classes."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from implicitbias.nngp.class_labelling import ClassLabelling
from implicitbias.nngp.estimate import OrthantEstimate
from implicitbias.nngp.posterior import TestBlock
from implicitbias.nngp.sign_labelling import SignLabelling


class Labelling(Protocol):
    """The labels of one task seed."""

    @property
    def test(self) -> Tensor:
        """Of the test points, `(m,)`."""

    def constants(self) -> dict[str, Any]:
        """Variables that the labels alone decide."""

    def distinct(self, kernel: Tensor) -> Tensor:
        """Positions `(k,)` of the training points that differ under the kernel `(n, n)`."""

    def only(self, kept: Tensor) -> "Labelling":
        """The same with the training points `(k,)`."""

    def log_probability(self, kernel: Tensor, method: str, **settings: Any) -> OrthantEstimate:
        """Logarithm of the probability of the training labels, by an estimator of the catalogue."""

    def posterior(self, block: TestBlock, estimate: OrthantEstimate, settings: Mapping[str, Any], seed: int
                  ) -> dict[str, Any]:  # fmt: skip
        """Errors at the test points, given the training labels: variables by name.

        Args:
            block: of these training points.
            estimate: with its weighted samples at these points.
            settings: of the stage.
            seed: of the task.
        """

    def ray(self, block: TestBlock, scales: Sequence[float]) -> Tensor:
        """Error of a random function at every label scale and test point, for outputs that interpolate, `(s, m)`."""

    def ray_spread(self, block: TestBlock, scales: Sequence[float], covariance: Tensor, draws: int, seed: int
                   ) -> Tensor:  # fmt: skip
        """Standard deviation of a drawn function's error on the block's test points, at every label scale, `(s,)`."""


def labelling_of(task: xr.Dataset, device: torch.device) -> Labelling:
    """The labels of one seed of a task: classes, if it has a dimension of this name, or else signs."""
    train, test = (
        torch.as_tensor(task[name].values.astype(np.float64), device=device) for name in ("train_label", "test_label")
    )
    if "class" in task.dims:
        return ClassLabelling(train, test, task.sizes["class"])
    return SignLabelling(train, test)
