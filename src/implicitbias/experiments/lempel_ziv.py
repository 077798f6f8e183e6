"""Complexity of binary strings by the number of words in their Lempel-Ziv (1976) history."""

import math


def words(text: str) -> int:
    """Words of the exhaustive history: each is the shortest piece that has not occurred before it ends.

    The last word may have occurred (Lempel & Ziv 1976; Kaspar & Schuster 1987).
    """
    count, start = 0, 0
    while start < len(text):
        length = 1
        while start + length <= len(text) and text[start : start + length] in text[: start + length - 1]:
            length += 1
        count, start = count + 1, start + length
    return count


def complexity(text: str) -> float:
    """log2(n) times the mean number of words forwards and backwards; log2(n) for a constant string (bits).

    Source: Dingle, Camargo & Louis 2018; Valle-Perez et al. 2019, section 4.
    """
    if text == text[0] * len(text):
        return math.log2(len(text))
    return math.log2(len(text)) * (words(text) + words(text[::-1])) / 2
