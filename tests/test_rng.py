import itertools

import pytest

from implicitbias.rng import derive_seed


def test_the_recipe_never_changes():
    """Published results depend on it: the first 8 bytes of a SHA-256, little-endian, without the lowest bit."""
    assert derive_seed("initialisation", 0, 3) == 2567415034626921483
    assert derive_seed("noise") == 1799432253872826992


def test_every_purpose_and_key_counts():
    keys = [("a",), ("b",), ("a", 0), ("a", 1), ("a", 0, 1), ("a", 1, 0), ("a", "0"), ("a", 0.5), ("a", 0, 0), ("a0",)]
    seeds = [derive_seed(*key) for key in keys]
    assert len(set(seeds)) == len(keys)
    assert seeds == [derive_seed(*key) for key in keys]


def test_seeds_are_63_bit_and_spread_over_the_range():
    seeds = [derive_seed("order", i, j) for i, j in itertools.product(range(40), range(25))]
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert len(set(seeds)) == 1000
    for bit in range(63):  # 1000 fair coins: 5 standard deviations are 79
        assert abs(sum(seed >> bit & 1 for seed in seeds) - 500) < 80


def test_what_is_no_coordinate_is_refused():
    with pytest.raises(TypeError):
        derive_seed("order", object())  # type: ignore[arg-type]
