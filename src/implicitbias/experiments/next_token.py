"""A one-layer transformer that learns the next token in two stages, and the max-margin problems that these solve.

Huang, Liang & Yang 2024.
"""

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn.functional import softplus

from implicitbias.experiments.self_attention import log_attention
from implicitbias.experiments.sentences import Language, Tokens, beyond_order, in_order, language
from implicitbias.measurement.optima import hard_margin
from implicitbias.progress import Progress
from implicitbias.rng import derive_seed
from implicitbias.schema import variable
from implicitbias.training.checkpoints import checkpoint_steps

_SOURCE = "Huang, Liang & Yang 2024, sections 3 to 6"
LAYERS = ("feed-forward", "attention")
SENTENCES = ("training", "unseen, in order", "unseen, beyond the order")
_TESTS = 200  # unseen sentences of each kind, at most


def next_token(
    *,
    vocabulary: int = 20,
    features: int = 30,
    length: int = 4,
    sentences: int = 3,
    step_length: float = 0.1,
    steps: int = 2000,
    draws: int = 10,
    seed: int = 0,
) -> xr.Dataset:
    """How a layer of attention and a linear layer learn to predict the next token, one after the other.

    The logits of a sentence X `(length, d)` with query x are W_ov X^T softmax(X W_kq x); tokens are random unit
    vectors. First W_ov learns collocations: the mean cross-entropy of every token's collocate by the logits W_ov x.
    Then W_kq learns, with W_ov as it is, from sentences (see `experiments.sentences`): the mean cross-entropy of the
    optimal token's collocate. Both start at 0 and take normalised steps, full batch. Float64.

    Args:
        vocabulary: tokens of the language. This is V.
        features: coordinates of a token, at least as many as there are tokens. This is d.
        length: tokens of a sentence. Its query is among them.
        sentences: training sentences of every query.
        step_length: length of the steps.
        steps: steps of the optimizer. Either stage takes as many.
        draws: languages. Each has tokens, orders and sentences of its own.
        seed: of everything.

    Returns:
        Dimensions `layer`, `sentences`, `draw` and `step` (see `training.checkpoints`, without step 0) of the stage:
        `distance`, one minus the cosine of the layer's weights with its max-margin solution (a convex program: the
        smallest Frobenius norm with which the collocate's logit is 1 above others', or the optimal token's attention
        logit above those of its sentence); `log_excess_loss`, the logarithm of the stage's loss less what it is with
        all attention on the optimal token (0 for the first stage); `largest_margin`, one over the norm of that
        solution; `accuracy` of predictions by kind of sentence, in the second stage.
    """
    rngs = [np.random.default_rng(derive_seed("language", seed, draw)) for draw in range(draws)]
    languages = [language(rng, vocabulary, length, sentences) for rng in rngs]
    tests = [_tests(rng, of) for rng, of in zip(rngs, languages, strict=True)]
    tokens = torch.as_tensor(np.stack([rng.standard_normal((vocabulary, features)) for rng in rngs]))
    tokens /= tokens.norm(dim=-1, keepdim=True)
    collocate, chosen, queries = (
        torch.as_tensor(np.stack([getattr(of, name) for of in languages]))
        for name in ("collocate", "training", "queries")
    )
    places = torch.arange(draws)[:, None]
    ahead = tokens[places, chosen[..., 0]][:, :, None] - tokens[places[..., None], chosen[..., 1:]]
    query = tokens[places, queries]
    best_outer = torch.stack([_best_outer(*each) for each in zip(tokens, collocate, strict=True)])
    best_inner = torch.stack([_best_inner(*each) for each in zip(ahead, query, strict=True)])

    kept = checkpoint_steps("log", steps)[1:]
    distance, loss = np.empty((2, len(LAYERS), draws, len(kept)))
    accuracy = np.empty((len(SENTENCES), draws, len(kept)))
    outer = torch.zeros(draws, vocabulary, features, dtype=torch.float64)
    inner = torch.zeros(draws, features, features, dtype=torch.float64)
    with Progress(2 * steps, "next token", "step") as progress:
        for step in range(1, steps + 1):
            outer = outer - step_length * _unit(collocation(outer, tokens, collocate)[1])
            if step in kept:
                loss[0, :, kept.index(step)] = collocation(outer, tokens, collocate)[0]
                distance[0, :, kept.index(step)] = _distance(outer, best_outer)
            progress.update()
        votes = tokens @ outer.mT  # logits of every token if it had all attention
        data = Selection.of(ahead, query, votes, chosen, collocate)
        for step in range(1, steps + 1):
            inner = inner - step_length * _unit(selection(inner, data)[1])
            if step in kept:
                loss[1, :, kept.index(step)] = selection(inner, data)[0]
                distance[1, :, kept.index(step)] = _distance(inner, best_inner)
                for draw, kinds in enumerate(tests):
                    parts = inner[draw], tokens[draw], votes[draw], collocate[draw]
                    accuracy[:, draw, kept.index(step)] = [_accuracy(*parts, *kind) for kind in kinds]
            progress.update()
    margins = 1 / torch.stack([best.flatten(1).norm(dim=1) for best in (best_outer, best_inner)])
    dims = ("layer", "draw", "step")
    return xr.Dataset(
        {
            "distance": variable(dims, distance, "1 - cosine with the max-margin solution", source=_SOURCE),
            "log_excess_loss": variable(dims, loss, "log excess loss", "nat", _SOURCE),
            "largest_margin": variable(dims[:2], margins, "largest margin of weights of norm 1", source=_SOURCE),
            "accuracy": variable(("sentences", *dims[1:]), accuracy, "accuracy of the next token", source=_SOURCE),
        },
        {"layer": list(LAYERS), "sentences": list(SENTENCES), "draw": np.arange(draws), "step": kept},
    )


def collocation(outer: Tensor, tokens: Tensor, collocate: Tensor) -> tuple[Tensor, Tensor]:
    """The first stage's log loss, `(draws,)`, and the direction of its gradient, `(draws, V, d)`.

    Args:
        outer: W_ov, `(draws, V, d)`.
        tokens: `(draws, V, d)`.
        collocate: `(draws, V)`.
    """
    relative = _relative(tokens @ outer.mT, collocate)
    total = relative.logsumexp(-1, keepdim=True)
    wrong = relative - softplus(total)  # logarithms of the probabilities of all tokens but the collocate
    wrong = (wrong - wrong.amax((1, 2), keepdim=True)).exp()
    slopes = wrong.scatter(2, collocate[..., None], -wrong.sum(-1, keepdim=True))
    return softplus(total).mean((1, 2)).log(), slopes.mT @ tokens


@dataclass(frozen=True)
class Selection:
    """What the second stage learns from.

    `ahead` `(draws, n, length - 1, d)` is the optimal token less every other one of its sentence, `query` `(draws, n,
    d)`; `base` `(draws, n, V)` are the logits less that of the right next token if the optimal token has all attention
    (-inf for the right one), `gains` `(draws, n, length - 1, V)` by how much these rise per attention on the others.
    """

    ahead: Tensor
    query: Tensor
    base: Tensor
    gains: Tensor

    @classmethod
    def of(cls, ahead: Tensor, query: Tensor, votes: Tensor, chosen: Tensor, collocate: Tensor) -> "Selection":
        """From the tokens' logits `(draws, V, V)` and sentences `(draws, n, length)`, the optimal token first."""
        draws, _, length = chosen.shape
        right = collocate.gather(1, chosen[..., 0])
        logits = votes[torch.arange(draws)[:, None, None], chosen]
        logits = logits - logits.gather(-1, right[..., None, None].expand(-1, -1, length, 1))
        return cls(ahead, query, _relative(logits[:, :, 0], right), logits[:, :, 1:] - logits[:, :, :1])


def selection(inner: Tensor, data: Selection) -> tuple[Tensor, Tensor]:
    """The second stage's log excess loss, `(draws,)`, and the direction of its gradient by W_kq, `(draws, d, d)`."""
    _, others = log_attention(inner, data.ahead, data.query)
    attention = others.exp()
    rise = (attention[..., None] * data.gains).sum(2)
    excess = torch.log1p((data.base.exp() * rise.expm1()).sum(-1) / (1 + data.base.exp().sum(-1)))
    relative = data.base + rise
    wrong = relative - softplus(relative.logsumexp(-1, keepdim=True))
    size = wrong.amax(-1, keepdim=True)
    slopes = ((wrong - size).exp()[:, :, None] * data.gains).sum(-1)  # of the loss by attention, scaled
    slopes = slopes - (attention * slopes).sum(-1, keepdim=True)
    scale = others + size
    coefficients = (scale - scale.amax((1, 2), keepdim=True)).exp() * slopes
    return excess.mean(1).log(), -(coefficients[..., None] * data.ahead).sum(2).mT @ data.query


def _relative(logits: Tensor, own: Tensor) -> Tensor:
    """Logits less the own one, which is -inf then: `(..., V)`, for own tokens `(...)`."""
    own = own[..., None]
    return (logits - logits.gather(-1, own)).scatter(-1, own, -torch.inf)


def _best_outer(tokens: Tensor, collocate: Tensor) -> Tensor:
    """The smallest W_ov `(V, d)` with which the collocate's logit is at least 1 above all others."""
    unit = torch.eye(len(tokens), dtype=torch.float64)
    wins = (unit[collocate][:, None] - unit)[~unit[collocate].bool()].reshape(len(tokens), len(tokens) - 1, -1)
    features = wins[..., None] * tokens[:, None, None]
    return torch.as_tensor(hard_margin(features.flatten(0, 1).flatten(1).numpy())).reshape(tokens.shape)


def _best_inner(ahead: Tensor, query: Tensor) -> Tensor:
    """The smallest W_kq `(d, d)` with which the optimal token's attention logit is at least 1 above all others."""
    features = ahead[..., None] * query[:, None, None]
    return torch.as_tensor(hard_margin(features.flatten(0, 1).flatten(1).numpy())).reshape(features.shape[2:])


def _tests(rng: np.random.Generator, of: Language) -> list[tuple[Tokens, Tokens]]:
    """Sentences and queries of the three kinds."""
    return [(of.training, of.queries), in_order(rng, of, _TESTS), beyond_order(rng, of, _TESTS)]


def _accuracy(
    inner: Tensor, tokens: Tensor, votes: Tensor, collocate: Tensor, sentences: Tokens, queries: Tokens
) -> float:
    """How often the largest logit is that of the next token; NaN where there is no sentence."""
    chosen = torch.as_tensor(sentences)
    attention = torch.softmax((tokens[chosen] @ (inner @ tokens[queries].mT).mT[..., None])[..., 0], -1)
    said = (attention[..., None] * votes[chosen]).sum(1).argmax(-1)
    return float((said == collocate[chosen[:, 0]]).double().mean())


def _unit(gradient: Tensor) -> Tensor:
    return gradient / gradient.square().sum((1, 2), keepdim=True).sqrt()


def _distance(weight: Tensor, best: Tensor) -> Tensor:
    return 1 - torch.cosine_similarity(weight.flatten(1), best.flatten(1), dim=1)
