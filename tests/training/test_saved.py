"""A training that is cut off goes on to the numbers that it would have had, to the last bit."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import xarray as xr
from small_task import NETWORK, settings, small_task

from implicitbias.catalogue import OPTIMIZERS
from implicitbias.training.run import train
from implicitbias.training.saved import Saved, State

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class CutOffError(Exception):
    pass


class CutOff(Saved):
    """Saves after every epoch, and ends the training after some."""

    def __init__(self, path: Path, epochs: int, identity: str = "code") -> None:
        super().__init__(path, identity, every=0)
        self._left = epochs
        self._pause = 0

    def offer(self, state: Callable[[], State]) -> None:
        super().offer(state)
        self._pause = 0
        self._left -= 1
        if not self._left:
            raise CutOffError


def run(saved: Saved | None = None, memory_bytes: int | None = None, **changes: Any) -> xr.Dataset:
    ensemble = {"label_scale": [0.1, 1.0]}
    given = {"epochs": 12, "batch_size": 7, "checkpoints": "log", "members": 2} | changes
    return train(
        small_task(), network=NETWORK, training=settings(**given), ensemble=ensemble, memory_bytes=memory_bytes,
        saved=saved,
    )  # fmt: skip


RUNS: list[dict[str, Any]] = [
    *({"optimizer": name} for name in OPTIMIZERS),
    {"optimizer": "sgd", "schedule": "loss_based", "loss": "log_logistic"},
    {"optimizer": "momentum", "schedule": "plain", "loss": "log_logistic"},
    {"optimizer": "nero", "stop": "fitted", "epochs": 60},
    {"optimizer": "steepest_linf", "until_fit": "nero", "loss": "exponential"},
    {"optimizer": "adam", "batch_size": "full", "checkpoints": [0, 3, 4, 12]},
    {"optimizer": "sgd", "learning_rate": 1e9, "loss": "square"},
]


@pytest.mark.parametrize("changes", RUNS, ids=lambda changes: "-".join(map(str, changes.values())))
@pytest.mark.parametrize("memory_bytes", [None, 1])
def test_a_training_cut_off_again_and_again_has_the_numbers_of_one_that_is_not(
    changes: dict[str, Any], memory_bytes: int | None, tmp_path: Path
) -> None:
    whole = run(memory_bytes=memory_bytes, **changes)
    moments, cuts, path = random.Random(str(changes)), 0, tmp_path / "run.state"
    while True:
        try:
            found = run(CutOff(path, moments.randint(1, 9)), memory_bytes, **changes)
            break
        except CutOffError:
            cuts += 1
            assert cuts < 200
    assert cuts
    xr.testing.assert_identical(found, whole)


def epochs_done(saved: Saved, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many epochs a training takes with this state."""
    counted = []
    offer = saved.offer
    monkeypatch.setattr(saved, "offer", lambda state: (counted.append(1), offer(state)))
    run(saved, batch_size="full")
    return len(counted)


def test_what_is_done_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.state"
    with pytest.raises(CutOffError):
        run(CutOff(path, 9), batch_size="full")
    saved = Saved(path, "code")
    assert epochs_done(saved, monkeypatch) == 12 - 9
    saved.clear()
    assert not list(tmp_path.iterdir())


def test_another_memory_limit_goes_on_too(tmp_path: Path) -> None:
    """As when a job is tried again with twice the memory: the members that were begun are finished together."""
    path = tmp_path / "run.state"
    with pytest.raises(CutOffError):
        run(CutOff(path, 30), memory_bytes=1)
    xr.testing.assert_identical(run(Saved(path, "code"), memory_bytes=10**9), run())


@pytest.mark.parametrize("damage", ["other code", "cut short", "no state"])
def test_a_state_that_cannot_be_used_is_as_none(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.state"
    with pytest.raises(CutOffError):
        run(CutOff(path, 9, identity="other" if damage == "other code" else "code"), batch_size="full")
    if damage == "cut short":
        path.write_bytes(path.read_bytes()[:-200])
    if damage == "no state":
        path.write_text("nothing")
    assert epochs_done(Saved(path, "code"), monkeypatch) == 12


def test_a_state_that_cannot_be_written_ends_no_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    found = run(Saved(tmp_path / "file" / "run.state", "code", every=0))
    xr.testing.assert_identical(found, run())
    assert "cannot be written" in capsys.readouterr().err


def test_writing_states_takes_a_twentieth_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, written = [0.0], []
    monkeypatch.setattr("implicitbias.training.saved.monotonic", lambda: clock[0])

    def slow() -> State:
        written.append(clock[0])
        clock[0] += 60
        return {}

    saved = Saved(tmp_path / "run.state", "code", every=100)
    for _ in range(5000):
        clock[0] += 1
        saved.offer(slow)
    assert written[0] == 100
    assert written[1:4] == [1360, 2620, 3880]
