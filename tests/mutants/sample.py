"""A part of the mutants, always the same one; and what its score says about all of them."""

import math
from collections.abc import Sequence
from hashlib import sha256

from tests.mutants.mutation import Mutation


def sampled(mutations: Sequence[Mutation], at_most: int | None, *, sample: int = 0) -> list[Mutation]:
    """Draw so many mutants without replacement, each with the same probability; all of them for None.

    A larger sample holds the smaller ones, and a mutant stays in the sample when others come or go. Another number for
    `sample` draws independently: a score that tests were written for needs mutants which nobody had seen.
    """
    if at_most is None or len(mutations) <= at_most:
        return list(mutations)
    chosen = set(sorted(range(len(mutations)), key=lambda index: _rank(mutations[index], sample))[:at_most])
    return [mutation for index, mutation in enumerate(mutations) if index in chosen]


def _rank(mutation: Mutation, sample: int) -> bytes:
    return sha256("\0".join([str(sample), *mutation.key, str(mutation.before_it)]).encode()).digest()


def interval(killed: int, decided: int, *, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval for a share: with 95 % confidence, the score of all mutants is in it.

    Reference: Wilson 1927. It ignores that the mutants are finite in number, and so is a little too wide.
    """
    if not decided:
        return 0.0, 1.0
    share, weight = killed / decided, z * z / decided
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / decided + weight / (4 * decided))
    return max(0.0, middle - half), min(1.0, middle + half)


def pooled(folders: Sequence[tuple[int, int, int]], *, z: float = 1.96) -> tuple[float, float, float]:
    """Return the score of all mutants from samples of the folders, and its interval: each folder counts by its mutants.

    Reference: Cochran 1977, "Sampling Techniques", section 5.4, of stratified samples. The share of a folder in the variance is
    that of `interval`'s middle, so that a folder without a survivor does not count as certain.

    Args:
        folders: Of each, how many mutants there are, how many were decided, and how many of those were killed.
    """
    everything = sum(made for made, _, _ in folders)
    score, variance = 0.0, 0.0
    for made, decided, killed in folders:
        low, high = interval(killed, decided, z=z)
        middle = (low + high) / 2
        score += made / everything * killed / decided
        variance += (made / everything) ** 2 * (1 - decided / made) * middle * (1 - middle) / decided
    return score, max(0.0, score - z * math.sqrt(variance)), min(1.0, score + z * math.sqrt(variance))
