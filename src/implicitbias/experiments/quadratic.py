"""Gradient descent with large steps on quadratic regression: from stability to chaos (Chen et al. 2023)."""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from implicitbias.progress import Progress
from implicitbias.rng import derive_seed
from implicitbias.schema import variable

_SOURCE = "Chen, Balasubramanian, Ghosal & Agrawalla 2023"
_LARGEST = 2.2  # relative step
_VISITS = 64  # last steps that are looked at
_SAME = 1e-3  # difference of rescaled residuals below which a state has come back
Array = NDArray[np.float64]


def quadratic_regression(
    *,
    model: str = "network",
    design: str = "orthogonal",
    features: int = 5,
    width: int = 5,
    train_size: int = 30,
    step_sizes: int = 66,
    draws: int = 16,
    steps: int = 3000,
    seed: int = 0,
) -> xr.Dataset:
    """Phases of gradient descent on the mean square loss of f(x) = |W x|^2/m against labels (w*.x)^2.

    A step eta is told by a = eta/eta_c, where eta_c is the largest at which the labels' own weights are stable. On
    orthogonal inputs with equal labels every point's residual z, times a over its label, follows the cubic map
    z -> z^3 + (a - 2) z^2 + (1 - 2 a) z. Weights start so that the largest prediction is U[0, 2] times the largest
    label, the map so that its prediction is U[0, 2] times its label. Float64.

    Args:
        model: phase retrieval, or a two-layer network of quadratic neurons. The words are "phase_retrieval" (m = 1)
            and "network".
        design: inputs. They are "orthogonal" (as many points as features, all labels equal) or "gaussian".
        features: inputs' coordinates, and the number of orthogonal ones. This is d.
        width: neurons of a hidden layer. This is m.
        train_size: Gaussian inputs.
        step_sizes: step sizes, from 0 to 2.2 times the largest stable one. They are the middles of as many equal parts.
        draws: random networks. Each has data, labels' weights and initial weights of its own; data are the same at
            all a.
        steps: steps of gradient descent. The first two thirds are let pass.
        seed: of everything.

    Returns:
        By `relative_step` and `draw`, of the model and (with prefix `map_`) of the cubic map:

        - `lyapunov`: largest exponent a step, over the last third of the steps.
        - `period`: of the rescaled residuals, at most 32, or 0.
        - `rises`: whether the loss at some training point rose at some step.
        - `diverged`: whether numbers overflowed; then all the others but `rises` are NaN.

        Besides, of the model, `test_loss` of the last weights and `averaged_test_loss` of predictions averaged over the
        last third, exact for Gaussian inputs, over the mean square of their labels. By `visit` the last rescaled
        residuals, `residual` (at the point of the largest label) and `map_residual`, of the first draw.
    """
    rng = np.random.default_rng(derive_seed("quadratic regression", seed))
    a = _LARGEST * (np.arange(step_sizes) + 0.5) / step_sizes
    x, teacher = _points(rng, design, draws, features, train_size)
    start = rng.uniform(0, 2, (step_sizes, draws))
    with np.errstate(all="ignore"):  # some steps are meant to diverge
        found = {
            **descend(rng, x, teacher, a, start, width if model == "network" else 1, steps),
            **{f"map_{name}": values for name, values in iterate(a, start, steps).items()},
        }
    words = {
        "lyapunov": "Lyapunov exponent", "period": "period (0: none up to 32)", "diverged": "fraction diverged",
        "rises": "fraction with a loss that rises", "residual": "rescaled residual",
        "test_loss": "test loss at the end", "averaged_test_loss": "test loss of averaged predictions",
    }  # fmt: skip
    words |= {f"map_{name}": f"{text}, cubic map" for name, text in words.items()}
    dataset = {
        name: variable(("relative_step", "visit" if name.endswith("residual") else "draw"), values, words[name],
            source=_SOURCE)
        for name, values in found.items()
    }  # fmt: skip
    steps_of = variable("relative_step", a, "step over the largest stable one", source=_SOURCE)
    return xr.Dataset(dataset, {"relative_step": steps_of, "draw": range(draws), "visit": range(min(steps, _VISITS))})


def cubic(z: Array, a: Array) -> Array:
    """The map z^3 + (a - 2) z^2 + (1 - 2 a) z, in the form that keeps z + a >= 0."""
    return (z + a) * (1 - z) ** 2 - a


def iterate(a: Array, start: Array, steps: int) -> dict[str, Array]:
    """What the cubic map does from z = (start - 1) a, as `quadratic_regression` returns it.

    Args:
        a: `(A,)` parameters of the map.
        start: `(A, S)` first predictions over the label.
        steps: how many.
    """
    a = a[:, None]
    z = (start - 1) * a
    exponent, rises = np.zeros_like(z), np.zeros(z.shape, bool)
    visits: list[Array] = []
    early = 2 * steps // 3
    for step in range(steps):
        if step >= early:
            exponent += np.log(np.abs((1 - z) * (1 - 3 * z - 2 * a))) / (steps - early)
        before, z = z, cubic(z, a)
        rises |= _risen(before, z)
        visits = [*visits[-_VISITS + 1 :], z]
    return _summary(exponent, rises, np.stack(visits)[..., None], np.zeros(z.shape[1], int))


def descend(
    rng: np.random.Generator, x: Array, teacher: Array, a: Array, start: Array, width: int, steps: int
) -> dict[str, Array]:
    """What gradient descent does, as `quadratic_regression` returns it.

    With S = W x, f = |S|^2/m and e = f - y a step is W - eta/n sum_i e_i S_i x_i^T; a tangent V takes its derivative.

    Args:
        rng: of the initial weights.
        x: `(S, n, d)` inputs.
        teacher: `(S, d)` weights w* of the labels, of norm 1.
        a: `(A,)` relative steps.
        start: `(A, S)` largest first prediction over the largest label.
        width: m.
        steps: how many.
    """
    draws, points, features = x.shape
    on_teacher = np.einsum("snd,sd->sn", x, teacher)
    y = on_teacher**2
    # at W^T W/m = w* w*^T predictions move by 1 - eta times twice this matrix: stable where its largest eigenvalue < 1
    curvature = (x @ x.mT) * on_teacher[:, :, None] * on_teacher[:, None] / points
    rate = (a[:, None] / np.linalg.eigvalsh(curvature)[:, -1] / points)[..., None, None]
    scale = (a[:, None] / y.max(-1))[..., None]
    weights = rng.normal(size=(len(a), draws, width, features))
    first = ((weights @ x.mT) ** 2).mean(-2).max(-1)
    weights *= np.sqrt(start * y.max(-1) / first)[..., None, None]
    tangent = rng.normal(size=weights.shape)
    exponent, rises = np.zeros(start.shape), np.zeros(start.shape, bool)
    moment = np.zeros((len(a), draws, features, features))
    visits: list[Array] = []
    early = 2 * steps // 3
    with Progress(steps, "quadratic regression", "step") as progress:
        for step in range(steps):
            s, t = weights @ x.mT, tangent @ x.mT  # (A, S, m, n)
            e = (s**2).mean(-2) - y
            moved = 2 * (s * t).mean(-2)
            if visits:
                rises |= _risen(visits[-1], scale * e).any(-1)
            visits = [*visits[-_VISITS + 1 :], scale * e]
            tangent = tangent - rate * ((moved[..., None, :] * s + e[..., None, :] * t) @ x)
            weights = weights - rate * ((e[..., None, :] * s) @ x)
            size = np.sqrt((tangent**2).sum((-2, -1)))
            tangent /= size[..., None, None]
            if step >= early:
                exponent += np.log(size) / (steps - early)
                moment += weights.mT @ weights / (width * (steps - early))
            progress.update(figures=partial(_figures, e))
    return {
        **_summary(exponent, rises, np.stack(visits), y.argmax(-1)),
        "test_loss": test_loss(weights.mT @ weights / width, teacher),
        "averaged_test_loss": test_loss(moment, teacher),
    }


def test_loss(moment: Array, teacher: Array) -> Array:
    """Mean square of x^T D x, D = M - w* w*^T, over Gaussian x, over that of the labels: (2|D|^2 + (tr D)^2)/3.

    Args:
        moment: `(..., S, d, d)`, M: predictions are x^T M x.
        teacher: `(S, d)`, w*, of norm 1.
    """
    off = moment - teacher[:, :, None] * teacher[:, None]
    loss: Array = (2 * (off**2).sum((-2, -1)) + np.trace(off, axis1=-2, axis2=-1) ** 2) / 3
    return np.where(np.isfinite(loss), loss, np.nan)


test_loss.__test__ = False  # type: ignore[attr-defined]  # no test, whatever pytest thinks of the name


def period(visits: Array) -> Array:
    """Smallest number of steps, up to half of those given, after which all states are back; 0 if there is none.

    Args:
        visits: `(T, ..., n)` states of n points.
    """
    found = np.zeros(visits.shape[1:-1])
    for length in range(len(visits) // 2, 0, -1):
        back = (np.abs(visits[length:] - visits[:-length]) < _SAME).all(axis=(0, -1))
        found = np.where(back, length, found)
    return found


def _points(rng: np.random.Generator, design: str, draws: int, features: int, size: int) -> tuple[Array, Array]:
    """Inputs `(S, n, d)` and the labels' weights `(S, d)`, of norm 1."""
    if design == "gaussian":
        x, teacher = rng.normal(size=(draws, size, features)), rng.normal(size=(draws, features))
    else:
        x = np.linalg.qr(rng.normal(size=(draws, features, features)))[0] * features**0.5
        teacher = np.einsum("sn,snd->sd", rng.choice([-1.0, 1.0], (draws, features)), x)
    return x, teacher / np.linalg.norm(teacher, axis=-1, keepdims=True)


def _risen(before: Array, after: Array) -> NDArray[np.bool_]:
    """Whether a residual has become larger, by more than rounding (which is all there is once it has settled)."""
    return np.asarray(np.abs(after) > np.abs(before) * (1 + 1e-9) + 1e-9)


def _summary(exponent: Array, rises: NDArray[np.bool_], visits: Array, shown: NDArray[Any]) -> dict[str, Array]:
    """From what was gathered by relative step and draw; visits are `(T, A, S, n)`, `shown` (S,) points."""
    bounded = np.asarray(np.isfinite(visits).all(axis=(0, -1)))
    return {
        "lyapunov": np.where(bounded, exponent, np.nan),
        "period": np.where(bounded, period(visits), np.nan),
        "rises": rises.astype(float),
        "diverged": (~bounded).astype(float),
        "residual": np.where(bounded[:, 0], visits[:, :, 0, shown[0]], np.nan).T,
    }


def _figures(errors: Array) -> str:
    return f"median loss {np.median(np.square(errors)):.3g}"
