"""Labels +-1 in the infinite-width stage: the orthant, its posterior, and the spherised one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jaxtyping import Float, Int, Shaped
from torch import Tensor

from implicitbias.nngp import orthant, posterior, standardise
from implicitbias.nngp.estimate import OrthantEstimate
from implicitbias.nngp.posterior import TestBlock
from implicitbias.nngp.variables import averages
from implicitbias.rng import derive_seed
from implicitbias.shapes.tensors import Kernel, Labels


@dataclass(frozen=True)
class SignLabelling:
    """A `labelling.Labelling` of labels +-1."""

    train: Labels
    test: Shaped[Tensor, " m"]

    def constants(self) -> dict[str, Any]:
        return {}

    def distinct(self, kernel: Kernel) -> Int[Tensor, " k"]:
        return standardise.distinct(kernel, self.train)

    def only(self, kept: Int[Tensor, " k"]) -> "SignLabelling":
        return replace(self, train=self.train[kept])

    def log_probability(self, kernel: Kernel, method: str, **settings: Any) -> OrthantEstimate:
        return orthant.log_probability(kernel, self.train, method, **settings)

    def posterior(
        self, block: TestBlock, estimate: OrthantEstimate, settings: Mapping[str, Any], seed: int
    ) -> dict[str, Any]:
        assert estimate.samples is not None
        assert estimate.log_weights is not None
        truncated = posterior.average(block, estimate.samples, estimate.log_weights, estimate.groups)
        spherised = posterior.spherised(block, self.train, settings["samples"], derive_seed("spherised", seed))
        return {
            "kernel_interpolation_error": posterior.kernel_interpolation(block, self.train),
            **averages(truncated), **averages(spherised, "spherised_"),
            "gibbs_error_by_point": (1 - truncated.probability).tolist(),
            "bayes_error_by_point": (truncated.probability < 0.5).tolist(),
        }  # fmt: skip

    def ray(self, block: TestBlock, scales: Sequence[float]) -> Float[Tensor, "scale m"]:
        return posterior.ray(block, self.train, scales)

    def ray_spread(
        self, block: TestBlock, scales: Sequence[float], covariance: Float[Tensor, "m m"], draws: int, seed: int
    ) -> Float[Tensor, " scale"]:
        return posterior.ray_spread(block, self.train, scales, covariance, draws, seed)
