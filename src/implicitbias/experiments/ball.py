"""The indicator of a ball: what a second hidden layer of one neuron is worth (after Safran & Lee 2022)."""

import numpy as np
import torch
import xarray as xr
from scipy.stats import t as student
from torch import Tensor

from implicitbias.rng import derive_seed
from implicitbias.schema import mean_with_stderr

_SOURCE = "after Safran & Lee 2022"
_FREEDOM = 3  # of the norms
_MEDIAN = float(student.ppf(0.75, _FREEDOM))  # of their absolute values
NETWORKS = ("two hidden layers", "one hidden layer", "one hidden layer, fixed")


def ball_indicator(
    *,
    features: int = 10,
    width: int = 200,
    train_size: int = 1000,
    test_size: int = 4000,
    draws: int = 4,
    learning_rate: float = 0.003,
    steps: int = 1500,
    seed: int = 0,
) -> xr.Dataset:
    """Errors in learning 1[|x| <= lambda] of a radial, heavy-tailed x, lambda the median norm.

    Directions are uniform, norms sqrt(d) times |t| with 3 degrees of freedom. The hidden neurons are sigmoids with
    weights and biases N(0, 1/d). With two hidden layers they stay fixed, and one sigmoid of their weighted sum is
    trained; with one hidden layer f is their weighted sum, and all weights are trained, or the output's alone. Adam
    on the mean square loss, full batch, the same steps for all, float32.

    Args:
        features: d.
        width: neurons of the first hidden layer.
        train_size: training points.
        test_size: test points.
        draws: networks of each kind, each with data of its own.
        learning_rate: of Adam.
        steps: of Adam.
        seed: of everything.

    Returns:
        Dimension `network`: `test_loss`, the mean square error, and `test_error`, the share of test points on the wrong
        side of a half, means over the draws with standard errors.
    """
    generator = torch.Generator().manual_seed(derive_seed("ball", seed))
    rng = np.random.default_rng(derive_seed("ball norms", seed))

    def data(count: int) -> tuple[Tensor, Tensor]:
        ways = torch.randn(draws, count, features, generator=generator)
        norms = torch.as_tensor(np.abs(rng.standard_t(_FREEDOM, size=(draws, count, 1))), dtype=torch.float32)
        return ways / ways.norm(dim=-1, keepdim=True) * norms * features**0.5, (norms[..., 0] <= _MEDIAN).float()

    (x, y), (unseen, target) = data(train_size), data(test_size)
    losses, errors = np.empty((2, len(NETWORKS), draws))
    for row, name in enumerate(NETWORKS):
        inner = torch.randn(draws, features + 1, width, generator=generator) * features**-0.5
        outer = torch.zeros(draws, width + 1, 1)
        moving = [inner, outer] if name == "one hidden layer" else [outer]
        for part in moving:
            part.requires_grad_(True)

        def outputs(x: Tensor, inner: Tensor = inner, outer: Tensor = outer, name: str = name) -> Tensor:
            h = torch.sigmoid(torch.baddbmm(inner[:, -1:], x, inner[:, :-1]))
            z = torch.baddbmm(outer[:, -1:], h, outer[:, :-1])[..., 0]
            return torch.sigmoid(z) if name == "two hidden layers" else z

        optimizer = torch.optim.Adam(moving, lr=learning_rate)
        for _ in range(steps):
            optimizer.zero_grad()
            (outputs(x) - y).square().mean(1).sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        with torch.no_grad():
            found = outputs(unseen)
        losses[row] = (found - target).square().mean(1)
        errors[row] = ((found > 0.5) != (target > 0.5)).double().mean(1)
    dataset: dict[str, xr.Variable] = {}
    for key, values, text in (("test_loss", losses, "mean square test error"), ("test_error", errors, "test error")):
        dataset |= mean_with_stderr(key, "network", values, text, source=_SOURCE)
    return xr.Dataset(dataset, {"network": list(NETWORKS)})
