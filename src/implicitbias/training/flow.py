"""Gradient flow of a small network: the limit of gradient descent with small steps, by an ODE solver.

A reference for claims that hold for flows (balanced layers, monotone margins), not a way to train: every step of the
solver moves all weights in float64.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from scipy.integrate import solve_ivp
from torch import Tensor

from implicitbias.errors import NumericalError
from implicitbias.networks import Network
from implicitbias.networks.stacked import forward
from implicitbias.training.pull import Loss


def gradient_flow(
    network: Network,
    weights: Sequence[Float[Tensor, "1 _out _in"]],
    inputs: Float[Tensor, "n d"],
    targets: Float[Tensor, " n"],
    *,
    loss: Loss,
    times: Sequence[float],
    step: float = 0.0,
    tolerance: float = 1e-8,
) -> list[list[Float[Tensor, "1 _out _in"]]]:
    """The weights at the given times of d theta/dt = -grad [loss + step/4 |grad loss|^2], from given ones at time 0.

    With step 0 the gradient flow; gradient descent of that step follows the other one to an order more (Barrett and
    Dherin 2021, section 3).

    Args:
        network: whose weights these are.
        weights: of one network, `(1, out, in)` each.
        inputs: `(n, d)`.
        targets: `(n,)`, at label scale 1.
        loss: `(outputs, targets, label_scale) -> (member,)`.
        times: rising, above 0.
        step: of the gradient descent whose backward-error flow this is.
        tolerance: relative tolerance of the solver (absolute: a hundredth of it).

    Returns:
        For every time the layers, `(1, out, in)` each.

    Raises:
        NumericalError: if the solver gives up, e.g. because a log-domain loss runs to minus infinity.
    """
    layers = [weight.double() for weight in weights]
    trained = range(len(layers))[network.trained]
    shapes = [layers[i].shape for i in trained]
    x, y, one = inputs.double()[None], targets.double()[None], torch.ones(1, dtype=torch.float64)

    def at(theta: Float[np.ndarray, " theta"]) -> list[Float[Tensor, "1 _out _in"]]:
        whole, start = list(layers), 0
        for i, shape in zip(trained, shapes, strict=True):
            whole[i] = torch.from_numpy(theta[start : start + shape.numel()].reshape(shape).copy())
            start += shape.numel()
        return whole

    def descent(_: float, theta: Float[np.ndarray, " theta"]) -> Float[np.ndarray, " theta"]:
        whole = at(theta)
        moving = [whole[i].requires_grad_(True) for i in trained]
        value = loss(forward(network, whole, x), y, one).sum()
        gradients = torch.autograd.grad(value, moving, create_graph=step > 0)
        if step > 0:
            squared = torch.stack([gradient.square().sum() for gradient in gradients]).sum()
            gradients = torch.autograd.grad(value + step / 4 * squared, moving)
        return -torch.cat([gradient.ravel() for gradient in gradients]).numpy()

    start = torch.cat([layers[i].ravel() for i in trained]).numpy()
    solved = solve_ivp(
        descent, (0.0, max(times)), start, "DOP853", t_eval=times, rtol=tolerance, atol=tolerance / 100
    )  # fmt: skip
    if not solved.success:
        raise NumericalError(f"gradient flow stopped at time {solved.t[-1] if len(solved.t) else 0}: {solved.message}")
    return [[weight.detach() for weight in at(theta)] for theta in solved.y.T]
