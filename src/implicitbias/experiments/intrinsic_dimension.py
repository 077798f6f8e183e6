"""Convolutional filters that keep the rank of clean patches beside background noise (Zhang, Gao, Zou & Cao 2025)."""

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from implicitbias.measurement.rank import stable_rank
from implicitbias.rng import derive_seed
from implicitbias.schema import variable

_SOURCE = "Zhang, Gao, Zou & Cao 2025"
_BEND = 0.1  # kappa of the Huberised relu


def intrinsic_dimension(
    *,
    directions: int = 3,
    features: int = 100,
    background: float = 0.1,
    tiles: int = 3,
    filters: int = 20,
    train_size: int = 200,
    test_size: int = 1000,
    learning_rate: float = 10.0,
    steps: int = 500,
    draws: int = 8,
    seed: int = 0,
) -> xr.Dataset:
    """Stable ranks of the data, of their clean part and of the filters that a two-layer network learns from them.

    Of a point's patches one is +-u_k, u_k one of the K directions of its label, all of them orthonormal, so that clean
    patches have rank 2 K; the others are background, N(0, background^2 I). See `trained` for the network; float32.

    Args:
        directions: directions K of the clean patches of either label.
        features: coordinates of a patch. They are at least 2 K.
        background: standard deviation of the noise beside the clean patch. It is that of a coordinate.
        tiles: patches of a point, one of them clean.
        filters: filters of either sign.
        train_size: training points.
        test_size: test points.
        learning_rate: step of gradient descent.
        steps: steps of the optimizer. The optimizer is gradient descent.
        draws: random networks. Each has directions and data of its own.
        seed: of everything.

    Returns:
        Dimension `draw`: `filter_rank`, `data_rank` and `clean_rank`, stable ranks; `train_error` and `test_error`.
    """
    generator = torch.Generator().manual_seed(derive_seed("intrinsic dimension", seed))
    basis = torch.linalg.qr(torch.randn(draws, features, 2 * directions, generator=generator))[0].mT

    def data(count: int) -> tuple[Tensor, Tensor]:
        y, sign = 2.0 * torch.randint(2, (2, draws, count), generator=generator) - 1
        which = torch.randint(directions, (draws, count), generator=generator) + directions * (y > 0)
        return sign[..., None] * basis.gather(1, which[..., None].expand(-1, -1, features)), y

    (clean, y), (unseen, own) = data(train_size), data(test_size)
    return _measured(clean, y, unseen, own, background, tiles, filters, learning_rate, steps, generator)


def intrinsic_dimension_images(
    task: xr.Dataset,
    *,
    background: float = 0.1,
    tiles: int = 3,
    filters: int = 20,
    learning_rate: float = 10.0,
    steps: int = 500,
    seed: int = 0,
) -> xr.Dataset:
    """As `intrinsic_dimension`, with the images of a task of two labels, scaled to norm 1, for the clean patches.

    Args:
        task: one seed's inputs and labels +-1.
        background: standard deviation of the noise beside the clean patch. It is that of a pixel.
        tiles: patches of a point, one of them clean. Each is as large as the image.
        filters: filters of either sign.
        learning_rate: step of gradient descent.
        steps: steps of the optimizer. The optimizer is gradient descent.
        seed: of weights and noise.

    Returns:
        `filter_rank`, `data_rank` and `clean_rank`, stable ranks; `train_error` and `test_error`.
    """
    generator = torch.Generator().manual_seed(derive_seed("intrinsic dimension", seed))

    def data(part: str) -> tuple[Tensor, Tensor]:
        x, y = (torch.as_tensor(task[f"{part}_{what}"].values, dtype=torch.float32) for what in ("input", "label"))
        return (x / x.norm(dim=-1, keepdim=True).clamp(min=1e-12))[None], y[None]

    return _measured(*data("train"), *data("test"), background, tiles, filters, learning_rate, steps, generator).isel(
        draw=0, drop=True
    )


def _measured(
    clean: Tensor, y: Tensor, unseen: Tensor, own: Tensor, background: float, tiles: int, filters: int,
    learning_rate: float, steps: int, generator: torch.Generator,
) -> xr.Dataset:  # fmt: skip
    """Trains on `clean` patches `(draw, n, d)` beside background, and tests on `unseen` ones beside another."""

    def beside_noise(patch: Tensor) -> Tensor:
        noise = background * torch.randn(*patch.shape[:2], tiles - 1, patch.shape[2], generator=generator)
        return torch.cat([patch[:, :, None], noise], dim=2)

    x = beside_noise(clean)
    weight = trained(x, y, filters, learning_rate, steps, generator)
    found = {
        "filter_rank": (_rank(weight), "stable rank of the filters"),
        "data_rank": (_rank(x.flatten(1, 2)), "stable rank of the noisy data"),
        "clean_rank": (_rank(clean), "stable rank of the clean data"),
        "train_error": (_error(weight, x, y), "training error"),
        "test_error": (_error(weight, beside_noise(unseen), own), "test error"),
    }
    draws = {"draw": np.arange(len(clean))}
    return xr.Dataset(
        {name: variable("draw", each, text, source=_SOURCE) for name, (each, text) in found.items()}, draws
    )


def trained(x: Tensor, y: Tensor, filters: int, learning_rate: float, steps: int, generator: torch.Generator) -> Tensor:
    """Filters `(draw, 2 filters, d)` after gradient descent on the mean logistic loss, from N(0, 1e-6 I).

    f = (sum over the first half of the filters and all patches of phi(w.x) - that over the second half)/filters, phi a
    relu with a parabola from 0 to .1; the learning rate is multiplied by the number of filters of a sign.

    Args:
        x: `(draw, n, patches, d)`.
        y: `(draw, n)` labels +-1.
        filters: of either sign.
        learning_rate: of gradient descent.
        steps: of gradient descent.
        generator: of the initial weights.
    """
    draws, points, patches, features = x.shape
    flat, output = x.flatten(1, 2), _output(filters)
    weight = 1e-3 * torch.randn(draws, 2 * filters, features, generator=generator)
    for _ in range(steps):
        z = flat @ weight.mT
        slope = z.clamp(0, _BEND) / _BEND
        f = _summed(z, patches, output)
        back = -y * torch.sigmoid(-y * f) * (learning_rate * filters / points)
        change = back.repeat_interleave(patches, 1)[..., None] * slope * output
        weight = weight - change.mT @ flat
    return weight


def _output(filters: int) -> Tensor:
    return torch.cat([torch.ones(filters), -torch.ones(filters)]) / filters


def _summed(z: Tensor, patches: int, output: Tensor) -> Tensor:
    """The network's outputs `(draw, n)` from its filters' products with the patches, `(draw, n patches, filters)`."""
    bent = z.clamp(0, _BEND)
    phi = bent * (z.clamp(min=0) - bent / 2) / _BEND  # z^2/(2 kappa), and z - kappa/2 from kappa on
    return (phi @ output).view(len(z), -1, patches).sum(2)


def _error(weight: Tensor, x: Tensor, y: Tensor) -> np.ndarray:
    f = _summed(x.flatten(1, 2) @ weight.mT, x.shape[2], _output(weight.shape[1] // 2))
    error: np.ndarray = (y * f <= 0).double().mean(1).numpy()
    return error


def _rank(matrix: Tensor) -> np.ndarray:
    return np.asarray(stable_rank([matrix.double().numpy()]))
