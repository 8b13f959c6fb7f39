"""A few cases instead of a whole product, such that every pair of values occurs in one of them."""

from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import TypeVar

T = TypeVar("T", bound=tuple[Hashable, ...])


def pairwise_cases(cases: Sequence[T]) -> list[T]:
    """Choose cases, greedily, until every pair of values that occurs together somewhere occurs in what is chosen."""

    def pairs(case: T) -> set[tuple[tuple[int, Hashable], tuple[int, Hashable]]]:
        return set(combinations(enumerate(case), 2))

    missing = set().union(*map(pairs, cases))
    chosen: list[T] = []
    while missing:
        best = max(cases, key=lambda case: len(pairs(case) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return chosen
