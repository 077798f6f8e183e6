"""What a block asks of the processor holds inside of it alone."""

import pytest
import torch

from implicitbias.devices import without_denormals


def test_denormal_numbers_are_zero_inside_the_block_alone() -> None:
    least = torch.full((64,), torch.finfo(torch.float32).tiny)
    with without_denormals():
        assert (least * 0.5 == 0).all()
        assert (least * 1 == least).all()
    assert (least * 0.5 > 0).all()
    with pytest.raises(KeyError), without_denormals():
        raise KeyError
    assert (least * 0.5 > 0).all()
