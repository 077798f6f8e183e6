"""The loss of every member by epoch."""

import numpy as np
import pytest
import torch
from small_task import NETWORK, settings, small_task

from implicitbias.training.curve import LossCurve
from implicitbias.training.run import train


def curve_of(ensemble=None, memory_bytes=None, **changes):
    found = train(
        small_task(), network=NETWORK, training=settings(**changes), ensemble=ensemble or {}, memory_bytes=memory_bytes
    )
    return found["loss_curve"], found


def test_the_loss_of_a_full_batch_is_that_of_the_weights_before_each_step() -> None:
    curve, found = curve_of(batch_size="full", epochs=5, checkpoints=[0, 1, 2, 3, 4], loss="square", optimizer="sgd")
    assert curve["epoch"].values.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(curve.values, found["train_loss"].values, rtol=1e-5)


def test_batches_count_by_their_points() -> None:
    curve = LossCurve(2)
    for epoch, losses in ((1, (3.0, 9.0)), (2, (1.0, 4.0))):
        for loss, fraction in zip(losses, (2 / 3, 1 / 3), strict=True):
            curve.add(epoch, torch.tensor([loss, 10 * loss]), fraction)
    np.testing.assert_allclose(curve.values(), [[5, 2], [50, 20]], rtol=1e-6)


@pytest.mark.parametrize(("epochs", "kept"), [(1, 1), (200, 200), (201, 101), (100_000, 167)])
def test_at_most_two_hundred_epochs_are_kept_the_first_and_the_last_among_them(epochs: int, kept: int) -> None:
    found = LossCurve(epochs).epochs
    assert (found[0], found[-1], len(found)) == (1, epochs, kept)
    assert found == sorted(set(found))


def test_it_ends_where_a_member_diverges_or_all_have_stopped() -> None:
    curve, _ = curve_of({"learning_rate": [1e-3, 1e9]}, optimizer="sgd", loss="square")
    assert curve.sel(learning_rate=1e-3).notnull().all()
    assert curve.sel(learning_rate=1e9).isel(epoch=0).isnull().all()  # the epoch's mean holds what was not finite
    assert curve.sel(learning_rate=1e9).isel(epoch=-1).isnull().all()
    stopped, found = curve_of(stop="fitted", epochs=400, batch_size="full", optimizer="sgd", loss="logistic",
                              learning_rate=0.5, decay=1.0)  # fmt: skip
    assert (found["stop_reason"] == "fitted").all()
    assert stopped.isel(epoch=0).notnull().all()
    assert stopped.isel(epoch=-1).isnull().all()


def test_chunks_change_nothing() -> None:
    whole, _ = curve_of()
    small, _ = curve_of(memory_bytes=1)
    np.testing.assert_array_equal(whole.values, small.values)
