"""Sentences whose next token is decided by a collocation and by orders of the tokens, one for every query.

Huang, Liang & Yang 2024, section 3. Tokens are numbers; the query is a sentence's last token. Of its tokens one is
optimal: it is above all the others in the order of the query. The next token is the optimal token's collocate.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int64]
Order = NDArray[np.bool_]
_TRIES = 50  # for every sentence that is wanted


@dataclass(frozen=True)
class Language:
    """What sentences are made from.

    `collocate` `(V,)` is the token that follows each, a permutation, and `training` `(n, length)` are sentences, the
    optimal token first and the query apart, in `queries` `(n,)`: it may be the optimal token or another one.
    """

    collocate: Tokens
    training: Tokens
    queries: Tokens


def language(rng: np.random.Generator, vocabulary: int, length: int, sentences: int) -> Language:
    """A random one: a linear order of all tokens for every query, and `sentences` sentences of distinct tokens each."""
    training = []
    for query in range(vocabulary):
        rank = rng.permutation(vocabulary)
        for _ in range(sentences):
            others = rng.choice(np.delete(np.arange(vocabulary), query), length - 1, replace=False)
            tokens = np.append(others, query)
            training.append(tokens[np.argsort(rank[tokens], kind="stable")])
    return Language(rng.permutation(vocabulary), np.array(training), np.repeat(np.arange(vocabulary), sentences))


def above(of: Language, query: int) -> Order:
    """Which token the training sentences of a query put above which, directly or by way of others: `(V, V)`."""
    size = len(of.collocate)
    order = np.zeros((size, size), bool)
    for tokens in of.training[of.queries == query]:
        order[tokens[0], tokens[1:]] = True
    for middle in range(size):
        order |= order[:, middle, None] & order[middle]
    return order


def in_order(rng: np.random.Generator, of: Language, count: int) -> tuple[Tokens, Tokens]:
    """Sentences that are not in training, but whose optimal token training puts above all their others.

    Returns:
        Sentences `(count, length)`, the optimal token first, and their queries `(count,)`; fewer if few are found.
    """
    return _unseen(rng, of, count, lambda order, first: order[first].copy())


def beyond_order(rng: np.random.Generator, of: Language, count: int) -> tuple[Tokens, Tokens]:
    """Sentences of a token that training puts above some and below none, the query, and tokens new to the query.

    No training sentence of the query holds these others, so that no order between them and the first is known.

    Returns:
        As `in_order`.
    """

    def new(order: Order, first: int) -> Order:
        unknown: Order = np.asarray(~(order | order.T).any(0))
        return unknown & ~order[:, first].any()

    return _unseen(rng, of, count, new)


def _unseen(
    rng: np.random.Generator, of: Language, count: int, partners: Callable[[Order, int], Order]
) -> tuple[Tokens, Tokens]:
    """Sentences of a first token, the query (which it is, or which it is above), and partners of the first token."""
    size, length = len(of.collocate), of.training.shape[1]
    orders = [above(of, query) for query in range(size)]
    known = {(query, *sorted(tokens)) for query, tokens in zip(of.queries.tolist(), of.training.tolist(), strict=True)}
    found: list[tuple[list[int], int]] = []
    for _ in range(_TRIES * count):
        query = int(rng.integers(size))
        order = orders[query]
        first = int(rng.choice(np.flatnonzero(order.any(1))))
        allowed = partners(order, first)
        allowed[query] = False
        given = [first] if first == query else [first, query]
        missing = length - len(given)
        if (first == query or order[first, query]) and allowed.sum() >= missing:
            tokens = given + rng.choice(np.flatnonzero(allowed), missing, replace=False).tolist()
            if (query, *sorted(tokens)) not in known:
                known.add((query, *sorted(tokens)))
                found.append((tokens, query))
        if len(found) == count:
            break
    sentences = np.array([tokens for tokens, _ in found], np.int64).reshape(-1, length)
    return sentences, np.array([query for _, query in found], np.int64)
