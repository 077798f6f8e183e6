import inspect

import numpy as np
import pytest
import torch
from scipy.linalg import fractional_matrix_power
from torch import Tensor

from implicitbias.catalogue import OPTIMIZERS, resolve
from implicitbias.errors import ConfigError
from implicitbias.networks.stacked import Gradient
from implicitbias.optimizers import base
from implicitbias.optimizers.adam import adam
from implicitbias.optimizers.agd import agd
from implicitbias.optimizers.momentum import momentum
from implicitbias.optimizers.nero import nero
from implicitbias.optimizers.sgd import sgd
from implicitbias.optimizers.shampoo import shampoo

SHAPES = [(8, 10), (8, 8), (1, 8)]


def start(members: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    source = torch.Generator().manual_seed(1)
    return [torch.randn(members, *shape, generator=source, dtype=dtype) for shape in SHAPES]


def gradient(step: int, members: int, dtype: torch.dtype = torch.float64) -> list[Gradient]:
    source = torch.Generator().manual_seed(step)
    return [
        Gradient(
            torch.randn(members, 5, rows, generator=source, dtype=dtype),
            torch.randn(members, 5, columns, generator=source, dtype=dtype),
        )
        for rows, columns in SHAPES
    ]


def run(optimizer: base.Optimizer, members: slice, steps: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """`steps` steps of members out of eight that differ in weights, gradients and learning rate."""
    weights = [weight[members].clone() for weight in start(8, dtype)]
    rates = torch.linspace(0.001, 0.1, 8, dtype=dtype)[members]
    state = optimizer.init(weights)
    for step in range(1, steps + 1):
        gradients = [Gradient(each.delta[members], each.h[members]) for each in gradient(step, 8, dtype)]
        optimizer.update(gradients, state, weights, rates, step)
    return weights


@pytest.mark.parametrize("cached", [7, 100, 1 << 18])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_batch_equals_loop(name: str, cached: int, monkeypatch) -> None:
    """Member 3 of 8 equals its solo run, however the update is cut into blocks."""
    together = run(resolve(OPTIMIZERS[name])(), slice(None), 20)
    monkeypatch.setattr(base, "CACHED_ELEMENTS", cached)
    alone = run(resolve(OPTIMIZERS[name])(), slice(3, 4), 20)
    for many, one in zip(together, alone, strict=True):
        assert torch.allclose(many[3:4], one, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_catalogue_lists_the_hyperparameters_and_their_defaults(name: str) -> None:
    signature = inspect.signature(resolve(OPTIMIZERS[name]))
    listed = {key: number.default for key, number in OPTIMIZERS[name].parameters.items()}
    assert {key: parameter.default for key, parameter in signature.parameters.items()} == listed


@pytest.mark.parametrize("cached", [30, 1 << 18])
@pytest.mark.parametrize(
    ("optimizer", "reference"),
    [
        (sgd(), lambda weights: torch.optim.SGD(weights, lr=0.05)),
        (sgd(0.3), lambda weights: torch.optim.SGD(weights, lr=0.05, weight_decay=0.3)),
        (momentum(0.8), lambda weights: torch.optim.SGD(weights, lr=0.05, momentum=0.8)),
        (momentum(0.8, 0.3), lambda weights: torch.optim.SGD(weights, lr=0.05, momentum=0.8, weight_decay=0.3)),
        (
            adam(0.7, 0.95, 1e-3),
            lambda weights: torch.optim.Adam(weights, lr=0.05, betas=(0.7, 0.95), eps=1e-3, foreach=False),
        ),
    ],
    ids=["sgd", "weight decay", "momentum", "momentum and weight decay", "adam"],
)
def test_equals_torchs_own(optimizer, reference, cached, monkeypatch) -> None:
    monkeypatch.setattr(base, "CACHED_ELEMENTS", cached)
    weights, theirs = start(1), [weight[0].clone().requires_grad_(True) for weight in start(1)]
    state, other = optimizer.init(weights), reference(theirs)
    for step in range(1, 31):
        for weight, each in zip(theirs, gradient(step, 1), strict=True):
            weight.grad = each.matrix()[0]
        optimizer.update(gradient(step, 1), state, weights, torch.tensor([0.05], dtype=torch.float64), step)
        other.step()
    for ours, weight in zip(weights, theirs, strict=True):
        assert torch.allclose(ours[0], weight, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_room_holds_the_state(name: str) -> None:
    """And of rules that look at all layers' gradients at once, these."""
    optimizer, weights = resolve(OPTIMIZERS[name])(), start(1)
    kept = optimizer.init(weights)

    def numbers(state: object) -> int:
        if isinstance(state, Tensor):
            return state.numel()
        return sum(map(numbers, state or ()))  # type: ignore[call-overload]

    extra_numbers = sum(optimizer.extra_numbers(*shape) for shape in SHAPES)
    at_once = sum(rows * columns for rows, columns in SHAPES) if name.startswith(("steepest", "agd")) else 0
    assert extra_numbers >= numbers(kept) + at_once
    assert (extra_numbers == 0) == (name == "sgd")


PROJECTIONS = {
    "mean_free_unit": lambda w: (w - w.mean()) / (w - w.mean()).norm(),
    "mean_free": lambda w: w - w.mean(),
    "unit": lambda w: w / w.norm(),
}


@pytest.mark.parametrize("constraint", PROJECTIONS)
def test_nero_by_its_formula(constraint: str) -> None:
    """Against the algorithm of the paper, one row at a time; its halves project to one of the two."""
    weights, project = run(nero(0.9, constraint), slice(2, 3), 15), PROJECTIONS[constraint]
    rate = torch.linspace(0.001, 0.1, 8, dtype=torch.float64)[2]
    for layer, ours in enumerate(weights):
        for row in range(ours.shape[1]):
            w, v = start(8)[layer][2, row].clone(), 0.0
            w = project(w)
            for step in range(1, 16):
                g = gradient(step, 8)[layer].matrix()[2, row]
                v = 0.9 * v + 0.1 * g.norm() ** 2
                w = w - rate * g / (v / (1 - 0.9**step)).sqrt()
                w = project(w)
            assert torch.allclose(ours[0, row], w, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("optimizer", "mean_free", "unit"),
    [(nero(), True, True), (nero(constraint="mean_free"), True, False), (nero(constraint="unit"), False, True)],
    ids=["both", "mean 0", "norm 1"],
)
def test_nero_keeps_rows_at_mean_zero_and_norm_one_and_each_half_at_one_of_them_in_float32(
    optimizer: base.Optimizer, mean_free: bool, unit: bool
) -> None:
    for steps in (0, 1, 300):
        for weight in run(optimizer, slice(None), steps, torch.float32):
            exact = weight.double()
            means, excess = exact.mean(-1).abs().max(), (exact.norm(dim=-1) - 1).abs().max()
            assert means < 1e-6 if mean_free else means > 0.01
            assert excess < 1e-6 if unit else excess > 0.1


def test_nero_leaves_rows_without_gradient_where_they_are() -> None:
    weights = start(2)
    optimizer = nero()
    state = optimizer.init(weights)
    before = [weight.clone() for weight in weights]
    none = [Gradient(torch.zeros_like(each.delta), each.h) for each in gradient(1, 2)]
    optimizer.update(none, state, weights, torch.tensor([0.1, 0.1], dtype=torch.float64), 1)
    for weight, old in zip(weights, before, strict=True):
        assert torch.allclose(weight, old, atol=1e-15)


def test_nero_names_a_layer_that_it_cannot_train() -> None:
    with pytest.raises(ConfigError, match="1 input"):
        nero().init([torch.ones(1, 3, 1)])
    with pytest.raises(ConfigError, match="1 input"):
        nero(constraint="mean_free").init([torch.ones(1, 3, 1)])
    alone = torch.tensor([[[3.0], [-2.0]]])
    nero(constraint="unit").init([alone])
    assert alone.ravel().tolist() == [1, -1]


@pytest.mark.parametrize("cached", [5, 33, 120, 10**6])
def test_blocks_cover_the_gradient_once(cached: int, monkeypatch) -> None:
    monkeypatch.setattr(base, "CACHED_ELEMENTS", cached)
    (first, *_) = gradient(1, 4)
    whole, per_member = torch.zeros(4, 8, 10, dtype=torch.float64), torch.arange(4.0)[:, None, None]
    for g, part, number in base.blocks(first, whole, per_member):
        part.add_(g).add_(number)
    assert torch.allclose(whole, first.matrix() + per_member, rtol=1e-12)


@pytest.mark.parametrize("name", ["l2", "linf", "l1", "spectral"])
def test_no_step_is_predicted_to_lower_the_loss_by_more_than_the_limit(name: str) -> None:
    """<g, step> is -rate |g|_*^2 for plain steps, and never below -decrease; unlimited steps stay as they are."""
    make = resolve(OPTIMIZERS[f"steepest_{name}"])
    predicted = {}
    for decrease in (0.0, 0.5, 1e9):
        weights, before, gradients = start(8), start(8), gradient(1, 8)
        optimizer, rates = make(decrease=decrease), torch.logspace(-6, 0, 8, dtype=torch.float64)
        optimizer.update(gradients, optimizer.init(weights), weights, rates, 1)
        moves = [new - old for new, old in zip(weights, before, strict=True)]
        predicted[decrease] = sum(
            (move * each.matrix()).sum((1, 2)) for move, each in zip(moves, gradients, strict=True)
        )  # fmt: skip
    assert torch.equal(predicted[0.0], predicted[1e9])
    assert torch.allclose(predicted[0.5], predicted[0.0].clamp(min=-0.5), rtol=1e-6)
    assert (predicted[0.0] < -0.5).any()
    assert (predicted[0.0] > -0.5).any()


def test_automatic_descent_by_its_formula() -> None:
    """Every layer moves by eta sqrt(d_k/d_(k-1))/L against its gradient, eta the same for all layers."""
    weights, gradients, rate = start(2), gradient(1, 2), torch.tensor([1.0, 0.5], dtype=torch.float64)
    agd().update(gradients, None, weights, rate, 1)
    matrices = [each.matrix() for each in gradients]
    for member in range(2):
        scales = [(shape[0] / shape[1]) ** 0.5 for shape in SHAPES]
        summary = sum(s * m[member].norm() for s, m in zip(scales, matrices, strict=True)) / 3
        eta = rate[member] * torch.log((1 + torch.sqrt(1 + 4 * summary)) / 2)
        for before, after, matrix, scale in zip(start(2), weights, matrices, scales, strict=True):
            moved = after[member] - before[member]
            assert float(moved.norm()) == pytest.approx(float(eta * scale / 3), rel=1e-12)
            assert torch.allclose(moved / moved.norm(), -matrix[member] / matrix[member].norm(), atol=1e-12)


def test_automatic_descent_moves_the_pixels_of_a_patch_apart() -> None:
    """Of a convolution of p pixels every matrix between channels moves by eta sqrt(d_k/d_(k-1))/(sqrt(p) L)."""
    source = torch.Generator().manual_seed(0)
    first, last = (torch.randn(2, *shape, dtype=torch.float64, generator=source) for shape in ((5, 3, 9), (4, 5)))
    grads = [torch.randn(weight.shape, dtype=torch.float64, generator=source) for weight in (first, last)]
    weights = [first.flatten(2).clone(), last.clone()]
    empty = first.new_empty(2, 0, 0)
    gradients = [Gradient(empty, empty, grads[0].flatten(2), pixels=9), Gradient(empty, empty, grads[1])]
    agd().update(gradients, None, weights, torch.ones(2, dtype=torch.float64), 1)
    for member in range(2):
        norms, scale = grads[0][member].norm(dim=(0, 1)), (5 / 3 / 9) ** 0.5
        summary = (scale * norms.sum() + (4 / 5) ** 0.5 * grads[1][member].norm()) / 2
        eta = torch.log((1 + torch.sqrt(1 + 4 * summary)) / 2)
        moved = weights[0][member].unflatten(1, (3, 9)) - first[member]
        assert torch.allclose(moved, -eta / 2 * scale * grads[0][member] / norms, rtol=1e-12)
        moved = weights[1][member] - last[member]
        assert torch.allclose(moved, -eta / 2 * (4 / 5) ** 0.5 * grads[1][member] / grads[1][member].norm(), rtol=1e-12)


def test_shampoo_by_its_formula() -> None:
    """Against the algorithm of the paper with scipy's matrix powers."""
    weights = run(shampoo(0.1), slice(2, 3), 6)
    rate = float(torch.linspace(0.001, 0.1, 8, dtype=torch.float64)[2])
    for layer, (rows, columns) in enumerate(SHAPES):
        w, left, right = start(8)[layer][2].numpy(), 0.1 * np.eye(rows), 0.1 * np.eye(columns)
        for step in range(1, 7):
            g = gradient(step, 8)[layer].matrix()[2].numpy()
            left, right = left + g @ g.T, right + g.T @ g
            w = w - rate * (fractional_matrix_power(left, -0.25) @ g @ fractional_matrix_power(right, -0.25)).real
        assert np.allclose(weights[layer][0], w, rtol=1e-9, atol=1e-11)


def test_shampoos_first_step_without_epsilon_is_spectral_descent() -> None:
    ours, spectral = (
        run(shampoo(1e-300), slice(None), 1),
        run(resolve(OPTIMIZERS["steepest_spectral"])(0), slice(None), 1),
    )
    for shampooed, steepest in zip(ours, spectral, strict=True):
        assert torch.allclose(shampooed, steepest, rtol=1e-6, atol=1e-8)
