import numpy as np
import pytest
import torch

from implicitbias.tasks.labels import parity, random


def test_odd_digits_are_positive():
    train, test = parity(np.arange(10), np.array([1, 0, 1]), seed=3)
    np.testing.assert_array_equal(train, [-1, 1, -1, 1, -1, 1, -1, 1, -1, 1])
    np.testing.assert_array_equal(test, [1, -1, 1])
    assert train.dtype == test.dtype == np.int8


@pytest.mark.parametrize("seed", [0, 1, 2, 12345, 2**32 - 1])
def test_coins_are_torchs_one_by_one_train_then_test(seed):
    generator = torch.Generator().manual_seed(seed)
    expected = [2 * torch.randint(0, 2, (1,), generator=generator).item() - 1 for _ in range(700)]
    train, test = random(np.zeros(650, dtype=np.int64), np.zeros(50, dtype=np.int64), seed)
    np.testing.assert_array_equal(train, expected[:650])
    np.testing.assert_array_equal(test, expected[650:])
    assert train.dtype == test.dtype == np.int8


def test_coins_of_the_global_torch_stream():
    torch.manual_seed(5)
    expected = [2 * torch.randint(0, 2, (1,)).item() - 1 for _ in range(20)]
    np.testing.assert_array_equal(random(np.zeros(20, dtype=np.int64), np.zeros(0, dtype=np.int64), 5)[0], expected)


def test_coins_do_not_look_at_the_digits():
    zeros, nines = np.zeros(40, dtype=np.int64), np.full(40, 9)
    np.testing.assert_array_equal(random(zeros, zeros, 1), random(nines, nines, 1))
