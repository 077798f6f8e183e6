"""Filters beside background noise: gradients against autograd, ranks against what the data are made of."""

from pathlib import Path

import numpy as np
import pytest
import torch

from implicitbias.experiments.intrinsic_dimension import intrinsic_dimension, intrinsic_dimension_images, trained
from implicitbias.tasks.build import build


def test_filters_are_trained_as_autograd_would() -> None:
    """The loss of the written-out network, with torch's own Huber function for the bend."""
    x, y = (
        torch.randn(2, 6, 3, 5, generator=torch.Generator().manual_seed(0)),
        torch.tensor([[1.0, -1, 1, 1, -1, -1]] * 2),
    )
    first = 1e-3 * torch.randn(2, 8, 5, generator=torch.Generator().manual_seed(1))
    weight = first.clone().requires_grad_(True)
    for _ in range(20):
        z = torch.einsum("rnpd,rfd->rnpf", x, weight).clamp(min=0)
        phi = torch.nn.functional.huber_loss(z, torch.zeros_like(z), reduction="none", delta=0.1) / 0.1
        f = (phi[..., :4] - phi[..., 4:]).sum((2, 3)) / 4
        (gradient,) = torch.autograd.grad(torch.nn.functional.softplus(-y * f).mean(1).sum(), weight)
        with torch.no_grad():
            weight -= 3.0 * 4 * gradient
    found = trained(x, y, 4, 3.0, 20, torch.Generator().manual_seed(1))
    assert torch.allclose(found, weight.detach(), atol=1e-5)
    assert float((found - first).abs().max()) > 0.1


def test_clean_data_have_the_rank_of_their_directions_and_noise_adds_to_it() -> None:
    found = {noise: intrinsic_dimension(background=noise, train_size=400, draws=3, steps=200) for noise in (0.0, 0.2)}
    clean, noisy = (found[noise].mean("draw") for noise in found)
    assert float(clean["clean_rank"]) == pytest.approx(6, rel=0.2)  # 6 from directions as often as each other
    assert clean["data_rank"].item() == pytest.approx(clean["clean_rank"].item(), rel=1e-5)
    assert float(noisy["data_rank"]) > 4 * float(noisy["clean_rank"])
    assert float(noisy["filter_rank"]) < 1.5 * float(noisy["clean_rank"])
    assert float(clean["test_error"].max()) == 0
    assert float(noisy["test_error"]) < 0.1


def test_images_are_scaled_to_norm_one_beside_the_background() -> None:
    """Twice as large images change nothing, and a background of 0 adds no rank."""
    task = build(source="digits", labels="0v7", balanced=True, train_size=40, test_size=40, seed=[0], raw_dir=Path())
    one = task.isel(seed=0)
    found = intrinsic_dimension_images(one, background=0.0, steps=300)
    larger = one.assign(train_input=2 * one["train_input"], test_input=2 * one["test_input"])
    again = intrinsic_dimension_images(larger, background=0.0, steps=300)
    assert found["data_rank"].item() == pytest.approx(found["clean_rank"].item(), rel=1e-5)
    assert again["filter_rank"].item() == pytest.approx(found["filter_rank"].item(), rel=1e-3)
    assert found["test_error"].item() < 0.1
    singular = np.linalg.svd(one["train_input"].values, compute_uv=False)
    assert found["clean_rank"].item() == pytest.approx(float((singular**2).sum() / singular[0] ** 2), rel=1e-3)
