"""Sentences and next tokens: orders by their definition, gradients against autograd, optima against closed forms."""

import numpy as np
import pytest
import torch

from implicitbias.experiments import next_token, sentences
from implicitbias.experiments.sentences import Language


def made(seed: int = 0) -> Language:
    return sentences.language(np.random.default_rng(seed), 7, 3, 2)


def test_sentences_hold_their_query_and_agree_on_an_order() -> None:
    of = made()
    assert sorted(of.collocate) == list(range(7))
    assert all(query in tokens for query, tokens in zip(of.queries, of.training, strict=True))
    assert all(len(set(tokens)) == 3 for tokens in of.training)
    for query in range(7):
        order = sentences.above(of, query)
        assert not np.diagonal(order).any()
        assert not (order & order.T).any()


def test_order_goes_by_way_of_others() -> None:
    """2 > 0 > 1 of query 0; 3 is not compared with 1."""
    of = Language(np.arange(4), np.array([[2, 0], [0, 1], [3, 0]]), np.zeros(3, int))
    order = sentences.above(of, 0)
    assert {(int(a), int(b)) for a, b in np.argwhere(order)} == {(2, 0), (0, 1), (3, 0), (2, 1), (3, 1)}
    assert not sentences.above(of, 1).any()


@pytest.mark.parametrize("seed", range(3))
def test_unseen_sentences_are_unseen_and_of_their_kind(seed: int) -> None:
    of = sentences.language(np.random.default_rng(seed), 12, 3, 3)
    known = {(query, *sorted(tokens)) for query, tokens in zip(of.queries, of.training.tolist(), strict=True)}
    rng = np.random.default_rng(seed)
    follows, beyond = sentences.in_order(rng, of, 50), sentences.beyond_order(rng, of, 50)
    for tokens, queries in (follows, beyond):
        assert len(tokens) > 10
        assert len({(query, *sorted(row)) for query, row in zip(queries, tokens.tolist(), strict=True)}) == len(tokens)
        assert not known & {(query, *sorted(row)) for query, row in zip(queries, tokens.tolist(), strict=True)}
        assert all(query in row for query, row in zip(queries, tokens, strict=True))
    for row, query in zip(*follows, strict=True):
        assert sentences.above(of, query)[row[0], row[1:]].all()
    for row, query in zip(*beyond, strict=True):
        order = sentences.above(of, query)
        others = [token for token in row[1:] if token != query]
        assert order[row[0]].any()
        assert not order[:, row[0]].any()
        assert not order[others].any()
        assert not order[:, others].any()


def test_collocations_loss_and_gradient_are_those_of_autograd() -> None:
    generator = torch.Generator().manual_seed(0)
    tokens, outer = (torch.randn(2, 5, 6, dtype=torch.float64, generator=generator) for _ in range(2))
    collocate = torch.stack([torch.randperm(5, generator=generator) for _ in range(2)])
    outer.requires_grad_()
    logits = tokens @ outer.mT
    loss = torch.stack([torch.nn.functional.cross_entropy(*each) for each in zip(logits, collocate, strict=True)])
    (gradient,) = torch.autograd.grad(loss.sum(), outer)
    log_loss, way = next_token.collocation(outer.detach(), tokens, collocate)
    torch.testing.assert_close(log_loss.exp(), loss.detach())
    assert torch.cosine_similarity(way.flatten(1), gradient.flatten(1)) == pytest.approx(torch.ones(2))


def test_selections_loss_and_gradient_are_those_of_autograd() -> None:
    """Cross-entropy of W_ov X^T softmax(X W x), less that with all attention on the optimal token."""
    generator = torch.Generator().manual_seed(1)
    tokens, outer = (torch.randn(2, 5, 6, dtype=torch.float64, generator=generator) for _ in range(2))
    inner = torch.randn(2, 6, 6, dtype=torch.float64, generator=generator).requires_grad_()
    collocate = torch.stack([torch.randperm(5, generator=generator) for _ in range(2)])
    chosen = torch.stack([torch.randperm(5, generator=generator)[:3] for _ in range(8)]).reshape(2, 4, 3)
    losses, excesses = [], []
    for draw in range(2):
        x, right = tokens[draw][chosen[draw]], collocate[draw][chosen[draw][:, 0]]
        query = x[:, -1]
        attention = torch.softmax(torch.einsum("ntd,de,ne->nt", x, inner[draw], query), -1)
        logits = torch.einsum("nt,ntd,vd->nv", attention, x, outer[draw])
        losses.append(torch.nn.functional.cross_entropy(logits, right))
        excesses.append(losses[-1] - torch.nn.functional.cross_entropy(x[:, 0] @ outer[draw].T, right))
    (gradient,) = torch.autograd.grad(sum(losses), inner)
    x = tokens[torch.arange(2)[:, None, None], chosen]
    ahead = x[:, :, :1] - x[:, :, 1:]
    data = next_token.Selection.of(ahead, x[:, :, -1], tokens @ outer.mT, chosen, collocate)
    _, way = next_token.selection(inner.detach(), data)
    assert torch.cosine_similarity(way.flatten(1), gradient.flatten(1)) == pytest.approx(torch.ones(2))
    positive = torch.stack(excesses).detach()
    found = next_token.selection(inner.detach(), data)[0]
    torch.testing.assert_close(found[positive > 0].exp(), positive[positive > 0])


def test_max_margin_solutions_of_orthonormal_tokens() -> None:
    """W_ov x has 1 - 1/V at the collocate and -1/V elsewhere; W_kq x of one sentence (a, q) is (a - q)/2."""
    tokens, collocate = torch.eye(4, dtype=torch.float64), torch.tensor([2, 0, 3, 1])
    expected = torch.full((4, 4), -0.25, dtype=torch.float64)
    expected[collocate, torch.arange(4)] += 1
    torch.testing.assert_close(next_token._best_outer(tokens, collocate), expected)
    query = tokens[1:2]
    found = next_token._best_inner((tokens[:1] - query)[:, None], query)
    torch.testing.assert_close(found, torch.outer(tokens[0] - tokens[1], tokens[1]) / 2)


def test_layers_learn_what_they_are_to() -> None:
    found = next_token.next_token(vocabulary=8, features=10, length=3, sentences=2, steps=600, draws=4)
    end = found.isel(step=-1)
    assert (end["distance"] < 0.02).all()
    accuracy = end["accuracy"].mean("draw")
    assert float(accuracy.sel(sentences="training")) == 1
    assert float(accuracy.sel(sentences="unseen, in order")) > 0.95
    assert float(found["accuracy"].isel(step=0).mean()) < 0.8
    rate = -(found["log_excess_loss"].isel(step=-1) - found["log_excess_loss"].isel(step=-2))
    rate = rate / (0.1 * (found["step"][-1] - found["step"][-2]).item())
    np.testing.assert_allclose(rate, found["largest_margin"].values, rtol=0.1)
