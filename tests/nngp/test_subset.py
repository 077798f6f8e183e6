import math

import pytest
import torch

from implicitbias.nngp.orthant import log_probability
from implicitbias.nngp.subset import _slice


def equicorrelated(n, rho):
    kernel = torch.full((n, n), float(rho), dtype=torch.float64)
    return kernel.fill_diagonal_(1)


@pytest.mark.parametrize(("n", "rho"), [(1, 0), (2, -0.8), (5, 0), (20, 0.5), (40, 0.5)])
def test_known_probabilities(n, rho):
    exact = {
        0: -n * math.log(2),
        0.5: -math.log(n + 1),
        -0.8: math.log(0.25 + math.asin(-0.8) / (2 * math.pi)),
    }[rho]
    found = log_probability(equicorrelated(n, rho), torch.ones(n), "subset", samples=2048)
    assert abs(found.log_probability - exact) < 4 * found.stderr
    assert 0 < found.stderr < 0.2
    assert math.isnan(found.effective_sample_size)  # its particles have no weights
    assert found.groups == 16


def test_a_slice_stays_inside_and_leaves_the_truncated_normal_as_it_is():
    """Particles that are drawn from N(0, I) above -slack keep its mean and variance."""
    generator = torch.Generator().manual_seed(0)
    slack = torch.tensor(0.5, dtype=torch.float64)
    g = torch.randn(1, 200_000, generator=generator, dtype=torch.float64)
    g = g[:, g[0] > -slack].repeat(2, 1)
    g[1] = g[1, torch.randperm(g.shape[1], generator=generator)]
    moved = g
    for _ in range(3):
        v = torch.randn(g.shape, generator=generator, dtype=g.dtype)
        moved = _slice(moved, v, slack.expand(g.shape), generator)
    assert bool((moved > -slack).all())
    phi = math.exp(-0.125) / math.sqrt(2 * math.pi) / float(torch.special.ndtr(slack))
    variance = 1 - 0.5 * phi - phi**2
    count = moved.shape[1]
    for row in moved:
        assert abs(float(row.mean()) - phi) < 4.5 * math.sqrt(variance / count)
        assert float(row.var()) == pytest.approx(variance, rel=0.02)
    assert abs(float(torch.corrcoef(moved)[0, 1])) < 4.5 / math.sqrt(count)
    assert abs(float(torch.corrcoef(torch.stack([g[0], moved[0]]))[0, 1])) < 0.5  # and they do move


def test_an_unbounded_slice_turns_by_a_uniform_angle():
    generator = torch.Generator().manual_seed(1)
    g = torch.tensor([[1.0], [0.0]], dtype=torch.float64).expand(2, 4000)
    v = torch.tensor([[0.0], [1.0]], dtype=torch.float64).expand(2, 4000)
    moved = _slice(g, v, torch.full((2, 4000), 2.0, dtype=torch.float64), generator)
    assert torch.allclose(moved.square().sum(0), torch.ones(4000, dtype=torch.float64))
    assert (moved.mean(1).abs() < 4.5 / math.sqrt(2 * 4000)).all()


def test_same_seed_same_estimate():
    kernel, labels = equicorrelated(8, 0.3), torch.ones(8)
    one, same, other = (log_probability(kernel, labels, "subset", samples=256, seed=seed) for seed in (0, 0, 1))
    assert one == same
    assert one != other
