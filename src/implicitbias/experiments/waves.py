"""How long a classifier resists a wave that is added to its labels (Fridovich-Keil, Gontijo-Lopes & Roelofs 2022)."""

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from implicitbias.experiments.recorded import descend_recorded, uniform_layers
from implicitbias.networks.of_task import network_for
from implicitbias.networks.stacked import forward
from implicitbias.rng import derive_seed
from implicitbias.schema import variable

_SOURCE = "Fridovich-Keil, Gontijo-Lopes & Roelofs 2022"
FREQUENCIES = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0)


def label_waves(
    task: xr.Dataset,
    *,
    amplitude: float = 0.5,
    width: int = 64,
    depth: int = 3,
    learning_rate: float = 0.001,
    steps: int = 300,
    every: int = 5,
    seed: int = 0,
) -> xr.Dataset:
    """What a network has learned of a wave of every frequency in its labels, at training points and at test points.

    The labels are y + amplitude sqrt(2) cos(2 pi (frequency s + phase)), where s is the point's coordinate along a
    random direction, in units of four standard deviations of the training points'. Networks with biases learn them by
    full-batch Adam on the mean square loss; a twin that starts from the same weights learns the labels y alone, and the
    difference of the two is what is due to the wave. Float32.

    Args:
        task: one seed of `tasks.build`, of labels +-1.
        amplitude: root mean square of the wave; the labels' is 1.
        width: neurons of a hidden layer.
        depth: linear layers.
        learning_rate: step of Adam.
        steps: steps of the optimizer. The optimizer is Adam.
        every: steps between records.
        seed: of direction, phase and weights.

    Returns:
        Dimensions `frequency` (cycles over four standard deviations) and `step`: `fitted` and `fitted_test`, the
        regression coefficient of the difference of the outputs on the wave, at training and at test points.
    """
    rng = np.random.default_rng(derive_seed("label waves", seed))
    train, test = (task[f"{kind}_input"].values.astype(np.float64) for kind in ("train", "test"))
    direction, phase = rng.standard_normal(train.shape[1]), rng.random()
    unit = 4 * (train @ direction).std()
    waves, unseen = (
        torch.tensor(
            amplitude * 2**0.5
            * np.cos(2 * np.pi * (np.outer(FREQUENCIES, points @ direction / unit) + phase)), dtype=torch.float32,
        ) for points in (train, test)
    )  # fmt: skip
    x, test_x = (torch.tensor(points, dtype=torch.float32) for points in (train, test))
    y = torch.tensor(task["train_label"].values, dtype=torch.float32)
    targets = torch.cat([y[None], y + waves])
    network = network_for({"activation": "plain_relu", "depth": depth, "width": width, "bias": "all"}, task)
    generator = torch.Generator().manual_seed(derive_seed("network of label waves", seed))
    weights = [layer.repeat(len(targets), 1, 1) for layer in uniform_layers(network, 1, generator)]  # the same for all

    def fitted() -> list[np.ndarray]:
        return [
            _coefficients(forward(network, weights, points.expand(len(targets), -1, -1)), own)
            for points, own in ((x, waves), (test_x, unseen))
        ]

    records = descend_recorded(
        network, weights, x.expand(len(targets), -1, -1), targets, learning_rate=learning_rate, steps=steps,
        every=every, record=fitted, description="label waves",
    )  # fmt: skip
    tables = np.array(records)  # (record, points, frequency)
    dims = ("step", "frequency")
    return xr.Dataset(
        {
            "fitted": variable(dims, tables[:, 0], "fraction of the wave at training points", source=_SOURCE),
            "fitted_test": variable(dims, tables[:, 1], "fraction of the wave at test points", source=_SOURCE),
        },
        {"frequency": list(FREQUENCIES), "step": np.arange(len(records)) * every},
    )


def _coefficients(outputs: Tensor, waves: Tensor) -> np.ndarray:
    """Of each network's output less the first one's `(1 + k, n)`, by regression on its wave `(k, n)`: `(k,)`."""
    more, own = (outputs[1:] - outputs[:1]).double(), waves.double()
    coefficients: np.ndarray = ((more * own).sum(-1) / own.square().sum(-1)).numpy()
    return coefficients
