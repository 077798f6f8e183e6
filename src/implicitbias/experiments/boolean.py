"""The prior of random networks over Boolean functions (Valle-Perez, Camargo & Louis 2019)."""

from collections import Counter
from itertools import pairwise

import numpy as np
import torch
import xarray as xr

from implicitbias.experiments.lempel_ziv import complexity
from implicitbias.networks.mlp import forward, of_network
from implicitbias.progress import bar
from implicitbias.rng import derive_seed
from implicitbias.schema import variable

_SOURCE = "Valle-Perez, Camargo & Louis 2019, section 4"
_BLOCK = 2000  # networks at once


def boolean_prior(
    *, inputs: int = 7, width: int = 40, draws: int = 100_000, kept: int = 2000, seed: int = 0
) -> xr.Dataset:
    """Which functions of `inputs` bits random networks inputs-width-width-1 compute, and how complex they are.

    Relu networks with weights and biases N(0, 1/fan_in), float32. A function is the string of its 2^inputs signs.

    Args:
        inputs: bits, each 0 or 1.
        width: neurons of the two hidden layers.
        draws: networks.
        kept: the most frequent functions that are returned (fewer if fewer were seen).
        seed: of the networks.

    Returns:
        Dimension `rank`, from 1: `probability` of the function, its Lempel-Ziv `complexity` (bits); scalar `functions`,
        how many different ones were seen.
    """
    points = torch.tensor([[code >> bit & 1 for bit in range(inputs)] for code in range(2**inputs)]).float()
    form = of_network({"activation": "plain_relu", "bias": "all"})
    sizes = [inputs, width, width, 1]
    seen: Counter[bytes] = Counter()
    with bar(draws, "random Boolean functions") as progress:
        for number, start in enumerate(range(0, draws, _BLOCK)):
            count = min(_BLOCK, draws - start)
            source = torch.Generator().manual_seed(derive_seed("boolean prior", seed, number))
            weights = [
                torch.randn(count, rows, columns + 1, generator=source).mul_(columns**-0.5)
                for columns, rows in pairwise(sizes)
            ]
            signs = (forward(weights, points, form) > 0).numpy()
            seen.update(row.tobytes() for row in np.packbits(signs, axis=1))
            progress.update(count)
    common = seen.most_common(kept)
    strings = ["".join(map(str, np.unpackbits(np.frombuffer(code, np.uint8))[: 2**inputs])) for code, _ in common]
    return xr.Dataset(
        {
            "probability": variable(
                "rank", [count / draws for _, count in common], "probability of the function", source=_SOURCE
            ),
            "complexity": variable(
                "rank", [complexity(text) for text in strings], "Lempel-Ziv complexity", "bit", source=_SOURCE
            ),
            "functions": variable((), len(seen), "number of different functions seen", source=_SOURCE),
        },
        {"rank": np.arange(1, len(common) + 1)},
    )  # fmt: skip
