"""What margins two-layer networks have on a parity when their neurons may turn, and when they may not.

Telgarsky 2022 ("Feature selection and low test error in shallow, low-rotation ReLU networks").
"""

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import linprog
from torch import Tensor

from implicitbias.errors import NumericalError
from implicitbias.progress import Progress
from implicitbias.rng import derive_seed
from implicitbias.schema import variable
from implicitbias.tasks.synthetic import sparse_parity

_SOURCE = "Telgarsky 2022, sections 1 and 2.3"
NETWORKS = ("all weights", "norms alone", "best norms", "best directions")
_DECREASE = 0.25  # most by which a step lowers the log loss
_TOGETHER = 2  # draws that take all their steps before others do: their hidden neurons stay in the cache


def parity_margins(
    *,
    features: int = 8,
    width: int = 512,
    train_size: int = 256,
    test_size: int = 1000,
    step_length: float = 1.0,
    steps: int = 1200,
    draws: int = 4,
    seed: int = 0,
) -> xr.Dataset:
    """Margins and test errors of f(x) = sum_j b_j relu(<w_j, x>) on the parity of two signs out of d.

    Points are uniform on {+-1/sqrt(d)}^d. Rows w_j start in uniform directions, of norm 1/sqrt(m), as output weights do
    with random signs. Gradient descent on the log of the summed exponential loss, full batch, trains all weights, or of
    rows their norms alone. A step is `step_length` long per gradient, but lowers the log loss by no more than .25 to
    first order. Beside them are the largest margins, by linear programs: of networks with the drawn directions and
    signs, and of networks that have the four directions (+-1, +-1)/sqrt(2) of the two signs as well. Training in
    float32.

    Args:
        features: signs d, two of which decide.
        width: neurons of a hidden layer. This is m.
        train_size: training points.
        test_size: test points.
        step_length: longest step of gradient descent, a gradient.
        steps: steps of the optimizer. The optimizer is gradient descent.
        draws: training sets. Each has neurons of its own; narrow networks have the first of the wide ones'
            neurons.
        seed: of everything.

    Returns:
        Dimensions `network` and `draw`: `margin`, min_i y_i f(x_i) over sum_j |b_j| |w_j|, and `test_error`.
    """
    rngs = [np.random.default_rng(derive_seed("parity margins", seed, draw)) for draw in range(draws)]
    x, y = _stacked([sparse_parity(rng, train_size, features=features, active=2) for rng in rngs])
    unseen, target = _stacked([sparse_parity(rng, test_size, features=features, active=2) for rng in rngs])
    normal = torch.as_tensor(np.stack([rng.standard_normal((width, features + 1)) for rng in rngs])).float()
    rows, signs = normal[..., 1:], normal[..., 0].sign()  # of wider networks the first are those of narrower ones
    rows = rows / rows.norm(dim=-1, keepdim=True)
    pairs = torch.tensor([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]]) / 2**0.5
    corners = torch.nn.functional.pad(pairs, (0, features - 2)).expand(draws, -1, -1)
    of_corners = torch.tensor([1.0, 1.0, -1.0, -1.0]).expand(draws, -1)

    drawn, with_corners = (rows, signs), (torch.cat([rows, corners], 1), torch.cat([signs, of_corners], 1))
    networks = [
        descend(x, y, rows * width**-0.5, signs * width**-0.5, step_length, steps, turning=True),
        descend(x, y, rows * width**-0.5, signs * width**-0.5, step_length, steps, turning=False),
        *((directions, sign * best_weights(x, y, directions, sign)) for directions, sign in (drawn, with_corners)),
    ]
    margins = [(y * outputs(*each, x)).amin(1) / (each[0].norm(dim=-1) * each[1].abs()).sum(1) for each in networks]
    errors = [(target * outputs(*each, unseen) <= 0).double().mean(1) for each in networks]
    dims = ("network", "draw")
    return xr.Dataset(
        {
            "margin": variable(dims, torch.stack(margins), "variation-norm margin", source=_SOURCE),
            "test_error": variable(dims, torch.stack(errors), "test error", source=_SOURCE),
        },
        {"network": list(NETWORKS), "draw": np.arange(draws)},
    )


def outputs(rows: Tensor, weights: Tensor, x: Tensor) -> Tensor:
    """f at points: `(draws, m, d)`, `(draws, m)` and `(draws, n, d)` to `(draws, n)`."""
    return (torch.relu(x @ rows.mT) @ weights[..., None])[..., 0]


def descend(
    x: Tensor, y: Tensor, rows: Tensor, weights: Tensor, step_length: float, steps: int, *, turning: bool
) -> tuple[Tensor, Tensor]:
    """Rows `(draws, m, d)` and output weights `(draws, m)` after gradient descent on ln sum_i exp(-y_i f(x_i)).

    Args:
        x: `(draws, n, d)`.
        y: `(draws, n)` of +-1.
        rows: at the start.
        weights: at the start.
        step_length: the step, where it is not cut.
        steps: how many.
        turning: whether rows may turn; otherwise they keep to the part of their gradient along themselves.
    """
    with Progress(steps * len(x), "all weights" if turning else "norms alone", "step of a draw") as progress:
        ends = [
            _descend(*some, step_length=step_length, steps=steps, turning=turning, progress=progress)
            for some in zip(*(torch.split(each, _TOGETHER) for each in (x, y, rows, weights)), strict=True)
        ]
    return torch.cat([end[0] for end in ends]), torch.cat([end[1] for end in ends])


def _descend(
    x: Tensor, y: Tensor, rows: Tensor, weights: Tensor, *, step_length: float, steps: int, turning: bool,
    progress: Progress,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    ways = rows / rows.norm(dim=-1, keepdim=True)
    for _ in range(steps):
        hidden = (x @ rows.mT).relu_()
        shares = y * torch.softmax(-y * (hidden @ weights[..., None])[..., 0], 1)
        by_weights = (hidden.mT @ shares[..., None])[..., 0]
        active = torch.ops.aten.threshold_backward(shares[..., None].expand_as(hidden), hidden, 0)
        by_rows = active.mT @ x * weights[..., None]
        if not turning:
            by_rows = (by_rows * ways).sum(-1, keepdim=True) * ways
        size = by_weights.square().sum(1) + by_rows.square().sum((1, 2))
        length = (_DECREASE / size).clamp(max=step_length)[:, None]
        weights, rows = weights + length * by_weights, rows + length[..., None] * by_rows
        progress.update(len(x))
    return rows, weights


def best_weights(x: Tensor, y: Tensor, directions: Tensor, signs: Tensor) -> Tensor:
    """c >= 0 of sum 1 with the largest min_i y_i sum_j c_j s_j relu(<v_j, x_i>): `(draws, m)`, by a linear program.

    Raises:
        NumericalError: if the solver fails.
    """
    features = y[..., None] * torch.relu(x @ directions.mT) * signs[:, None]
    return torch.as_tensor(np.stack([_mixture(each.double().numpy()) for each in features])).float()


def _mixture(features: NDArray[np.float64]) -> NDArray[np.float64]:
    n, m = features.shape
    found = linprog(
        np.append(np.zeros(m), -1.0), A_ub=np.hstack([-features, np.ones((n, 1))]), b_ub=np.zeros(n),
        A_eq=np.append(np.ones(m), 0.0)[None], b_eq=[1.0], bounds=[(0, None)] * m + [(None, None)], method="highs",
    )  # fmt: skip
    if found.status != 0 or found.x is None:
        raise NumericalError(f"the largest margin was not found: {found.message}")
    weights: NDArray[np.float64] = found.x[:m]
    return weights


def _stacked(points: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> tuple[Tensor, Tensor]:
    x, y = (torch.as_tensor(np.stack(parts)).float() for parts in zip(*points, strict=True))
    return x, y
