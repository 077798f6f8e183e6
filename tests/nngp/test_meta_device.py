"""Kernels and posteriors of infinitely wide networks wait for their device once a factorisation, to see if it worked.

On torch's `meta` device (see tests/training/test_never_waits.py) reading a number is an error.
"""

from typing import Any

import pytest
import torch
from torch import Tensor

from implicitbias.linalg import cholesky
from implicitbias.networks import network_of
from implicitbias.networks.kernels import nngp_kernel, nngp_variance, ntk_kernel
from implicitbias.networks.layers import ROWS
from implicitbias.nngp import posterior

NETWORKS: dict[str, dict[str, Any]] = {
    "mlp": {"depth": 3, "width": 8},
    "leaky": {"depth": 3, "width": 8, "activation": "leaky_relu", "residual": True},
    "erf": {"depth": 2, "width": 8, "activation": "erf", "bias": "all"},
    "cnn": {"architecture": "cnn", "depth": 3, "width": 8, "readout": "global_average"},
    "resnet": {"architecture": "resnet", "depth": 4, "width": 8},
}


def nothing(*shape: int) -> Tensor:
    return torch.empty(*shape, device="meta", dtype=torch.float64)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("name", NETWORKS)
def test_no_kernel_waits(name: str, rows: str) -> None:
    shape = (1, 8, 8) if "architecture" in NETWORKS[name] else (64,)
    network = network_of(NETWORKS[name], shape, rows=rows)
    for kernel in (nngp_kernel, ntk_kernel):
        assert kernel(network, nothing(5, 64)).shape == (5, 5)
        assert kernel(network, nothing(5, 64), nothing(7, 64)).shape == (5, 7)
    assert nngp_variance(network, nothing(7, 64)).shape == (7,)


def unchecked(kernel: Tensor) -> Tensor:
    factor: Tensor = torch.linalg.cholesky_ex(kernel)[0]
    return factor


def test_posteriors_wait_for_nothing_but_the_factorisation(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="meta"):
        cholesky(nothing(5, 5))
    monkeypatch.setattr(posterior, "cholesky", unchecked)
    kernel, cross = nothing(5, 5), nothing(5, 7)
    conditioned = posterior.prepare(kernel, cross, nothing(7), nothing(7))
    trained = posterior.lazy(kernel, cross, nothing(7), kernel, cross, nothing(7))
    for block in (conditioned, trained):
        assert posterior.ray(block, nothing(5), [0.1, 1.0]).shape == (2, 7)
