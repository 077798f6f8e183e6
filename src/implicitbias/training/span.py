"""Training in the span of the inputs, where there are more features than points.

The gradient of the first layer lies in the span of the training inputs, so that a first layer W moves in W Q only, Q an
orthonormal basis of the span; its other part never changes. An optimizer that commutes with rotations of the inputs
makes the same steps on W Q and the inputs' coordinates in Q: n columns instead of d, the same numbers up to rounding.
(For a two-layer network this is W = W0 + C X with the Gram matrix of X, without its loss of precision.)
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Span(NamedTuple):
    """Coordinates of the inputs.

    Attributes:
        basis: `(task, d, n)`, orthonormal columns.
        inputs: `(task, n, n)`, the training inputs in that basis.
    """

    basis: Float[Tensor, "task d n"]
    inputs: Float[Tensor, "task n n"]


def span_of(inputs: Float[Tensor, "task n d"]) -> Span:
    """The span of each task's inputs, n <= d, in float64 and rounded to the inputs' dtype."""
    q, r = torch.linalg.qr(inputs.double().mT)
    return Span(q.to(inputs), r.mT.to(inputs))


def reduce(
    span: Span, weights: Float[Tensor, "member out _in"], task: Int[Tensor, " member"]
) -> Float[Tensor, "member out _reduced"]:
    """First-layer weights, `in` being d + b, b for a bias, in the span: n + b."""
    d = span.basis.shape[1]
    inside = [w[:, :d] @ span.basis[t] for w, t in zip(weights, task.tolist(), strict=True)]
    return torch.cat([torch.stack(inside), weights[..., d:]], dim=2)


def expand(
    span: Span,
    initial: Float[Tensor, "member out in"],
    moved: Float[Tensor, "member out _reduced"],
    task: Int[Tensor, " member"],
) -> Float[Tensor, "member out in"]:
    """The first layer that was `initial` and has moved by `moved` in the span, n + b columns."""
    n = span.basis.shape[2]
    moves = [w[:, :n] @ span.basis[t].T for w, t in zip(moved, task.tolist(), strict=True)]
    return initial + torch.cat([torch.stack(moves), moved[..., n:]], dim=2)
