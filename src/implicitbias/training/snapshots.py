"""What is kept of an ensemble at a checkpoint."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from implicitbias.networks import Network
from implicitbias.networks.outputs import outputs
from implicitbias.shapes.tensors import Weights
from implicitbias.training.loop import Members
from implicitbias.training.pull import Loss


@torch.no_grad()
def snapshot(
    network: Network,
    weights: Weights,
    train_input: Float[Tensor, "task n d"],
    targets: Float[Tensor, "member n *classes"],
    test_input: Float[Tensor, "m d"] | Float[Tensor, "task m d"],
    members: Members,
    alive: Bool[Tensor, " member"],
    loss: Loss,
    keep_weights: bool = True,
) -> dict[str, Shaped[np.ndarray, "member ..."]]:
    """Outputs, training loss, norms and weights, on the host; NaN for diverged members.

    Args:
        network: whose weights these are.
        weights: tensors `(member, out, in)`.
        train_input: `(task, n, d)`.
        targets: `(member, n)`, or `(member, n, outputs)`, at label scale 1.
        test_input: `(m, d)` shared by all tasks, or `(task, m, d)`.
        members: what tells the members apart.
        alive: `(member,)` bool, False for members known to have diverged.
        loss: `(outputs, targets, label_scale) -> (member,)`.
        keep_weights: whether the weights are among them.
    """
    train_output = outputs(network, weights, train_input, members.task_index)
    test_output = outputs(network, weights, test_input, members.task_index)
    kept = {
        "train_output": train_output,
        "test_output": test_output,
        "train_loss": loss(train_output, targets, members.label_scale),
        "frobenius_norm": torch.stack([torch.linalg.matrix_norm(weight) for weight in weights], dim=1),
    }
    for values in kept.values():
        alive = alive & torch.isfinite(values).reshape(len(alive), -1).all(1)
    if keep_weights:
        kept |= {f"weight_{layer}": weight for layer, weight in enumerate(weights)}
    return {
        name: values.where(alive.view(-1, *[1] * (values.ndim - 1)), torch.nan).cpu().numpy()
        for name, values in kept.items()
    }
