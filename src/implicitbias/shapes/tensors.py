"""Types of tensors that many signatures share; the dimensions are those of `implicitbias.shapes`."""

from collections.abc import Sequence

from jaxtyping import Float, Shaped
from torch import Tensor

Weights = Sequence[Float[Tensor, "member _out _in"]]
"""Of all members of an ensemble, a tensor for each weight matrix."""

WeightList = list[Float[Tensor, "member _out _in"]]
"""The same, to be changed or just made."""

Outputs = Float[Tensor, "member batch *classes"]
"""Of all members on their points, or what these are fitted to: `member batch *classes`."""

PerMember = Float[Tensor, " member"]
"""A number for each member: `member`."""

Inputs = Float[Tensor, "member batch d"] | Float[Tensor, "batch d"]
"""Points of each member's own, or those that all share."""

OfPairs = Float[Tensor, "*#pairs"]
"""Of pairs of points; what is known of a point alone is broadcast: `*#pairs`."""

Kernel = Float[Tensor, "n n"]
"""Of pairs of training points: `n n`."""

PerPoint = Float[Tensor, " n"]
"""A number for each training point: `n`."""

Labels = Shaped[Tensor, " n"]
"""Of the training points: +-1, or numbers of classes: `n`."""
