"""Ensembles of multilayer perceptrons d -> m -> ... -> m -> 1 (Bernstein & Yue 2021, section 4, and relatives).

The weights of an ensemble are a list of `depth` tensors `(member, out, in)`, so that one batched matrix
product per layer serves all members. A bias is a column more, which multiplies a constant 1. A convolution is a layer
like the others, of the patches around all pixels.
"""

from collections.abc import Mapping, Sequence
from math import isqrt
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, unfold

from implicitbias.networks.activations import Activation, activation_of
from implicitbias.networks.initialisation import Rule, fan_in
from implicitbias.shapes import KERNELS, layer_shapes, trained_layers


class Form(NamedTuple):
    """What of a network its weights do not say.

    Attributes:
        activation: applied after every layer but the last.
        bias: layers with a bias: "none", "first" or "all".
        residual: whether hidden layers of equal width add their input to their output.
        factor: multiplies the output.
        trained: which of the layers are trained.
        kernels: sides of the kernels of the first layers, if they are convolutions of square images; what comes out of
            one is halved by taking the largest of 2 x 2.
    """

    activation: Activation
    bias: str = "none"
    residual: bool = False
    factor: float = 1.0
    trained: slice = slice(None)
    kernels: tuple[int, ...] = ()


def form_of(network: Mapping[str, Any]) -> Form:
    """The form of the network that these parameters describe.

    `output` is "trained", "signs" (+-1/sqrt(m) by coin, frozen), "halves" (of m neurons the first half 2/m, the others
    -2/m, frozen), "mean_field" (trained, the network's output divided by m) or "random_features" (as mean_field, but
    starting at 0, and no other layer is trained).
    """
    output = network["output"]
    return Form(
        activation_of(network),
        network["bias"],
        network["residual"],
        factor=1 / network["width"] if output in ("mean_field", "random_features") else 1.0,
        trained=trained_layers(output),
        kernels=KERNELS if network["architecture"] == "cnn" else (),
    )


def initialise(
    depth: int,
    width: int,
    inputs: int,
    seeds: Sequence[int],
    init_scale: float | Sequence[float] = 1.0,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    *,
    rule: Rule = fan_in,
    bias: str = "none",
    output: str = "trained",
    architecture: str = "mlp",
) -> list[Tensor]:
    """Random weights, one member per seed; biases start at 0.

    Every member draws from a CPU generator of its own, so neither the other members nor the device
    change its weights.

    Args:
        depth: number of weight matrices.
        width: neurons of a hidden layer.
        inputs: number of input features d.
        seeds: one seed a member.
        init_scale: factor on all drawn weights, one for all or one a member.
        dtype: of the weights; float32 and float64 draw different numbers.
        device: where the weights go.
        rule: draws the weights at scale 1 (see `networks.initialisation`).
        bias: layers with a bias, as in `Form`.
        output: what the last layer is, as in `form_of`.
        architecture: as in `layer_shapes`.

    Returns:
        `depth` tensors `(member, out, in)`.

    """
    shapes = layer_shapes(depth, width, inputs, architecture=architecture)
    biased = layer_shapes(depth, width, inputs, bias, architecture)
    weights = [torch.zeros(len(seeds), *shape, dtype=dtype, device=device) for shape in biased]
    scales = torch.as_tensor(init_scale, dtype=torch.float64).expand(len(seeds)).tolist()
    for member, (seed, scale) in enumerate(zip(seeds, scales, strict=True)):
        source = torch.Generator().manual_seed(seed)
        drawn = [layer.mul_(scale) for layer in rule(shapes, source, dtype)]
        if output == "signs":
            drawn[-1] = (2.0 * torch.randint(2, (1, width), generator=source) - 1) / width**0.5
        if output == "halves":
            drawn[-1] = torch.where(torch.arange(width) < width // 2, 1.0, -1.0)[None] / (width // 2)
        if output == "random_features":
            drawn[-1] = torch.zeros_like(drawn[-1])
        for weight, layer in zip(weights, drawn, strict=True):
            weight[member, :, : layer.shape[1]] = layer
    return weights


class Gradient(NamedTuple):
    """A loss's gradient with respect to a layer's weights W in z = h W^T: the product delta^T h, kept as its factors.

    For wide layers and small batches the factors are a small part of the matrix.

    Attributes:
        delta: gradient with respect to z, `(member, batch, out)`.
        h: the layer's input, `(member, batch, in)`. Of a convolution, every pixel of every point is one of the batch.
    """

    delta: Tensor
    h: Tensor

    def matrix(self) -> Tensor:
        """`(member, out, in)`."""
        return product(self.delta.mT, self.h)


def forward(weights: Sequence[Tensor], x: Tensor, form: Form, gradients: list[Gradient] | None = None) -> Tensor:
    """The outputs f(x) of every member.

    Args:
        weights: tensors `(member, out, in)`.
        x: inputs `(member, batch, d)`, or `(batch, d)` shared by all members.
        form: activation, biases and the like.
        gradients: if given, a list that the backward pass from the outputs extends by every layer's gradient,
            last layer first. The weights must require a gradient; their `.grad` stays None.

    Returns:
        `(member, batch)`.
    """
    h = x.expand(weights[0].shape[0], *x.shape[-2:])
    biased = {"none": 0, "first": 1, "all": len(weights)}[form.bias]
    skipped, side = h, isqrt(x.shape[-1])
    for layer, weight in enumerate(weights):
        h = form.activation(h) if layer else h
        if 0 < layer <= len(form.kernels):
            h, side = _halved(h, side), side // 2
        if layer < len(form.kernels):
            h = _patches(h, side, form.kernels[layer])
        if form.residual and layer > 1:
            h = h + skipped
        skipped = h
        if layer < biased:
            h = torch.cat([h, h.new_ones(*h.shape[:-1], 1)], dim=-1)
        h = product(h, weight.mT) if gradients is None else _Linear.apply(h, weight, gradients)  # type: ignore[no-untyped-call]
    return h.squeeze(-1) * form.factor if form.factor != 1 else h.squeeze(-1)


def _patches(h: Tensor, side: int, kernel: int) -> Tensor:
    """The patch around every pixel, 0 outside: `(member, batch, channels side^2) -> (member, batch side^2, in)`."""
    members, batch, size = h.shape
    images = h.reshape(members * batch, size // side**2, side, side)
    patches = unfold(images, kernel, padding=kernel // 2)
    return patches.mT.reshape(members, batch * side**2, -1)


def _halved(h: Tensor, side: int) -> Tensor:
    """The largest of 2 x 2 pixels: `(member, batch side^2, channels) -> (member, batch, channels (side/2)^2)`."""
    members, rows, channels = h.shape
    images = h.reshape(rows * members // side**2, side, side, channels).permute(0, 3, 1, 2)
    return max_pool2d(images, 2).reshape(members, rows // side**2, -1)


class _Linear(torch.autograd.Function):
    """h W^T, whose backward pass hands over the factors of W's gradient instead of multiplying them."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, weight: Tensor, gradients: list[Gradient]) -> Tensor:
        ctx.save_for_backward(h, weight)
        ctx.gradients = gradients
        return product(h, weight.mT)

    @staticmethod
    def backward(ctx: Any, *received: Tensor) -> tuple[Tensor | None, None, None]:
        h, weight = ctx.saved_tensors
        (delta,) = received
        ctx.gradients.append(Gradient(delta, h.detach()))  # h itself would keep the graph alive: a cycle
        return product(delta, weight) if ctx.needs_input_grad[0] else None, None, None


def product(a: Tensor, b: Tensor) -> Tensor:
    """Batched matrix product whose members do not depend, to the last bit, on how many there are.

    torch hands a batch of one with a single row or column to a matrix-vector routine, which rounds differently
    from the batched product; a batch of two avoids it.
    """
    if len(a) != 1 or min(a.shape[1], b.shape[2]) > 1:
        return torch.bmm(a, b)
    return torch.bmm(a.expand(2, -1, -1), b.expand(2, -1, -1))[:1]
