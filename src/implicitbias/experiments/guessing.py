"""How near a guessed gradient is to the true one (Singhal et al. 2023)."""

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from implicitbias.rng import derive_seed
from implicitbias.schema import mean_with_stderr

_SOURCE = "Singhal et al. 2023, section 3"
GUESSES = ("weights", "activations", "masked activations", "through the next layer")


def guessed_gradients(
    *, width: int = 256, features: int = 784, classes: int = 10, draws: int = 200, seed: int = 0
) -> xr.Dataset:
    """Mean |cosine| of forward-mode guesses with the gradient of one point's loss, for a 3-layer relu network.

    A guess is a random direction times the loss's slope along it, which a forward pass gives. Directions are random
    in the weights; in the layers' outputs (times the layer's input); the same where the relu lets them pass; and, for
    hidden layers, the next layer's transposed weights times a random vector, where the relu lets it pass.

    Args:
        width: neurons of a hidden layer. There are two such layers.
        features: Gaussian inputs.
        classes: outputs.
        draws: random networks. Each has a point, a label and a guess of each kind.
        seed: of everything.

    Returns:
        Dimension `guess`: `cosine` with its standard error.
    """
    generator = torch.Generator().manual_seed(derive_seed("guessed gradients", seed))

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    found = np.empty((draws, len(GUESSES)))
    shapes = [(width, features), (width, width), (classes, width)]
    for draw in range(draws):
        weights = [normal(*shape) * (2 / shape[1]) ** 0.5 for shape in shapes]
        h, z = [normal(features)], []
        for weight in weights:
            z.append(weight @ h[-1])
            h.append(torch.relu(z[-1]))
        probability = torch.softmax(z[-1], 0)
        probability[int(torch.randint(classes, (), generator=generator))] -= 1
        deltas = [probability]
        for weight, before in zip(weights[:0:-1], z[-2::-1], strict=True):
            deltas.insert(0, (weight.T @ deltas[0]) * (before > 0))
        masks = [(before > 0).double() for before in z[:-1]] + [torch.ones(classes, dtype=torch.float64)]
        free = [normal(len(delta)) for delta in deltas]
        through = [mask * (weight.T @ normal(len(weight))) for mask, weight in zip(masks, weights[1:], strict=False)]
        by_output = {
            "activations": free,
            "masked activations": [u * mask for u, mask in zip(free, masks, strict=True)],
            "through the next layer": [*through, free[-1]],
        }
        squares = torch.stack([each @ each for each in h[:-1]])
        true = torch.stack([delta @ delta for delta in deltas]) @ squares
        noise = [normal(*shape) for shape in shapes]
        along = torch.stack([delta @ v @ each for delta, v, each in zip(deltas, noise, h[:-1], strict=True)]).sum()
        size = torch.stack([v.square().sum() for v in noise]).sum()
        found[draw, 0] = abs(along) / (true * size).sqrt()
        for column, name in enumerate(GUESSES[1:], start=1):
            u = by_output[name]
            # the guess for a layer is u h^T: its product with delta h^T is (u . delta) |h|^2
            product = torch.stack([one @ delta for one, delta in zip(u, deltas, strict=True)]) @ squares
            own = torch.stack([one @ one for one in u]) @ squares
            found[draw, column] = abs(product) / (true * own).sqrt()
    cosine = mean_with_stderr("cosine", "guess", found.T, "mean |cosine| of guessed and true gradient", source=_SOURCE)
    return xr.Dataset(cosine, {"guess": list(GUESSES)})
