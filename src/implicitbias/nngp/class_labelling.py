"""Labels that are classes in the infinite-width stage: C outputs, the cone of their order, and its posterior."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from implicitbias.nngp import cone, cone_points, cone_posterior
from implicitbias.nngp.cone_structure import class_numbers
from implicitbias.nngp.estimate import OrthantEstimate
from implicitbias.nngp.posterior import TestBlock
from implicitbias.nngp.variables import averages
from implicitbias.shapes.tensors import Kernel, Labels


@dataclass(frozen=True)
class ClassLabelling:
    """A `labelling.Labelling` of `count` classes, 0 to C - 1."""

    train: Labels
    test: Shaped[Tensor, " m"]
    count: int

    def constants(self) -> dict[str, Any]:
        return {"chance_error": 1 - 1 / self.count}

    def distinct(self, kernel: Kernel) -> Int[Tensor, " k"]:
        return cone_points.distinct(kernel, self.train, self.count)

    def only(self, kept: Int[Tensor, " k"]) -> "ClassLabelling":
        return replace(self, train=self.train[kept])

    def log_probability(self, kernel: Kernel, method: str, **settings: Any) -> OrthantEstimate:
        return cone.log_probability(kernel, self.train, method, class_count=self.count, **settings)

    def posterior(
        self, block: TestBlock, estimate: OrthantEstimate, settings: Mapping[str, Any], seed: int
    ) -> dict[str, Any]:
        assert estimate.samples is not None
        assert estimate.log_weights is not None
        errors = cone_posterior.average(block, estimate.samples, estimate.log_weights, estimate.groups)
        true = class_numbers(self.test, self.count)
        own = errors.probability[torch.arange(len(true)), true]
        return {
            "kernel_interpolation_error": cone_posterior.kernel_interpolation(block, self.train, self.count),
            **averages(errors),
            "gibbs_error_by_point": (1 - own).tolist(),
            "bayes_error_by_point": (errors.probability.argmax(1) != true).tolist(),
            "class_probability": errors.probability.tolist(),
            "class_probability_stderr": errors.probability_stderr.tolist(),
        }  # fmt: skip

    def ray(self, block: TestBlock, scales: Sequence[float]) -> Float[Tensor, "scale m"]:
        return cone_posterior.ray(block, self.train, self.count, scales)

    def ray_spread(
        self, block: TestBlock, scales: Sequence[float], covariance: Float[Tensor, "m m"], draws: int, seed: int
    ) -> Float[Tensor, " scale"]:
        return cone_posterior.ray_spread(block, self.train, self.count, scales, covariance, draws, seed)
