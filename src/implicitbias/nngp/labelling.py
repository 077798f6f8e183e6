"""What the infinite-width stage asks of a task's labels, whether they are signs or classes."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from implicitbias.nngp.class_labelling import ClassLabelling
from implicitbias.nngp.estimate import OrthantEstimate
from implicitbias.nngp.posterior import TestBlock
from implicitbias.nngp.sign_labelling import SignLabelling
from implicitbias.shapes.tensors import Kernel


class Labelling(Protocol):
    """The labels of one task seed."""

    @property
    def test(self) -> Shaped[Tensor, " m"]:
        """Of the test points."""

    def constants(self) -> dict[str, Any]:
        """Variables that the labels alone decide."""

    def distinct(self, kernel: Kernel) -> Int[Tensor, " k"]:
        """Positions of the training points that differ under the kernel."""

    def only(self, kept: Int[Tensor, " k"]) -> "Labelling":
        """The same with some of the training points."""

    def log_probability(self, kernel: Kernel, method: str, **settings: Any) -> OrthantEstimate:
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

    def ray(self, block: TestBlock, scales: Sequence[float]) -> Float[Tensor, "scale m"]:
        """Error of a random function at every label scale and test point, for outputs that interpolate."""

    def ray_spread(
        self, block: TestBlock, scales: Sequence[float], covariance: Float[Tensor, "m m"], draws: int, seed: int
    ) -> Float[Tensor, " scale"]:
        """Standard deviation of a drawn function's error on the block's test points, at every label scale."""


def labelling_of(task: xr.Dataset, device: torch.device) -> Labelling:
    """The labels of one seed of a task: classes, if it has a dimension of this name, or else signs."""
    train, test = (
        torch.as_tensor(task[name].values.astype(np.float64), device=device) for name in ("train_label", "test_label")
    )
    if "class" in task.dims:
        return ClassLabelling(train, test, task.sizes["class"])
    return SignLabelling(train, test)
