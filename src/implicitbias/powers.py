"""Powers whose last bits do not depend on where a number stands."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

Number = float | int


def power(
    base: Float[Tensor, "*shape"] | Number, exponent: Float[Tensor, "*shape"] | Number
) -> Float[Tensor, "*shape"]:
    """base^exponent, elementwise: of a tensor's number the same as of that number alone, to the last bit.

    torch computes several numbers that lie side by side at once, and those that are left over in another way; so what
    it is given here has gaps.
    """
    result: Tensor = _apart(base) ** _apart(exponent)
    return result


def _apart(values: Any) -> Any:
    return torch.stack([values, values], dim=-1)[..., 0] if isinstance(values, Tensor) else values
