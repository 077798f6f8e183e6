"""What an optimizer of stacked networks is."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from implicitbias.networks.stacked import Gradient, product
from implicitbias.shapes.tensors import PerMember, Weights

CACHED_ELEMENTS = 1 << 18  # of one tensor in a block: two such blocks lie in a core's second-level cache


class Init(Protocol):
    """weights -> state; may project the weights in place."""

    def __call__(self, weights: Weights) -> Any: ...


class Update(Protocol):
    """One step in place on `weights` and `state`.

    `learning_rate` is `(member,)`, `step` counts from 1. Members never mix, so a member's step does not
    depend on the others.
    """

    def __call__(
        self, gradients: Sequence[Gradient], state: Any, weights: Weights, learning_rate: PerMember, step: int
    ) -> None: ...


class Optimizer(NamedTuple):
    """A pair of functions, and how much memory they take.

    Attributes:
        init: makes the state.
        update: makes a step.
        extra_numbers: (out, in) -> how many numbers the state and temporary tensors of a step hold for a layer of one
            member, besides those of a block (see `blocks`).
    """

    init: Init
    update: Update
    extra_numbers: Callable[[int, int], int]


def blocks(
    gradient: Gradient, *tensors: Float[Tensor, " member #out #in"]
) -> Iterator[tuple[Float[Tensor, "..."], ...]]:
    """The gradient's matrix and matching parts of other tensors, a block of members or of one member's rows at a time.

    For wide layers an update that treats rows alike spends its time on moving weights and gradients through
    memory. Block by block, the gradient exists only in the processor's cache, and the weights pass through it
    once. On an accelerator there is one block, so as to launch few kernels.

    Args:
        gradient: of one layer.
        *tensors: `(member, out, in)`, `(member, out, 1)` or `(member, 1, 1)`.

    Yields:
        The gradient's block, which the caller may overwrite, and views of the tensors' blocks.
    """
    if gradient.whole is not None:
        yield gradient.whole, *tensors
        return
    (members, _, rows), columns = gradient.delta.shape, gradient.h.shape[2]
    size = CACHED_ELEMENTS if gradient.h.device.type == "cpu" else members * rows * columns
    if rows * columns <= size:
        some = max(1, size // (rows * columns))
        if some >= members:  # nothing to split, which would take narrow layers as long as a step
            yield product(gradient.delta.mT, gradient.h), *tensors
            return
        parts = zip(*(torch.split(tensor, some) for tensor in (gradient.delta, gradient.h, *tensors)), strict=True)
        yield from ((product(delta.mT, h), *others) for delta, h, *others in parts)
        return
    some = max(1, size // columns)
    scratch = gradient.h.new_empty(some, columns)
    for delta, h, *others in zip(gradient.delta.mT, gradient.h, *tensors, strict=True):
        for start in range(0, rows, some):
            here = slice(start, start + some)
            part = delta[here]
            yield (
                torch.mm(part, h, out=scratch[: len(part)]),
                *(other[here] if len(other) > 1 else other for other in others),
            )
