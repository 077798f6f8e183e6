import numpy as np
import pytest
import torch
from small_task import settings, small_task

import complete
from implicitbias.networks import Network, network_of
from implicitbias.training.run import train
from implicitbias.training.spherised import spherised

NETWORK = complete.network(activation="leaky_relu", slope=0.2, depth=3, width=12)


def built(inputs: torch.Tensor) -> Network:
    return network_of(NETWORK, inputs.shape[-1])


def tensors():
    task = small_task()
    return torch.tensor(task["train_input"].values), torch.tensor(task["train_label"].values, dtype=torch.float64)


def test_spherised_targets_are_half_normal_with_the_signs_of_the_labels() -> None:
    inputs, labels = tensors()
    task = torch.tensor([0, 1, 2] * 500)
    targets = spherised(inputs, labels, task, range(1500), built(inputs))
    assert torch.equal(targets.sign(), labels[task])
    for one in range(3):
        kernel = built(inputs).nngp(inputs[one].double())
        scale = float(torch.linalg.slogdet(kernel).logabsdet) / (2 * len(kernel))
        magnitude = targets[task == one].abs() / np.exp(scale)
        assert float(magnitude.mean()) == pytest.approx(np.sqrt(2 / np.pi), rel=0.03)
        assert float(magnitude.square().mean()) == pytest.approx(1, rel=0.05)
    assert len(targets.abs().unique()) > 0.99 * targets.numel()  # every member and point draws its own


def test_spherised_targets_of_equal_points_are_as_their_determinant() -> None:
    inputs, labels = tensors()
    inputs[1, 3] = inputs[1, 4]
    assert not spherised(inputs, labels, torch.tensor([1]), [0], built(inputs)).any()
    assert spherised(inputs, labels, torch.tensor([0]), [0], built(inputs)).all()


def test_networks_are_trained_to_their_own_targets() -> None:
    """Outputs come close to magnitudes that are not all the same, and label_scale multiplies them."""
    task = small_task().isel(seed=slice(0, 1))
    training = settings(optimizer="adam", targets="spherised", epochs=1500, decay=0.997, batch_size="full", members=2)
    run = train(task, network={**NETWORK, "width": 64}, training=training, ensemble={"label_scale": [1.0, 3.0]})
    assert float(run["train_loss"].max()) < 0.05
    output = run["train_output"].isel(seed=0, step=-1).transpose("label_scale", "member", "train_point").values
    assert output[1] == pytest.approx(3 * output[0], abs=0.05)
    assert np.abs(output[0]).std() > 0.3 * np.abs(output[0]).mean()
    assert not np.allclose(np.abs(output[0, 0]), np.abs(output[0, 1]), atol=0.05)
