"""Training in the span of the inputs gives the numbers of training in all coordinates."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from small_task import settings

import complete
from implicitbias.catalogue import OPTIMIZERS
from implicitbias.tasks.build import build
from implicitbias.training import run
from implicitbias.training.run import train

EQUIVARIANT = [name for name, entry in OPTIMIZERS.items() if entry.equivariant]


def trained(optimizer: str, bias: str, output: str) -> xr.Dataset:
    task = build(source="gaussian", features=40, train_size=7, test_size=9, seed=[3, 4], raw_dir=None)
    network = complete.network(activation="plain_relu", width=6, bias=bias, output=output)
    training = settings(
        optimizer=optimizer, loss="logistic", learning_rate=0.1, epochs=30, batch_size=3, members=2, label_scale=1.0,
        checkpoints=[0, 5, 90], dtype="float64",
    )  # fmt: skip
    return train(task, network=network, training=training, ensemble={})


@pytest.mark.parametrize("output", ["trained", "signs", "random_features"])
@pytest.mark.parametrize("bias", ["none", "all"])
@pytest.mark.parametrize("optimizer", EQUIVARIANT)
def test_the_span_changes_nothing(optimizer: str, bias: str, output: str, monkeypatch) -> None:
    used = []
    monkeypatch.setattr(run, "span_of", lambda inputs, own=run.span_of: used.append(1) or own(inputs))
    inside = trained(optimizer, bias, output)
    assert used == [1]
    monkeypatch.setitem(OPTIMIZERS, optimizer, replace(OPTIMIZERS[optimizer], equivariant=False))
    outside = trained(optimizer, bias, output)
    assert used == [1]
    assert not np.allclose(outside["train_output"].sel(step=90), outside["train_output"].sel(step=0))
    xr.testing.assert_allclose(inside.drop_attrs(), outside.drop_attrs(), rtol=1e-7, atol=1e-9)


def test_optimizers_that_look_at_coordinates_do_not_use_it(monkeypatch) -> None:
    monkeypatch.setattr(run, "span_of", None)
    for name in set(OPTIMIZERS) - set(EQUIVARIANT):
        trained(name, "none", "trained")
