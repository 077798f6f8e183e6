"""Which tokens a layer of self-attention learns to select, and the max-margin problem that its weights solve.

Tarzanagh, Li, Thrampoulidis & Oymak 2023 ("Transformers as support vector machines"); Vasudeva, Deora &
Thrampoulidis 2024.
"""

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from implicitbias.measurement.optima import hard_margin, smallest_nuclear_norm
from implicitbias.progress import Progress
from implicitbias.rng import derive_seed
from implicitbias.schema import variable
from implicitbias.training.checkpoints import checkpoint_steps

_SOURCE = "Tarzanagh et al. 2023, section 3; Vasudeva, Deora & Thrampoulidis 2024, section 2"
RULES = ("gradient descent", "normalised", "Polyak", "normalised, factors")
_INIT = 0.2  # standard deviation of the factors' initial weights
_TINY = 1e-8  # below it log(1 + x)/x is 1, up to rounding


def self_attention(
    *,
    sequences: int = 6,
    tokens: int = 8,
    features: int = 10,
    learning_rate: float = 1.0,
    step_length: float = 0.1,
    steps: int = 2000,
    draws: int = 20,
    seed: int = 0,
) -> xr.Dataset:
    """How near the weights of one layer of attention come to the max-margin solutions, by the rule of the steps.

    f(X) = u^T X^T softmax(X W x_1) of sequences X `(tokens, d)` whose first token is the query, with a fixed unit
    vector u, on the mean logistic loss of random labels y = +-1. Tokens are random unit vectors at right angles to u;
    to one of every sequence, the optimal token, y u is added. So all the other tokens have the same score, for which
    convergence is global. W starts at 0 and takes steps -eta grad L (gradient descent), -eta grad L/|grad L|
    (normalised), or -(L - L*)/(2 |grad L|^2) grad L (Polyak; L* is the loss with all attention on the optimal tokens).
    As factors, W = Q K^T of random d x d matrices, both of which are trained by normalised steps. Float64.

    Args:
        sequences: training sequences. This is n.
        tokens: of a sequence.
        features: coordinates of a token, at least as many as sequences. This is d; below n there may be no W
            that selects all optimal tokens.
        learning_rate: step of gradient descent. This is eta.
        step_length: length of normalised steps. This is eta.
        steps: steps of the optimizer. Every rule takes as many.
        draws: data sets. Each is used with all rules.
        seed: of data and initial factors.

    Returns:
        Dimensions `rule`, `draw` and `step` (see `training.checkpoints`, without step 0): `frobenius_distance` and
        `nuclear_distance`, one minus the cosine of W with the solutions of smallest Frobenius and nuclear norm (convex
        programs, by exact solvers); `attention` on the optimal token, the smallest of all sequences; `log_excess_loss`,
        ln(L - L*).
    """
    data = drawn(draws, sequences, tokens, features, torch.Generator().manual_seed(derive_seed("tokens", seed)))
    solutions = [torch.stack([solve(each) for each in data.features]) for solve in (_frobenius, _nuclear)]
    kept = checkpoint_steps("log", steps)[1:]
    names = ("frobenius_distance", "nuclear_distance", "attention", "log_excess_loss")
    found = np.full((len(names), len(RULES), draws, len(kept)), np.nan)
    with Progress(steps * len(RULES), "self-attention", "step") as progress:
        for row, rule in enumerate(RULES):
            generator = torch.Generator().manual_seed(derive_seed("factors", seed))
            shape = (draws, features, features)
            query, key = (_INIT * torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))
            weight = query @ key.mT if rule.endswith("factors") else torch.zeros(shape, dtype=torch.float64)
            for step in range(1, steps + 1):
                state = attended(weight, data)
                if rule.endswith("factors"):
                    ways = state.gradient @ key, state.gradient.mT @ query
                    size = torch.sqrt(_square(ways[0]) + _square(ways[1]))
                    query, key = (part - step_length * way / size for part, way in zip((query, key), ways, strict=True))
                    weight = query @ key.mT
                else:
                    weight = weight - _step(rule, state, learning_rate, step_length) * state.gradient
                if step in kept:
                    end = attended(weight, data)
                    found[:, row, :, kept.index(step)] = np.stack(
                        [*(1 - _cosine(weight, best) for best in solutions), end.attention, end.log_excess]
                    )
                progress.update()
    texts = (
        "1 - cosine with the solution of smallest Frobenius norm",
        "1 - cosine with the solution of smallest nuclear norm",
        "attention on the optimal token", "log excess loss",
    )  # fmt: skip
    units = ("1", "1", "1", "nat")
    return xr.Dataset(
        {
            name: variable(("rule", "draw", "step"), values, text, unit, _SOURCE)
            for name, values, text, unit in zip(names, found, texts, units, strict=True)
        },
        {"rule": list(RULES), "draw": np.arange(draws), "step": kept},
    )


@dataclass(frozen=True)
class Sequences:
    """Data sets of sequences.

    `ahead` `(draws, n, tokens - 1, d)` is the optimal token less every other one and `query` `(draws, n, d)` the first
    token. `features` `(draws, n (tokens - 1), d, d)` are their outer products: <F, W> is by how much the optimal
    token's logit is larger.
    """

    ahead: Tensor
    query: Tensor

    @property
    def features(self) -> Tensor:
        products = self.ahead[..., :, None] * self.query[:, :, None, None]
        return products.flatten(1, 2)


def drawn(draws: int, sequences: int, tokens: int, features: int, generator: torch.Generator) -> Sequences:
    """Random data sets; the fixed vector u is the first coordinate's."""
    x = torch.randn(draws, sequences, tokens, features, generator=generator, dtype=torch.float64)
    x[..., 0] = 0
    x /= x.norm(dim=-1, keepdim=True)
    place = torch.randint(tokens, (draws, sequences), generator=generator)
    optimal = torch.nn.functional.one_hot(place, tokens).bool()
    labels = 2.0 * torch.randint(2, (draws, sequences), generator=generator) - 1
    x[..., 0] += optimal * labels[..., None]
    chosen, others = x[optimal], x[~optimal]
    ahead = chosen.reshape(draws, sequences, 1, features) - others.reshape(draws, sequences, tokens - 1, features)
    return Sequences(ahead, x[:, :, 0])


@dataclass(frozen=True)
class Attended:
    """What the weights `(draws, d, d)` do: `attention` and `log_excess`, `(draws,)`, as `self_attention` gives them.

    `gradient` `(draws, d, d)` is grad L over exp(`scale`), `(draws, 1, 1)`: late in training it is too small for
    numbers.
    """

    attention: Tensor
    log_excess: Tensor
    gradient: Tensor
    scale: Tensor


def attended(weight: Tensor, data: Sequences) -> Attended:
    """The layer's attention, loss and gradient in logarithms; y f(X) is the attention on the optimal token."""
    own, others = log_attention(weight, data.ahead, data.query)
    scale = (own + others).amax((1, 2), keepdim=True)
    slopes = torch.sigmoid(-own.exp()) * (own + others - scale).exp() / others.shape[1]
    gradient = -(slopes[..., None] * data.ahead).sum(2).mT @ data.query
    # L - L* is the mean of log(1 + sigmoid(-1) (exp(missed) - 1)), missed being the attention on the others
    missed = others.exp().sum(-1).clamp(min=_TINY)
    ratio = torch.log1p(torch.sigmoid(-torch.ones_like(missed)) * torch.expm1(missed)) / missed
    excess = (ratio.log() + others.logsumexp(-1)).logsumexp(1) - np.log(others.shape[1])
    return Attended(own.exp().amin((1, 2)), excess, gradient, scale)


def log_attention(weight: Tensor, ahead: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithms of the attention on the optimal token, `(draws, n, 1)`, and on the others, `(draws, n, tokens - 1)`.

    Args:
        weight: `(draws, d, d)`.
        ahead: `(draws, n, tokens - 1, d)`, the optimal token less every other one.
        query: `(draws, n, d)`.
    """
    logits = -(ahead * (query @ weight.mT)[:, :, None]).sum(-1)  # of the others; that of the optimal token is 0
    logs = torch.log_softmax(torch.nn.functional.pad(logits, (1, 0)), -1)
    return logs[..., :1], logs[..., 1:]


def _step(rule: str, state: Attended, learning_rate: float, step_length: float) -> Tensor:
    """What the scaled gradient is multiplied by, `(draws, 1, 1)`."""
    size = _square(state.gradient)
    if rule == "normalised":
        return step_length / size.sqrt()
    if rule == "Polyak":
        return (state.log_excess[:, None, None] - state.scale).exp() / (2 * size)
    return learning_rate * state.scale.exp()


def _square(matrix: Tensor) -> Tensor:
    return matrix.square().sum((1, 2), keepdim=True)


def _cosine(one: Tensor, other: Tensor) -> Tensor:
    return torch.cosine_similarity(one.flatten(1), other.flatten(1), dim=1)


def _frobenius(features: Tensor) -> Tensor:
    return torch.as_tensor(hard_margin(features.flatten(1).numpy())).reshape(features.shape[1:])


def _nuclear(features: Tensor) -> Tensor:
    return torch.as_tensor(smallest_nuclear_norm(features.numpy()))
