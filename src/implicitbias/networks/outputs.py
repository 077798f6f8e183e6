"""Outputs of an ensemble on whole sets of points, within bounded memory."""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from implicitbias.networks.network import Network
from implicitbias.networks.stacked import forward
from implicitbias.shapes.tensors import Weights

_ACTIVATIONS = 2**22  # of the widest layer, while the outputs of a block of points are computed


@torch.no_grad()
def outputs(
    network: Network,
    weights: Weights,
    inputs: Float[Tensor, "m d"] | Float[Tensor, "task m d"],
    task: Int[Tensor, " member"] | None = None,
) -> Float[Tensor, "member m *classes"]:
    """The outputs of all members, one member and one block of points at a time.

    The block depends on the width alone, so that the outputs do not depend on the number of members.

    Args:
        network: whose weights these are.
        weights: tensors `(member, out, in)`.
        inputs: `(m, d)` for all members, or `(task, m, d)`.
        task: `(member,)` index of each member's task; not needed for shared inputs.

    Returns:
        `(member, m)`, or `(member, m, outputs)` of several outputs.
    """
    block = max(1, _ACTIVATIONS // max(weight.shape[1] * weight.positions for weight in network.weights))
    members = len(weights[0])
    own_points = [0] * members if task is None else task.tolist()

    def parts(member: int) -> Iterator[Tensor]:
        own = [weight[member : member + 1] for weight in weights]
        points = inputs if inputs.ndim == 2 else inputs[own_points[member]]
        for part in torch.split(points, block):
            yield forward(network, own, part)

    rows = [torch.cat(list(parts(member)), dim=1) for member in range(members)]
    several = (network.outputs,) if network.outputs > 1 else ()
    return torch.cat(rows) if rows else inputs.new_empty(0, inputs.shape[-2], *several)
