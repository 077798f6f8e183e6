"""The training loop never waits for its device, and never mixes devices.

Tensors on torch's `meta` device have shapes but no numbers: reading one (which would make the program wait for a GPU)
is an error there, and so is an operation on tensors of two devices.
"""

from typing import Any

import pytest
import torch
from torch import Tensor

import complete
from implicitbias.catalogue import LOSSES, OPTIMIZERS
from implicitbias.catalogue.entries import resolve
from implicitbias.networks import Network, network_of
from implicitbias.training import loop, schedules
from implicitbias.training.loop import Members, descend

MEMBERS, POINTS, FEATURES = 3, 7, 64
NETWORKS: dict[str, dict[str, Any]] = {
    "mlp": {"depth": 3, "width": 8},
    "linear": {"depth": 2, "width": 8, "activation": "linear"},
    "biases": {"depth": 3, "width": 8, "bias": "all", "activation": "gelu"},
    "cnn": {"architecture": "cnn", "depth": 3, "width": 8, "readout": "global_average"},
    "resnet": {"architecture": "resnet", "depth": 4, "width": 8},
}


@pytest.fixture(autouse=True)
def no_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log's last line has the loss of the last batch: the one number that is read, after the last step."""
    monkeypatch.setattr(loop, "_figures", lambda *_: "")


def network(given: dict[str, Any], outputs: int) -> Network:
    settings = complete.network(**given)
    shape = (1, 8, 8) if given.get("architecture") in ("cnn", "resnet") else (FEATURES,)
    return network_of(settings, shape, outputs=outputs)


def steps(given: dict[str, Any], *, loss: Any = None, optimizer: str = "sgd", outputs: int = 1, **settings: Any) -> int:
    """Train on the meta device and return the number of steps until the last pause."""
    here = network(given, outputs)
    weights = [torch.empty(MEMBERS, *shape, device="meta") for shape in here.shapes]
    one = torch.ones(MEMBERS, device="meta")
    members = Members(
        torch.zeros(MEMBERS, dtype=torch.long, device="meta"), range(MEMBERS), one, one, one, torch.zeros(MEMBERS)
    )
    targets = torch.empty(MEMBERS, POINTS, *([outputs] if outputs > 1 else []), device="meta")
    defaults = {key: parameter.default for key, parameter in OPTIMIZERS[optimizer].parameters.items()}
    paused: list[tuple[int, Tensor]] = [
        (step, alive)
        for step, alive, _ in descend(
            here, weights, torch.empty(1, POINTS, FEATURES, device="meta"), targets, members,
            loss=resolve(LOSSES[loss or "square"]), optimizer=resolve(OPTIMIZERS[optimizer])(**defaults),
            **{"epochs": 1, "batch_size": 4, "checkpoints": (0, 2)} | settings,
        )
    ]  # fmt: skip
    assert all(alive.device.type == "meta" for _, alive in paused)
    return paused[-1][0]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_no_optimizer_loss_or_architecture_waits(loss: str, optimizer: str, name: str) -> None:
    assert steps(NETWORKS[name], loss=loss, optimizer=optimizer) == 2
    assert steps(NETWORKS[name], loss=loss, optimizer=optimizer, outputs=3) == 2


@pytest.mark.parametrize("schedule", ["decaying", "plain", "scale_free", "loss_based"])
@pytest.mark.parametrize("batch_size", [4, "full"])
def test_no_schedule_waits(schedule: str, batch_size: int | str) -> None:
    made = getattr(schedules, schedule)
    assert (
        steps(NETWORKS["mlp"], loss="exponential", schedule=made, batch_size=batch_size, epochs=2, checkpoints=(0, 2))
        == 2
    )


def test_following_who_fits_does_not_wait() -> None:
    sgd = resolve(OPTIMIZERS["sgd"])()
    assert steps(NETWORKS["mlp"], until_fit=sgd) == 2


def test_a_loss_that_reads_a_number_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def waits(outputs: Tensor, targets: Tensor, label_scale: Tensor) -> Tensor:
        return (outputs - targets).square().mean(-1) * (1.0 if bool((outputs > 0).any()) else 2.0)

    monkeypatch.setattr("implicitbias.losses.square", waits)
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        steps(NETWORKS["mlp"])


def test_an_order_on_another_device_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(outputs: Tensor, targets: Tensor, label_scale: Tensor) -> Tensor:
        return (outputs - targets).square().mean(-1) * torch.ones(MEMBERS)

    monkeypatch.setattr("implicitbias.losses.square", elsewhere)
    with pytest.raises(RuntimeError, match="device"):
        steps(NETWORKS["mlp"])
