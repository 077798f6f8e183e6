import pytest
import torch

from implicitbias.powers import power


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("count", [1, 7, 33, 257])
def test_a_power_does_not_depend_on_its_place(count: int, dtype: torch.dtype) -> None:
    numbers = torch.rand(count, generator=torch.Generator().manual_seed(0), dtype=dtype) + 0.1
    for exponent in (57, -3, 0.98, -0.25, 0, 1):
        whole, other = power(numbers, exponent), power(7, numbers * exponent)
        for place, number in enumerate(numbers):
            alone = numbers[place : place + 1]
            assert power(alone, exponent) == whole[place]
            assert power(7, alone * exponent) == other[place]
            assert whole[place] == pytest.approx(float(number) ** exponent, rel=1e-5)


def test_powers_of_a_matrix() -> None:
    numbers = torch.rand(3, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(power(numbers, 3.5), torch.stack([power(row, 3.5) for row in numbers]))
