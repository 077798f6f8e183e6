"""The constraints that rows of weight matrices may obey (`layers.ROWS`)."""

from jaxtyping import Float
from torch import Tensor
from torch.linalg import vector_norm


def project(weight: Float[Tensor, "*lead out in"], rows: str) -> None:
    """Bring the rows of `(..., out, in)`, biases included, to mean 0 and norm 1, or what `rows` asks for, in place."""
    if "mean_free" in rows:
        weight.sub_(weight.mean(-1, keepdim=True))
    if "unit" in rows:
        weight.mul_(vector_norm(weight, dim=-1, keepdim=True).reciprocal_())  # faster than dividing
